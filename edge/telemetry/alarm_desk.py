"""Alarms on their own way into the spool: no sheaf and no other alarm is in front of one."""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Any

from fieldlink.codecs.bundle import Draft, Layer, Precedence
from fieldlink.codecs.fault import SpoolError
from fieldlink.codecs.telemetry import (
    ALARM_ID_BYTES,
    ALARM_MEDIA_TYPE,
    ALARM_STREAM,
    Alarm,
    AlarmKind,
    Flag,
    Phase,
    encode_alarm,
)
from fieldlink.codecs.telemetry.alarm import PRECEDENCE
from fieldlink.edge.spool import State, Stored
from fieldlink.edge.telemetry.alarm_book import AlarmBook, AlarmKey, Going
from fieldlink.edge.telemetry.device import Device
from fieldlink.edge.telemetry.motion import Place
from fieldlink.edge.telemetry.ports import Done, KitTime, Notice, Raised, Source
from fieldlink.edge.telemetry.values import is_place, printable
from fieldlink.edge.telemetry.whole import to_the_end

__all__ = ["AlarmDesk", "made_alarm"]

_log = logging.getLogger(__name__)
_MAX_WAITING = 200  # in a line
_MAX_OF_ONE = 24  # device, of these: a button that bounces leaves room to others
_AGAIN_S = 1.0
_FLASH, _OTHERS = 4, 2  # lines: alarms of different devices are written at the same time
_SHORT, _LONG = 48, 256
_CALLS = (AlarmKind.SOS, AlarmKind.MAN_DOWN)
_REMOVED = "设备已移除，不再监测 no longer watched: the device was removed"
_ANEW_US = 120_000_000

Add = Callable[[Draft, bytes], Stored]


@dataclass(slots=True)
class _Job:
    """An alarm to be stored, and who waits for it."""

    alarm: Alarm
    going: Going
    dones: list[Done] = field(default_factory=list)


class AlarmDesk:
    """Takes alarms on the loop's thread, and stores them on others."""

    def __init__(self, book: AlarmBook, add: Add, time: KitTime, executor: Executor) -> None:
        self._book, self._add, self._time, self._executor = book, add, time, executor
        self._lines: tuple[deque[_Job], ...] = tuple(deque() for _ in range(_FLASH + _OTHERS))
        self._news = [asyncio.Event() for _ in self._lines]
        self._began_us = time.now_us()
        self.raised, self.cleared = 0, 0
        self.fault = ""

    # --- taking --------------------------------------------------------------------------

    def notify(self, device: Device, notice: Notice, done: Done | None, *, own: bool) -> None:
        """An alarm of `device` begins or ends; `own`: the kit itself says so."""
        key = device.name, notice.kind, printable(notice.subject, _SHORT)
        going = self._book.get(key)
        line = _line(key)
        if not notice.active:
            if going is not None and (going.own or not own):
                self._clear(line, going, notice, device, done)
            elif done is not None:
                self._follow(line, key, done)
            return
        now_us = self._time.now_us()
        if going is not None and self._calls_anew(going, now_us):
            going = None
        if going is not None:
            going.called_us = now_us
        if going is not None and going.told:
            if done is not None:
                done(None)
            return
        waiting = next((job for job in self._lines[line] if job.going is going), None)
        if waiting is not None:
            waiting.dones += [done] if done is not None else []
            return
        its_own = sum(job.alarm.device == device.name for job in self._lines[line])
        if its_own >= _MAX_OF_ONE or len(self._lines[line]) >= _MAX_WAITING:
            if done is not None:
                done("busy: too many alarms wait for the disk")
            return
        if going is None:
            going = Going(made_alarm(device, notice, key[2], now_us), own, called_us=now_us,
                          via=device.via)  # fmt: skip
            if not self._book.begin(going):
                if done is not None:
                    done("full: too many alarms are going on")
                return
        self._put(line, _Job(going.alarm, going, [done] if done is not None else []))

    def _calls_anew(self, going: Going, now_us: int) -> bool:
        """Whether this is another call for help, and not one that is repeated: a button that says
        nothing when it is let go. The centre may have closed the first one long ago.
        """
        if going.own or going.alarm.kind not in _CALLS:
            return False
        last_us = self._began_us if going.called_us is None else going.called_us
        return abs(now_us - last_us) > _ANEW_US

    def _follow(self, line: int, key: AlarmKey, done: Done) -> None:
        """The end of what has ended already: stored, or with the end that waits for the disk."""
        for job in self._lines[line]:
            if job.going.key == key and job.alarm.phase is Phase.CLEARED:
                job.dones.append(done)
                return
        done(None)

    def keep(self, via: str, speaks: Callable[[str], bool]) -> None:
        """End the alarms of devices of `via` that do not speak any more. A call for help is not
        over because a device was removed: here it is forgotten, and the centre goes on showing it.
        """
        for going in [one for one in self._book if one.via == via]:
            alarm = going.alarm
            if speaks(alarm.device):
                continue
            if alarm.kind in _CALLS:
                self._book.end(going)
                self._book.ended(going)
            else:
                device = Device(Source(alarm.device, alarm.device_kind, via))
                notice = Notice(alarm.kind, False, alarm.subject, text=_REMOVED)
                self.notify(device, notice, None, own=False)

    def alarms(self) -> list[Raised]:
        """Those that go on and that the kit did not raise itself."""
        going = [one.alarm for one in self._book if not one.own]
        return [Raised(one.device, one.device_kind, one.kind, one.subject) for one in going]

    def _clear(
        self, line: int, going: Going, notice: Notice, device: Device, done: Done | None
    ) -> None:
        made = made_alarm(device, notice, going.alarm.subject, self._time.now_us())
        alarm = replace(made, ident=going.alarm.ident, phase=Phase.CLEARED)
        going.told = True
        self._book.end(going)
        self._put(line, _Job(alarm, going, [done] if done is not None else []))

    def _put(self, line: int, job: _Job) -> None:
        self._lines[line].append(job)
        self._news[line].set()

    # --- storing -------------------------------------------------------------------------

    async def run(self) -> None:
        """Store until cancelled.

        Raises:
            Exception: whatever is neither the disk's fault nor the network's.
        """
        async with asyncio.TaskGroup() as group:
            for line in range(len(self._lines)):
                group.create_task(self._serve(line), name=f"alarms {line}")

    async def _serve(self, line: int) -> None:
        jobs, news = self._lines[line], self._news[line]
        while True:
            await news.wait()
            news.clear()
            while jobs:
                if not await to_the_end(self._serve_first(jobs)):
                    await asyncio.sleep(_AGAIN_S)

    async def _serve_first(self, jobs: deque[_Job]) -> bool:
        if stored := await self._store(jobs[0]):
            jobs.popleft()
        return stored

    async def flush(self) -> None:
        """Store what waits, each once; after `run` has ended."""
        for jobs in self._lines:
            while jobs:
                await self._store(jobs.popleft())

    async def _store(self, job: _Job) -> bool:
        """Whether it is in the spool; who waits is told either way."""
        loop = asyncio.get_running_loop()
        draft, content = _bundle(job.alarm, self._time)
        version, data = self._book.snapshot()
        saved = loop.run_in_executor(self._executor, self._save, version, data)
        try:
            stored = await loop.run_in_executor(self._executor, self._add, draft, content)
            answer = None if stored.state is not State.GIVEN_UP else "disk: it is full"
        except SpoolError as error:
            answer = f"disk: {error}"
        await saved
        if answer is None and job.alarm.phase is Phase.CLEARED:
            self._book.ended(job.going)
            await loop.run_in_executor(self._executor, self._save, *self._book.snapshot())
        dones, job.dones = job.dones, []
        if answer is None:
            job.going.told = True
            self.fault = ""
            if job.alarm.phase is Phase.RAISED:
                self.raised += 1
            else:
                self.cleared += 1
        elif answer != self.fault:
            self.fault = answer
            _log.error("an alarm of %s waits: %s", job.alarm.device, answer)
        for done in dones:
            done(answer)
        return answer is None

    def _save(self, version: int, data: bytes) -> None:
        try:
            self._book.save(version, data)
        except OSError as error:
            _log.error("alarms that are going on are not remembered: %s", error)

    def report(self) -> dict[str, Any]:
        """The alarms that are going on, and how many there were."""
        rows = [
            {
                "device": one.alarm.device,
                "kind": one.alarm.kind.value,
                "subject": one.alarm.subject,
                "value": one.alarm.value,
                "limit": one.alarm.limit,
                "unit": one.alarm.unit,
                "text": one.alarm.text,
                "at_us": one.alarm.at_us,
                "id": one.alarm.ident.hex(),
            }
            for one in self._book
        ]
        waiting = sum(map(len, self._lines))
        counts = {"raised": self.raised, "cleared": self.cleared, "waiting": waiting}
        return {"open": rows, **counts, "fault": self.fault}


