"""Minutes of streams: what is at the centre, what waits, what could be made."""

from math import inf

from fieldlab.fitting import T0_US, manifest
from fieldlink.codecs.bundle import GAP_MEDIA_TYPE, Layer
from fieldlink.edge.fit.cell import Cell
from fieldlink.edge.fit.coverage import Coverage, Minutes
from fieldlink.edge.fit.spans import clipped, hull, length_us, merged, without


def key(number: int) -> bytes:
    """The id of bundle `number`."""
    return number.to_bytes(32, "big")


def only(coverage: Coverage) -> Cell:
    """The one minute there is."""
    (cell,) = coverage.cells()
    return cell


def test_spans_that_touch_are_one_and_what_is_taken_is_gone() -> None:
    assert merged([(5, 9), (0, 3), (3, 4), (8, 12)]) == [(0, 4), (5, 12)]
    assert length_us([(0, 3), (2, 5), (7, 8)]) == 6
    assert clipped([(0, 10), (20, 30)], 5, 22) == [(5, 10), (20, 22)]
    assert without([(0, 10)], [(2, 3), (5, 20)]) == [(0, 2), (3, 5)]
    assert hull([(4, 5), (1, 2)]) == (1, 5)
    assert hull([]) is None


def test_a_minute_is_whole_at_the_centre_once_nearly_all_its_proxies_are_there() -> None:
    coverage = Coverage()
    for number in range(12):
        item = manifest(number, Layer.PROXY, number * 5, number * 5 + 5, 1000, meta={"rate": 64000})
        coverage.recorded(key(number), item)
    for number in range(10):
        coverage.arrived(key(number))
    assert only(coverage).held_bps == 0
    assert only(coverage).missing == (T0_US + 50_000_000, T0_US + 60_000_000)
    assert only(coverage).plain_bytes == 2000
    coverage.arrived(key(10))
    assert only(coverage).held_bps == 64000


def test_the_rate_held_is_that_of_the_poorest_part_it_takes() -> None:
    coverage = Coverage()
    coverage.recorded(key(1), manifest(1, Layer.ORIGINAL, 0, 30, 9), custody=True)
    thin = manifest(2, Layer.PROXY, 0, 60, 9, meta={"thin": 1, "rate": 20_000})
    coverage.recorded(key(2), thin, custody=True)
    assert only(coverage).held_bps == 20_000
    coverage.recorded(key(3), manifest(3, Layer.ORIGINAL, 30, 60, 9), custody=True)
    assert only(coverage).held_bps == inf


def test_a_piece_over_the_edge_of_a_minute_counts_in_both_by_its_share() -> None:
    coverage = Coverage()
    coverage.recorded(key(1), manifest(1, Layer.PROXY, 50, 70, 1000))
    first, second = sorted(coverage.cells(), key=lambda cell: cell.start_us)
    assert (first.plain_bytes, second.plain_bytes) == (500, 500)
    assert first.recorded == (T0_US + 50_000_000, T0_US + 60_000_000)


def test_originals_that_continue_come_with_what_they_continue() -> None:
    coverage = Coverage()
    coverage.recorded(key(1), manifest(1, Layer.ORIGINAL, 0, 58, 9))
    coverage.recorded(key(2), manifest(2, Layer.ORIGINAL, 58, 115, 9, meta={"continues": True}))
    coverage.recorded(key(3), manifest(3, Layer.ORIGINAL, 115, 130, 9, meta={"continues": True}))
    third = max(coverage.cells(), key=lambda cell: cell.start_us)
    found = [piece.bundle for piece in coverage.sources(third, Layer.ORIGINAL)]
    assert found == [key(1), key(2), key(3)]


def test_of_two_renditions_the_one_under_way_stands_and_the_other_is_stale() -> None:
    coverage = Coverage()
    for number in (1, 2, 3):
        meta: dict[str, str | int | bool | None] = {"thin": 1, "rate": 20_000 * number}
        coverage.recorded(key(number), manifest(number, Layer.PROXY, 0, 60, 900, meta=meta))
    assert only(coverage).thin is not None
    assert [piece.bundle for piece in only(coverage).stale] == [key(1), key(2)]
    coverage.sent(coverage.waiting()[0], 300)
    cell = only(coverage)
    assert cell.thin is not None
    assert cell.thin.bundle == key(1)
    assert cell.thin_bytes == 600
    assert [piece.bundle for piece in cell.stale] == [key(2), key(3)]


def test_gap_records_are_no_minutes_and_what_is_lost_is_none_any_more() -> None:
    coverage = Coverage()
    gap = manifest(1, Layer.REPORT, 0, 900, 40)
    object.__setattr__(gap, "media_type", GAP_MEDIA_TYPE)
    coverage.recorded(key(1), gap)
    assert coverage.cells() == []
    coverage.recorded(key(2), manifest(2, Layer.STILL, 5, 5, 40))
    coverage.lost(key(2))
    assert coverage.cells() == []
    assert coverage.minutes() == Minutes()


def test_a_minute_with_anything_at_the_centre_is_present() -> None:
    coverage = Coverage()
    coverage.recorded(key(1), manifest(1, Layer.ORIGINAL, 0, 60, 9))
    coverage.recorded(key(2), manifest(2, Layer.ORIGINAL, 60, 120, 9))
    coverage.recorded(key(3), manifest(3, Layer.STILL, 5, 5, 40), custody=True)
    assert coverage.minutes() == Minutes(total=2, present=1, moving=0)
    coverage.arrived(key(2))
    assert coverage.minutes() == Minutes(total=2, present=2, moving=1)


def test_old_minutes_of_which_nothing_waits_are_forgotten() -> None:
    coverage = Coverage()
    coverage.recorded(key(1), manifest(1, Layer.PROXY, 0, 5, 40), custody=True)
    coverage.recorded(key(2), manifest(2, Layer.PROXY, 60, 65, 40))
    coverage.forget(T0_US + 600_000_000)
    assert [cell.start_us for cell in coverage.cells()] == [T0_US + 60_000_000]
