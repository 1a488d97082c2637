"""Aircraft as one of the kit's adapters: the router runs, what it hears goes to the intake as
samples and alarms, and as recordings to the spool.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from fieldlink.codecs.fault import ConfigError, SourceError
from fieldlink.codecs.mavlink import Frame
from fieldlink.codecs.telemetry import AlarmKind, Flag
from fieldlink.drone.connection.address import parse_address
from fieldlink.drone.record import GapSink, Recorder, Sink
from fieldlink.drone.router import Router
from fieldlink.drone.router.policy import policy_of
from fieldlink.drone.vehicle import Fleet, Key, Limits, Measured, Said
from fieldlink.edge.control import Command
from fieldlink.edge.drone.settings import DroneSettings
from fieldlink.edge.telemetry.ports import Intake, KitTime, Notice, Reading, Source
from fieldlink.systemd.service import Beat

__all__ = ["Drone", "Records", "make_drone"]

VIA = "mavlink"
_TICK_S = 0.5
_STALLED_S = 10.0
_LOST_US = 5_000_000
_MOST_SAID = 4


@dataclass(frozen=True, slots=True)
class Records:
    """Where recordings go: the spool, as bundles and as gaps."""

    add: Sink
    add_gap: GapSink


class Drone:
    """All aircraft of a kit. What `run` builds is built anew each time that it is run again."""

    name = "drone"

    def __init__(
        self,
        settings: DroneSettings,
        state_dir: Path,
        intake: Intake,
        time_: KitTime,
        records: Records | None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings, state_dir
        self._settings, self._state_dir = settings, state_dir
        self._intake, self._time, self._clock_s = intake, time_, clock_s
        self._named = {one.sysid: one for one in settings.vehicle}
        self._played = {
            one.name for one in settings.endpoint if parse_address(one.connect).kind == "file"
        }
        self._lost_us = {one.name: policy_of(one).lost_after_us for one in settings.endpoint}
        limits = Limits(battery=settings.battery)
        self.fleet = Fleet(self._lost_after_us, round(settings.every * 1e6), limits, self._going)
        self._records = records
        self.router: Router | None = None
        self.recorder: Recorder | None = None
        self._written_s = clock_s()
        self._reason = ""

    async def run(self, beat: Beat) -> None:
        """Work until cancelled.

        Raises:
            SourceError: the key file cannot be used.
            OSError: the folder of recordings cannot be used.
        """
        try:
            router = Router(
                self._settings,
                state_dir=self._state_dir,
                utc_us=self._time.now_us,
                healthy=self._healthy,
            )
        except ConfigError as error:  # this stops, and nothing else
            self._reason = str(error)
            raise SourceError("settings", str(error)) from error
        recorder = self._recorder()
        self.router, self.recorder, self._reason = router, recorder, ""
        self._written_s = self._clock_s()
        router.tap(self._heard)
        rows = [router.run(beat), self._tick()]
        if recorder is not None:
            router.tap(partial(self._record, recorder), ground=True)
            rows.append(recorder.run(self._wrote))
        await _all(rows)

    def _recorder(self) -> Recorder | None:
        if self._records is None:
            return None
        return Recorder(
            self._state_dir / "flights",
            self._records.add,
            clock=self._time.now_us,
            name_of=self._name,
            gap=self._records.add_gap,
            silent_us=lambda link: 2 * self._lost_after_us(link),
        )

    def _record(self, recorder: Recorder, frame: Frame) -> None:
        if not self._is_played(frame.link):  # it was recorded when it flew
            recorder.take(frame)

    def _wrote(self) -> None:
        self._written_s = self._clock_s()

    def _healthy(self) -> bool:
        """While nothing can be recorded the kit says to aircraft that it is not there."""
        return self.recorder is None or self._clock_s() - self._written_s < _STALLED_S

    async def _tick(self) -> None:
        while True:
            self._tell(self.fleet.tick(self._now_us()))
            await asyncio.sleep(_TICK_S)

    def _heard(self, frame: Frame) -> None:
        self._tell(self.fleet.take(frame, self._now_us()))

    def _now_us(self) -> int:
        return round(self._clock_s() * 1e6)

    def _lost_after_us(self, link: str) -> int:
        # A link is called as its endpoint, and its peer behind that where there may be several.
        return self._lost_us.get(link.partition(" ")[0], _LOST_US)

    def _tell(self, found: list[Said]) -> None:
        for said in found:
            source = Source(self._device(said.vehicle), "drone", VIA)
            flags = Flag.EXERCISE if self._is_exercise(said.vehicle) else Flag.NONE
            if isinstance(said, Measured):
                if said.no_fix:
                    flags |= Flag.NO_FIX
                self._intake.record(source, said.schema, [Reading(said.values, flags=flags)])
            else:
                notice = Notice(
                    said.kind, said.active, said.subject, said.value, said.limit, said.unit,
                    said.text, flags=flags,
                )  # fmt: skip
                self._intake.notify(source, notice)

    def _going(self, vehicle: Key) -> list[tuple[AlarmKind, str]]:
        device = self._device(vehicle)
        return [(one.kind, one.subject) for one in self._intake.alarms() if one.device == device]

    def _name(self, sysid: int) -> str:
        named = self._named.get(sysid)
        return named.name if named is not None else f"mav-{sysid}"

    def _device(self, vehicle: Key) -> str:
        sysid, compid = vehicle
        name = self._name(sysid)
        # A second autopilot of one system is a device of its own.
        first = min((key[1] for key in self.fleet.vehicles if key[0] == sysid), default=compid)
        return name if compid <= first else f"{name[:28].rstrip('-_')}-{compid}"

    def _is_exercise(self, vehicle: Key) -> bool:
        named = self._named.get(vehicle[0])
        if named is not None and named.exercise:
            return True
        found = self.fleet.vehicles.get(vehicle)
        link = next(reversed(found.links), "") if found is not None else ""
        return self._is_played(link)  # it flies nowhere now

    def _is_played(self, link: str) -> bool:
        return link.partition(" ")[0] in self._played

    @property
    def commands(self) -> Mapping[str, Command]:
        """What people ask of it."""
        return {"drone": self._asked}

    async def _asked(self, _: Mapping[str, Any]) -> dict[str, Any]:
        return {"ok": True, "drone": self.report()}

    def report(self) -> dict[str, Any]:
        """How it is, for people and programs."""
        now_us = self._now_us()
        router = self.router.report() if self.router is not None else {}
        recording = self.recorder.report() if self.recorder is not None else None
        vehicles = [
            {"name": self._device((one["system"], one["component"])), **one}
            for one in self.fleet.report(now_us)
        ]
        reason = self._reason or router.get("reason", "")
        if recording is not None and recording["reason"]:
            reason = f"{recording['reason']}; {reason}".rstrip("; ")
        endpoints = router.get("endpoints", [])
        deaf = all(one["state"] == "down" for one in endpoints)  # nobody can be heard
        return {
            "state": "down" if self._reason or deaf else "degraded" if reason else "ok",
            "reason": reason,
            "said": _said(vehicles, endpoints, recording, reason),
            "vehicles": vehicles,
            "endpoints": endpoints,
            "recording": recording,
        }


def _said(
    vehicles: list[dict[str, Any]], endpoints: Any, recording: Any, reason: str
) -> str:  # fmt: skip
    """A line for who stands beside the kit."""
    heard = [one for one in vehicles if one["state"] == "heard"]
    up = sum(one["state"] in ("open", "ended") for one in endpoints)
    parts = [f"{len(heard)} aircraft 架在线, {up} of {len(endpoints)} links up 链路正常"]
    for one in vehicles[:_MOST_SAID]:
        words = [one["name"], "LOST 失联" if one["state"] == "lost" else str(one["mode"] or "?")]
        if one["armed"]:
            words.append("armed 已解锁")
        if one["battery"] is not None:
            words.append(f"{one['battery']:.0f} %")
        parts.append(" ".join(words))
    if recording is not None:
        state = "NOT RECORDING 未记录" if recording["reason"] else "recording 记录中"
        parts.append(state)
    return "; ".join([*parts, reason] if reason else parts)


async def _all(rows: list[Any]) -> None:
    """Work on all until one fails, and raise what that raised, not a group of it."""
    tasks = [asyncio.ensure_future(row) for row in rows]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    except BaseExceptionGroup as group:
        raise _cause(group) from group
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _cause(error: BaseException) -> BaseException:
    # What failed first: a group would hide that it is weather.
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def make_drone(
    settings: DroneSettings,
    state_dir: Path,
    intake: Intake,
    time_: KitTime,
    records: Records | None,
) -> list[Drone]:
    """The adapter, if there are endpoints."""
    return [Drone(settings, state_dir, intake, time_, records)] if settings.enabled else []
