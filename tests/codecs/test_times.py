"""Times as people write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from fieldlink.codecs.fault import ConfigError
from fieldlink.codecs.settings.times import read_span, read_time, seconds_of

_CHINA = timezone(timedelta(hours=8))
_NOW = datetime(2026, 11, 28, 14, 30, 10, tzinfo=_CHINA)
_NOW_US = round(_NOW.timestamp() * 1e6)


def _us(*parts: int) -> int:
    return round(datetime(*parts, tzinfo=_CHINA).timestamp() * 1e6)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("now", _NOW_US),
        ("-10m", _NOW_US - 600_000_000),
        ("-1.5h", _NOW_US - 5_400_000_000),
        ("+30s", _NOW_US + 30_000_000),
        ("14:05", _us(2026, 11, 28, 14, 5)),
        ("14:05:30", _us(2026, 11, 28, 14, 5, 30)),
        ("23:50", _us(2026, 11, 27, 23, 50)),
        ("2026-11-28T14:05:00", _us(2026, 11, 28, 14, 5)),
        ("2026-11-28 06:05Z", _us(2026, 11, 28, 14, 5)),
        ("2026-11-28T14:05:00.250+08:00", _us(2026, 11, 28, 14, 5) + 250_000),
    ],
)
def test_a_time_is_read_as_people_mean_it(text: str, wanted: int) -> None:
    assert read_time(text, _NOW_US, _CHINA) == wanted


@pytest.mark.parametrize(
    "text", ["", "25:00", "14:61", "yesterday", "-10", "10m", "1969-01-01", "2026-13-01", "x" * 500]
)
def test_what_is_no_time_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ConfigError, match="14:05"):
        read_time(text, _NOW_US, UTC)


def test_a_span_over_midnight_and_one_that_ends_later_today_are_understood() -> None:
    night = round(datetime(2026, 11, 28, 0, 5, tzinfo=_CHINA).timestamp() * 1e6)
    assert read_span("23:50", "23:58", night, _CHINA) == (
        _us(2026, 11, 27, 23, 50),
        _us(2026, 11, 27, 23, 58),
    )
    assert read_span("14:00", "14:45", _NOW_US, _CHINA) == (
        _us(2026, 11, 28, 14),
        _us(2026, 11, 28, 14, 45),
    )
    assert read_span("-10m", "now", _NOW_US, _CHINA) == (_NOW_US - 600_000_000, _NOW_US)


def test_a_span_that_runs_backwards_is_refused() -> None:
    with pytest.raises(ConfigError, match="ends before it begins"):
        read_span("-5m", "-10m", _NOW_US, _CHINA)


def test_a_length_of_time_has_a_unit() -> None:
    assert (seconds_of("30s", "before"), seconds_of("2min", "before")) == (30.0, 120.0)
    with pytest.raises(ConfigError, match="before = '30'"):
        seconds_of("30", "before")
