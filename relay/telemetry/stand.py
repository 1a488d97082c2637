"""What is the latest of a device: the rule, and the state of one device. Pure.

Samples come late, twice and in any order; clocks are wrong. Of two samples of one stream:

1. Of one epoch the greater sequence is the later, whatever their times say: a clock that was set
   changes nothing. Only when the other's time is later by more than a minute are the numbers not
   believed: a device that counts wildly does not stand still for ever.
2. Of different epochs the later time by the centre's clock: a kit's sheaf says when it was sent by
   the kit's own, so that a kit that believes it is 1970 is understood. No time counts as later than
   its arrival: one in the year 2099 is shown (marked `future`), and gives way to what comes next.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.packing import pack, unpack
from fieldlink.codecs.telemetry import POSITION, SCHEMAS, Block, Column, Sample, Schema, Value

__all__ = ["FUTURE_US", "MAX_STREAMS", "Point", "Stand", "later", "pack_stand", "unpack_stand"]

MAX_STREAMS = 32
"""Of one device, in its latest state."""

FUTURE_US = 300_000_000
"""A sample so much later than its arrival has a time that cannot be."""

_WILD_US = 60_000_000
_MAX_STATE_BYTES = 1 << 20


class Point(NamedTuple):
    """A sample of an epoch, when it arrived, its time by the centre's clock as far as that can be
    told (at most its arrival), and what its values are.
    """

    schema: Schema
    epoch: int
    sequence: int
    time_us: int
    arrived_us: int
    rank_us: int
    values: tuple[Value, ...]
    flags: int
    error_us: int | None

    @property
    def future(self) -> bool:
        """Whether its time cannot be."""
        return self.time_us > self.arrived_us + FUTURE_US


def later(new: Point, old: Point | None) -> bool:
    """Whether `new` is later than `old`."""
    if old is None:
        return True
    if new.epoch == old.epoch:
        return new.sequence > old.sequence or new.rank_us - old.rank_us > _WILD_US
    return (new.rank_us, new.epoch) > (old.rank_us, old.epoch)


@dataclass(slots=True)
class Stand:
    """A device as it was last heard. `fixed` is the last position that has one, `lost_us` since
    when there is none. `streams` has the latest of each stream, `position` too.
    """

    kit: str
    device: str
    kind: str = ""
    heard_us: int = 0
    offset_us: int | None = None
    fixed: Point | None = None
    lost_us: int | None = None
    streams: dict[str, Point] = field(default_factory=dict)

    def take(self, block: Block, arrived_us: int, behind_us: int = 0) -> str | None:
        """Take a block; the stream whose latest has changed, None if it is nothing new.

        `behind_us` is how far the kit's clock is behind the centre's, as far as is known. A stream
        beyond the 32nd is left out.
        """
        stream = block.schema.stream
        if stream not in self.streams and len(self.streams) >= MAX_STREAMS:
            return None
        if arrived_us >= self.heard_us:
            self.heard_us, self.kind, self.offset_us = arrived_us, block.kind, block.offset_us
        newest = _point(block, block.samples[-1], arrived_us, behind_us)
        changed = later(newest, self.streams.get(stream))
        if changed:
            self.streams[stream] = newest
        place = _place(block.schema)
        if place is not None and self._fix(block, place, arrived_us, behind_us):
            changed = True
        return stream if changed else None

    def _fix(self, block: Block, place: tuple[int, int], arrived_us: int, behind_us: int) -> bool:
        lat, lon = place
        lost_us: int | None = None
        before = self.fixed
        for sample in reversed(block.samples):
            if sample.values[lat] is not None and sample.values[lon] is not None:
                found = _point(block, sample, arrived_us, behind_us)
                if later(found, before):
                    self.fixed = found
                break
            lost_us = sample.time_us
        newest, fixed = self.streams.get(POSITION.stream), self.fixed
        if newest is None or fixed is None or not later(newest, fixed):
            self.lost_us = None
        elif self.lost_us is None or fixed is not before:
            self.lost_us = newest.time_us if lost_us is None else lost_us
        return fixed is not before


def _point(block: Block, sample: Sample, arrived_us: int, behind_us: int) -> Point:
    return Point(
        block.schema,
        block.epoch,
        sample.sequence,
        sample.time_us,
        arrived_us,
        min(sample.time_us + behind_us, arrived_us),
        sample.values,
        sample.flags,
        sample.error_us,
    )


def _place(schema: Schema) -> tuple[int, int] | None:
    """Where latitude and longitude are in a sample; None: it is no position."""
    if schema is POSITION:
        return 0, 1
    if schema.stream != POSITION.stream:
        return None
    names = {column.name: at for at, column in enumerate(schema.columns) if not column.is_text}
    return (names["lat"], names["lon"]) if {"lat", "lon"} <= names.keys() else None


def pack_stand(stand: Stand) -> bytes:
    """A stand as the catalogue keeps it."""
    streams = [_packed(point) for point in stand.streams.values()]
    fixed = None if stand.fixed is None else _packed(stand.fixed)
    return pack([stand.kind, stand.heard_us, stand.offset_us, fixed, stand.lost_us, streams])


def unpack_stand(kit: str, device: str, data: bytes) -> Stand:
    """What `pack_stand` packed.

    Raises:
        CodecError: it is none.
    """
    found = unpack(data, "stand", max_bytes=_MAX_STATE_BYTES)
    try:
        return _stand(kit, device, *found[:6])
    except (TypeError, ValueError, KeyError) as error:
        raise CodecError("stand", f"no state of a device ({error})") from error


def _stand(
    kit: str,
    device: str,
    kind: str,
    heard_us: int,
    offset_us: int | None,
    fixed: tuple[Any, ...] | None,
    lost_us: int | None,
    streams: tuple[tuple[Any, ...], ...],
) -> Stand:
    points = [_unpacked(one) for one in streams]
    return Stand(
        kit,
        device,
        kind,
        heard_us,
        offset_us,
        None if fixed is None else _unpacked(fixed),
        lost_us,
        {point.schema.stream: point for point in points},
    )


def _packed(point: Point) -> list[Any]:
    schema = point.schema
    columns = None
    if SCHEMAS.get(schema.stream) != schema:
        columns = [[c.name, c.unit, c.scale, c.is_text] for c in schema.columns]
    return [schema.stream, columns, *point[1:6], list(point.values), point.flags, point.error_us]


def _unpacked(packed: tuple[Any, ...]) -> Point:
    stream, columns, *rest = packed
    known = None if columns is None else Schema(stream, tuple(Column(*one) for one in columns))
    return Point(known or SCHEMAS[stream], *rest)
