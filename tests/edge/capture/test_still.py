"""Which pictures become stills, and how large they are."""

import io
from collections.abc import Callable
from typing import Any

import av
import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image

from fieldlink.codecs.bundle import Precedence
from fieldlink.codecs.geo import Pose
from fieldlink.codecs.picture import picture_metadata, pose_of_meta
from fieldlink.edge.capture.looks import FrozenWatch, Look, look_at
from fieldlink.edge.capture.ports import PoseAt, nowhere
from fieldlink.edge.capture.settings import CaptureSettings, StillSettings
from fieldlink.edge.capture.shot import Shots
from fieldlink.edge.capture.still import StillMaker, encode_still

_T0_US = 1_700_000_000_000_000


def _scene(number: int = 0, width: int = 640, height: int = 360) -> Any:
    """A picture full of detail that differs by number."""
    noise = np.random.default_rng(number).integers(0, 255, (height // 4, width // 4, 3), np.uint8)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)


def _frame(pixels: Any) -> Any:
    return av.VideoFrame.from_ndarray(pixels, format="bgr24")


def _look(pixels: Any) -> Look:
    return look_at(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY))


class Stills:
    """A maker under a clock of its own: `show` a picture at so many seconds."""

    def __init__(self, keeper: Any, pose_at: PoseAt = nowhere, **settings: Any) -> None:
        capture = CaptureSettings(still=StillSettings(**settings))
        self.maker = StillMaker(
            "a", lambda: capture, sink=keeper.sink, clock=lambda: _T0_US, pose_at=pose_at
        )

    def show(self, at_s: float, pixels: Any) -> str:
        return self.maker.offer(_frame(pixels), _look(pixels), _T0_US + round(at_s * 1e6))


def test_the_first_good_picture_is_a_still_at_once_and_then_every_so_often(keeper: Any) -> None:
    stills = Stills(keeper, every="3s")
    for number in range(100):
        stills.show(number / 10, _scene(number))
    times = [(draft.start_us - _T0_US) / 1e6 for draft, _ in keeper.bundles]
    assert times[0] == 0
    assert len(times) in (4, 5)  # the second is up to half an interval early
    first = keeper.bundles[0][0]
    assert first.precedence is Precedence.IMMEDIATE
    assert first.deadline_us == first.start_us + 7_200_000_000
    assert first.media_type == "image/avif"


def test_the_sharpest_of_the_recent_pictures_is_chosen(keeper: Any) -> None:
    stills = Stills(keeper, every="3s")
    tenth = 0
    while len(keeper.bundles) < 2:  # the second comes early, so that cameras take turns
        stills.show(tenth / 10, cv2.GaussianBlur(_scene(tenth), (0, 0), 3))
        tenth += 1
    last = tenth - 1
    for later in range(1, 31):
        sharp = later == 24
        picture = _scene(last + later)
        blurred = picture if sharp else cv2.GaussianBlur(picture, (0, 0), 3)
        stills.show((last + later) / 10, blurred)
    times = [draft.start_us - _T0_US for draft, _ in keeper.bundles]
    assert 1_500_000 <= last * 100_000 <= 3_000_000
    assert times[2:] == [(last + 24) * 100_000]


@pytest.mark.parametrize(("level", "fault"), [(16, "black"), (0, "black"), (128, "blank")])
def test_black_and_blank_pictures_never_become_stills(keeper: Any, level: int, fault: str) -> None:
    stills = Stills(keeper)
    assert stills.show(0, np.full((360, 640, 3), level, np.uint8)) == fault
    assert keeper.bundles == []
    assert stills.show(1, _scene()) == ""
    assert len(keeper.bundles) == 1


def test_a_night_scene_with_a_lamp_is_not_black() -> None:
    night = np.full((360, 640), 18, np.uint8)
    cv2.circle(night, (300, 100), 25, 200, -1)
    assert look_at(night).fault == ""


def test_a_frozen_camera_gives_no_stills_until_it_moves(keeper: Any) -> None:
    stills = Stills(keeper, every="1s")
    faults = [stills.show(number / 10, _scene(0)) for number in range(60)]
    assert faults[:30] == [""] * 30
    assert faults[30:] == ["frozen"] * 30
    made = len(keeper.bundles)
    assert stills.show(6, _scene(1)) == ""
    stills.show(7.1, _scene(2))
    assert len(keeper.bundles) > made


def test_a_clock_in_the_corner_is_movement() -> None:
    watch, picture = FrozenWatch(), _scene(0)
    for number in range(60):
        shown = picture.copy()
        cv2.rectangle(shown, (0, 0), (200, 30), (0, 0, 0), -1)
        cv2.putText(shown, f"12:00:{number:02d}", (5, 24), 0, 0.8, (255, 255, 255), 2)
        assert not watch.is_frozen(_look(shown), number * 1_000_000)


@pytest.mark.parametrize("kind", ["avif", "webp"])
@pytest.mark.parametrize(("width", "height"), [(1280, 720), (720, 1280), (320, 240), (4000, 300)])
def test_a_still_fits_its_size_and_keeps_its_aspect(kind: str, width: int, height: int) -> None:
    settings = StillSettings.model_validate({"format": kind})
    frame = _frame(_scene(3, width, height))
    content, wide, high, _ = encode_still(frame, settings)
    assert len(content) <= settings.size
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape[:2] == (high, wide)
    assert abs(wide / high - width / height) < 0.05 * width / height
    assert wide <= 640


def test_quality_comes_back_when_pictures_get_simpler(keeper: Any) -> None:
    settings = StillSettings()
    *_, low = encode_still(_frame(_scene(3)), settings, 40)
    plain = _frame(cv2.GaussianBlur(_scene(3), (0, 0), 20))
    quality: int = low
    for _ in range(6):
        *_, quality = encode_still(plain, settings, quality)
    assert low < quality == settings.quality


def test_settings_change_while_running(keeper: Any) -> None:
    current: list[CaptureSettings] = [CaptureSettings()]
    clock: Callable[[], int] = lambda: _T0_US  # noqa: E731
    maker = StillMaker("a", lambda: current[0], sink=keeper.sink, clock=clock)
    maker.offer(_frame(_scene(0)), _look(_scene(0)), _T0_US)
    current[0] = CaptureSettings(still=StillSettings(format="webp", width=160))
    maker.connected_again()
    maker.offer(_frame(_scene(1)), _look(_scene(1)), _T0_US + 10)
    assert [draft.media_type for draft, _ in keeper.bundles] == ["image/avif", "image/webp"]
    assert keeper.bundles[1][0].meta["width"] == 160


_POSE = Pose(
    _T0_US, 30.1234567, 103.7654321, 488.2, 120.4, 123.4, 1.2, -3.4, -60.0, 200.5, 62.1,
    gimbal_roll=0.3, accuracy_m=1.5,
)  # fmt: skip


@pytest.mark.parametrize("kind", ["avif", "webp"])
@pytest.mark.parametrize("size", [12_000, 5_000, 1_200])
def test_a_still_that_says_where_it_is_from_fits_its_size_all_the_same(
    keeper: Any, kind: str, size: int
) -> None:
    asked: list[tuple[str, int]] = []

    def pose_at(device: str, at_us: int) -> Pose:
        asked.append((device, at_us))
        return _POSE

    stills = Stills(keeper, pose_at, format=kind, size=f"{size}B")
    stills.show(0, _scene(3))
    [(draft, content)] = keeper.bundles
    assert len(content) <= size
    assert asked == [("a", _T0_US)]
    whole = picture_metadata(_POSE, "a", _T0_US)
    assert (b"GimbalPitchDegree" in content) == (size == 12_000)
    assert (whole.exif in content) == (b"Fieldlink" in content) == (size > 2_000)
    found = pose_of_meta(draft.meta, _T0_US)
    assert found is not None
    assert (found.lat, found.gimbal_pitch) == (30.123457, -60.0)
    assert found.vfov == pytest.approx(37.4, abs=0.05)  # of 16:9
    assert "footprint" in draft.meta
    assert draft.meta["height_m"] == "120.4"
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape[:2] == (draft.meta["height"], draft.meta["width"])


def test_a_still_of_an_unknown_place_is_what_it_always_was(keeper: Any) -> None:
    stills = Stills(keeper)
    stills.show(0, _scene(3))
    [(draft, content)] = keeper.bundles
    assert draft.meta.keys() == {"width", "height", "quality"}
    quality = draft.meta["quality"]
    expected = cv2.imencode(".avif", _scene(3), [cv2.IMWRITE_AVIF_QUALITY, quality])[1].tobytes()
    assert content == expected


def test_a_picture_that_was_asked_for_says_in_full_size_where_it_was_taken(keeper: Any) -> None:
    shots = Shots("a", lambda: 60.0, keeper.sink, lambda: _T0_US, lambda device, at_us: _POSE)
    asked = shots.want()
    shots.offer(_frame(_scene(3)), _T0_US)
    [(draft, content)] = keeper.bundles
    assert content == asked.result(0).content
    read = Image.open(io.BytesIO(content))
    assert read.getexif().get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"
    assert draft.meta["lat"] == "30.123457"
    assert draft.meta["vfov"] == "37.4"


def test_a_picture_that_was_asked_for_keeps_its_bound_and_says_its_size(
    keeper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldlink.edge.capture.shot.MAX_SHOT_BYTES", 30_000)
    shots = Shots("a", lambda: 60.0, keeper.sink, lambda: _T0_US)
    asked = shots.want()
    noise = np.random.default_rng(1).integers(0, 255, (360, 640, 3), np.uint8)
    shots.offer(_frame(noise), _T0_US)
    [(draft, content)] = keeper.bundles
    assert len(content) <= 30_000
    size = Image.open(io.BytesIO(content)).size
    assert size == (draft.meta["width"], draft.meta["height"])
    assert size == (asked.result(0).width, asked.result(0).height)
    assert size[0] < 640
