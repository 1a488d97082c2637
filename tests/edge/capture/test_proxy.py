"""The proxy: pieces that play alone, at the rate and the size that were asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fieldlink.codecs.bundle import Precedence
from fieldlink.codecs.mp4 import read_reference_times
from fieldlink.edge.capture.backlog import Backlog
from fieldlink.edge.capture.outages import Outages
from fieldlink.edge.capture.overload import Overload
from fieldlink.edge.capture.pictures import Pictures
from fieldlink.edge.capture.proxy import ProxyMaker
from fieldlink.edge.capture.proxy_encoder import fitted_size
from fieldlink.edge.capture.settings import CaptureSettings, ProxySettings, StillSettings
from fieldlink.edge.capture.still import StillMaker
from fieldlink.edge.source.media import Opened, Packet

Read = Callable[[Path], tuple[Opened, list[Packet]]]
_T0_US = 1_700_000_000_000_000
_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-c:a", "aac")


def _settings(**proxy: Any) -> CaptureSettings:
    return CaptureSettings(proxy=ProxySettings(**proxy), still=StillSettings(width=64))


def _decode_all(
    opened: Opened, packets: list[Packet], keeper: Any, settings: Callable[[], CaptureSettings]
) -> Pictures:
    """Run the packets through the decoder's thread."""
    assert opened.video is not None
    failures: list[BaseException] = []
    sinks = {"sink": keeper.sink, "clock": lambda: _T0_US}
    proxy = ProxyMaker("a", opened.video, opened.audio, settings, **sinks)
    pictures = Pictures(
        opened.video,
        StillMaker("a", settings, **sinks),
        proxy,
        Outages("a", "video", keeper.gap),
        Overload("a", "video", **sinks),
        clock=lambda: _T0_US,
        failed=failures.append,
    )
    pictures.backlog = _Patient()
    pictures.start()
    for packet in packets:
        pictures.backlog.put(packet)
    assert pictures.finish(30)
    assert failures == []
    return pictures


class _Patient(Backlog):
    """Never sheds: a test feeds faster than real time."""

    def _is_behind(self, packet: Packet) -> bool:
        return False


@pytest.mark.parametrize(("codec", "name"), [("av1", "av01.0."), ("h264", "avc1.")])
def test_pieces_play_alone_and_follow_each_other(
    film: Any, packets_of: Read, ffprobe: Any, count_frames: Any, keeper: Any, codec: str, name: str
) -> None:
    opened, packets = packets_of(film(*_H264, size="640x360"))
    settings = _settings(codec=codec, piece="2s")
    _decode_all(opened, packets, keeper, lambda: settings)
    pieces = [(d, c) for d, c in keeper.bundles if d.layer == "proxy"]
    assert [dict(draft.meta)["frames"] for draft, _ in pieces] == [20, 20, 10]
    for draft, content in pieces:
        said = ffprobe(content)
        assert {s["codec_name"] for s in said["streams"]} == {codec, "opus"}
        assert count_frames(said) == draft.meta["frames"]
        assert draft.media_type.startswith(f'video/mp4; codecs="{name}')
        assert draft.media_type.endswith(',opus"')
        assert draft.precedence is Precedence.PRIORITY
        assert draft.deadline_us == draft.start_us + 7_200_000_000
        assert abs(read_reference_times(content)[0].utc_us - draft.start_us) < 50_000
    spans = [(draft.start_us, draft.end_us) for draft, _ in pieces]
    assert [start for start, _ in spans[1:]] == [end for _, end in spans[:-1]]
    bits = [len(content) * 8 for _, content in pieces]
    assert sum(bits) / 5 < 1.6 * 124_000  # 100 kbit/s of video, 24 of sound, boxes, one burst


def test_sizes_keep_the_aspect_and_never_grow() -> None:
    settings = ProxySettings()
    assert fitted_size(1280, 720, settings) == (640, 360)
    assert fitted_size(720, 1280, settings) == (202, 360)
    assert fitted_size(1024, 768, settings) == (480, 360)
    assert fitted_size(320, 180, settings) == (320, 180)


def test_settings_take_effect_with_the_next_piece(film: Any, packets_of: Read, keeper: Any) -> None:
    opened, packets = packets_of(film(*_H264, size="640x360"))
    now = [_settings(piece="2s", codec="h264")]

    def sink(draft: Any, content: bytes) -> None:
        keeper.sink(draft, content)
        if draft.layer == "proxy":
            now[0] = _settings(piece="1s", codec="h264", width=320, height=180, fps=5)

    class Changing:
        gap = keeper.gap

    changing: Any = Changing()
    changing.sink = sink
    _decode_all(opened, packets, changing, lambda: now[0])
    pieces = [draft.meta for draft, _ in keeper.bundles if draft.layer == "proxy"]
    sizes = [(meta["width"], meta["frames"]) for meta in pieces]
    # The second piece had begun when the first was handed over, and with it the change.
    assert sizes[:2] == [(640, 20), (640, 20)]
    assert sizes[2:] in ([(320, 5)], [(320, 4)])


def test_switched_off_nothing_is_made(film: Any, packets_of: Read, keeper: Any) -> None:
    opened, packets = packets_of(film(*_H264, size="640x360"))
    settings = CaptureSettings(
        proxy=ProxySettings(enabled=False), still=StillSettings(enabled=False)
    )
    _decode_all(opened, packets[:100], keeper, lambda: settings)
    assert keeper.bundles == []


def test_broken_packets_are_counted_and_no_torn_picture_becomes_a_still(
    film: Any, packets_of: Read, keeper: Any
) -> None:
    opened, packets = packets_of(film(*_H264, "-an", size="640x360"))
    broken = []
    for number, packet in enumerate(packets):
        data = packet.data
        if number % 25 in (1, 2, 3):
            half = len(data) // 2
            data = data[:half] + bytes(byte ^ 0xA5 for byte in data[half:])
        broken.append(
            Packet(
                packet.kind,
                data,
                packet.pts,
                packet.dts,
                packet.duration,
                packet.keyframe,
                packet.corrupt,
                packet.utc_us,
            )
        )
    settings = CaptureSettings(
        still=StillSettings.model_validate({"every": "500ms"}), proxy=ProxySettings(codec="h264")
    )
    pictures = _decode_all(opened, broken, keeper, lambda: settings)
    assert pictures.broken > 5
    stills = [(d.start_us - _T0_US) // 1000 % 1000 for d, _ in keeper.bundles if d.layer == "still"]
    assert stills
    assert set(stills) == {0}  # only keyframes, one a second, are whole


def test_a_decoder_that_falls_behind_sheds_whole_groups() -> None:
    backlog = Backlog()

    def put(number: int) -> None:
        key = number % 10 == 0
        backlog.put(Packet("video", b"", number, number, 1, key, False, number * 100_000))

    for number in range(35):
        put(number)
    taken = []
    while (found := backlog.get(0.0))[1] is not None:
        taken.append(found[1].pts)
    assert taken[0] % 10 == 0
    assert taken == list(range(taken[0], 35))
    assert backlog.dropped_packets == 35 - len(taken)
    assert backlog.dropped_groups >= 1
