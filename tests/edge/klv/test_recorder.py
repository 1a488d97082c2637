"""KLV through a whole recorder: from an adapter to the sink, and to whoever hears it."""

import time
from collections.abc import Callable, Sequence

import pytest

from fieldlab.klv import T0_US, moments
from fieldlink.codecs.bundle import Draft
from fieldlink.codecs.klv import LocalSet, read_records
from fieldlink.edge.capture.recorder import Recorder
from fieldlink.edge.capture.settings import CaptureSettings
from fieldlink.edge.source.media import (
    Capabilities,
    Deliver,
    Ended,
    Metadata,
    Opened,
    Stopped,
)
from fieldlink.edge.source.settings import DeviceSettings

SETS = moments(5)


class Camera:
    """Sends KLV, some of it spoilt, and ends."""

    def run(self, deliver: Deliver, stopped: Stopped) -> None:
        deliver(Opened(None, None))
        for at_us, data in SETS:
            deliver(Metadata(1, data, at_us))
        deliver(Metadata(1, SETS[0][1][:-1] + b"?", T0_US))
        deliver(Ended())

    def describe(self) -> str:
        return "camera"

    def capabilities(self) -> Capabilities:
        return Capabilities(video=True, audio=False)


@pytest.mark.parametrize(
    ("url", "original", "pieces"), [("udp://h:1", True, 1), ("/a/film.ts", False, 0)]
)
def test_a_recorder_keeps_and_tells_what_comes_beside_pictures(
    url: str, original: bool, pieces: int
) -> None:
    stored: list[tuple[Draft, bytes]] = []
    heard: list[tuple[str, int | None, bool]] = []

    def hear(device: str, found: Sequence[LocalSet], played: bool) -> None:
        heard.extend((device, one.time_us, played) for one in found)

    recorder = Recorder(
        DeviceSettings(name="uav-1", url=url),
        CaptureSettings.model_validate({"original": {"enabled": original}}),
        sink=lambda draft, content: stored.append((draft, content)),
        gap=lambda *gap: None,
        clock=lambda: T0_US,
        adapter=lambda device, clock: Camera(),
        hearer=hear,
    )
    recorder.start()
    _until(lambda: recorder.report()["state"] == "ended")
    recorder.stop()
    assert heard == [("uav-1", at_us, url.endswith(".ts")) for at_us, _ in SETS]
    assert len(stored) == pieces
    for _, content in stored:
        kept = [record.data for record in read_records(content)]
        assert kept[:5] == [data for _, data in SETS]
        assert len(kept) == 6
    assert recorder.report()["klv"] == {
        "sets": 5, "last_us": SETS[-1][0], "bad": {"checksum": 1}, "left_out": 0,
    }  # fmt: skip


def _until(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < end_s, "it did not happen in time"
        time.sleep(0.01)
