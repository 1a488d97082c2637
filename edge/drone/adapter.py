"""Aircraft as one of the kit's adapters: the router runs, what it hears goes to the intake as
samples and alarms, and as recordings to the spool.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from fieldlink.codecs.fault import ConfigError, SourceError
from fieldlink.codecs.mavlink import Frame
from fieldlink.codecs.telemetry import TEXT, AlarmKind, Flag
from fieldlink.drone.commanding import Commander
from fieldlink.drone.record import Recorder
from fieldlink.drone.router import Router
from fieldlink.drone.vehicle import Fleet, Key, Limits, Measured, Said
from fieldlink.edge.control import Command
from fieldlink.edge.drone.doing import VERB, Deck, Doer, do
from fieldlink.edge.drone.eyes import Eyes
from fieldlink.edge.drone.live_rates import reset_rates
from fieldlink.edge.drone.media import Media
from fieldlink.edge.drone.parts import ROWS, make_doers
from fieldlink.edge.drone.roster import Roster
from fieldlink.edge.drone.settings import DroneSettings
from fieldlink.edge.drone.summary import summary
from fieldlink.edge.drone.together import together
from fieldlink.edge.records import Records
from fieldlink.edge.telemetry.ports import Intake, KitTime, Notice, Reading, Source
from fieldlink.systemd.service import Beat

__all__ = ["Drone", "Records", "make_drone"]

_log = logging.getLogger(__name__)
VIA = "mavlink"
_TICK_S = 0.5
_STALLED_S = 10.0


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
        media: Media | None = None,
    ) -> None:
        self.settings = settings, state_dir
        self._settings, self._state_dir = settings, state_dir
        self._intake, self._time, self._clock_s = intake, time_, clock_s
        self.roster = Roster(settings)
        limits = Limits(battery=settings.battery)
        every_us = round(settings.every * 1e6)
        self.fleet = Fleet(self.roster.lost_after_us, every_us, limits, self._going)
        self._records, self._media = records, media
        self.router: Router | None = None
        self.recorder: Recorder | None = None
        self._doers: dict[str, Doer] = {}
        self._eyes: Eyes | None = None
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
        self.roster.follow(router.policy)
        rows = [router.run(beat), self._tick()]
        if recorder is not None:
            router.tap(partial(self._record, recorder), ground=True)
            rows.append(recorder.run(self._wrote))
        deck = Deck(
            self._settings,
            self._state_dir,
            router,
            Commander(router),
            self.fleet,
            self._names,
            self._event,
            lambda found: self._tell([*found]),
            self._media,
        )
        decided = self._eyes.videos.kept() if self._eyes is not None else []
        self._doers, self._eyes = make_doers(deck), deck.part(Eyes)
        self._eyes.videos.restore(decided)
        try:
            await together([*rows, *(row(deck) for row in ROWS)])
        finally:
            self._doers = {}  # what was asked of this router is over
            deck.commander.close()

    def _recorder(self) -> Recorder | None:
        if self._records is None:
            return None
        return Recorder(
            self._state_dir / "flights",
            self._records.add,
            clock=self._time.now_us,
            name_of=self.roster.name,
            gap=self._records.add_gap,
            silent_us=lambda link: 2 * self.roster.lost_after_us(link),
        )

    def _record(self, recorder: Recorder, frame: Frame) -> None:
        if not self.roster.is_played(frame.link):  # it was recorded when it flew
            recorder.take(frame)

    def _wrote(self) -> None:
        """The recorder went round. What a full or broken disk refused was not written by that."""
        if self.recorder is None or not self.recorder.store.fault:
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

    def _tell(self, found: list[Said]) -> None:
        for said in found:
            source = Source(self._device(said.vehicle), "drone", VIA)
            flags = (
                Flag.EXERCISE if self.roster.is_exercise(said.vehicle, self.fleet) else Flag.NONE
            )
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

    def _device(self, vehicle: Key) -> str:
        return self.roster.device(vehicle, self.fleet.vehicles)

    def reloaded(self) -> None:
        """The settings were read again: what was changed beside them ends."""
        if self.router is not None and (names := reset_rates(self.router)):
            _log.warning("rates are as in the settings again: %s", ", ".join(names))

    @property
    def commands(self) -> Mapping[str, Command]:
        """What people ask of it."""
        return {"drone": self._asked, VERB: self._do}

    async def _do(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        if not self._doers:
            why = self._reason or "the links are opened just now; ask again 正在打开链路，请重试"
            return {"ok": False, "reason": "ended", "said": why}
        return await do(self._doers, asked)

    def _names(self) -> dict[str, Key]:
        return {self._device(key): key for key in self.fleet.vehicles}

    def _event(self, vehicle: Key, text: str) -> None:
        self._tell([Measured(vehicle, TEXT, {"text": text, "from": "kit"})])

    async def _asked(self, _: Mapping[str, Any]) -> dict[str, Any]:
        return {"ok": True, "drone": self.report()}

    def report(self) -> dict[str, Any]:
        """How it is, for people and programs."""
        now_us = self._now_us()
        router = self.router.report() if self.router is not None else {}
        recording = self.recorder.report() if self.recorder is not None else None
        vehicles = [
            {
                "name": self._device((one["system"], one["component"])),
                **one,
                **(self._eyes.report(one["system"]) if self._eyes is not None else {}),
            }
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
            "said": summary(vehicles, endpoints, recording, reason),
            "vehicles": vehicles,
            "endpoints": endpoints,
            "recording": recording,
            "videos": self._eyes.videos.report() if self._eyes is not None else [],
        }


def make_drone(
    settings: DroneSettings,
    state_dir: Path,
    intake: Intake,
    time_: KitTime,
    records: Records | None,
    media: Media | None = None,
) -> list[Drone]:
    """The adapter, if there are endpoints."""
    if not settings.enabled:
        return []
    return [Drone(settings, state_dir, intake, time_, records, media=media)]
