"""When a value is an alarm: every property under a clock that the test moves."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlab.stations import sensor_of
from fieldlink.codecs.telemetry import AlarmKind
from fieldlink.edge.sensors.limits import Verdict, Watch
from fieldlink.edge.sensors.wording import notice_of

_VALUE = '[[sensor.value]]\nname = "level"\naddress = 0\nunit = "m"\n'


def watch_of(*limits: str, silence: int = 0, extra: str = "", value: str = _VALUE) -> Watch:
    """A watch over one value with `limits`, read each second."""
    tables = "".join(f"[[sensor.value.limit]]\n{limit}\n" for limit in limits)
    return Watch(sensor_of(f'period = "1s"\nsilence = {silence}\n{extra}{value}{tables}'))


def feed(watch: Watch, values: list[float | None], start_s: float = 0.0) -> list[Verdict]:
    """A reading each second; what came of them but for the first word that all is good."""
    found = []
    for at_s, value in enumerate(values):
        found += watch.feed(start_s + at_s, {"level": value})
    return [verdict for verdict in found if not verdict.first]


def test_a_high_limit_raises_at_once_and_clears_below_its_clear_value() -> None:
    watch = watch_of('high = 3.5\nclear = 3.3\nclear_after = "2s"')
    found = feed(watch, [3.0, 3.5, 3.4, 3.4, 3.4, 3.4, 3.3, 3.2, 3.2, 3.2, 3.2])
    assert [(v.active, v.measured) for v in found] == [(True, 3.5), (False, 3.2)]
    assert found[0].kind is AlarmKind.THRESHOLD


def test_a_low_limit_is_the_same_upside_down() -> None:
    watch = watch_of('low = 19.5\nclear = 20.0\nclear_after = "0s"', value=_VALUE + "gas = true\n")
    found = feed(watch, [20.9, 19.5, 19.8, 20.0])
    assert [(v.active, v.measured) for v in found] == [(True, 19.5), (False, 20.0)]
    assert found[0].kind is AlarmKind.GAS


def test_levels_are_alarms_of_their_own() -> None:
    watch = watch_of('high = 2\nname = "warn"', 'high = 4\nname = "danger"')
    found = feed(watch, [1, 3, 5])
    assert [v.subject for v in found] == ["level.warn", "level.danger"]


def test_what_has_to_be_confirmed_waits_for_as_many_readings_in_a_row() -> None:
    watch = watch_of("high = 10\nconfirm = 3")
    assert feed(watch, [11, 11, 9, 11, None, 11]) == []
    assert feed(watch, [12], 6.0)[0].measured == 12


def test_the_alarm_is_over_only_after_it_was_good_for_as_long_as_set() -> None:
    watch = watch_of('high = 10\nclear_after = "5s"')
    found = feed(watch, [11, 9, 9, 9, 11, 9, 9, 9, 9, 9])
    assert [v.active for v in found] == [True]
    assert [v.active for v in feed(watch, [9], 10.0)] == [False]


def test_a_rate_is_the_change_over_the_window() -> None:
    # 6 mm in 60 s are 360 mm/h.
    watch = watch_of('rise = 300\nper = "h"\nwindow = "60s"')
    found = feed(watch, [0.1 * n for n in range(120)])
    assert [(v.active, v.kind) for v in found] == [(True, AlarmKind.RATE)]
    assert 300 <= found[0].measured <= 306  # after 50 s of them the change is 300/h of a minute


@pytest.mark.parametrize("size", [1e3, -1e6, 1e12])
def test_one_spike_changes_no_rate_however_large(size: float) -> None:
    limits = ('rise = 1\nwindow = "20s"', 'fall = 1\nwindow = "20s"')
    for at in range(3, 40):
        values: list[float | None] = [5.0] * 45
        values[at] = size
        assert feed(watch_of(*limits), values) == []


def test_a_step_that_stays_is_seen_one_reading_later() -> None:
    watch = watch_of('change = 10\nper = "h"\nwindow = "10min"')
    found = [watch.feed(float(n), {"level": 0.0 if n < 10 else 50.0}) for n in range(20)]
    raised = [n for n, one in enumerate(found) if any(v.active for v in one)]
    assert raised == [11]


def test_a_slow_creep_below_the_rate_is_no_alarm() -> None:
    watch = watch_of('rise = 10\nper = "h"\nwindow = "10min"')
    assert feed(watch, [n * 9 / 3600 for n in range(2000)]) == []


def test_silence_is_one_alarm_and_the_next_reading_ends_it() -> None:
    watch = watch_of("high = 9", silence=3)
    feed(watch, [1.0])
    found = [v for at_s in range(1, 8) for v in watch.tick(float(at_s))]
    assert [(v.kind, v.subject, v.measured) for v in found] == [(AlarmKind.SILENCE, "", 3.0)]
    assert watch.passed == {"silence"}
    back = watch.feed(9.0, {"level": 1.0})
    assert [(v.active, v.measured) for v in back] == [(False, 9.0)]
    assert watch.passed == set()


def test_a_value_with_a_limit_that_stays_unknown_is_silent_though_others_speak() -> None:
    other = '[[sensor.value]]\nname = "temp"\naddress = 1\n'
    sensor = sensor_of(
        f'period = "1s"\nsilence = 3\n{_VALUE}[[sensor.value.limit]]\nhigh = 9\n{other}'
    )
    watch = Watch(sensor)
    found = []
    for at_s in range(10):
        found += watch.feed(float(at_s), {"level": None, "temp": 20.0})
        found += watch.tick(float(at_s))
    raised = [v for v in found if v.active]
    assert [(v.kind, v.subject) for v in raised] == [(AlarmKind.SILENCE, "level")]
    assert "level" in notice_of(sensor, raised[0]).text


def test_a_sensor_that_never_spoke_is_silent_too() -> None:
    watch = watch_of(silence=3)
    assert not watch.tick(100.0)
    assert [v.active for v in watch.tick(103.0)] == [True]


_SERIES = st.lists(
    st.one_of(st.none(), st.floats(0, 20, allow_nan=False, width=32)), min_size=1, max_size=60
)
_LIMITS = st.sampled_from(
    [
        ('high = 10\nclear = 8\nclear_after = "0s"', 8.0, 10.0),
        ("high = 10\nconfirm = 2\nclear = 8", 8.0, 10.0),
        ('low = 8\nclear = 10\nclear_after = "3s"', 8.0, 10.0),
    ]
)


@given(_LIMITS, _SERIES)
def test_every_alarm_that_begins_ends_once_before_it_begins_again(
    limit: tuple[str, float, float], series: list[float | None]
) -> None:
    watch = watch_of(limit[0], 'rise = 3600\nwindow = "4s"\nclear_after = "1s"', silence=4)
    told: dict[str, list[bool]] = {}
    now_s = 0.0
    for value in series:
        now_s += 1.0 if value is None else 1.0 + value % 3
        for verdict in [*watch.tick(now_s), *watch.feed(now_s, {"level": value})]:
            if not verdict.first:
                told.setdefault(f"{verdict.kind} {verdict.subject}", []).append(verdict.active)
    for states in told.values():
        assert states[0] is True
        assert all(before is not after for before, after in pairwise(states))
    assert len(watch.passed) == sum(states[-1] for states in told.values())


@given(_LIMITS, st.lists(st.floats(8.01, 9.99), max_size=40), st.booleans())
def test_nothing_happens_inside_the_band(
    limit: tuple[str, float, float], band: list[float], begun: bool
) -> None:
    watch = watch_of(limit[0])
    past = limit[2] if limit[0].startswith("high") else limit[1]
    if begun:
        assert Counter(v.active for v in feed(watch, [past, past])) == {True: 1}
    assert feed(watch, list(band), 10.0) == []


@given(_SERIES, st.data())
def test_what_is_unknown_or_late_changes_nothing(
    series: list[float | None], data: st.DataObject
) -> None:
    plain = watch_of("high = 10\nclear = 8", 'change = 3600\nwindow = "5s"')
    disturbed = watch_of("high = 10\nclear = 8", 'change = 3600\nwindow = "5s"')
    for at_s, value in enumerate(series):
        expected = plain.feed(float(at_s), {"level": value}) if value is not None else []
        for _ in range(data.draw(st.integers(0, 2))):
            assert disturbed.feed(float(at_s), {"level": None, "other": None}) == []
            assert disturbed.feed(at_s - 0.5, {"level": 19.0}) == []
        found = disturbed.feed(float(at_s), {"level": value})
        assert [v.active for v in found] == [v.active for v in expected]


def test_an_alarm_of_a_rate_says_rate_limit_and_unit_in_both_languages() -> None:
    text = _VALUE.replace('"m"\n', '"mm"\nlabel = "裂缝"\ndecimals = 1\n')
    sensor = sensor_of(
        f'period = "1s"\n{text}[[sensor.value.limit]]\nrise = 2\nper = "h"\nwindow = "10s"\n'
    )
    watch = Watch(sensor)
    found = [v for n in range(30) for v in watch.feed(float(n), {"level": n * 0.1}) if v.active]
    notice = notice_of(sensor, found[0])
    assert notice.unit == "mm/h"
    assert notice.limit == "2.0"
    assert "level rises by" in notice.text
    assert "裂缝上升速率" in notice.text
