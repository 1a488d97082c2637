"""Telemetry as a row of the agent: one writer of sheaves, and alarms on their own way beside it."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from fieldlink.codecs.bundle import Draft, Precedence
from fieldlink.codecs.fault import SpoolError
from fieldlink.edge.spool import State, Stored
from fieldlink.edge.telemetry.alarm_book import AlarmBook
from fieldlink.edge.telemetry.alarm_desk import AlarmDesk
from fieldlink.edge.telemetry.gather import Batch
from fieldlink.edge.telemetry.intake import KitIntake
from fieldlink.edge.telemetry.ports import Intake, KitTime
from fieldlink.edge.telemetry.settings import TelemetrySettings
from fieldlink.edge.telemetry.sheaves import sheaf_bundles
from fieldlink.edge.telemetry.whole import to_the_end
from fieldlink.systemd.service import Beat

__all__ = ["Telemetry"]

_log = logging.getLogger(__name__)
_FULL = "disk: it is full"


class Telemetry:
    """Stores what devices say. `folder` is where the kit keeps its state, `add` the spool's."""

    def __init__(
        self,
        settings: TelemetrySettings,
        *,
        add: Callable[[Draft, bytes], Stored],
        time: KitTime,
        folder: Path,
    ) -> None:
        self._settings, self._add, self._time = settings, add, time
        self._book = AlarmBook(folder / "alarms.json")
        self._writer = ThreadPoolExecutor(1, "telemetry")
        self._alarmists = ThreadPoolExecutor(8, "alarm")
        self._desk = AlarmDesk(self._book, add, time, self._alarmists)
        self._much = asyncio.Event()
        self._intake = KitIntake(
            time_=time,
            run=time.now_us(),
            desk=self._desk,
            on_much=self._much.set,
        )
        self._fault = ""
        self._stored, self._lost, self._bundles, self._bytes = 0, 0, 0, 0

    @property
    def intake(self) -> Intake:
        """What adapters speak to."""
        return self._intake

    @property
    def findings(self) -> list[str]:
        """What was found wrong with what the kit remembers."""
        return self._book.findings

    # --- running -------------------------------------------------------------------------

    async def run(self, beat: Beat) -> None:
        """Store until cancelled; then what has come in. A service's row."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._desk.run(), name="alarms")
                while True:
                    beat()
                    await to_the_end(self._store())
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._much.wait(), self._settings.tick)
                    self._much.clear()
        finally:
            await to_the_end(self._end())

    async def _end(self) -> None:
        await self._desk.flush()
        await self._store()
        self._writer.shutdown()
        self._alarmists.shutdown()

    async def _store(self) -> None:
        """All that has come in since the last time."""
        if not self._intake.gather:
            return
        batch = self._intake.gather.take()
        count = self._intake.writing = batch.count
        loop = asyncio.get_running_loop()
        try:
            times = self._time.now_us(), self._time.error_us()
            answer = await loop.run_in_executor(self._writer, self._write, batch, *times)
        finally:
            self._intake.writing = 0
        if answer:
            self._lost += count
            batch.forget()
            if answer != self._fault:
                _log.error("%d samples were not stored: %s", count, answer)
            self._intake.gather.fail_repeats(answer)
        else:
            self._stored += count
        self._fault = answer
        batch.tell(answer or None)

    def _write(self, batch: Batch, now_us: int, error_us: int | None) -> str:
        """Sheaves into the spool, one after the other; on a thread. Why not, or nothing."""
        # What was stored long ago is history, and waits behind what happens now.
        for sheaves, precedence in (
            (batch.live, Precedence.PRIORITY),
            (batch.late, Precedence.ROUTINE),
        ):
            for blocks in sheaves:
                for draft, content in sheaf_bundles(
                    blocks, precedence=precedence, now_us=now_us, error_us=error_us
                ):
                    try:
                        stored = self._add(draft, content)
                    except SpoolError as error:
                        return f"disk: {error}"
                    if stored.state is State.GIVEN_UP:
                        return _FULL
                    self._bundles += 1
                    self._bytes += len(content)
        return ""

    # --- questions -----------------------------------------------------------------------

    def report(self) -> dict[str, Any]:
        """How telemetry is, for people and programs."""
        return {
            "stored": self._stored,
            "lost": self._lost,
            "repeated": self._intake.repeated,
            "waiting": self._intake.gather.count + self._intake.writing,
            "bundles": self._bundles,
            "bytes": self._bytes,
            "fault": self._fault,
            "alarms": self._desk.report(),
        }
