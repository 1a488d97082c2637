"""Times as people write them: "14:05", "14:05:30", "-10m", "now", or ISO 8601. Pure."""

import re
from datetime import datetime, timedelta, tzinfo

from fieldlink.codecs.fault import ConfigError

__all__ = ["read_span", "read_time", "seconds_of"]

_AGO = re.compile(r"([-+])\s*(\d{1,6}(?:\.\d{1,3})?)\s*(s|sec|m|min|h|d)")
_LENGTH = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*(s|sec|m|min|h|d)")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_UNITS_S = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_DAY_US = 86_400_000_000
_RULE = "write a time like 14:05, 14:05:30, 2026-11-28T14:05:00+08:00, -10m or now"


def read_span(first: str, last: str, now_us: int, zone: tzinfo | None) -> tuple[int, int]:
    """From `first` to `last` in UTC microseconds.

    A clock time is the latest one that has come; in `last` it is the first one behind `first`.
    Times without a zone are of `zone` (None: this machine's).

    Raises:
        ConfigError: one of them is no time, or the span runs backwards.
    """
    from_us = read_time(first, now_us, zone)
    to_us = read_time(last, now_us, zone)
    if _CLOCK.fullmatch(last.strip()):
        while to_us <= from_us:
            to_us += _DAY_US
        while to_us - from_us > _DAY_US:
            to_us -= _DAY_US
    if from_us >= to_us:
        raise ConfigError(f"{first!r} to {last!r}: the span ends before it begins; turn it round")
    return from_us, to_us


def read_time(text: str, now_us: int, zone: tzinfo | None) -> int:
    """`text` in UTC microseconds.

    Raises:
        ConfigError: it is no time.
    """
    plain = text.strip()
    if plain.lower() == "now":
        return now_us
    if match := _AGO.fullmatch(plain):
        length_us = round(float(match[2]) * _UNITS_S[match[3]] * 1e6)
        return max(0, now_us - length_us if match[1] == "-" else now_us + length_us)
    if match := _CLOCK.fullmatch(plain):
        return _clock_us(match, text, now_us, zone)
    return _iso_us(plain, text, zone)


def seconds_of(text: str, setting: str) -> float:
    """A length of time like "30s" or "2min", in seconds.

    Raises:
        ConfigError: it is none.
    """
    match = _LENGTH.fullmatch(text.strip())
    if match is None:
        raise ConfigError(f"{setting} = {text[:40]!r}: write a number and a unit, like 30s or 2min")
    return float(match[1]) * _UNITS_S[match[2]]


def _clock_us(match: re.Match[str], text: str, now_us: int, zone: tzinfo | None) -> int:
    now = datetime.fromtimestamp(now_us / 1e6).astimezone(zone)
    try:
        at = now.replace(
            hour=int(match[1]), minute=int(match[2]), second=int(match[3] or 0), microsecond=0
        )
    except ValueError as error:
        raise ConfigError(f"{text[:40]!r} is no time of day; {_RULE}") from error
    if at > now:  # it has not come yet today
        at -= timedelta(days=1)
    return round(at.timestamp()) * 1_000_000


def _iso_us(plain: str, text: str, zone: tzinfo | None) -> int:
    try:
        at = datetime.fromisoformat(plain)
        known = at if at.tzinfo is not None else _in_zone(at, zone)
        stamp = known.timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise ConfigError(f"{text[:40]!r} is no time; {_RULE}") from error
    if stamp < 0:
        raise ConfigError(f"{text[:40]!r} is before 1970; {_RULE}")
    return round(stamp * 1e6)


def _in_zone(at: datetime, zone: tzinfo | None) -> datetime:
    return at.astimezone() if zone is None else at.replace(tzinfo=zone)
