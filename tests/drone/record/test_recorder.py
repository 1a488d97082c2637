"""The recorder at work: what it took is on the disk, whatever ends it."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from fieldlab.autopilot import T0_US, Autopilot
from fieldlab.recorders import RecorderKit, Shelf
from fieldlink.drone.record import join, verify

_S = 1_000_000


def _piece_in(folder: Path) -> Path:
    [path] = folder.glob("*~1.tlog")
    return path


def _run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(scenario())  # type: ignore[arg-type]


def test_a_flight_goes_to_the_spool_in_pieces_with_an_index(tmp_path: Path) -> None:
    shelf = Shelf()

    async def scenario() -> None:
        kit = RecorderKit(tmp_path, shelf)
        await kit.recorder.begin()
        await kit.fly(2, armed=False)
        raws = await kit.fly(150)
        raws += await kit.fly(1, armed=False)
        pieces = shelf.tlogs()
        assert [draft.meta["piece"] for draft, _ in pieces] == [0, 1, 2]
        assert [draft.meta["closed"] for draft, _ in pieces] == ["full", "full", "disarmed"]
        assert len({draft.meta["flight"] for draft, _ in pieces}) == 1
        for draft, content in pieces:
            assert (draft.device, draft.stream) == ("m300-1", "mavlink")
            assert draft.media_type == "application/vnd.mavlink.tlog"
            verdict = verify(content)
            assert verdict.whole
            assert verdict.records == draft.meta["frames"]
            assert (verdict.first_us, verdict.last_us) == (draft.start_us, draft.end_us)
        joined = join(content for _, content in pieces)
        # The first place was said before the heartbeat that said that it is armed.
        assert [raw for raw in raws[1:] if raw not in joined] == []
        [index] = shelf.indexes()
        assert index["ended"] == "disarmed"
        assert index["messages"] == {"GLOBAL_POSITION_INT": 150, "HEARTBEAT": 151}
        assert [piece[0] for piece in index["pieces"]] == [0, 1, 2]

    _run(scenario)
    assert not list(tmp_path.glob("*~1.tlog"))


def test_what_the_spool_cannot_take_stays_and_goes_later_in_order(tmp_path: Path) -> None:
    shelf = Shelf()

    async def scenario() -> None:
        kit = RecorderKit(tmp_path, shelf)
        await kit.recorder.begin()
        shelf.full = True
        await kit.fly(200)
        assert shelf.bundles == []
        # What was idle before, its index, and three pieces.
        assert kit.recorder.report()["waiting"] == 5
        assert kit.recorder.report()["state"] == "down"
        shelf.full = False
        await kit.flush()
        assert [draft.meta["piece"] for draft, _ in shelf.tlogs()] == [0, 1, 2]
        assert kit.recorder.report()["state"] == "ok"

    _run(scenario)


def test_a_disk_that_takes_nothing_leaves_a_gap_and_no_torn_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf()
    real = os.write

    def full(handle: int, data: Any) -> int:
        if len(data) > 1000:
            return real(handle, data[:1000])  # some of it, then nothing more
        raise OSError(errno.ENOSPC, "No space left on device")

    async def scenario() -> None:
        kit = RecorderKit(tmp_path, shelf)
        await kit.recorder.begin()
        kept = await kit.fly(10)
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full)
            for _ in range(2):
                await kit.fly(15)
        kept += await kit.fly(1)
        assert [gap[4].partition(":")[0] for gap in shelf.gaps] == ["disk"]
        kept += await kit.fly(29)
        [(draft, content)] = shelf.tlogs()
        verdict = verify(content)
        assert verdict.whole
        assert verdict.records == draft.meta["frames"]
        assert [raw for raw in kept[1:40] if raw not in content] == []
        await kit.fly(1, armed=False)
        [index] = shelf.indexes()
        [(start_us, end_us, _)] = index["gaps"]
        assert (start_us, end_us) == (T0_US + 10 * _S, T0_US + 39 * _S)

    _run(scenario)


def test_a_new_start_goes_on_with_the_flight(tmp_path: Path) -> None:
    shelf = Shelf()

    async def scenario() -> None:
        kit = RecorderKit(tmp_path, shelf)
        task = asyncio.create_task(kit.recorder.run(lambda: None))
        await asyncio.sleep(0.05)
        await kit.fly(5)
        task.cancel()
        await asyncio.wait([task])
        assert [draft.meta["closed"] for draft, _ in shelf.tlogs()] == ["stopped"]
        again = RecorderKit(tmp_path, shelf)
        again.now_us = kit.now_us + 60 * _S
        again.recorder.take(again.vehicle.place(34.2, 108.9, at_us=again.now_us))  # not ready yet
        await again.recorder.begin()
        await again.fly(5)
        await again.fly(1, armed=False)
        flights = {draft.meta["flight"] for draft, _ in shelf.tlogs()}
        assert len(flights) == 1
        assert [draft.meta["piece"] for draft, _ in shelf.tlogs()] == [0, 1]
        [index] = shelf.indexes()
        assert [gap[2].partition(":")[0] for gap in index["gaps"]] == ["agent"]
        assert shelf.gaps[0][:2] == ("m300-1", "mavlink")

    _run(scenario)


def test_each_of_several_kills_in_flight_is_a_gap(tmp_path: Path) -> None:
    shelf = Shelf()

    async def scenario() -> None:
        now_us = 0
        for _ in range(3):  # each ends before a piece is closed
            kit = RecorderKit(tmp_path, shelf)
            kit.now_us = max(kit.now_us, now_us)
            await kit.recorder.begin()
            await kit.fly(5)
            await kit.recorder.write()
            now_us = kit.now_us + 20 * _S
        kit = RecorderKit(tmp_path, shelf)
        kit.now_us = now_us
        await kit.recorder.begin()
        await kit.fly(2)
        await kit.fly(1, armed=False)
        [index] = shelf.indexes()
        assert [gap[2].partition(":")[0] for gap in index["gaps"]] == ["agent"] * 3

    _run(scenario)


def test_the_radio_and_what_is_said_to_a_vehicle_are_in_its_record(tmp_path: Path) -> None:
    shelf = Shelf()

    async def scenario() -> None:
        kit = RecorderKit(tmp_path, shelf)
        await kit.recorder.begin()
        await kit.fly(2)
        ground, radio = Autopilot(sysid=255, autopilot=8), Autopilot(sysid=51, compid=68)
        command = ground.say("command_long", 1, 1, 20, 0, 0, 0, 0, 0, 0, 0, 0, at_us=kit.now_us)
        other = ground.say("command_long", 9, 1, 20, 0, 0, 0, 0, 0, 0, 0, 0, at_us=kit.now_us)
        status = radio.say("radio_status", 1, 2, 3, 4, 5, 6, 7, at_us=kit.now_us)
        for frame in (command, other, status):
            kit.recorder.take(frame)
        await kit.fly(1, armed=False)
        [(draft, _)] = shelf.tlogs()
        assert set(str(draft.meta["messages"]).split(", ")) == {
            "HEARTBEAT 3", "GLOBAL_POSITION_INT 2", "COMMAND_LONG 1", "RADIO_STATUS 1",
        }  # fmt: skip

    _run(scenario)


def test_a_flood_faster_than_the_disk_is_bounded_and_said(tmp_path: Path) -> None:
    shelf = Shelf()

    async def scenario() -> None:
        kit = RecorderKit(tmp_path, shelf)
        await kit.recorder.begin()
        await kit.fly(1)
        kit.recorder._held_bytes = 17_000_000
        kit.recorder.take(kit.vehicle.beat(at_us=kit.now_us))
        assert kit.recorder.dropped == 1
        await kit.fly(1)
        assert kit.recorder.report()["dropped"] >= 1
        assert shelf.gaps[0][4].startswith("disk:")

    _run(scenario)


_CHILD = textwrap.dedent("""
    import asyncio, sys, time
    from pathlib import Path
    from fieldlab.autopilot import Autopilot
    from fieldlink.drone.record import Recorder

    def now_us():
        return time.time_ns() // 1000

    async def main():
        recorder = Recorder(
            Path(sys.argv[1]), lambda draft, content: None, clock=now_us,
            name_of=lambda sysid: f"m300-{sysid}",
        )
        task = asyncio.create_task(recorder.run(lambda: None))
        vehicle = Autopilot()
        vehicle.armed = True
        number = 0
        while True:
            frame = vehicle.say("system_time", number, 0) if number % 20 else vehicle.beat()
            frame = frame._replace(at_us=now_us())
            recorder.take(frame)
            print(number, flush=True)
            number += 1
            await asyncio.sleep(0.02)

    asyncio.run(main())
