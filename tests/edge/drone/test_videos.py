"""Streams of aircraft as devices of the kit, in times that the test says."""

import asyncio
from collections.abc import Collection
from typing import Any

import pytest

from fieldlink.drone.camera import CameraState, Stream
from fieldlink.edge.capture.settings import CaptureSettings
from fieldlink.edge.capture.shot import Shot
from fieldlink.edge.drone.videos import Videos
from fieldlink.edge.source.settings import DeviceSettings

S = 1_000_000


class FakeMedia:
    """Records nothing, and knows what it was told."""

    def __init__(self, *configured: str) -> None:
        self.configured = list(configured)
        self.here: dict[str, DeviceSettings] = {}
        self.states: dict[str, str] = {}
        self.log: list[str] = []

    async def attach(self, device: DeviceSettings) -> bool:
        if device.name in self.configured:
            return False
        self.log.append(f"+{device.name}")
        self.here[device.name] = device
        return True

    async def detach(self, name: str) -> None:
        self.log.append(f"-{name}")
        self.here.pop(name, None)

    def report(self) -> dict[str, dict[str, Any]]:
        names = [*self.configured, *self.here]
        return {name: {"state": self.states.get(name, "connecting")} for name in names}

    def adjust(self, name: str, capture: CaptureSettings | None) -> CaptureSettings | None:
        raise AssertionError

    async def shot(self, name: str, patience_s: float) -> Shot | None:
        raise AssertionError


class Stage:
    """One aircraft, "m300-1", and the time."""

    def __init__(
        self, media: FakeMedia, *, auto: bool = True, others: Collection[str] = ()
    ) -> None:
        self.media, self.now_us = media, 0
        self.videos = Videos(media, lambda _: auto, lambda _: "192.168.1.20", lambda: others)
        self.cameras: list[CameraState] = []
        self.silent_us = 0

    def camera(self, compid: int, *streams: tuple[str, bool], count: int = 0) -> CameraState:
        made = CameraState((1, compid, 0), number=len(self.cameras) + 1)
        for number, (uri, thermal) in enumerate(streams, 1):
            made.streams[number] = Stream(
                number, 0, count or len(streams), uri=uri, thermal=thermal, seen_us=self.now_us
            )
        self.cameras.append(made)
        return made

    def look(self, after_s: int = 1) -> dict[str, str]:
        """Let time pass; the URLs that are recorded, by device."""
        self.now_us += after_s * S
        seen = [(one, self.silent_us) for one in self.cameras]
        self.videos.look(1, "m300-1", seen, self.now_us)
        asyncio.run(self.videos.arrange(self.now_us))
        return {name: device.url for name, device in self.media.here.items()}

    def why(self, name: str) -> str:
        (found,) = [one for one in self.videos.report() if one["name"] == name]
        return f"{found['state']}: {found['why']}"


NORMAL, THERMAL = ("rtsp://192.168.1.20/v", False), ("rtsp://192.168.1.20/t", True)


def test_the_first_stream_is_the_aircraft_and_the_thermal_one_comes_behind() -> None:
    stage = Stage(FakeMedia())
    stage.camera(100, THERMAL, NORMAL)
    assert stage.look() == {"m300-1": NORMAL[0], "m300-1-2": THERMAL[0]}
    assert stage.media.here["m300-1"].carrier == ""
    assert stage.media.here["m300-1-2"].carrier == "m300-1"
    stage.camera(101, ("rtsp://192.168.1.21/v", False))
    assert stage.look()["m300-1-3"] == "rtsp://192.168.1.21/v"
    assert stage.media.log == ["+m300-1", "+m300-1-2", "+m300-1-3"]  # nobody was begun anew


def test_a_camera_on_the_gimbal_goes_before_one_in_the_nose() -> None:
    stage = Stage(FakeMedia())
    stage.camera(100, ("rtsp://192.168.1.20/nose", False))
    stage.camera(101, ("rtsp://192.168.1.20/below", False)).gimbal = 154
    assert stage.look() == {
        "m300-1": "rtsp://192.168.1.20/below", "m300-1-2": "rtsp://192.168.1.20/nose",
    }  # fmt: skip


def test_names_wait_until_all_streams_of_a_camera_are_said_but_not_for_ever() -> None:
    stage = Stage(FakeMedia())
    camera = stage.camera(100, THERMAL, count=2)
    assert stage.look() == {}
    camera.streams[2] = Stream(2, 0, 2, uri=NORMAL[0])
    assert stage.look() == {"m300-1": NORMAL[0], "m300-1-2": THERMAL[0]}
    late = Stage(FakeMedia())
    late.camera(100, THERMAL, count=2)
    assert late.look(6) == {"m300-1": THERMAL[0]}


def test_what_is_configured_goes_first_and_is_tried_again_now_and_then() -> None:
    stage = Stage(FakeMedia("m300-1"))
    stage.camera(100, NORMAL)
    assert stage.look() == {}
    assert stage.why("m300-1").startswith("refused: the settings have a [[device]]")
    stage.media.configured.clear()
    assert stage.look() == {}  # not every second
    assert stage.look(30) == {"m300-1": NORMAL[0]}
    assert stage.why("m300-1") == "connecting: "


def test_another_guest_of_the_same_name_is_let_be() -> None:
    stage = Stage(FakeMedia())
    stage.media.here["m300-1"] = DeviceSettings(name="m300-1", url="rtmp://h/dji")
    stage.camera(100, NORMAL)
    assert stage.look() == {"m300-1": "rtmp://h/dji"}
    assert "another device" in stage.why("m300-1")


