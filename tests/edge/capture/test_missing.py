"""Pictures that were lost on the way to the kit."""

import time

from fieldlab.whip import Clip
from fieldlink.codecs.bundle import Draft
from fieldlink.edge.capture.recorder import Recorder
from fieldlink.edge.capture.settings import CaptureSettings
from fieldlink.edge.source.media import Capabilities, Deliver, Ended, Opened, Packet, Stopped
from fieldlink.edge.source.settings import DeviceSettings
from fieldlink.edge.whip.source import read_picture

_T0 = 1_790_000_000_000_000


class Lossy:
    """Two seconds of pictures, of which the second's came not."""

    def __init__(self, packets: list[bytes]) -> None:
        self._packets = packets

    def run(self, deliver: Deliver, stopped: Stopped) -> None:
        """Deliver them all at once."""
        deliver(Opened(read_picture(self._packets[0]), None))
        for number in [*range(25), *range(50, 75)]:
            at = number * 3600
            deliver(
                Packet(
                    "video", self._packets[number], at, at, 3600, number % 25 == 0, False,
                    _T0 + number * 40_000, missing=25 if number == 50 else 0,
                )
            )  # fmt: skip
        deliver(Ended())

    def describe(self) -> str:
        """A name."""
        return "lossy"

    def capabilities(self) -> Capabilities:
        """Pictures."""
        return Capabilities(video=True, audio=False)


def test_pictures_lost_on_the_way_are_a_gap_between_two_pieces() -> None:
    packets = Clip(3).packets
    drafts: list[Draft] = []
    gaps: list[tuple[object, ...]] = []
    recorder = Recorder(
        DeviceSettings(name="phone-1", url="whip:"),
        CaptureSettings(),
        sink=lambda draft, _: drafts.append(draft),
        gap=lambda *gap: gaps.append(gap),
        clock=lambda: _T0 + 4_000_000,
        adapter=lambda *_: Lossy(packets),
    )
    recorder.start()
    until_s = time.monotonic() + 20
    while recorder.report()["state"] != "ended" and time.monotonic() < until_s:
        time.sleep(0.02)
    recorder.stop()
    pieces = [(d.start_us - _T0, d.end_us - _T0) for d in drafts if d.layer.value == "original"]
    assert pieces == [(0, 1_000_000), (2_000_000, 3_000_000)]
    lost = ("phone-1", "video", _T0 + 1_000_000, _T0 + 2_000_000)
    assert (*lost, "source: 25 pictures were lost on the way") in gaps
