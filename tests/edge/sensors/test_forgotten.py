"""Alarms whose limit or sensor is set no longer end when the settings are read."""

import pytest

from fieldlab.intake import FakeIntake
from fieldlab.stations import sensor_of
from fieldlink.codecs.telemetry import AlarmKind
from fieldlink.edge.sensors.service import end_forgotten
from fieldlink.edge.sensors.settings import SensorSettings
from fieldlink.edge.telemetry.ports import Notice, Source

_VALUE = '[[sensor.value]]\nname = "level"\naddress = 0\n'
_HIGH = "[[sensor.value.limit]]\nhigh = 3\n"


def ended(*sensors: SensorSettings) -> set[str]:
    """What is ended of all that can go on; `sensors` are those that are set."""
    intake = FakeIntake()
    station, soldier = sensor_of(_VALUE).name, Source("soldier-1", "sensor", "mqtt")
    source = Source(station, "sensor", "sensor")
    going = [
        (source, AlarmKind.THRESHOLD, "level.high"),
        (source, AlarmKind.RATE, "level.rise"),
        (source, AlarmKind.SILENCE, ""),
        (source, AlarmKind.SILENCE, "level"),
        (soldier, AlarmKind.SOS, ""),  # no sensor's
    ]
    for who, kind, subject in going:
        intake.notify(who, Notice(kind, subject=subject))
    end_forgotten(sensors, intake)
    assert AlarmKind.SOS in {one.kind for one in intake.alarms()}
    over = [notice for _, notice in intake.notices if not notice.active]
    return {f"{notice.kind.value} {notice.subject}".strip() for notice in over}


@pytest.mark.parametrize(
    ("settings", "over"),
    [
        (_VALUE + _HIGH, {"rate level.rise"}),
        (_VALUE + _HIGH + 'name = "flood"\n', {"rate level.rise", "threshold level.high"}),
        ("silence = 0\n" + _VALUE + _HIGH, {"rate level.rise", "silence", "silence level"}),
        (_VALUE + "gas = true\n" + _HIGH, {"rate level.rise", "threshold level.high"}),
        (_VALUE, {"rate level.rise", "threshold level.high", "silence level"}),
    ],
)
def test_a_limit_that_is_renamed_or_removed_ends_its_alarm(settings: str, over: set[str]) -> None:
    assert ended(sensor_of(settings)) == over


def test_a_sensor_that_is_removed_ends_all_of_its_own() -> None:
    assert ended() == {"rate level.rise", "threshold level.high", "silence", "silence level"}