def test_one_stream_that_two_cameras_name_is_recorded_once() -> None:
    stage = Stage(FakeMedia())
    stage.camera(100, NORMAL)
    stage.camera(101, ("rtsp://user:word@192.168.1.20:554/v/", False))
    assert stage.look() == {"m300-1": NORMAL[0]}
    assert "same stream" in stage.why("m300-1-2")


def test_a_new_address_is_recorded_from_there() -> None:
    stage = Stage(FakeMedia())
    camera = stage.camera(100, NORMAL)
    stage.look()
    camera.streams[1].uri = "rtsp://192.168.1.30/v"
    assert stage.look(30) == {"m300-1": "rtsp://192.168.1.30/v"}
    camera.streams[1].uri = "file:///etc/passwd"
    assert stage.look() == {"m300-1": "rtsp://192.168.1.30/v"}  # what cannot be changes nothing
    assert stage.media.log == ["+m300-1", "-m300-1", "+m300-1"]


def test_an_address_that_changes_every_second_does_not_begin_recorders_every_second() -> None:
    stage = Stage(FakeMedia())
    camera = stage.camera(100, NORMAL)
    for number in range(120):
        camera.streams[1].uri = f"rtsp://192.168.1.{number + 1}/v"
        stage.look()
    assert stage.media.log.count("+m300-1") <= 5


def test_no_stream_takes_the_name_of_another_aircraft() -> None:
    stage = Stage(FakeMedia(), others={"m300-1-2"})
    stage.camera(100, NORMAL, THERMAL)
    assert stage.look() == {"m300-1": NORMAL[0], "m300-1-3": THERMAL[0]}


def test_a_camera_that_is_silent_is_recorded_on_while_pictures_come() -> None:
    stage = Stage(FakeMedia())
    stage.camera(100, NORMAL)
    stage.look()
    stage.media.states["m300-1"], stage.silent_us = "live", 300 * S
    assert stage.look() == {"m300-1": NORMAL[0]}
    stage.cameras.clear()  # forgotten
    assert stage.look() == {"m300-1": NORMAL[0]}
    stage.media.states["m300-1"] = "down"
    assert stage.look() == {}
    assert stage.videos.report() == []


def test_a_camera_that_comes_back_is_recorded_again_under_its_name() -> None:
    stage = Stage(FakeMedia())
    stage.camera(100, NORMAL)
    stage.look()
    stage.silent_us = 130 * S
    assert stage.look() == {}
    stage.silent_us = 0
    assert stage.look() == {"m300-1": NORMAL[0]}


def test_off_by_the_settings_it_is_listed_and_recorded_when_asked_for() -> None:
    stage = Stage(FakeMedia(), auto=False)
    stage.camera(100, NORMAL)
    assert stage.look() == {}
    assert stage.why("m300-1") == "off: "
    stage.videos.all["m300-1"].wanted = True
    assert stage.look() == {"m300-1": NORMAL[0]}


def test_what_somebody_adds_is_recorded_and_what_cannot_be_is_said() -> None:
    stage = Stage(FakeMedia("gate"))
    stage.videos.add("extra", "rtp://0.0.0.0:5600?codec=h264", "m300-1")
    assert stage.look() == {"extra": "rtp://0.0.0.0:5600?codec=h264"}
    assert stage.media.here["extra"].carrier == "m300-1"
    for name, url in (("extra", "rtsp://h/x"), ("gate", "rtsp://h/x"), ("new", "gopher://h/x")):
        with pytest.raises(ValueError, match=r"recorded already|use one of"):
            stage.videos.add(name, url, "m300-1")


def test_what_was_added_wrongly_is_stopped_and_added_again() -> None:
    stage = Stage(FakeMedia())
    stage.videos.add("extra", "rtsp://h/wrong", "m300-1")
    stage.look()
    with pytest.raises(ValueError, match="video stop extra first"):
        stage.videos.add("extra", "rtsp://h/right", "m300-1")
    stage.videos.all["extra"].wanted = False
    stage.look()
    stage.videos.add("extra", "rtsp://h/right", "m300-1")
    assert stage.look() == {"extra": "rtsp://h/right"}
    for number in range(40):  # stopped ones leave room
        stage.videos.add(f"more-{number}", f"rtsp://h/{number}", "m300-1").wanted = False


def test_what_people_decided_lasts_while_the_links_are_opened_anew() -> None:
    before = Stage(FakeMedia())
    before.camera(100, NORMAL, THERMAL)
    before.videos.add("extra", "rtsp://h/x", "m300-1")
    before.look()
    before.videos.all["m300-1"].wanted = False
    after = Stage(FakeMedia())
    after.videos.restore(before.videos.kept())
    assert after.look() == {"extra": "rtsp://h/x"}  # the camera is not heard yet
    after.camera(100, NORMAL, THERMAL)
    assert after.look() == {"extra": "rtsp://h/x", "m300-1-2": THERMAL[0]}
    assert after.why("m300-1") == "off: "


def test_there_is_an_end_to_how_many_are_recorded() -> None:
    stage = Stage(FakeMedia())
    for compid in range(100, 106):
        streams = [(f"rtsp://192.168.1.{compid}/{number}", False) for number in range(8)]
        stage.camera(compid, *streams)
    assert len(stage.look()) == 8


def test_the_secrets_of_a_url_are_not_told() -> None:
    stage = Stage(FakeMedia())
    stage.camera(100, ("rtsp://user:word@192.168.1.20/v?token=word", False))
    assert "word@" in stage.look()["m300-1"]
    assert "word" not in str(stage.videos.report())
