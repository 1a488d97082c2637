"""What the sessions of DJI gateways learn, on its way to the kit's telemetry and flights."""

from collections.abc import Callable, Mapping

from fieldlink.codecs.dji import Role
from fieldlink.codecs.telemetry import AlarmKind, Flag, Schema
from fieldlink.drone.dji import Said, Station
from fieldlink.drone.schemas import FLIGHT
from fieldlink.edge.device_api.registry import Device
from fieldlink.edge.dji.flights import DjiFlights
from fieldlink.edge.telemetry.ports import Intake, Notice, Reading, Source

__all__ = ["VIA", "Told"]

VIA = "dji"


class Told:
    """The sink of the sessions; `device_of` gives a gateway's registration."""

    def __init__(
        self,
        intake: Intake,
        device_of: Callable[[str], Device | None],
        flights: DjiFlights | None,
    ) -> None:
        self._intake, self._device_of, self._flights = intake, device_of, flights

    def sample(
        self,
        station: Station,
        schema: Schema,
        values: Mapping[str, float | int | str | None],
        device_us: int | None,
        flags: Flag,
    ) -> None:
        """A sample of a station, to the intake."""
        source = self._source(station)
        if source is not None:
            self._intake.record(source, schema, [Reading(values, device_us, flags=flags)])
            if schema is FLIGHT and self._flights is not None:
                self._flights.take(source.device, values)

    def notice(self, station: Station, said: Said) -> None:
        """An alarm of a station, to the intake."""
        source = self._source(station)
        if source is not None:
            self._intake.notify(
                source,
                Notice(
                    said.kind,
                    said.active,
                    said.subject,
                    text=said.text,
                    lat=said.lat,
                    lon=said.lon,
                ),
            )

    def going(self, station: Station) -> list[str]:
        """What is wrong with a station, by what was told before: the sessions begin anew with
        each connection to the broker, and alarms do not.
        """
        source = self._source(station)
        return [
            one.subject
            for one in self._intake.alarms()
            if source is not None
            and (one.device, one.kind) == (source.device, AlarmKind.DEVICE)
            and one.subject.startswith("0x")
        ]

    def refuse(self, gateway: str, reason: str) -> None:
        """Something malformed, counted against whom it came from."""
        device = self._device_of(gateway)
        self._intake.refuse(device.name if device else VIA, reason)

    def _source(self, station: Station) -> Source | None:
        """The aircraft has the registered name; what it flies by has a word behind it."""
        device = self._device_of(station.gateway)
        if device is None:
            return None
        if station.role is Role.DOCK:
            return Source(f"{device.name}-dock", "dock", VIA)
        if station.sn == station.gateway:
            return Source(f"{device.name}-rc", "remote", VIA)
        return Source(device.name, device.kind, VIA)
