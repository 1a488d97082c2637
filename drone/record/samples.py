"""What recorded frames say, as samples: how it was told while the aircraft flew, and more often."""

from collections.abc import Iterable, Iterator

from fieldlink.codecs.mavlink import TlogRecord
from fieldlink.codecs.telemetry import Sample, Schema, Value
from fieldlink.drone.record.reading import scan
from fieldlink.drone.vehicle import Fleet, Measured

__all__ = ["flight_samples"]

_EVERY_US = 200_000


def flight_samples(
    pieces: Iterable[bytes], system: int, every_us: int = _EVERY_US
) -> Iterator[tuple[Schema, Sample]]:
    """The samples of the vehicle of `system` in pieces of a .tlog file, in their order."""
    fleet = Fleet(every_us=every_us)
    number = 0
    for data in pieces:
        for record in scan(data):
            if not isinstance(record, TlogRecord):
                continue
            for said in fleet.take(record.frame, record.at_us):
                if isinstance(said, Measured) and said.vehicle[0] == system:
                    number += 1
                    yield said.schema, _sample(said, record.at_us, number)


def _sample(said: Measured, at_us: int, number: int) -> Sample:
    values: list[Value] = []
    for column in said.schema.columns:
        # Without a fix what it says of its place is none: that ends the place before.
        lost = said.no_fix and column.name in ("lat", "lon")
        value = None if lost else said.values.get(column.name)
        if isinstance(value, int | float) and not column.is_text:
            values.append(round(value * 10**column.scale))
        else:
            values.append(value if isinstance(value, str) else None)
    return Sample(at_us, number, tuple(values))