def _line(key: AlarmKey) -> int:
    """All of one device, kind and subject in one line, in order; nobody's silence before an SOS."""
    if PRECEDENCE[key[1]] is Precedence.FLASH:
        return hash(key) % _FLASH
    return _FLASH + hash(key) % _OTHERS


def made_alarm(device: Device, notice: Notice, subject: str, now_us: int) -> Alarm:
    """The alarm that `notice` begins, with where the device was last when it does not say."""
    flags = int(notice.flags) & int(Flag.EXERCISE | Flag.BACKFILL | Flag.CONVERTED)
    at_us, flags, _ = device.clock.judge(notice.device_us, now_us, flags)
    place = _place(notice, at_us) or device.place
    return Alarm(
        ident=secrets.token_bytes(ALARM_ID_BYTES),
        device=device.name,
        device_kind=device.kind,
        kind=notice.kind,
        phase=Phase.RAISED,
        at_us=at_us,
        subject=subject,
        value=printable(notice.value, _SHORT),
        limit=printable(notice.limit, _SHORT),
        unit=printable(notice.unit, _SHORT),
        text=printable(notice.text, _LONG),
        lat=None if place is None else place.lat,
        lon=None if place is None else place.lon,
        flags=flags,
    )


def _place(notice: Notice, at_us: int) -> Place | None:
    lat, lon = notice.lat, notice.lon
    if lat is None or lon is None or not is_place(lat, lon):
        return None
    return Place(at_us, round(lat * 1e7), round(lon * 1e7))


def _bundle(alarm: Alarm, time: KitTime) -> tuple[Draft, bytes]:
    draft = Draft(
        device=alarm.device,
        stream=ALARM_STREAM,
        layer=Layer.REPORT,
        precedence=alarm.precedence,
        start_us=alarm.at_us,
        end_us=alarm.at_us,
        recorded_us=time.now_us(),
        clock_error_us=time.error_us(),
        media_type=ALARM_MEDIA_TYPE,
    )
    return draft, encode_alarm(alarm)
