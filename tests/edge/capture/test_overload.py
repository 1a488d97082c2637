"""Pictures left out of the proxy are on record as gaps of that layer, in few records."""

from collections.abc import Iterator
from typing import Any

import pytest

from fieldlink.codecs.bundle import Gap, decode_gap
from fieldlink.edge.capture.backlog import Backlog
from fieldlink.edge.capture.overload import Overload
from fieldlink.edge.source.media import Packet

_S = 1_000_000


@pytest.fixture
def overload(keeper: Any) -> Overload:
    return Overload("ball-1", "video", sink=keeper.sink, clock=lambda: 7)


def _gaps(keeper: Any) -> Iterator[Gap]:
    for draft, content in keeper.bundles:
        gap = decode_gap(content)
        assert (draft.start_us, draft.end_us, draft.layer) == (gap.start_us, gap.end_us, "report")
        yield gap


def test_spans_close_together_are_one_record_that_says_how_much_is_missing(
    overload: Overload, keeper: Any
) -> None:
    for second in (10, 14, 20):
        overload.shed(second * _S, second * _S + 1_500_000)
        overload.tick((second + 3) * _S)
    assert keeper.bundles == []
    overload.tick(32 * _S)
    (gap,) = _gaps(keeper)
    assert gap.reason == "proxy: overload, 4.5 s of pictures left out"
    assert (gap.start_us, gap.end_us, gap.layer) == (10 * _S, 21_500_000, "proxy")


def test_a_kit_that_stays_overloaded_says_so_every_minute(overload: Overload, keeper: Any) -> None:
    for second in range(0, 300, 2):
        overload.shed(second * _S, (second + 1) * _S)
    overload.end()
    gaps = list(_gaps(keeper))
    assert 5 <= len(gaps) <= 6
    said = sum(float(gap.reason.split()[2]) for gap in gaps)
    assert said == 150
    assert all(gap.end_us - gap.start_us <= 60 * _S for gap in gaps)


def test_a_clock_that_steps_back_does_no_harm(overload: Overload, keeper: Any) -> None:
    overload.shed(100 * _S, 101 * _S)
    overload.shed(3 * _S, 4 * _S)
    overload.end()
    assert len(list(_gaps(keeper))) == 1


def _packet(at_us: int, *, keyframe: bool) -> Packet:
    return Packet("video", b"x", at_us, at_us, 1, keyframe, False, at_us)


def test_the_backlog_says_which_pictures_it_left_out_and_drops_no_more_than_it_must() -> None:
    backlog = Backlog()
    for frame in range(32):  # a keyframe a second, and nobody decodes
        backlog.put(_packet(frame * 100_000, keyframe=frame % 10 == 0))
    assert backlog.take_shed() == (0, 1_900_000)
    assert backlog.take_shed() is None
    assert backlog.dropped_groups == 2
    _, first = backlog.get(0)
    assert first is not None
    assert (first.keyframe, first.utc_us) == (True, 2_000_000)
