"""The kit's own alarms: each once, with a reason, ended on the good side of its limit."""

from pathlib import Path
from typing import Any

import pytest

from fieldlink.codecs.telemetry import AIR, BATTERY, POSITION, VITALS, AlarmKind, Flag, Schema
from fieldlink.edge.telemetry.alarm_book import AlarmBook, Going
from fieldlink.edge.telemetry.alarm_desk import made_alarm
from fieldlink.edge.telemetry.device import Device
from fieldlink.edge.telemetry.heard import HEARD_US, Heard
from fieldlink.edge.telemetry.ports import Notice, Reading, Source
from fieldlink.edge.telemetry.rules import Rules
from fieldlink.edge.telemetry.settings import RuleSettings

NOW_US = 1_780_000_000_000_000


class _Site:
    """A device, and what the rules said of it; `at_s` is the time."""

    def __init__(self, folder: Path) -> None:
        self.book = AlarmBook(folder / "alarms.json")
        self.rules = Rules(RuleSettings(), self.book, self._raises)
        self.device = Device(Source("soldier-1", "soldier", "mqtt"))
        self.said: list[tuple[AlarmKind, bool, str]] = []
        self.notices: list[Notice] = []
        self.at_s = 0.0

    def _raises(self, device: Device, notice: Notice) -> None:
        self.said.append((notice.kind, notice.active, notice.value))
        self.notices.append(notice)
        key = device.name, notice.kind, notice.subject
        if notice.active:
            alarm = made_alarm(device, notice, notice.subject, NOW_US)
            self.book.begin(Going(alarm, own=True, told=True))
        elif (going := self.book.get(key)) is not None:
            self.book.end(going)

    def hear(self, schema: Schema, *, flags: Flag = Flag.NONE, **values: Any) -> int:
        series = self.device.stream(schema, 1)
        assert series is not None
        now_us = NOW_US + round(self.at_s * 1e6)
        made = self.device.sample(series, Reading(values, flags=flags), None, now_us, 1)
        assert isinstance(made, tuple)
        self.device.hear(now_us, self.at_s)
        self.at_s += 1
        return self.rules.sample(self.device, series, made[1])


@pytest.fixture
def site(tmp_path: Path) -> _Site:
    return _Site(tmp_path)


def test_a_battery_that_hovers_about_its_limit_alarms_once(site: _Site) -> None:
    earned = [
        site.hear(BATTERY, level=level)
        for level in (21, 19.9, 20.5, 19.5, 24.9, None, 0, 25, 21, 19)
    ]
    low = AlarmKind.LOW_BATTERY
    assert site.said == [(low, True, "19.9"), (low, False, "25"), (low, True, "19")]
    assert (site.notices[0].subject, site.notices[0].limit) == ("battery.level", "20")
    assert [bool(flags) for flags in earned] == [at in (1, 9) for at in range(10)]


def test_a_cylinder_that_was_never_open_is_not_low(site: _Site) -> None:
    for pressure in (0, 0.5, 0):
        site.hear(AIR, pressure=pressure)
    assert site.said == []
    for pressure in (300, 59, 0, 70, 80):
        site.hear(AIR, pressure=pressure)
    air = AlarmKind.LOW_AIR
    assert site.said == [(air, True, "59"), (air, False, "80")]


def test_vitals_alarm_when_they_are_beyond_their_limits_for_a_while(site: _Site) -> None:
    for pulse in [200] * 5 + [80] + [200] * 5 + [None] * 3 + [201] * 9 + [186] * 3 + [185] * 2:
        site.hear(VITALS, heart_rate=pulse)
    vitals = AlarmKind.VITALS
    assert site.said == [(vitals, True, "201"), (vitals, False, "185")]
    assert site.notices[0].subject == "vitals.heart_rate"
    site.said.clear()
    for pulse in [30] * 12 + [200] * 12 + [60]:
        site.hear(VITALS, heart_rate=pulse)
    assert [active for _, active, _ in site.said] == [True, False]


def test_nothing_is_concluded_from_what_is_stored_frozen_or_unknown(site: _Site) -> None:
    site.hear(BATTERY, level=3, flags=Flag.BACKFILL)
    site.hear(BATTERY, level=-3)
    assert site.said == []


@pytest.mark.parametrize(
    ("readings", "raised_at"),
    [
        ([{"still_for": s} for s in range(0, 90, 10)], 6),
        ([{"still_for": s, "posture": 2} for s in range(0, 90, 10)], 3),
        ([{"posture": 2}] * 40, 30),  # lying, a second each
        ([{"posture": 1}] * 90, None),
        ([{"posture": 2}, {"posture": 0}] * 40, None),
    ],
)
def test_who_does_not_move_is_down(
    site: _Site, readings: list[dict[str, Any]], raised_at: int | None
) -> None:
    earned = [site.hear(VITALS, **values) for values in readings]
    raised = [at for at, flags in enumerate(earned) if flags & Flag.ALARM]
    assert raised == ([] if raised_at is None else [raised_at])
    site.hear(VITALS, still_for=0, posture=0)
    down = [(kind, active) for kind, active, _ in site.said]
    both = [(AlarmKind.MAN_DOWN, True), (AlarmKind.MAN_DOWN, False)]
    assert down == ([] if raised_at is None else both)


