"""A flight's record as a track: for GPX, KML and GeoJSON."""

from collections.abc import Iterable, Iterator

from fieldlink.codecs.mavlink import HIGH_LATENCY2, HighLatency2, TlogRecord, id_of, is_autopilot
from fieldlink.codecs.tracks import Fix, Track
from fieldlink.drone.record.reading import scan
from fieldlink.drone.vehicle.measures import position
from fieldlink.drone.vehicle.reading import read
from fieldlink.drone.vehicle.state import VehicleState

__all__ = ["flight_track", "systems"]

_HEARTBEAT = 0
_PLACES = frozenset((id_of("GLOBAL_POSITION_INT"), HIGH_LATENCY2))


def systems(data: bytes) -> list[int]:
    """The vehicles in a record, by their systems, the one that said most first."""
    counts: dict[int, int] = {}
    vehicles = set()
    for record in _records(data):
        frame = record.frame
        counts[frame.sysid] = counts.get(frame.sysid, 0) + 1
        if frame.msgid == _HEARTBEAT:
            said = read(frame)
            if said is not None and is_autopilot(said["type"], said["autopilot"]):
                vehicles.add(frame.sysid)
        elif frame.msgid == HIGH_LATENCY2:
            vehicles.add(frame.sysid)
    return sorted(vehicles, key=lambda sysid: -counts[sysid])


def flight_track(data: bytes, device: str, system: int, kit: str = "") -> Track:
    """Where the vehicle of `system` was, of the bytes of a .tlog file."""
    return Track(kit, device, "drone", _fixes(data, system))


def _records(data: bytes) -> Iterator[TlogRecord]:
    return (found for found in scan(data) if isinstance(found, TlogRecord))


def _fixes(data: bytes, system: int) -> Iterator[Fix]:
    state = VehicleState(system, 0)
    for record in _records(data):
        frame = record.frame
        if frame.sysid != system or not frame.known:
            continue
        if frame.msgid == HIGH_LATENCY2:
            state.take_summary(HighLatency2.decode(frame.payload), record.at_us)
        else:
            fields = read(frame)
            if fields is None:
                continue
            state.take(frame.msgid, fields, record.at_us)
        if frame.msgid in _PLACES:
            yield from _fix(state, record.at_us)


def _fix(state: VehicleState, at_us: int) -> Iterable[Fix]:
    values = position(state, at_us)
    lat, lon, alt, heading, speed = (
        value if isinstance(value := values.get(name), int | float) else None
        for name in ("lat", "lon", "alt", "heading", "speed")
    )
    return (
        [Fix(at_us, lat, lon, alt, heading, speed)] if lat is not None and lon is not None else []
    )