""")


def test_a_kill_loses_at_most_the_last_second(tmp_path: Path) -> None:
    lab = Path(__file__).parents[2] / "lab"
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(lab)},
    )
    assert child.stdout is not None
    said = 0
    for line in child.stdout:
        said = int(line)
        if said >= 100:  # two seconds of frames
            break
    child.send_signal(signal.SIGKILL)
    said = max([said, *(int(line) for line in child.stdout if line.strip())])
    child.wait()
    child.stdout.close()
    shelf = Shelf()

    async def scenario() -> None:
        kit = RecorderKit(tmp_path, shelf)
        await kit.recorder.begin()
        await kit.flush()

    _run(scenario)
    [(draft, content)] = shelf.tlogs()
    assert draft.meta["closed"] == "recovered"
    verdict = verify(content)
    assert verdict.whole
    assert verdict.records == draft.meta["frames"]
    # Frames are 20 ms apart or more: a second is 50 of them.
    assert verdict.records >= said + 1 - 50
    assert not list(tmp_path.glob("*.tlog"))


def test_what_is_left_over_is_cut_where_it_is_torn_and_what_is_damaged_is_said(
    tmp_path: Path,
) -> None:
    shelf = Shelf()

    async def scenario() -> None:
        kit = RecorderKit(tmp_path, shelf)
        await kit.recorder.begin()
        raws = await kit.fly(20)
        kit.recorder.store.close()
        path = _piece_in(tmp_path)
        data = bytearray(path.read_bytes())
        data[data.index(raws[5]) + 12] ^= 0xFF
        path.write_bytes(data[:-5])
        (tmp_path / "notes.txt").write_text("not ours")
        path.with_name("m300-1~x.json").write_text("{broken")
        again = RecorderKit(tmp_path, shelf)
        again.now_us = kit.now_us
        await again.recorder.begin()
        await again.flush()
        [(draft, content)] = shelf.tlogs()
        assert verify(content).whole
        assert verify(content).records == draft.meta["frames"] == len(raws) - 3
        assert len(again.recorder.report()["findings"]) == 1
        await again.fly(1, armed=False)
        [index] = shelf.indexes()
        assert index["ended"] == "disarmed"
        assert (tmp_path / "notes.txt").exists()

    _run(scenario)