def test_silence_is_an_alarm_for_who_spoke_and_ends_with_the_next_word(site: _Site) -> None:
    for _ in range(5):
        site.hear(POSITION, lat=34.2, lon=108.9, flags=Flag.EXERCISE)
    site.rules.look([site.device], site.at_s + 100)
    assert site.said == []
    for passed_s in (125, 130):
        site.rules.look([site.device], site.at_s + passed_s)
    assert [(kind, active) for kind, active, _ in site.said] == [(AlarmKind.SILENCE, True)]
    assert site.notices[0].flags is Flag.EXERCISE
    site.at_s += 140
    site.hear(POSITION, lat=34.2, lon=108.9)
    site.rules.look([site.device], site.at_s)
    assert site.said[-1][:2] == (AlarmKind.SILENCE, False)


def test_while_a_way_in_is_down_one_alarm_says_so_and_not_one_for_each_device(site: _Site) -> None:
    for _ in range(5):
        site.hear(POSITION, lat=34.2, lon=108.9)
    other = Device(Source("soldier-2", "soldier", "mqtt"))
    other.missed, other.heard_s, other.heard_us = True, site.at_s, NOW_US
    both, began_s, down = [site.device, other], site.at_s, {"mqtt": "device-api"}
    for passed_s in range(10, 400, 10):
        site.rules.look(both, began_s + passed_s, down)
    (notice,) = site.notices
    assert (notice.kind, notice.subject) == (AlarmKind.SILENCE, "device-api")
    assert "2 devices" in notice.text
    assert "2 台设备失联" in notice.text
    site.rules.look(both, began_s + 410)  # it works again; they have as long as ever to speak
    assert [(one.active, one.subject) for one in site.notices[1:]] == [(False, "device-api")]
    site.at_s = began_s + 420
    site.hear(POSITION, lat=34.2, lon=108.9)
    for passed_s in range(430, 540, 10):
        site.rules.look(both, began_s + passed_s)
    assert [(one.active, one.subject) for one in site.notices[2:]] == [(True, "")]


def test_who_speaks_seldom_is_not_silent_between_two_words(site: _Site) -> None:
    for _ in range(30):
        site.hear(POSITION, lat=34.2, lon=108.9)
        site.at_s += 299
    site.rules.look([site.device], site.at_s + 900)
    assert site.said == []
    site.rules.look([site.device], site.at_s + 2000)
    assert len(site.said) == 1


def test_a_sensor_with_a_place_is_watched_by_its_adapter_alone(site: _Site) -> None:
    site.device = Device(Source("water-1", "sensor", "sensor"))
    for _ in range(5):
        site.hear(POSITION, lat=34.2, lon=108.9)
    site.rules.look([site.device], site.at_s + 1_000_000)
    assert site.said == []


def test_a_limit_that_was_turned_off_ends_what_it_raised(site: _Site) -> None:
    site.hear(BATTERY, level=5)
    for _ in range(5):
        site.hear(POSITION, lat=34.2, lon=108.9)
    site.rules.look([site.device], site.at_s + 500)
    assert [active for _, active, _ in site.said] == [True, True]
    off = RuleSettings(battery=0)
    site.rules = Rules(off, site.book, site._raises)  # after a restart: who spoke is not known
    site.rules.look([], 0)
    assert site.said[2:] == [(AlarmKind.LOW_BATTERY, False, "")]
    Rules(RuleSettings.model_validate({"silence": "0s"}), site.book, site._raises).look([], 0)
    assert site.said[3:] == [(AlarmKind.SILENCE, False, "")]
    assert len(site.book) == 0


def test_a_clock_that_is_set_back_keeps_no_alarm_back(site: _Site) -> None:
    for name, value in (("heart_rate", 200), ("posture", 2)):
        values: dict[str, Any] = {name: value}
        for _ in range(5):
            site.hear(VITALS, **values)
        site.at_s -= 3600
        for _ in range(70):
            site.hear(VITALS, **values)
    assert [kind for kind, _, _ in site.said] == [AlarmKind.VITALS, AlarmKind.MAN_DOWN]


def test_who_falls_silent_while_the_kit_restarts_is_missed(site: _Site, tmp_path: Path) -> None:
    for _ in range(5):
        site.hear(VITALS, heart_rate=70)
    site.rules.look([site.device], site.at_s)
    now_us = NOW_US + round(site.at_s * 1e6)
    heard = Heard(tmp_path / "heard.json")
    heard.save(heard.rows([site.device], now_us))
    assert heard.load(now_us + HEARD_US, 0) == []  # it was put away meanwhile
    (device,) = heard.load(now_us + 60_000_000, 1_000)
    for at_s in (1_001, 1_119, 1_122, 1_130):
        site.rules.look([device], at_s)
    assert [kind for kind, _, _ in site.said] == [AlarmKind.SILENCE] * 1
    # It restarts once more: that is no word of it, and ends nothing.
    (device,) = heard.load(now_us + 190_000_000, 1_140)
    site.rules.look([device], 1_141)
    assert len(site.said) == 1
    device.hear(NOW_US, 1_142)
    site.rules.look([device], 1_143)
    assert site.said[1:] == [(AlarmKind.SILENCE, False, "")]


@pytest.mark.parametrize("text", ["", "{}", "[[1]]", '[["A B","x","y",1,2,0]]', "[" * 9_999, "[1]"])
def test_a_file_of_who_spoke_that_is_none_is_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / "heard.json").write_text(text)
    assert Heard(tmp_path / "heard.json").load(NOW_US, 0) == []
