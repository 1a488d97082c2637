"""One camera's data streams: what is kept, what is understood, and what a hostile one can do."""

from collections.abc import Sequence

import pytest

from fieldlab.klv import T0_US, moments
from fieldlink.codecs.bundle import KLV_MEDIA_TYPE, UNSEEN_STREAMS, Draft, Layer
from fieldlink.codecs.klv import KEY, LocalSet, read_records
from fieldlink.edge.klv.track import KlvTrack
from fieldlink.edge.source.media import Metadata


class Bench:
    """A track, its clock, what it stored and what it said."""

    def __init__(self, *, keeps: bool = True) -> None:
        self.now_s = 100.0
        self.stored: list[tuple[Draft, bytes]] = []
        self.heard: list[LocalSet] = []
        self.track = KlvTrack(
            "uav-1",
            sink=lambda draft, content: self.stored.append((draft, content)),
            clock=lambda: T0_US,
            hearer=self._hear,
            keeps=lambda: keeps,
            steady=lambda: self.now_s,
        )

    def _hear(self, device: str, found: Sequence[LocalSet], played: bool) -> None:
        assert (device, played) == ("uav-1", False)
        self.heard += found


def test_what_came_is_on_record_bit_for_bit_with_its_times() -> None:
    bench, sets = Bench(), moments(60)
    sent = [(at_us, data if n % 7 else data[:-1] + b"x") for n, (at_us, data) in enumerate(sets)]
    for at_us, data in sent:
        bench.track.take(Metadata(1, data, at_us))
        bench.now_s += 0.2
    bench.track.finish()
    assert [len(list(read_records(content))) for _, content in bench.stored] == [50, 10]
    kept = [record for _, content in bench.stored for record in read_records(content)]
    assert [tuple(record) for record in kept] == sent
    draft = bench.stored[0][0]
    assert (draft.device, draft.stream, draft.layer) == ("uav-1", "klv", Layer.ORIGINAL)
    assert (draft.start_us, draft.end_us) == (T0_US, T0_US + 49 * 200_000)
    assert (draft.media_type, draft.meta) == (KLV_MEDIA_TYPE, {"packets": 50})
    assert draft.stream in UNSEEN_STREAMS  # no window waits for it
    assert len(bench.heard) == 51
    assert bench.track.report() == {
        "sets": 51, "last_us": sent[-1][0], "bad": {"checksum": 9}, "left_out": 0,
    }  # fmt: skip


def test_a_set_in_two_packets_is_one_and_streams_do_not_mix() -> None:
    bench, (_, data) = Bench(), moments(1)[0]
    bench.track.take(Metadata(1, data[:40], T0_US))
    bench.track.take(Metadata(2, data, T0_US))
    bench.track.take(Metadata(1, data[40:], T0_US))
    assert len(bench.heard) == 2
    assert bench.track.report()["bad"] == {}  # type: ignore[index]


def test_data_of_another_kind_is_neither_kept_nor_held_against_the_device() -> None:
    bench = Bench()
    for _ in range(100):
        bench.track.take(Metadata(3, b"\xfc\x30\x11" * 20, T0_US))
    bench.track.finish()
    assert bench.stored == []
    assert bench.track.report() is None


def test_a_flood_is_bounded_in_bytes_and_counted() -> None:
    bench = Bench()
    flood = KEY + b"\x7f" + bytes(200)
    for _ in range(10_000):
        bench.track.take(Metadata(1, flood, T0_US))
    bench.now_s += 10
    bench.track.tick()
    ((draft, content),) = bench.stored
    assert len(content) < 1_100_000
    assert draft.meta["left_out"] == bench.track.left_out == 10_000 - draft.meta["packets"]  # type: ignore[operator]
    # The next ten seconds are as the first.
    bench.track.take(Metadata(1, moments(1)[0][1], T0_US))
    assert len(bench.heard) == 1


def test_crumbs_are_bounded_in_number_too() -> None:
    bench = Bench()
    bench.track.take(Metadata(1, KEY + b"\x83\x00\xff\x00", T0_US))
    for _ in range(20_000):
        bench.track.take(Metadata(1, b"k", T0_US))
    bench.track.finish()
    ((draft, content),) = bench.stored
    assert len(content) < 1_000_000
    assert draft.meta["packets"] < 5_000  # type: ignore[operator]
    assert draft.meta["left_out"] == 20_001 - draft.meta["packets"]  # type: ignore[operator]


def test_what_was_left_out_before_it_came_here_is_told_with_the_rest() -> None:
    bench = Bench()
    bench.track.take(Metadata(1, moments(1)[0][1], T0_US))
    bench.track.miss(7)
    bench.track.finish()
    assert bench.stored[0][0].meta == {"packets": 1, "left_out": 7}
    assert bench.track.report()["left_out"] == 7  # type: ignore[index]


def test_a_flood_of_good_sets_costs_no_more_work_than_it_may() -> None:
    bench, (_, data) = Bench(), moments(1)[0]
    for _ in range(30):
        bench.track.take(Metadata(1, data * 50, T0_US))
    assert len(bench.heard) == 1_000
    assert bench.track.bad == {"too-many": 500}


def test_where_originals_are_not_recorded_it_is_heard_all_the_same() -> None:
    bench, sets = Bench(keeps=False), moments(3)
    for at_us, data in sets:
        bench.track.take(Metadata(1, data, at_us))
    bench.track.finish()
    assert bench.stored == []
    assert len(bench.heard) == 3


def test_what_came_in_a_burst_has_the_times_that_are_known_later() -> None:
    bench, sets = Bench(), moments(5)
    for n, (at_us, data) in enumerate(sets):
        late_us = 900_000 if n < 3 else 0  # the first three waited for the connection
        bench.track.take(Metadata(1, data, at_us + late_us, at_us - T0_US))
    bench.track.take(Metadata(1, sets[0][1], T0_US + 5))  # without a time stamp
    bench.track.finish()
    kept = [record.time_us for record in read_records(bench.stored[0][1])]
    assert kept == [*(at_us for at_us, _ in sets), T0_US + 5]


def test_a_sink_that_fails_is_not_swallowed() -> None:
    def broken(draft: Draft, content: bytes) -> None:
        raise OSError("disk")

    track = KlvTrack("uav-1", sink=broken, clock=lambda: T0_US)
    track.take(Metadata(1, moments(1)[0][1], T0_US))
    with pytest.raises(OSError, match="disk"):
        track.finish()
