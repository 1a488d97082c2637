"""Alarms that go on while the kit is started anew."""

from fieldlab.autopilot import Autopilot
from fieldlink.codecs.telemetry import AlarmKind
from fieldlink.drone.vehicle import Fleet, Warned

_S = 1_000_000


def test_alarms_from_before_end_as_they_would_have() -> None:
    going = [
        (AlarmKind.DEVICE, "crash"),
        (AlarmKind.DEVICE, "Motor # failed"),
        (AlarmKind.FAILSAFE, "radio"),
        (AlarmKind.SILENCE, ""),
    ]
    fleet, vehicle = Fleet(going=lambda key: going if key == (1, 1) else ()), Autopilot()
    vehicle.state = 4
    ended: dict[tuple[AlarmKind, str], int] = {}
    for second in range(80):
        vehicle.armed = second >= 20
        for said in [*fleet.take(vehicle.beat(), second * _S), *fleet.tick(second * _S)]:
            if isinstance(said, Warned):
                assert not said.active
                ended.setdefault((said.kind, said.subject), second)
    assert [ended[one] for one in going] == [25, 61, 30, 0]
