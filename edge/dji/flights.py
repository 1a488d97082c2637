"""Flights of DJI aircraft on the kit: those that go on lie in a folder, the others in the spool.

<state_dir>/dji-flights has one file for each flight that goes on, replaced every few seconds, and
one for each that has ended and that the spool does not have yet. A kill loses the last seconds of a
flight's end, and no flight. The spool has an index when a flight begins, each minute, and when it
has ended: the last one counts.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fieldlink.codecs.fault import CodecError, FieldlinkError
from fieldlink.drone.dji.flights import Flights
from fieldlink.drone.record import FlightIndex
from fieldlink.drone.record.pieces import flight_draft
from fieldlink.drone.record.store import Sink
from fieldlink.systemd.durable import make_folder, write_durably
from fieldlink.systemd.service import Beat

__all__ = ["DjiFlights"]

_WRITE_S, _KEEP_S = 1.0, 10.0
_SAY_US = 60_000_000
_MAX_BYTES = 1_000_000


class DjiFlights:
    """`take` belongs to the event loop and returns at once; the disk is another thread's."""

    def __init__(
        self,
        folder: Path,
        sink: Sink,
        clock: Callable[[], int],
        speaks: Callable[[str], bool],
        steady_us: Callable[[], int] = lambda: time.monotonic_ns() // 1000,
    ) -> None:
        self._folder, self._sink, self._clock = folder, sink, clock
        self._speaks, self._steady_us = speaks, steady_us
        self.flights = Flights()
        self._owed: list[FlightIndex] = []
        self._said: dict[str, int] = {}  # when an index was last stored of what goes on
        self._changed = True
        self.recorded = 0
        self.fault = ""

    def take(self, device: str, values: Mapping[str, Any]) -> None:
        """What an aircraft says of its flight (the stream `flight`)."""
        armed = values.get("armed")
        self._changed |= self.flights.take(
            device,
            at_us=self._clock(),
            steady_us=self._steady_us(),
            armed=None if armed is None else bool(armed),
            height_m=values.get("height"),
            speed_mps=values.get("groundspeed"),
        )

    async def run(self, beat: Beat) -> None:
        """Keep them until cancelled.

        Raises:
            OSError: the folder cannot be made or read.
        """
        await asyncio.to_thread(self.recover)
        kept_s = time.monotonic()
        try:
            while True:
                beat()
                self.tick()
                if self._changed or time.monotonic() - kept_s > _KEEP_S:
                    kept_s = time.monotonic()
                    await self.write()
                await asyncio.sleep(_WRITE_S)
        finally:
            await asyncio.shield(self.write())

    def tick(self) -> None:
        """End what has ended without a word."""
        self._changed |= self.flights.tick(self._steady_us())
        for device in [name for name in self.flights.flying if not self._speaks(name)]:
            self.flights.stop(device)
            self._changed = True

    def recover(self) -> None:
        """Take up what goes on from before, and owe what had ended.

        Raises:
            OSError: the folder cannot be made or read.
        """
        make_folder(self._folder)
        known = {one.index.ident for one in self.flights.flying.values()}
        known |= {one.ident for one in (*self._owed, *self.flights.ended)}
        for path in sorted(self._folder.glob("*.json")):
            try:
                with path.open("rb") as file:
                    index = FlightIndex.from_dict(json.loads(file.read(_MAX_BYTES)))
            except (CodecError, ValueError):
                path.unlink(missing_ok=True)  # it was never whole, or is another's
                continue
            if index.ident in known:
                continue  # of this run: the broker was lost, and this begins again
            if index.ended or index.device in self.flights.flying:
                index.ended = index.ended or "stopped"
                self._owed.append(index)
            else:
                self.flights.resume(index, self._steady_us())

    async def write(self) -> None:
        """Put what goes on into the folder, and what has ended into the spool."""
        self._owed += self.flights.ended
        self.flights.ended, self._changed = [], False
        flying = [craft.index.copy() for craft in self.flights.flying.values()]
        now_us = self._steady_us()
        due = [one for one in flying if now_us - self._said.get(one.ident, -_SAY_US) >= _SAY_US]
        self._said = {one.ident: self._said.get(one.ident, now_us) for one in flying}
        self._said.update((one.ident, now_us) for one in due)
        self._owed = await asyncio.to_thread(self._write, flying, due, self._owed)
        self._changed = self._changed or bool(self._owed)

    def _write(
        self, flying: list[FlightIndex], due: list[FlightIndex], owed: list[FlightIndex]
    ) -> list[FlightIndex]:
        """On a thread; those that are still owed. `due` go on, and the centre is to know."""
        left = []
        self.fault = ""
        try:
            for index in [*flying, *owed]:
                write_durably(self._path(index), json.dumps(index.to_dict()).encode())
        except OSError as error:
            self.fault = str(error)
        for index in [*due, *owed]:
            content = json.dumps(index.to_dict(), ensure_ascii=False).encode()
            try:
                self._sink(flight_draft(index, self._clock()), content)
                if index.ended:
                    self._path(index).unlink(missing_ok=True)
                    self.recorded += 1
            except (OSError, FieldlinkError) as error:
                self.fault = str(error)
                if index.ended:  # one that goes on is told again anyway
                    left.append(index)
        return left

    def _path(self, index: FlightIndex) -> Path:
        return self._folder / f"{index.device}~{index.ident}.json"

    def report(self) -> dict[str, Any]:
        """How it is, for people and programs."""
        return {
            "flying": {name: one.index.ident for name, one in self.flights.flying.items()},
            "recorded": self.recorded,
            "reason": self.fault,
        }
