"""Flights of DJI aircraft into the spool, over kills and a spool that refuses."""

import json
from pathlib import Path
from typing import Any

import pytest

from fieldlab.intake import FakeTime
from fieldlink.codecs.bundle import FLIGHT_MEDIA_TYPE, Draft, decode_flight
from fieldlink.codecs.fault import SpoolError
from fieldlink.edge.dji.flights import DjiFlights

pytestmark = pytest.mark.anyio


def left_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


class Kit:
    """Flights in a folder; `again` is another process after a kill."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.time = folder, FakeTime()
        self.stored: list[tuple[Draft, dict[str, Any]]] = []
        self.full = False
        self.known = {"drone-1"}
        self.made = self._make()

    def _make(self) -> DjiFlights:
        made = DjiFlights(
            self.folder,
            self._store,
            self.time.now_us,
            self.known.__contains__,
            steady_us=self.time.now_us,
        )
        made.recover()
        return made

    def again(self) -> None:
        self.made = self._make()

    def _store(self, draft: Draft, content: bytes) -> None:
        if self.full:
            raise SpoolError("the disk is full")
        self.stored.append((draft, json.loads(content)))

    async def says(self, armed: int, count: int = 3) -> None:
        for _ in range(count):
            self.time.pass_s(2)
            self.made.take("drone-1", {"armed": armed, "height": 20.0})
            self.made.tick()
            await self.made.write()


async def test_a_flight_is_in_the_spool_as_those_of_other_aircraft_are(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    await kit.says(1)
    assert kit.made.report()["flying"].keys() == {"drone-1"}
    await kit.says(0)
    (_, begun), (draft, index) = kit.stored
    assert begun["ended"] == ""  # it goes on
    assert (draft.device, draft.stream, draft.layer) == ("drone-1", "mavlink", "report")
    assert (draft.media_type, draft.meta["ended"]) == (FLIGHT_MEDIA_TYPE, "disarmed")
    assert (index["pieces"], index["messages"], index["armed"]) == ([], {}, True)
    read = decode_flight(json.dumps(index).encode())  # as the centre does
    assert (read.device, read.ended, read.system) == ("drone-1", "disarmed", 0)
    assert left_in(tmp_path) == []


async def test_a_kill_in_the_air_is_a_gap_and_what_the_spool_refuses_is_kept(
    tmp_path: Path,
) -> None:
    kit = Kit(tmp_path)
    await kit.says(1)
    kit.time.pass_s(60)
    kit.again()
    await kit.says(1)
    kit.full = True
    await kit.says(0)
    assert "full" in kit.made.report()["reason"]
    kit.again()
    kit.full = False
    await kit.made.write()
    assert [index["ended"] for _, index in kit.stored] == ["", "", "disarmed"]
    index = kit.stored[-1][1]
    assert [reason.partition(":")[0] for _, _, reason in index["gaps"]] == ["agent"]
    assert left_in(tmp_path) == []


async def test_a_flight_of_a_controller_that_was_removed_is_stopped(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    await kit.says(1)
    kit.known.clear()
    kit.made.tick()
    await kit.made.write()
    assert [index["ended"] for _, index in kit.stored] == ["", "stopped"]


async def test_what_is_no_flight_in_the_folder_is_removed(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"version": 1')
    assert Kit(tmp_path).made.report()["flying"] == {}
    assert left_in(tmp_path) == []


async def test_the_centre_hears_of_a_flight_that_goes_on_once_a_minute(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    await kit.says(1, 100)
    told = [index for _, index in kit.stored]
    assert {index["ended"] for index in told} == {""}
    assert [(index["end_us"] - index["start_us"]) // 1_000_000 for index in told] == [
        0,
        60,
        120,
        180,
    ]


async def test_a_broker_that_is_lost_and_found_ends_no_flight(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    await kit.says(1)
    kit.made.recover()  # as each new connection does
    await kit.says(1)
    assert {index["ended"] for _, index in kit.stored} == {""}
    kit.full = True
    await kit.says(0)
    kit.made.recover()
    kit.full = False
    await kit.made.write()
    assert [index["ended"] for _, index in kit.stored] == ["", "disarmed"]
