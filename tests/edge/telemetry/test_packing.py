"""Sheaves that wait become large ones; nothing is lost, and nothing on its way is touched."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fieldlab.spools import open_spool
from fieldlink.codecs.bundle import Precedence
from fieldlink.codecs.fault import SpoolError
from fieldlink.codecs.telemetry import BATTERY, Block, Detail, Sample, decode_sheaf
from fieldlink.edge.planner import BearerState, Candidate, SpoolState, WindowPlanner
from fieldlink.edge.spool import RetentionPolicy, Spool
from fieldlink.edge.telemetry.packing import Packer
from fieldlink.edge.telemetry.sheaves import PACKED, THIN, sheaf_bundle

NOW_US = 1_780_000_000_000_000
S = 1_000_000


class _Kit:
    """A spool, what is queued of it, and a packer that knows of both."""

    def __init__(self, folder: Path) -> None:
        self.now_us = NOW_US
        self.spool = open_spool(folder, RetentionPolicy(quota_bytes=50_000_000))
        self.state = SpoolState()
        self.packer = Packer(self.spool, self.state, lambda: self.now_us)

    def add(self, number: int, *, meta: dict[str, int] | None = None, count: int = 1) -> bytes:
        samples = tuple(
            Sample(NOW_US + at * S, at, (at % 1000, None, None, None, None))
            for at in range(number * count, (number + 1) * count)
        )
        block = Block("soldier-1", "soldier", BATTERY, 5, samples)
        draft, content = sheaf_bundle(
            [block], precedence=Precedence.PRIORITY, now_us=self.now_us, error_us=None, meta=meta
        )
        return self.spool.add(draft, content).bundle_id

    def queue(self) -> None:
        """All that is pending and not queued yet."""
        for stored in self.spool.pending():
            if self.state.get(stored.bundle_id) is None:
                self.state.add(Candidate.of(stored.bundle_id, stored.manifest))
                self.packer.recorded(stored)

    def pack(self) -> int:
        """All rounds there are; how many they were."""

        async def waits(work: Callable[[], Any]) -> Any:
            return await asyncio.to_thread(work)

        async def rounds() -> int:
            count = 0
            self.queue()
            while await self.packer.round(waits):
                count += 1
                self.queue()
            return count

        return asyncio.run(rounds())

    def numbers(self) -> list[int]:
        """The sequences in the spool, in order, as often as they are there."""
        found = [
            sample.sequence
            for stored in self.spool.bundles()
            for block in decode_sheaf(self.spool.read(stored.bundle_id, 0, stored.manifest.size))
            for sample in block.samples
        ]
        return sorted(found)


@pytest.fixture
def kit(tmp_path: Path) -> _Kit:
    return _Kit(tmp_path / "spool")


def test_what_waits_is_bound_together_and_every_sample_is_there_once(kit: _Kit) -> None:
    for number in range(100):
        kit.add(number)
    kit.now_us += 20 * S
    assert kit.pack() > 0
    assert kit.numbers() == list(range(100))
    bundles = list(kit.spool.bundles())
    assert len(bundles) < 12
    packed = [one for one in bundles if PACKED in one.manifest.meta]
    assert {one.manifest.precedence for one in packed} == {Precedence.ROUTINE}
    assert {one.bundle_id for one in bundles} == {one.bundle_id for one in kit.spool.pending()}
    # What waits in the planner is what waits in the spool.
    assert all(kit.state.lane_of(one.bundle_id) is not None for one in bundles)
    assert len(kit.state) == len(bundles)


def test_what_is_new_few_or_thin_is_left_alone(kit: _Kit) -> None:
    for number in range(7):
        kit.add(number)
    for number in range(7, 30):
        kit.add(number, meta={THIN: int(Detail.LAST)})
    kit.now_us += 20 * S
    for number in range(30, 60):
        kit.add(number)
    assert kit.pack() == 0
    assert len(list(kit.spool.bundles())) == 60


def test_what_is_on_its_way_or_may_be_is_never_touched(kit: _Kit) -> None:
    ids = [kit.add(number) for number in range(20)]
    kit.queue()
    line = BearerState("main", chunk_bytes=10, room_bytes=100_000)
    order = WindowPlanner().next_chunk(kit.state, line, NOW_US)
    assert order is not None
    begun = order.candidate
    kit.state.cover(begun, 0, order.length)
    sent = next(one for one in ids if one != begun.bundle)
    kit.spool.sent(sent, "main", NOW_US)  # by a bearer that the queue has not heard of
    doubtful = kit.state.get(ids[-1])
    assert doubtful is not None
    doubtful.doubtful = True
    kit.now_us += 20 * S
    assert kit.pack() == 1
    left = {one.bundle_id for one in kit.spool.bundles()}
    assert {begun.bundle, sent, ids[-1]} <= left
    assert len(left) == 4
    assert set(kit.numbers()) == set(range(20))
    # What could not be withdrawn goes on waiting for its turn.
    assert kit.state.lane_of(sent) is not None


def test_a_round_that_the_disk_refuses_leaves_everything_as_it_was(
    kit: _Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        kit.add(number)
    kit.now_us += 20 * S

    def refuse(*_: object) -> None:
        raise SpoolError("the disk is full")

    monkeypatch.setattr(kit.spool, "add", refuse)
    assert kit.pack() == 1
    assert kit.packer.fault == "disk: the disk is full"
    assert kit.numbers() == list(range(20))
    assert kit.state.waiting == 20


def test_a_kill_between_leaves_each_sample_twice_and_never_none(
    kit: _Kit, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for number in range(16):
        kit.add(number)
    kit.now_us += 20 * S
    monkeypatch.setattr(kit.spool, "withdraw", lambda *_: [])
    assert kit.pack() == 1
    kit.spool.close()
    again = _Kit(tmp_path / "spool")
    again.now_us = kit.now_us
    assert again.numbers() == sorted([*range(16)] * 2)
    assert again.pack() >= 1  # what an earlier run left is packed as well
    assert set(again.numbers()) == set(range(16))


def test_large_ones_are_bounded_and_not_packed_for_ever(kit: _Kit) -> None:
    for number in range(40):
        kit.add(number, count=1_000)
    kit.now_us += 20 * S
    kit.pack()
    assert kit.numbers() == list(range(40_000))
    for stored in kit.spool.bundles():
        blocks = decode_sheaf(kit.spool.read(stored.bundle_id, 0, stored.manifest.size))
        assert max(len(block.samples) for block in blocks) <= 7_200
    assert kit.pack() == 0


def test_many_are_withdrawn_in_one_go(tmp_path: Path) -> None:
    kit = _Kit(tmp_path / "spool")
    ids = [kit.add(number) for number in range(10)]
    spool: Spool = kit.spool
    assert spool.withdraw(*ids[:5], b"\0" * 32) == ids[:5]
    assert [one.bundle_id for one in spool.bundles()] == ids[5:]


def test_what_is_on_its_way_waits_until_it_is_at_the_centre(kit: _Kit) -> None:
    ids = [kit.add(number) for number in range(3)]
    kit.queue()
    first = kit.state.get(ids[0])
    assert first is not None
    kit.state.cover(first, 0, first.size)
    kit.now_us += 7 * S
    assert kit.packer.waits_s() == 7
    for bundle in ids[:2]:
        kit.state.discard(bundle)
    assert kit.packer.waits_s() == 7
    kit.packer.gone(ids[2])
    assert kit.packer.waits_s() == 0
