"""Who speaks to the exercise's kit beside the cameras: a soldier, a vehicle, a station and an
aircraft, each a simulator in a process of its own that speaks what the real ones speak.
"""

import json
from pathlib import Path

from fieldlink.codecs.fault import FieldlinkError
from fieldlink.edge.exercise.actors import Actor, Actors, run_command, wait_for
from fieldlink.edge.simulate.login import URI_VARIABLE

__all__ = ["AIRCRAFT", "SOLDIER", "STATION", "VEHICLE", "Field"]

SOLDIER, VEHICLE, STATION, AIRCRAFT = "rescuer-1", "truck-1", "water-1", "uav-1"
_PHONE = "13800138000"
_PLACE = (34.2300, 108.9500)  # where the simulated ones begin
_START_S = 60.0
_SOS_S = 8.0
_SYSID = 1
_HEIGHT_M = 40


class Field:
    """The simulators of one exercise. `settings` is what lets them in, for the kit's
    configuration; SOS is pressed some seconds after they `go`. The aircraft shows what its camera
    sees if it `films`.
    """

    def __init__(self, actors: Actors, jt808_port: int, mavlink_port: int, *, films: bool) -> None:
        self._actors, self._port, self._mavlink_port = actors, jt808_port, mavlink_port
        self._films = films
        self._uri = ""
        self._station: Actor | None = None
        self._aircraft: Actor | None = None
        self._said: dict[str, Actor] = {}

    @property
    def kinds(self) -> dict[str, str]:
        """What each is, by its name."""
        return {SOLDIER: "soldier", VEHICLE: "vehicle", STATION: "sensor", AIRCRAFT: "drone"}

    def open_station(self) -> None:
        """Start the station, which waits to be asked."""
        self._station = self._actors.start(STATION, "sim", "sensor", "water", "--json")

    def settings(self) -> str:
        """All the kit's settings of telemetry, once the station has said where it is.

        Raises:
            FieldlinkError: it does not start.
        """
        assert self._station is not None  # noqa: S101  # it was opened before
        for _ in wait_for(f"starting {STATION}", self._actors, _START_S):
            if lines := self._station.log.read_text(errors="replace").splitlines():
                return self._settings(str(json.loads(lines[0])["settings"]))
        raise AssertionError("wait_for either finds it or raises")

    def _settings(self, sensor: str) -> str:
        lat, lon = _PLACE
        return "\n".join(
            [
                "[device_api]",
                'enabled = true\nhost = "127.0.0.1"\ntls_port = 0',
                "[jt808]",
                f'enabled = true\nhost = "127.0.0.1"\nport = {self._port}',
                "[[jt808.terminal]]",
                f'phone = "{_PHONE}"\nname = "{VEHICLE}"',
                "[[drone.endpoint]]",
                f'name = "radio"\nconnect = "udpin:127.0.0.1:{self._mavlink_port}"',
                "[[drone.vehicle]]",
                f'sysid = {_SYSID}\nname = "{AIRCRAFT}"\nexercise = true',
                sensor.replace("[[sensor]]", f"[[sensor]]\nlat = {lat}\nlon = {lon}", 1),
            ]
        )

    def register(self, kit_toml: Path) -> None:
        """Register the soldier's device as a technician does.

        Raises:
            FieldlinkError: it cannot be registered.
        """
        config = ("--config", str(kit_toml))
        added = run_command("edge", "device", "add", SOLDIER, *config, "--json")
        self._uri = str(json.loads(added)["uri"])

    @property
    def gone(self) -> bool:
        """Whether those that move have set out."""
        return bool(self._said)

    def go(self, seconds: float | None) -> None:
        """Set out; with `seconds` the button is pressed before half of them are over."""
        sos_s = _SOS_S if seconds is None else min(_SOS_S, seconds / 2)
        start = self._actors.start
        self._said[SOLDIER] = start(
            SOLDIER,
            *("sim", "soldier", "--sos-after", str(sos_s), "--json"),
            **{URI_VARIABLE: self._uri},
        )
        self._said[VEHICLE] = start(
            VEHICLE,
            *("sim", "vehicle", "--port", str(self._port), "--phone", _PHONE),
            *("--every", "1", "--json"),
        )
        self._aircraft = start(
            AIRCRAFT,
            *("sim", "drone", f"udpout:127.0.0.1:{self._mavlink_port}", "--sysid", str(_SYSID)),
            *("--height", str(_HEIGHT_M), "--begin", "2", "--json"),
            *("--video", "on" if self._films else "off"),
        )

    def stop(self) -> dict[str, dict[str, int]]:
        """End those that speak by themselves; how many messages of each stream of each the kit has
        confirmed.

        Raises:
            FieldlinkError: one failed.
        """
        confirmed = {}
        for name, actor in self._said.items():
            status = self._actors.retire(actor)
            try:
                found = json.loads(actor.log.read_text(errors="replace").splitlines()[-1])
                confirmed[name] = dict(found["confirmed"])
            except (IndexError, KeyError, ValueError) as error:
                raise FieldlinkError(
                    f"{name} ended with status {status}; it said:\n{actor.tail()}"
                ) from error
        return confirmed

    def land(self) -> None:
        """End the aircraft, when the kit listens to it no more: its camera would break off."""
        if self._aircraft is not None:
            self._actors.retire(self._aircraft)
