"""The sentences that say where and when: pynmea2 splits them, here each field is checked.

pynmea2 gives a field that it cannot convert as the text that it was; nothing of that passes here.
What is empty is None.
"""

import datetime
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import pynmea2

from fieldlink.codecs.fault import CodecError

from .framer import Line

__all__ = ["KINDS", "Gga", "Gsa", "Gst", "Gsv", "Rmc", "Sentence", "Txt", "Vtg", "Zda", "read"]

TALKERS = frozenset({"GP", "GN", "BD", "GB", "GL", "GA", "GQ", "QZ", "GI"})
"""GPS, several together, Beidou (old and new), GLONASS, Galileo, QZSS (two ways), NavIC."""

_KNOT_MS = 1852 / 3600
_MAX_TEXT = 80
_GSA_SATELLITES = range(2, 14)


@dataclass(frozen=True, slots=True)
class Rmc:
    """Recommended minimum. `time_us` is since midnight UTC, `mode` the positioning's ("A", "D",
    "N", ...), empty from old receivers. `valid` is its status; what the receiver says of its
    fitness for navigation at sea (NMEA 4.1) is not looked at: most always say "V" there.
    """

    talker: str
    time_us: int | None
    valid: bool
    lat: float | None
    lon: float | None
    speed: float | None
    heading: float | None
    date: datetime.date | None
    mode: str


@dataclass(frozen=True, slots=True)
class Gga:
    """A fix: `quality` 0 none, 1 GNSS, 2 differential, 4 RTK, 5 float, 6 estimated, 8 simulator;
    `alt` in m above mean sea level."""

    talker: str
    time_us: int | None
    lat: float | None
    lon: float | None
    quality: int
    satellites: int | None
    hdop: float | None
    alt: float | None


@dataclass(frozen=True, slots=True)
class Gsa:
    """Which satellites are used, as their number; `fix` 1 none, 2 two-dimensional, 3 full."""

    talker: str
    fix: int | None
    used: int
    hdop: float | None


@dataclass(frozen=True, slots=True)
class Gsv:
    """Satellites in view of one constellation; one of several sentences that repeat the count."""

    talker: str
    in_view: int | None


@dataclass(frozen=True, slots=True)
class Gst:
    """Standard deviations in m."""

    talker: str
    time_us: int | None
    lat_sd: float | None
    lon_sd: float | None


@dataclass(frozen=True, slots=True)
class Zda:
    """Time and date."""

    talker: str
    time_us: int | None
    date: datetime.date | None


@dataclass(frozen=True, slots=True)
class Vtg:
    """Course (degrees true) and speed (m/s) over ground."""

    talker: str
    heading: float | None
    speed: float | None


@dataclass(frozen=True, slots=True)
class Txt:
    """The receiver's own words ("ANTENNA OPEN"), printable."""

    talker: str
    text: str


Sentence: TypeAlias = Rmc | Gga | Gsa | Gsv | Gst | Zda | Vtg | Txt


def read(line: Line) -> Sentence | None:
    """What `line` says; None when it is of a kind that says nothing here, as Beidou's messages
    ($BDTXR, $BDBSI) on the same port are.

    Raises:
        CodecError: it is of a known kind, and a field is not what it should be.
    """
    talker, kind = line.ident[:2], line.ident[2:]
    if talker not in TALKERS or kind not in KINDS:
        return None
    try:
        text = line.body.decode("ascii")
        raw = pynmea2.parse("$" + line.ident + text[len(line.ident) :])
    except ValueError as error:
        raise CodecError("sentence", f"{line.ident} cannot be read") from error
    return KINDS[kind](talker, raw)


def _rmc(talker: str, raw: Any) -> Rmc:
    lat, lon = _place(raw)
    speed = _number(raw.spd_over_grnd, 0, 20_000)
    return Rmc(
        talker,
        time_us=_time(raw),
        valid=raw.status.upper() == "A",
        lat=lat,
        lon=lon,
        speed=None if speed is None else speed * _KNOT_MS,
        heading=_number(raw.true_course, 0, 360),
        date=_is(raw.datestamp, datetime.date),
        mode=raw.mode_indicator.upper()[:1],
    )


