"""The simulated controller against the sessions, in memory: each fault ends in a live stream."""

import heapq
import itertools

import pytest

from fieldlab.dji import RC, VIDEO, DjiLab
from fieldlink.edge.simulate.dji_rc import DjiFault, DjiRc, DjiRcPlan, Saying

# One never sends, and the others are faults of uploads.
_NOT_LIVE = {DjiFault.NO_PICTURE, DjiFault.EXPIRED, DjiFault.BROKEN, DjiFault.TWICE}


class Video:
    """Pushes to a lab's media, if it is `up`."""

    def __init__(self, lab: DjiLab, up: bool = True) -> None:
        self.lab, self.up = lab, up

    def start(self, url: str) -> bool:
        """Pictures come from now on."""
        assert url == f"rtmp://192.0.2.1:1935/live/{VIDEO.sn}-{VIDEO.camera}"
        if self.up:
            self.lab.media.arriving.add(VIDEO)
        return self.up

    def stop(self) -> None:
        """No pictures come."""
        self.lab.media.arriving.discard(VIDEO)


def fly(seconds: float, *faults: DjiFault, up: bool = True) -> tuple[DjiLab, DjiRc]:
    """Both ends for so long, every half second."""
    lab = DjiLab()
    remote = DjiRc(DjiRcPlan(faults=frozenset(faults)), Video(lab, up))
    order, later = itertools.count(), list[tuple[float, int, Saying]]()
    for _ in range(round(seconds * 2)):
        for saying in remote.due(lab.now_s, 1_780_000_000_000 + round(lab.now_s * 1000)):
            lab.put(saying.topic, saying.payload)
        while later and later[0][0] <= lab.now_s:
            saying = heapq.heappop(later)[2]
            lab.put(saying.topic, saying.payload)
        for letter in lab.cloud.take():
            for saying in remote.hear(letter.topic, letter.payload, lab.now_s, 1_780_000_000_000):
                heapq.heappush(later, (saying.at_s, next(order), saying))
        lab.passes(0.5)
    return lab, remote


@pytest.mark.parametrize("fault", [None, *(fault for fault in DjiFault if fault not in _NOT_LIVE)])
def test_it_is_live_within_a_minute_whatever_fails(fault: DjiFault | None) -> None:
    lab, remote = fly(60, *([fault] if fault else []))
    assert lab.stage() == "live"
    assert remote.refused == []
    assert remote.live is not None
    positions = lab.sink.of("position")
    aircraft = [one for one in positions if "satellites" in one]
    assert (aircraft[-1]["lat"] is None) == (fault is DjiFault.ZERO)
    assert {reason.partition(":")[0] for reason in lab.sink.reasons} <= {"osd"}
    assert bool(lab.sink.reasons) == (fault is DjiFault.UNKNOWN)


def test_all_faults_that_pass_together_end_in_a_live_stream_too() -> None:
    lab, _ = fly(120, DjiFault.BUSY, DjiFault.LATE, DjiFault.DUPLICATE, DjiFault.SPLIT)
    assert lab.stage() == "live"


def test_a_controller_that_says_live_and_sends_nothing_is_never_taken_at_its_word() -> None:
    lab, remote = fly(120, DjiFault.NO_PICTURE)
    assert lab.stage() != "live"
    assert remote.starts >= 3


def test_a_kit_that_takes_nothing_in_is_a_start_that_fails() -> None:
    lab, remote = fly(20, up=False)
    assert (lab.stage(), remote.live) == ("resting", None)


def test_its_answers_are_those_of_the_one_that_was_asked() -> None:
    lab, _ = fly(10, DjiFault.DUPLICATE)
    assert lab.gateway.calls.duplicates == 1
    assert lab.gateway.report(lab.now_s)["aircraft"][0]["model"] == "M30T"
    assert lab.cloud.gateways.keys() == {RC}
