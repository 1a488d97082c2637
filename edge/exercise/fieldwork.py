"""Telemetry's part in the exercise: who speaks sets out when the kit listens, a call for help is
awaited at the page, and at the end what the kit took is counted at the centre.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from fieldlink.codecs.fault import ConfigError, LinkError
from fieldlink.edge.control import ask_agent
from fieldlink.edge.exercise.actors import Actors, wait_for
from fieldlink.edge.exercise.field import Field
from fieldlink.edge.exercise.news import AlarmNews
from fieldlink.edge.exercise.stage import Stage
from fieldlink.edge.exercise.telemetry import Tally, TelemetryResult, summarise_telemetry
from fieldlink.edge.exercise.watch import CentreApi

__all__ = ["Fieldwork"]

_CALL_S = 40.0
_STORE_S, _ARRIVE_S = 30.0, 30.0
_STEP_S = 0.5
_SECOND_US = 1_000_000


class Fieldwork:
    """One exercise's. `open`, `settings` and `register` come before the kit starts, `set_out`
    again and again while it runs, `await_call`, `quiet` and `count` at the end, in this order.
    """

    def __init__(
        self,
        stage: Stage,
        actors: Actors,
        api: CentreApi,
        seconds: float | None,
        *,
        films: bool,
    ) -> None:
        self._stage, self._actors, self._api, self._seconds = stage, actors, api, seconds
        self._field = Field(actors, stage.jt808_port, stage.mavlink_port, films=films)
        self._news: AlarmNews | None = None
        self._latest: dict[str, Any] = {"now_us": 0, "devices": []}
        self._tally: Tally | None = None
        # A terminal's time has whole seconds.
        self._began_us = time.time_ns() // 1000 - 2 * _SECOND_US

    def open(self) -> None:
        """Start the station, listen to the centre's news."""
        self._field.open_station()
        self._news = self._api.follow()

    def settings(self) -> str:
        """The kit's settings of telemetry.

        Raises:
            FieldlinkError: the station did not start.
        """
        return self._field.settings()

    def register(self) -> None:
        """Register the soldier's device.

        Raises:
            FieldlinkError: it cannot be registered.
        """
        self._field.register(self._stage.kit_toml)

    def set_out(self) -> None:
        """Let the soldier and the vehicle begin, once, when the kit listens: how long a call takes
        does not count the kit's start."""
        if not self._field.gone:
            attached = self._kit().get("attached", {})
            if attached and all(one["state"] in ("ok", "up", "live") for one in attached.values()):
                self._field.go(self._seconds)

    def await_call(self) -> Iterator[None]:
        """Yield every second until the page has heard the call for help, or for so long that its
        absence is a finding."""
        until_s = time.monotonic() + _CALL_S
        while not self._alarms and time.monotonic() < until_s:
            self._actors.check()
            self.set_out()
            yield
            time.sleep(_STEP_S)

    def quiet(self) -> None:
        """End those around the kit, then let it hear nobody: what it has stored now is all.

        Raises:
            FieldlinkError: one of them failed, or the kit cannot store what it heard.
        """
        with suppress(LinkError):
            self._latest = self._api.latest()
        confirmed = self._field.stop()
        self._stage.write_kit([])
        ask_agent(self._stage.control, "reload")
        self._field.land()
        for _ in wait_for("storing what devices said", self._actors, _STORE_S):
            telemetry = self._kit().get("telemetry")
            if telemetry is not None and not telemetry["waiting"]:
                self._tally = Tally(confirmed, int(telemetry["stored"]), {})
                return

    def count(self) -> None:
        """Count what is at the centre until it is all there; what never comes is a finding.

        Raises:
            FieldlinkError: the centre has a sample twice.
        """
        assert self._tally is not None  # noqa: S101  # quiet came before
        confirmed, stored = self._tally.confirmed, self._tally.stored
        until_s = time.monotonic() + _ARRIVE_S
        while time.monotonic() < until_s:
            with suppress(LinkError):  # a busy centre answers a little later
                self._tally = Tally(confirmed, stored, self._arrived())
                total = sum(sum(one.values()) for one in self._tally.arrived.values())
                if total >= stored:
                    return
            time.sleep(_STEP_S)

    def _arrived(self) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        for row in self._api.latest()["devices"]:
            streams = [*row["streams"], *(["position"] if row["position"] else [])]
            found[row["device"]] = {
                stream: len(self._api.samples(row["device"], stream, self._began_us))
                for stream in streams
            }
        return found

    def look(self) -> TelemetryResult:
        """What is known so far; at the end, what came of it.

        Raises:
            LinkError: the centre does not answer as it should.
        """
        if self._tally is None:
            self._latest = self._api.latest()
        return summarise_telemetry(self._field.kinds, self._latest, self._alarms, self._tally)

    def close(self) -> None:
        """Stop listening."""
        if self._news is not None:
            self._news.close()

    @property
    def _alarms(self) -> list[dict[str, Any]]:
        return [] if self._news is None else self._news.alarms

    def _kit(self) -> dict[str, Any]:
        """The running agent's status; nothing while it starts."""
        try:
            answer = ask_agent(self._stage.control, "status") or {}
        except ConfigError:
            return {}
        found: dict[str, Any] = answer.get("status", {})
        return found
