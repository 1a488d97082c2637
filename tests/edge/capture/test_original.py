"""Originals: copied, cut at keyframes, playable alone, in UTC."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fieldlink.codecs.bundle import Layer, Precedence
from fieldlink.codecs.mp4 import read_reference_times
from fieldlink.edge.capture.original import OriginalWriter
from fieldlink.edge.capture.settings import OriginalSettings
from fieldlink.edge.source.media import Opened, Packet

Read = Callable[[Path], tuple[Opened, list[Packet]]]
Probe = Callable[[bytes], dict[str, Any]]
Films = Callable[..., Path]
_T0_US = 1_700_000_000_000_000
_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "25")
_B_FRAMES = ("-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "25")
_H265 = (
    "-c:v",
    "libx265",
    "-preset",
    "ultrafast",
    "-x265-params",
    "log-level=none:open-gop=0:keyint=25",
)


def _write(opened: Opened, packets: list[Packet], keeper: Any, **settings: Any) -> OriginalWriter:
    writer = OriginalWriter(
        "ball-1",
        opened,
        lambda: OriginalSettings(**settings),
        sink=keeper.sink,
        clock=lambda: _T0_US,
    )
    for packet in packets:
        writer.feed(packet)
    writer.finish()
    return writer


@pytest.mark.parametrize(
    ("codecs", "ending", "tag", "sound"),
    [
        ((*_H264, "-c:a", "aac"), "mp4", "avc1", "aac"),
        ((*_B_FRAMES, "-c:a", "aac"), "ts", "avc1", "aac"),  # Annex B, ADTS, reordering
        ((*_H265, "-c:a", "aac"), "ts", "hvc1", "aac"),
        ((*_H265, "-an"), "mp4", "hvc1", ""),
        ((*_H264, "-c:a", "pcm_mulaw"), "mkv", "avc1", "opus"),  # MP4 holds no G.711
        ((*_H264, "-c:a", "libmp3lame"), "ts", "avc1", "opus"),  # 8 kHz
    ],
)
def test_every_frame_is_kept_whatever_the_camera_sends(
    film: Films,
    packets_of: Read,
    ffprobe: Probe,
    count_frames: Callable[..., int],
    keeper: Any,
    codecs: tuple[str, ...],
    ending: str,
    tag: str,
    sound: str,
) -> None:
    opened, packets = packets_of(film(*codecs, ending=ending))
    _write(opened, packets, keeper)
    said = [ffprobe(content) for _, content in keeper.bundles]
    assert len(said) == 3 if ending != "mkv" else len(said) >= 2
    assert sum(count_frames(s) for s in said) == 125
    for file in said:
        streams = {stream["codec_type"]: stream for stream in file["streams"]}
        assert streams["video"]["codec_tag_string"] == tag
        assert streams.get("audio", {"codec_name": ""})["codec_name"] == sound
        for stream in streams.values():
            assert 0 <= float(stream["start_time"]) < 0.25
            times = [
                int(p["dts"]) for p in file["packets"] if p["codec_type"] == stream["codec_type"]
            ]
            assert times == sorted(set(times))


def test_the_originals_of_a_real_clip_are_the_clip(
    real_clip: Path, packets_of: Read, ffprobe: Probe, count_frames: Callable[..., int], keeper: Any
) -> None:
    opened, packets = packets_of(real_clip)
    _write(opened, packets, keeper)
    source = ffprobe(real_clip.read_bytes())
    said = [ffprobe(content) for _, content in keeper.bundles]
    for kind in ("video", "audio"):
        assert sum(count_frames(file, kind) for file in said) == count_frames(source, kind) > 100


def test_spans_touch_and_the_wall_clock_is_in_the_file(
    film: Films, packets_of: Read, keeper: Any
) -> None:
    opened, packets = packets_of(film(*_H264, "-c:a", "aac"))
    _write(opened, packets, keeper)
    drafts = [draft for draft, _ in keeper.bundles]
    assert [d.start_us for d in drafts[1:]] == [d.end_us for d in drafts[:-1]]
    assert [d.end_us - d.start_us for d in drafts] == [2_000_000, 2_000_000, 1_000_000]
    for draft, content in keeper.bundles:
        times = read_reference_times(content)
        assert abs(times[0].utc_us - draft.start_us) < 50_000  # sound may begin a frame earlier
        assert draft.media_type.startswith('video/mp4; codecs="avc1.')
        assert draft.media_type.endswith(',mp4a.40.2"')
    first = drafts[0]
    assert (first.layer, first.precedence, first.deadline_us) == (
        Layer.ORIGINAL,
        Precedence.ROUTINE,
        None,
    )
    assert dict(first.meta) == {"width": 320, "height": 180, "frames": 50, "sound": "copied"}


def test_what_comes_before_the_first_keyframe_is_counted_not_kept(
    film: Films, packets_of: Read, keeper: Any
) -> None:
    opened, packets = packets_of(film(*_H264, "-an"))
    writer = _write(opened, packets[10:], keeper)
    assert (writer.skipped, writer.frames) == (15, 100)


def test_without_keyframes_a_fragment_grows_until_it_has_to_be_cut(
    film: Films, packets_of: Read, keeper: Any
) -> None:
    opened, packets = packets_of(film(*_H264, "-an"))
    assert opened.video is not None
    second = round(1 / opened.video.time_base)
    endless = [packets[0]]
    for number in range(1, 90):
        endless.append(
            replace(
                packets[1],
                pts=packets[0].pts + number * second,
                dts=packets[0].dts + number * second,
                utc_us=packets[0].utc_us + number * 1_000_000,
            )
        )
    _write(opened, endless, keeper)
    metas = [dict(draft.meta) for draft, _ in keeper.bundles]
    assert [meta["frames"] for meta in metas] == [60, 30]
    assert ["continues" in meta for meta in metas] == [False, True]


def test_a_jump_of_the_devices_clock_begins_a_new_fragment(
    film: Films, packets_of: Read, ffprobe: Probe, count_frames: Callable[..., int], keeper: Any
) -> None:
    opened, packets = packets_of(film(*_H264, "-an"))
    jumped = [
        replace(p, pts=p.pts - 9_000_000, dts=p.dts - 9_000_000, discontinuity=number == 75)
        if number >= 75
        else p
        for number, p in enumerate(packets)
    ]
    _write(opened, jumped, keeper)
    assert [count_frames(ffprobe(content)) for _, content in keeper.bundles] == [50, 25, 50]


def test_repeated_time_stamps_do_not_stop_the_recording(
    film: Films, packets_of: Read, ffprobe: Probe, count_frames: Callable[..., int], keeper: Any
) -> None:
    opened, packets = packets_of(film(*_H264, "-an"))
    stuck = [
        replace(p, pts=packets[n - n % 5].pts, dts=packets[n - n % 5].dts)
        for n, p in enumerate(packets)
    ]
    _write(opened, stuck, keeper)
    assert sum(count_frames(ffprobe(content)) for _, content in keeper.bundles) == 125


def test_an_error_of_the_sink_reaches_the_caller(film: Films, packets_of: Read) -> None:
    def full(*_: object) -> None:
        raise OSError("disk full")

    opened, packets = packets_of(film(*_H264, "-an"))

    class Full:
        sink = staticmethod(full)

    with pytest.raises(OSError, match="disk full"):
        _write(opened, packets, Full())