def _gga(talker: str, raw: Any) -> Gga:
    lat, lon = _place(raw)
    return Gga(
        talker,
        time_us=_time(raw),
        lat=lat,
        lon=lon,
        quality=_count(raw.gps_qual, 8) or 0,
        satellites=_count(raw.num_sats, 999),
        hdop=_number(raw.horizontal_dil, 0, 1000),
        alt=_number(raw.altitude, -12_000, 1e6),
    )


def _gsa(talker: str, raw: Any) -> Gsa:
    used = sum(1 for at in _GSA_SATELLITES if at < len(raw.data) and raw.data[at])
    return Gsa(talker, _count(raw.mode_fix_type, 3), used, _number(raw.hdop, 0, 1000))


def _gsv(talker: str, raw: Any) -> Gsv:
    return Gsv(talker, _count(raw.num_sv_in_view, 999))


def _gst(talker: str, raw: Any) -> Gst:
    lat_sd, lon_sd = (_number(v, 0, 1e6) for v in (raw.std_dev_latitude, raw.std_dev_longitude))
    return Gst(talker, _time(raw), lat_sd, lon_sd)


def _zda(talker: str, raw: Any) -> Zda:
    parts = (raw.year, raw.month, raw.day)
    if all(part is None for part in parts):
        return Zda(talker, _time(raw), None)
    try:
        date = datetime.date(*parts)
    except (TypeError, ValueError, OverflowError) as error:
        raise CodecError("field", f"{parts!r:.60} is no date") from error
    return Zda(talker, _time(raw), date)


def _vtg(talker: str, raw: Any) -> Vtg:
    speed = _number(raw.spd_over_grnd_kmph, 0, 40_000)
    heading = _number(raw.true_track, 0, 360)
    return Vtg(talker, heading, None if speed is None else speed / 3.6)


def _txt(talker: str, raw: Any) -> Txt:
    text = "".join(one for one in raw.text if one.isprintable())
    return Txt(talker, text[:_MAX_TEXT])


KINDS: dict[str, Callable[[str, Any], Sentence]] = {
    "RMC": _rmc,
    "GGA": _gga,
    "GSA": _gsa,
    "GSV": _gsv,
    "GST": _gst,
    "ZDA": _zda,
    "VTG": _vtg,
    "TXT": _txt,
}
"""The kinds of sentence that are read, whoever the talker is."""


def _is(value: Any, kind: type) -> Any:
    if value is None or isinstance(value, kind):
        return value
    raise CodecError("field", f"{value!r:.60} is no {kind.__name__}")


def _time(raw: Any) -> int | None:
    at = _is(raw.timestamp, datetime.time)
    if at is None:
        return None
    seconds = at.hour * 3600 + at.minute * 60 + at.second
    return int(seconds * 1_000_000 + at.microsecond)


def _number(value: Any, low: float, high: float) -> float | None:
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise CodecError("field", f"{value!r:.60} is no number") from error
    if not math.isfinite(number) or not low <= number <= high:
        raise CodecError("field", f"{number} is not from {low:g} to {high:g}")
    return number


def _count(value: Any, high: int) -> int | None:
    number = _number(value, 0, high)
    if number is not None and number != int(number):
        raise CodecError("field", f"{number} counts nothing")
    return None if number is None else int(number)


def _place(raw: Any) -> tuple[float | None, float | None]:
    if not raw.lat or not raw.lon or not raw.lat_dir or not raw.lon_dir:
        return None, None
    if raw.lat_dir.upper() not in ("N", "S") or raw.lon_dir.upper() not in ("E", "W"):
        raise CodecError("field", f"{raw.lat_dir!r:.20} {raw.lon_dir!r:.20} are no hemispheres")
    lat = _degrees(raw.lat, 90) * (1 if raw.lat_dir.upper() == "N" else -1)
    lon = _degrees(raw.lon, 180) * (1 if raw.lon_dir.upper() == "E" else -1)
    return lat, lon


def _degrees(text: str, most: int) -> float:
    """Degrees of "dddmm.mmmm"; receivers that give whole minutes leave the point out."""
    whole, _, part = text.partition(".")
    if not (whole + part).isascii() or not (whole + part).isdigit() or not 3 <= len(whole) <= 5:
        raise CodecError("field", f"{text!r:.40} is no latitude or longitude")
    minutes = float(f"{whole[-2:]}.{part or 0}")
    degrees = int(whole[:-2]) + minutes / 60
    if minutes >= 60 or degrees > most:
        raise CodecError("field", f"{text!r:.40} is out of bounds")
    return degrees
