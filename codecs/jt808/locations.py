"""Where a terminal is and how: the body of 0x0200 and what others carry of it
(JT/T 808-2019 8.21).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from fieldlink.codecs.fault import CodecError

from .alarms import Status
from .bcd import TIME_BYTES, from_time
from .extras import Extra, Reading

__all__ = ["LOCATION_BYTES", "Location", "decode_location", "encode_location"]

_FIXED = struct.Struct(">IIIIHHH6s")
LOCATION_BYTES = _FIXED.size  # 28
_ALTITUDE_BITS = 16


@dataclass(frozen=True, slots=True)
class Location:
    """A location as sent: words, millionths of a degree without a sign, metres, tenths of a km/h,
    degrees, and the time's six bytes. The properties read it. `tail` is what follows the last
    whole additional information and is none.
    """

    alarms: int
    status: int
    lat: int
    lon: int
    alt: int
    speed: int
    heading: int
    time: bytes
    extras: tuple[Extra, ...] = ()
    tail: bytes = b""

    def __post_init__(self) -> None:
        words = (self.alarms, self.status, self.lat, self.lon)
        halves = (self.alt, self.speed, self.heading)
        if any(not 0 <= word < 1 << 32 for word in words) or len(self.time) != TIME_BYTES:
            raise CodecError("field", "a location's field is too large")
        if any(not 0 <= half < 1 << 16 for half in halves):
            raise CodecError("field", "a location's field is too large")

    @property
    def is_fixed(self) -> bool:
        """Whether the terminal says that it knows where it is."""
        return bool(self.status & Status.FIXED)

    @property
    def lat_deg(self) -> float:
        """Degrees, north positive; whether that can be is for the reader to judge."""
        return (-self.lat if self.status & Status.SOUTH else self.lat) / 1e6

    @property
    def lon_deg(self) -> float:
        """Degrees, east positive."""
        return (-self.lon if self.status & Status.WEST else self.lon) / 1e6

    @property
    def alt_m(self) -> int:
        """Metres above sea level. The standard's word has no sign; no terminal is above 32,767 m,
        and some are below the sea and send two's complement.
        """
        return self.alt - (self.alt >> _ALTITUDE_BITS - 1 << _ALTITUDE_BITS)

    @property
    def time_us(self) -> int:
        """UTC microseconds by the terminal's clock.

        Raises:
            CodecError: its six bytes are no time.
        """
        return from_time(self.time)

    def reading(self, ident: int) -> Reading | None:
        """The first additional information `ident`, read; None: not there, or not understood."""
        for extra in self.extras:
            if extra.ident == ident:
                return extra.reading
        return None


def decode_location(data: bytes) -> Location:
    """The location in `data`.

    Raises:
        CodecError: it is shorter than one.
    """
    if len(data) < LOCATION_BYTES:
        raise CodecError("truncated", f"a location of {len(data)} bytes, not {LOCATION_BYTES}")
    extras = tuple(_extras(data))
    end = LOCATION_BYTES + sum(2 + len(extra.data) for extra in extras)
    fields = (*_FIXED.unpack_from(data), extras, data[end:])
    return Location(*fields)


def _extras(data: bytes) -> Iterator[Extra]:
    at = LOCATION_BYTES
    while at + 2 <= len(data) and at + 2 + data[at + 1] <= len(data):
        end = at + 2 + data[at + 1]
        yield Extra(data[at], data[at + 2 : end])
        at = end


def encode_location(location: Location) -> bytes:
    """The bytes of `location`."""
    one = location
    head = _FIXED.pack(
        one.alarms, one.status, one.lat, one.lon, one.alt, one.speed, one.heading, one.time
    )
    extras = b"".join(bytes([extra.ident, len(extra.data)]) + extra.data for extra in one.extras)
    return head + extras + one.tail
