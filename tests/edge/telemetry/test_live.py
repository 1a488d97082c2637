"""The thin sheaf: the newest of everybody, ahead of all the rest, and never two of them."""

import asyncio
from pathlib import Path

import pytest

from fieldlab.spools import open_spool
from fieldlink.codecs.bundle import Draft, Precedence
from fieldlink.codecs.telemetry import BATTERY, TEXT, Block, Detail, Flag, decode_sheaf
from fieldlink.edge.planner import Candidate, SpoolState
from fieldlink.edge.spool import RetentionPolicy
from fieldlink.edge.telemetry.device import Device
from fieldlink.edge.telemetry.gather import Gather
from fieldlink.edge.telemetry.live import Live
from fieldlink.edge.telemetry.ports import Reading, Source
from fieldlink.edge.telemetry.sheaves import THIN

NOW_US = 1_780_000_000_000_000
S = 1_000_000


class _Kit:
    """Devices that speak, a thin sheaf now and then, and the spool that it is in."""

    def __init__(self, folder: Path) -> None:
        self.spool = open_spool(folder, RetentionPolicy(quota_bytes=50_000_000))
        self.state = SpoolState()
        self.live = Live(self.state)
        self.devices = {name: Device(Source(name, "soldier", "mqtt")) for name in ("a", "b")}
        self.at_s = 0

    def hear(self, flags: Flag = Flag.NONE, **levels: float) -> None:
        gather = Gather()
        for name, level in levels.items():
            device = self.devices[name]
            series = device.stream(BATTERY, 1)
            assert series is not None
            reading = Reading({"level": level}, flags=flags)
            made = device.sample(series, reading, None, NOW_US + self.at_s * S, 1)
            assert isinstance(made, tuple)
            gather.add(device, series, made[0], made[1])
        self.live.took(gather.take())
        self.at_s += 1

    def look(self) -> list[tuple[str, list[int | str | None]]] | None:
        """The thin sheaf that waits: device and levels; None if none does."""

        async def writes(draft: Draft, content: bytes, old: bytes | None) -> tuple[bytes, bool]:
            assert draft.precedence is Precedence.IMMEDIATE
            stored = await asyncio.to_thread(self.spool.add, draft, content)
            self.state.add(Candidate.of(stored.bundle_id, stored.manifest))
            return stored.bundle_id, old is not None and bool(self.spool.withdraw(old))

        asyncio.run(self.live.look(self.at_s, NOW_US + self.at_s * S, 1, writes, asyncio.to_thread))
        waiting = list(self.spool.pending())
        assert len(waiting) <= 1
        assert self.state.waiting == len(waiting)
        if not waiting:
            return None
        (stored,) = waiting
        blocks: tuple[Block, ...] = decode_sheaf(
            self.spool.read(stored.bundle_id, 0, stored.manifest.size)
        )
        assert {block.detail for block in blocks} == {Detail(int(stored.manifest.meta[THIN] or 0))}
        return [(block.device, [sample.values[0] for sample in block.samples]) for block in blocks]

    def send(self) -> None:
        for stored in self.spool.pending():
            self.spool.custody([stored.bundle_id], NOW_US)
            self.state.discard(stored.bundle_id)


@pytest.fixture
def kit(tmp_path: Path) -> _Kit:
    return _Kit(tmp_path / "spool")


def test_in_full_there_is_none(kit: _Kit) -> None:
    kit.hear(a=50, b=60)
    assert kit.look() is None


def test_one_sample_in_five_seconds(kit: _Kit) -> None:
    kit.live.turn(Detail.SECONDS_5)
    kit.hear(a=50, b=60)
    assert kit.look() == [("a", [500]), ("b", [600])]
    kit.send()
    for level in range(51, 55):
        kit.hear(a=level)
    kit.hear(a=55)
    assert kit.look() == [("a", [550])]


def test_one_that_was_not_sent_is_replaced_and_what_it_said_is_taken_over(kit: _Kit) -> None:
    kit.live.turn(Detail.CHANGE)
    kit.hear(a=50, b=60)
    assert kit.look() is not None
    for _ in range(5):
        kit.hear(a=80)
    assert sorted(kit.look() or []) == [("a", [800]), ("b", [600])]
    assert kit.live.replaced == 1
    kit.send()
    for _ in range(5):
        kit.hear(a=80)
    assert kit.look() is None  # nothing changed


def test_the_last_known_goes_with_what_raised_an_alarm(kit: _Kit) -> None:
    kit.live.turn(Detail.LAST)
    kit.hear(a=50)
    kit.hear(a=3, flags=Flag.ALARM)
    for _ in range(30):
        kit.hear(a=40)
    assert kit.look() == [("a", [30, 400])]


def test_one_of_an_earlier_run_is_of_no_use(kit: _Kit) -> None:
    kit.live.turn(Detail.LAST)
    kit.hear(a=50)
    kit.look()
    again = Live(SpoolState())
    for stored in kit.spool.pending():
        again.held(stored)
    assert len(again.stale()) == 1
    assert again.stale() == []


def test_a_device_with_a_run_for_every_message_fills_no_sheaf(kit: _Kit) -> None:
    kit.live.turn(Detail.SECONDS_5)
    device = kit.devices["a"]
    series = device.stream(BATTERY, 1)
    assert series is not None
    for part in range(5):
        gather = Gather()
        for epoch in range(part * 1_000, part * 1_000 + 1_000):
            reading = Reading({"level": 50}, sequence=0)
            made = device.sample(series, reading, epoch, NOW_US, 1)
            assert isinstance(made, tuple)
            gather.add(device, series, made[0], made[1])
        kit.live.took(gather.take())
        kit.at_s += 5
        blocks = kit.look()
        assert blocks is not None
        assert len(blocks) <= 2_000


def test_long_texts_of_many_are_cut_to_what_one_sheaf_holds(kit: _Kit) -> None:
    kit.live.turn(Detail.SECONDS_5)
    gather = Gather()
    for number in range(1_200):
        device = Device(Source(f"soldier-{number}", "soldier", "mqtt"))
        series = device.stream(TEXT, 1)
        assert series is not None
        words = "".join(chr(0x4E00 + (number * 7919 + at * 104_729) % 20_000) for at in range(1024))
        made = device.sample(series, Reading({"text": words, "from": words}), None, NOW_US, 1)
        assert isinstance(made, tuple)
        gather.add(device, series, made[0], made[1])
    kit.live.took(gather.take())

    async def writes(_draft: Draft, content: bytes, _old: bytes | None) -> tuple[None, bool]:
        sizes.append(len(decode_sheaf(content)))
        return None, False

    sizes = list[int]()
    asyncio.run(kit.live.look(0, NOW_US, 1, writes, asyncio.to_thread))
    assert sizes == [600]


@pytest.mark.parametrize("detail", [Detail.SECONDS_5, Detail.CHANGE, Detail.LAST])
def test_a_clock_that_is_set_back_makes_nobody_silent(kit: _Kit, detail: Detail) -> None:
    kit.at_s = 7_200
    kit.live.turn(detail)
    kit.hear(a=50)
    assert kit.look() is not None
    kit.send()
    kit.at_s -= 3_600
    kit.hear(a=50)
    kit.live.turn(Detail.SECONDS_5 if detail is Detail.CHANGE else Detail.CHANGE)
    kit.live.turn(detail)  # it is due
    assert kit.look() == [("a", [500])]
