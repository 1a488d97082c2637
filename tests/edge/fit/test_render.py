"""Rendering: stored pieces become a thin minute, in a process that may die of them."""

import io
import subprocess
import sys
import time
from typing import Any

import av
import psutil
import pytest

from fieldlab.footage import Scene, piece
from fieldlink.codecs.fault import SourceError
from fieldlink.codecs.mp4 import read_reference_times
from fieldlink.edge.fit.decoding import Picture, Sound, Source, decoded
from fieldlink.edge.fit.render import Recipe, render, render_stills
from fieldlink.edge.fit.worker import RenderProcess

T0_US = 1_800_000_000_000_000
SCENE = Scene("ball-1", width=320, height=180)


def recipe(**more: Any) -> Recipe:
    """Twelve seconds at 25 kbit/s."""
    usual = {
        "start_us": T0_US,
        "end_us": T0_US + 12_000_000,
        "video_bps": 25_000,
        "audio_bps": 0,
        "width": 256,
        "height": 144,
        "fps": 5,
    }
    return Recipe(**(usual | more))


@pytest.fixture(scope="module")
def sources() -> list[Source]:
    """Three pieces of four seconds of H.264, as a camera's originals."""
    return [
        Source(
            T0_US + at_s * 1_000_000,
            T0_US + (at_s + 4) * 1_000_000,
            False,
            piece(SCENE, at_s, 4, codec="h264"),
        )
        for at_s in (0, 4, 8)
    ]


def frames(content: bytes) -> list[Any]:
    """The pictures in a file."""
    with av.open(io.BytesIO(content), "r") as container:
        return list(container.decode(video=0))


def test_every_picture_comes_with_the_time_it_was_taken(sources: list[Source]) -> None:
    found = list(decoded(sources, T0_US, [], sound=False, wanted_width=320))
    times = [item.at_us for item in found if isinstance(item, Picture)]
    assert len(times) == 120
    assert all(abs(at - T0_US - n * 100_000) < 2000 for n, at in enumerate(times))


def test_a_rendition_has_the_span_the_size_and_about_the_rate_asked_for(
    sources: list[Source],
) -> None:
    made = render(sources, recipe())
    assert (made.width, made.height, made.frames) == (256, 144, 60)
    assert made.start_us == T0_US
    assert abs(made.end_us - T0_US - 12_000_000) <= 200_000
    assert made.media_type.startswith('video/mp4; codecs="av01.')
    assert len(made.content) < 25_000 / 8 * 12 * 1.6
    assert len(frames(made.content)) == 60
    assert made.faults == []


def test_the_file_says_when_its_first_picture_was_taken(sources: list[Source]) -> None:
    made = render(sources, recipe(start_us=T0_US + 3_000_000))
    first = read_reference_times(made.content)[0]
    assert abs(first.utc_us - T0_US - 3_000_000) < 500_000
    assert made.start_us == T0_US + 3_000_000


def test_sound_goes_along_while_there_is_a_rate_for_it() -> None:
    loud = [
        Source(T0_US + n * 2_000_000, T0_US + (n + 1) * 2_000_000, False, piece(SCENE, n * 2, 2))
        for n in range(2)
    ]
    sounds = list(decoded(loud, T0_US, [], sound=True, wanted_width=320))
    at_s = [float(i.packet.pts * i.track.time_base) for i in sounds if isinstance(i, Sound)]
    assert len(at_s) > 190
    assert all(-0.1 < second < 4.2 for second in at_s)
    span = {"end_us": T0_US + 4_000_000}
    with av.open(io.BytesIO(render(loud, recipe(**span, audio_bps=8000)).content)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
    with av.open(io.BytesIO(render(loud, recipe(**span)).content)) as container:
        assert [stream.type for stream in container.streams] == ["video"]


def test_a_piece_that_continues_is_decoded_behind_the_one_before(sources: list[Source]) -> None:
    whole = sources[0]
    with av.open(io.BytesIO(whole.content), "r") as container:
        packets = [p for p in container.demux(video=0) if p.size]
        halves = [_muxed(container, packets[:20]), _muxed(container, packets[20:])]
    cut = [
        Source(T0_US, T0_US + 2_000_000, False, halves[0]),
        Source(T0_US + 2_000_000, T0_US + 4_000_000, True, halves[1]),
    ]
    assert render(cut, recipe(end_us=T0_US + 4_000_000)).frames == 20


def _muxed(container: Any, packets: list[Any]) -> bytes:
    file = io.BytesIO()
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    with av.open(file, "w", format="mp4", options=options) as output:
        stream = output.add_stream_from_template(container.streams.video[0])
        for packet in packets:
            packet.stream = stream
            output.mux_one(packet)
    return file.getvalue()


def test_damage_costs_what_is_damaged_and_is_said(sources: list[Source]) -> None:
    broken = Source(sources[1].start_us, sources[1].end_us, False, b"\0" * 5000)
    made = render([sources[0], broken, sources[2]], recipe())
    assert 40 <= made.frames <= 42
    assert len(made.faults) == 1


def test_nothing_to_decode_is_an_error_that_says_so() -> None:
    with pytest.raises(SourceError, match="no picture"):
        render([Source(T0_US, T0_US + 1, False, b"no film")], recipe())


def test_stills_are_small_and_from_keyframes(sources: list[Source]) -> None:
    made = list(render_stills(sources, recipe(stills=3, still_bytes=3000)))
    assert [still.start_us for still in made] == [source.start_us for source in sources]
    assert all(len(still.content) <= 3000 for still in made)


def test_the_process_renders_again_and_again_and_survives_bad_input(
    sources: list[Source],
) -> None:
    process = RenderProcess()
    try:
        assert process.make(sources, recipe())[0].frames == 60
        with pytest.raises(SourceError, match="no picture"):
            process.make([Source(T0_US, T0_US + 1, False, b"no film")], recipe())
        assert len(process.make(sources, recipe(stills=2))) == 3
    finally:
        process.close()


def test_a_process_that_dies_is_an_error_and_the_next_request_starts_another(
    sources: list[Source],
) -> None:
    process = RenderProcess()

    def killing() -> Any:
        yield sources[0]
        assert process._child is not None
        process._child.kill()
        yield from sources[1:] * 50

    try:
        with pytest.raises(SourceError, match="ended by itself"):
            process.make(killing(), recipe())
        assert process.make(sources, recipe())[0].frames == 60
    finally:
        process.close()


def test_a_process_that_cannot_be_started_is_an_error_of_that_request_alone(
    sources: list[Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    process = RenderProcess()
    with monkeypatch.context() as short:
        short.setattr(sys, "executable", "/no/such/python")
        with pytest.raises(SourceError, match="cannot be started"):
            process.make(sources, recipe())
    process.close()


def test_the_process_ends_with_its_parent_however_that_ends() -> None:
    script = (
        "import time; from fieldlink.edge.fit import worker\n"
        "child = worker._start(); print(child.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert _ends(pid)


def _ends(pid: int) -> bool:
    """Whether the process goes within half a minute."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:  # nobody here reaps orphans
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.1)
    return False
