"""What a station does with the kit's answers to its alarms."""

from fieldlab.intake import FakeIntake, FakeTime
from fieldlab.stations import sensor_of
from fieldlink.edge.sensors.station import Station
from fieldlink.edge.sensors.values import Measured

_GAS = """
silence = 0
[[sensor.value]]
name = "ch4"
address = 0
gas = true
[[sensor.value.limit]]
high = 10
clear_after = "0s"
"""


def test_an_alarm_that_the_kit_would_not_take_is_said_again_until_it_does_or_is_over() -> None:
    intake = FakeIntake(answer="busy: too many alarms wait for the disk")
    station = Station(sensor_of(_GAS), intake, FakeTime())

    def told() -> list[bool]:
        new, intake.notices = intake.notices, []
        return [notice.active for _, notice in new]

    station.judge(0, {"ch4": Measured(50.0)})
    station.tick(1)
    assert told() == [True, True]
    intake.answer = None
    station.tick(2)
    station.tick(3)
    assert told() == [True]
    station.judge(4, {"ch4": Measured(1.0)})
    intake.answer = "busy"
    station.judge(5, {"ch4": Measured(50.0)})
    station.judge(6, {"ch4": Measured(1.0)})
    station.tick(7)
    assert told() == [False, True, False]
