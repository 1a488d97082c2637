"""What a flight was like, as far as telemetry, gaps and video of its time have come."""

import re
from collections.abc import Iterator, Mapping, Sequence

from fieldlink.codecs.bundle import TLOG_STREAM
from fieldlink.codecs.geo import distance_m
from fieldlink.codecs.telemetry import POSITION, Flag, Sample, Schema
from fieldlink.relay.catalogue import Catalogue, Measured, StoredFlight
from fieldlink.relay.telemetry.history import History, Query
from fieldlink.relay.telemetry.rendering import number

__all__ = [
    "MAX_SAMPLES",
    "GapRow",
    "cameras_of",
    "flight_end_us",
    "gaps_of",
    "heights_of",
    "measured",
]

_FLIGHT = "flight"
MAX_SAMPLES = 400_000
"""Of one stream, that are read of one flight: four days at one a second."""

_MOST_GAPS = 20
_SECOND_US = 1_000_000
_LONGEST_US = 43_200_000_000
# A position wanders by so much while nothing moves; what is further apart in time was not seen.
_STEP_M, _LOST_US = 2.0, 60_000_000
_MAX_HEIGHT_M = 100_000.0


GapRow = tuple[int, int, str]
"""From, to (UTC us), and why."""


def measured(
    catalogue: Catalogue,
    history: History,
    flight: StoredFlight,
    said: Sequence[GapRow],
    now_us: int,
) -> Measured:
    """What is found out about `flight`; `said` are the gaps that its index names.

    Raises:
        ArchiveError: the catalogue does not work.
    """
    to_us = flight_end_us(catalogue, flight, now_us)
    gaps = gaps_of(catalogue, flight, said)
    heights = heights_of(history, flight, to_us)
    way, exercise = _way(history, flight, to_us)
    cameras = cameras_of(catalogue, flight.kit, flight.device)
    return Measured(
        gaps=gaps[:_MOST_GAPS],
        gaps_more=max(0, len(gaps) - _MOST_GAPS),
        video=catalogue.video_in(flight.kit, cameras, flight.start_us, to_us),
        max_height=max((height for _, height in heights), default=None),
        distance_m=way,
        exercise=exercise,
    )


def flight_end_us(catalogue: Catalogue, flight: StoredFlight, now_us: int) -> int:
    """Up to when a flight is looked at: its end, or while it goes on up to now, as pieces come
    later than what else is said of it; never beyond the next one's begin.
    """
    if flight.ended:
        return flight.end_us
    later_us = catalogue.next_flight_us(flight.kit, flight.device, flight.start_us)
    bounds = [now_us, flight.end_us + _LONGEST_US, *([] if later_us is None else [later_us])]
    return max(flight.end_us, min(bounds))


def cameras_of(catalogue: Catalogue, kit: str, device: str) -> list[str]:
    """The cameras of an aircraft: itself, NAME-N that is no aircraft, and what its kit says it
    carries.
    """
    more = re.compile(re.escape(device) + r"-[1-9][0-9]?")
    known = catalogue.kit_devices(kit)
    others = {name for _, name in catalogue.flight_devices(kit)} - {device}
    named = {name for name in known - others if name == device or more.fullmatch(name)}
    carried = {name for name, by in _carriers(catalogue, kit) if by == device}
    return sorted(named | (carried & known))


def _carriers(catalogue: Catalogue, kit: str) -> Iterator[tuple[str, object]]:
    """Each device by the kit's last report, and what carries it. Nothing in it is trusted."""
    found = catalogue.kit(kit)
    said = found.report.get("devices") if found is not None and found.report else None
    for name, one in said.items() if isinstance(said, Mapping) else ():
        if isinstance(one, Mapping):
            yield name, one.get("carrier")


def gaps_of(catalogue: Catalogue, flight: StoredFlight, said: Sequence[GapRow]) -> list[GapRow]:
    """What is missing of a recording, each once: by its index (`said`), and by the gaps that its
    kit recorded, which may have come before it or since.
    """
    filed = catalogue.gaps(
        kit=flight.kit,
        device=flight.device,
        stream=TLOG_STREAM,
        from_us=flight.start_us,
        to_us=flight.end_us + 1,
    )
    return sorted({*said, *((g.gap.start_us, g.gap.end_us, g.gap.reason) for g in filed)})


def heights_of(history: History, flight: StoredFlight, to_us: int) -> list[tuple[int, float]]:
    """How high it was above home, by time (UTC us, m)."""
    found = (
        (sample.time_us, _values(schema, sample, ("height",))[0])
        for schema, sample in _read(history, flight, _FLIGHT, to_us)
    )
    return [(at, high) for at, high in found if high is not None and abs(high) <= _MAX_HEIGHT_M]


def _way(history: History, flight: StoredFlight, to_us: int) -> tuple[float | None, bool]:
    way: float | None = None
    exercise = False
    last: tuple[int, float, float] | None = None
    for schema, sample in _read(history, flight, POSITION.stream, to_us):
        exercise = exercise or bool(sample.flags & Flag.EXERCISE)
        lat, lon = _values(schema, sample, ("lat", "lon"))
        if lat is None or lon is None or abs(lat) > 90 or abs(lon) > 180:
            continue
        way = way or 0.0
        step = 0.0 if last is None else distance_m(last[1], last[2], lat, lon)
        if last is None or step >= _STEP_M:
            seen = last is not None and sample.time_us - last[0] <= _LOST_US
            way += step if seen else 0.0
            last = sample.time_us, lat, lon
        else:
            last = sample.time_us, last[1], last[2]
    return (None if way is None else round(way, 1)), exercise


def _read(
    history: History, flight: StoredFlight, stream: str, to_us: int
) -> list[tuple[Schema, Sample]]:
    names = (flight.kit, flight.device, stream)
    query = Query(*names, flight.start_us, to_us + 1, every_us=_SECOND_US)
    return history.thinned(query, MAX_SAMPLES)


def _values(schema: Schema, sample: Sample, names: tuple[str, ...]) -> list[float | None]:
    found = {
        column.name: number(value, column.scale)
        for column, value in zip(schema.columns, sample.values, strict=True)
        if column.name in names and not column.is_text
    }
    values = [found.get(name) for name in names]
    return [value if isinstance(value, int | float) else None for value in values]
