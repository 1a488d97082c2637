"""What a track is to every writer: fixes of one device, cut where it was lost."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

__all__ = ["LOST_US", "Fix", "Track", "instant", "legs", "number"]

LOST_US = 60_000_000
"""Between two fixes further apart in time nobody knows where a device was: a new leg begins."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_US = 253_402_300_799_000_000  # the end of the year 9999, datetime's last


class Fix(NamedTuple):
    """A position at `time_us`: degrees (WGS-84), metres above sea level, degrees from north, m/s,
    metres above where an aircraft took off; None: unknown.
    """

    time_us: int
    lat: float
    lon: float
    alt: float | None = None
    heading: float | None = None
    speed: float | None = None
    height: float | None = None


@dataclass(frozen=True, slots=True)
class Track:
    """The fixes of one device by time; read once. `name` is what the track is called, the device if
    empty; `about` more of it.
    """

    kit: str
    device: str
    kind: str
    fixes: Iterable[Fix]
    name: str = ""
    about: str = ""

    @property
    def title(self) -> str:
        """What it is called."""
        return self.name or self.device


def legs(fixes: Iterable[Fix]) -> Iterator[list[Fix]]:
    """`fixes` cut where more than `LOST_US` lie between two."""
    leg: list[Fix] = []
    for fix in fixes:
        if leg and fix.time_us - leg[-1].time_us > LOST_US:
            yield leg
            leg = []
        leg.append(fix)
    if leg:
        yield leg


def instant(time_us: int) -> str:
    """UTC microseconds as ISO 8601 with a Z, to the millisecond."""
    at = _EPOCH + timedelta(microseconds=min(max(time_us, 0), _LATEST_US))
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def number(value: float, decimals: int) -> str:
    """`value` in plain digits, without zeros at the end."""
    text = f"{value:.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text
