"""What is counted against a budget survives kills, power cuts and clocks that jump."""

import calendar
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.edge.bearer.meter import Meter, period_of

_NOON_US = calendar.timegm((2026, 11, 28, 12, 0, 0)) * 1_000_000
_YEARS_US = 10 * 365 * 86_400_000_000
_MB = 1_000_000


def _meter(folder: Path, now_us: int = _NOON_US, per: str = "hour") -> Meter:
    meter = Meter(folder / "sat.meter", 10 * _MB, per)
    meter.open(now_us)
    return meter


def _use(meter: Meter, size: int, now_us: int = _NOON_US, steady_s: float = 0.0) -> None:
    if meter.add(size, now_us, steady_s):
        meter.save()


@given(sizes=st.lists(st.integers(0, 60_000), max_size=200))
def test_after_a_kill_it_never_counts_less_and_at_most_one_percent_more(
    sizes: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("meter")
    meter = _meter(folder)
    for size in sizes:
        _use(meter, size)
    again = _meter(folder)
    assert sum(sizes) == meter.used_bytes
    assert meter.used_bytes <= again.used_bytes + 25_000  # one step is not written off yet
    assert again.used_bytes <= meter.used_bytes + 0.01 * 10 * _MB


@pytest.mark.parametrize(
    ("per", "later_us"), [("hour", 3_600_000_000), ("month", 3 * 86_400_000_000)]
)
def test_a_new_period_begins_at_nothing(tmp_path: Path, per: str, later_us: int) -> None:
    meter = _meter(tmp_path, per=per)
    _use(meter, _MB)
    _use(meter, 5, _NOON_US + later_us, later_us / 1e6)
    assert meter.used_bytes == 5


def test_a_new_period_while_the_agent_did_not_run_begins_at_nothing(tmp_path: Path) -> None:
    _use(_meter(tmp_path), _MB)
    assert _meter(tmp_path, _NOON_US + 3_600_000_000).used_bytes == 0


@pytest.mark.parametrize("jump_us", [_YEARS_US, -_YEARS_US])
def test_a_clock_that_jumps_ten_years_and_back_gives_no_second_budget(
    tmp_path: Path, jump_us: int
) -> None:
    meter = _meter(tmp_path)
    _use(meter, _MB)
    _use(meter, _MB, _NOON_US + jump_us, 1.0)
    assert meter.used_bytes == 2 * _MB
    _use(meter, _MB, _NOON_US, 2.0)
    assert meter.used_bytes == 3 * _MB
    _use(meter, 5, _NOON_US + 3_600_000_000, 3602.0)
    assert meter.used_bytes == 5


_SAID = b'{"per": "hour", "period": "2026-11-28T12", "bytes": %s}'


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b'{"per": "hour"}', b"\xff" * 2000, b"[" * 2000, _SAID % b"1e999",
     _SAID % b"-5000000"],
)  # fmt: skip
def test_a_damaged_file_is_begun_anew(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "sat.meter").write_bytes(damage)
    meter = _meter(tmp_path)
    assert meter.used_bytes == 0
    _use(meter, _MB)
    assert _meter(tmp_path).used_bytes >= _MB


def test_periods_sort_by_time() -> None:
    for per in ("hour", "month"):
        names = [period_of(_NOON_US + days * 40 * 86_400_000_000, per) for days in range(20)]
        assert names == sorted(set(names))


def test_a_disk_that_takes_nothing_stops_no_counting_and_is_tried_again_later(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "bearers"
    meter = _meter(folder)
    _use(meter, _MB, steady_s=0.0)  # there is no such folder
    assert meter.used_bytes == _MB
    assert not meter.add(_MB, _NOON_US, 5.0)
    folder.mkdir()
    _use(meter, _MB, steady_s=11.0)
    assert meter.used_bytes == 3 * _MB <= _meter(folder).used_bytes


def test_a_clock_set_back_a_little_over_the_turn_of_the_hour_gives_no_second_budget(
    tmp_path: Path,
) -> None:
    meter = _meter(tmp_path)
    turn_us = _NOON_US + 3_600_000_000
    _use(meter, 9 * _MB, turn_us - 1_000_000, 3_599.0)
    _use(meter, _MB, turn_us + 1_000_000, 3_601.0)
    for step in range(1, 5):  # four minutes back, and again over the turn
        _use(meter, _MB, turn_us - 240_000_000 + step * 60_000_000, 3_601.0 + step * 60)
    assert meter.used_bytes == 5 * _MB
