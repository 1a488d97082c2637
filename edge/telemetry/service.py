"""Telemetry as a row of the agent: one writer of sheaves, alarms on their own way beside it, and
behind both whoever packs what waits.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from fieldlink.codecs.bundle import Draft, Precedence
from fieldlink.codecs.fault import SpoolError
from fieldlink.codecs.telemetry import Detail
from fieldlink.edge.planner import SpoolState
from fieldlink.edge.spool import State, Stored
from fieldlink.edge.telemetry.alarm_book import AlarmBook
from fieldlink.edge.telemetry.alarm_desk import AlarmDesk
from fieldlink.edge.telemetry.device import Device
from fieldlink.edge.telemetry.gather import Batch
from fieldlink.edge.telemetry.heard import Heard
from fieldlink.edge.telemetry.intake import KitIntake
from fieldlink.edge.telemetry.ladder import Ladder, Offer
from fieldlink.edge.telemetry.live import Live
from fieldlink.edge.telemetry.packing import Packer, Shelf
from fieldlink.edge.telemetry.places import Places
from fieldlink.edge.telemetry.ports import Intake, KitTime, Notice
from fieldlink.edge.telemetry.rules import Rules
from fieldlink.edge.telemetry.settings import TelemetrySettings
from fieldlink.edge.telemetry.sheaves import sheaf_bundles
from fieldlink.edge.telemetry.status import brief_telemetry, device_rows, refused_rows
from fieldlink.edge.telemetry.whole import to_the_end
from fieldlink.systemd.service import Beat

__all__ = ["Telemetry"]

_log = logging.getLogger(__name__)
_FULL_DISK = "disk: it is full"
_HEAD_BYTES = 400
_LOOK_S, _RATE_S = 1.0, 20.0
_PACK_S, _PACK_ON_S = 5.0, 0.2
_HEARD_S = 60.0
_REMEMBER_S = 30.0


class Telemetry:
    """Stores what devices say, raises the kit's own alarms, and sends as much as the links allow.

    `folder` is where the kit keeps its state, `link` what all open bearers carry, bits a second,
    `down` the ways in that do not work, with the adapter of each.
    """

    def __init__(
        self,
        settings: TelemetrySettings,
        *,
        spool: Shelf,
        state: SpoolState,
        link: Callable[[], float | None],
        time_: KitTime,
        folder: Path,
        steady: Callable[[], float] = time.monotonic,
        down: Callable[[], Mapping[str, str]] = dict,
        places: Places | None = None,
    ) -> None:
        self._steady, self._down = steady, down
        self._settings, self._spool, self._link, self._time = settings, spool, link, time_
        self._book = AlarmBook(folder / "alarms.json")
        self._writer = ThreadPoolExecutor(1, "telemetry")
        self._alarmists = ThreadPoolExecutor(12, "alarm")
        self._binder = ThreadPoolExecutor(1, "packing")
        self._desk = AlarmDesk(self._book, spool.add, time_, self._alarmists)
        self._rules = Rules(settings.alarm, self._book, self._raises)
        self._much = asyncio.Event()
        self._intake = KitIntake(
            time_=time_,
            run=time_.now_us(),
            desk=self._desk,
            on_sample=self._rules.sample,
            on_much=self._much.set,
            places=places,
            steady=steady,
        )
        self._heard = Heard(folder / "heard.json")
        for device in self._heard.load(time_.now_us(), steady()):
            self._intake.roster.expect(device)
        self._packer = Packer(spool, state, time_.now_us)
        self._ladder, self._live = Ladder(), Live(state)
        self._looked_s = self._remembered_s = 0.0
        self._sizes: deque[tuple[float, int]] = deque()
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

    def recorded(self, stored: Stored) -> None:
        """The spool has one more bundle; on the loop's thread, as the rest."""
        self._packer.recorded(stored)

    def held(self, stored: Stored) -> None:
        """The spool has a bundle since an earlier run."""
        self._packer.recorded(stored)
        self._live.held(stored)

    def gone(self, bundle: bytes) -> None:
        """The spool has it no more."""
        self._packer.gone(bundle)

    # --- running -------------------------------------------------------------------------

    async def run(self, beat: Beat) -> None:
        """Store until cancelled; then what has come in. A service's row.

        Raises:
            SpoolError: the spool fails for good.
        """
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._desk.run(), name="alarms")
                group.create_task(self._pack(), name="packing")
                while True:
                    beat()
                    await to_the_end(self._store())
                    await self._look()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(self._settings.tick):
                            await self._much.wait()
                    self._much.clear()
        finally:
            await to_the_end(self._end())

    async def _end(self) -> None:
        await self._desk.flush()
        await self._store()
        for executor in (self._writer, self._alarmists, self._binder):
            executor.shutdown()

    async def _store(self) -> None:
        """All that has come in since the last time."""
        if not self._intake.gather:
            return
        batch = self._intake.gather.take()
        count = self._intake.writing = batch.count
        loop = asyncio.get_running_loop()
        full = self._live.detail is Detail.FULL
        times = self._time.now_us(), self._time.error_us()
        try:
            answer = await loop.run_in_executor(self._writer, self._write, batch, full, *times)
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
            self._live.took(batch)
        self._fault = answer
        await batch.tell(answer or None)

    def _write(self, batch: Batch, full: bool, now_us: int, error_us: int | None) -> str:
        """Sheaves into the spool, one after the other; on a thread. Why not, or nothing."""
        # What was stored long ago is history, and waits behind what happens now; so does all the
        # rest while thin sheaves say what happens now.
        live = Precedence.PRIORITY if full else Precedence.ROUTINE
        for sheaves, precedence in ((batch.live, live), (batch.late, Precedence.ROUTINE)):
            for blocks in sheaves:
                for draft, content in sheaf_bundles(
                    blocks, precedence=precedence, now_us=now_us, error_us=error_us
                ):
                    if why := self._added(draft, content)[1]:
                        return why
                    self._bundles += 1
                    self._bytes += len(content)
                    self._sizes.append((self._steady(), len(content) + _HEAD_BYTES))
        return ""

    def _added(self, draft: Draft, content: bytes) -> tuple[bytes | None, str]:
        """The bundle's id, or why the spool does not have it; on a thread."""
        try:
            stored = self._spool.add(draft, content)
        except SpoolError as error:
            return None, f"disk: {error}"
        given_up = stored.state is State.GIVEN_UP
        return (None, _FULL_DISK) if given_up else (stored.bundle_id, "")

    def _withdrawn(self, *bundles: bytes) -> bool:
        """Whether any of them is gone from the spool; on a thread."""
        try:
            return bool(self._spool.withdraw(*bundles))
        except SpoolError as error:  # then they go as they are
            _log.warning("thin sheaves cannot be withdrawn: %s", error)
            return False

    async def _look(self) -> None:
        """The kit's own rules, and how much detail the links allow."""
        now_s = self._steady()
        if now_s - self._looked_s < min(_LOOK_S, self._settings.tick):
            return
        self._looked_s = now_s
        self._rules.look(self._intake.roster, now_s, self._down())
        while self._sizes and now_s - self._sizes[0][0] > _RATE_S:
            self._sizes.popleft()
        sent_bits = 8 * sum(size for _, size in self._sizes)
        offer = Offer(self._link(), sent_bits / _RATE_S, self._speaking(now_s),
                      self._packer.waits_s())  # fmt: skip
        self._live.turn(self._ladder.look(offer, now_s))
        times = self._time.now_us(), self._time.error_us()
        await to_the_end(self._live.look(now_s, *times, self._replace, self._off))
        if stale := self._live.stale():
            await self._off(partial(self._withdrawn, *stale))
        if now_s - self._remembered_s >= _REMEMBER_S:
            self._remembered_s = now_s
            rows = self._heard.rows(self._intake.roster, times[0])
            await self._off(partial(self._remember, rows))

    def _remember(self, rows: bytes) -> None:
        """On a thread."""
        try:
            self._heard.save(rows)
        except OSError as error:
            _log.error("who speaks is not remembered: %s", error)

    def _speaking(self, now_s: float) -> int:
        return sum(
            len(device.series)
            for device in self._intake.roster
            if device.heard_s is not None and now_s - device.heard_s < _HEARD_S
        )

    async def _replace(
        self, draft: Draft, content: bytes, old: bytes | None
    ) -> tuple[bytes | None, bool]:
        def work() -> tuple[bytes | None, bool]:
            bundle, why = self._added(draft, content)
            if bundle is None:
                _log.warning("a thin sheaf was left out: %s", why)
            return bundle, bundle is not None and old is not None and self._withdrawn(old)

        answer: tuple[bytes | None, bool] = await self._off(work)
        return answer

    async def _off(self, work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._writer, work)

    async def _pack(self) -> None:
        loop = asyncio.get_running_loop()

        async def waits(work: Callable[[], Any]) -> Any:
            return await loop.run_in_executor(self._binder, work)

        while True:
            worked = await to_the_end(self._packer.round(waits))
            await asyncio.sleep(_PACK_ON_S if worked else _PACK_S)

    def _raises(self, device: Device, notice: Notice) -> None:
        self._desk.notify(device, notice, None, own=True)

    # --- questions -----------------------------------------------------------------------

    def brief(self) -> dict[str, Any]:
        """How telemetry is, in counts, for the centre."""
        counts = {
            "stored": self._stored,
            "lost": self._lost,
            "alarms": len(self._book),
            "detail": self._live.detail.name.lower(),
        }
        return brief_telemetry(self._intake.roster, self._time.now_us(), counts)

    def report(self) -> dict[str, Any]:
        """How telemetry is, for people and programs."""
        roster = self._intake.roster
        return {
            "stored": self._stored,
            "lost": self._lost,
            "repeated": self._intake.repeated,
            "waiting": self._intake.gather.count + self._intake.writing,
            "bundles": self._bundles,
            "bytes": self._bytes,
            "packed": self._packer.withdrawn,
            "thin": self._live.made,
            "detail": self._live.detail.name.lower(),
            "fault": self._fault or self._packer.fault,
            "devices": device_rows(roster, self._time.now_us()),
            "strangers": refused_rows(roster),
            "alarms": self._desk.report(),
        }
