"""Alarms of vehicles: each begins once and ends once, and what is hovering about a limit is one."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlab.autopilot import Autopilot
from fieldlink.codecs.mavlink import HIGH_LATENCY2, Frame, Framer, HighLatency2, compose
from fieldlink.codecs.telemetry import AlarmKind
from fieldlink.drone.vehicle import Fleet, Measured, Said, Warned
from fieldlink.drone.vehicle.texts import Meaning, meaning

_S = 1_000_000
_U16 = 65_535


def _flying() -> tuple[Autopilot, Fleet]:
    vehicle, fleet = Autopilot(), Fleet()
    vehicle.armed, vehicle.mode, vehicle.state = True, 5, 4
    for second in range(7):  # long enough that all that is known to be good was said so
        fleet.take(vehicle.beat(), second * _S)
        fleet.tick(second * _S)
    return vehicle, fleet


def _warned(found: Iterable[Said]) -> list[tuple[AlarmKind, str, bool]]:
    return [(one.kind, one.subject, one.active) for one in found if isinstance(one, Warned)]


def _words(
    fleet: Fleet, vehicle: Autopilot, text: str, now_us: int, severity: int = 1
) -> list[tuple[AlarmKind, str, bool]]:
    return [
        one for frame in vehicle.words(severity, text) for one in _warned(fleet.take(frame, now_us))
    ]


def test_a_failsafe_begins_at_once_and_ends_when_it_was_well_for_a_while() -> None:
    vehicle, fleet = _flying()
    vehicle.state = 5
    begun = fleet.take(vehicle.beat(), 20 * _S)
    assert _warned(begun) == [(AlarmKind.FAILSAFE, "", True)]
    assert "LOITER" in next(one.text for one in begun if isinstance(one, Warned))
    found: list[tuple[AlarmKind, str, bool]] = []
    for second in range(21, 40):
        vehicle.state = 5 if second in (22, 24) else 4  # it hovers about
        found += _warned(fleet.take(vehicle.beat(), second * _S))
    assert found == [(AlarmKind.FAILSAFE, "", False)]


def test_what_is_critical_on_the_ground_is_no_failsafe() -> None:
    vehicle, fleet = Autopilot(), Fleet()
    vehicle.state = 5
    assert not any(active for *_, active in _warned(fleet.take(vehicle.beat(), 0)))


def test_after_a_start_the_first_that_is_safely_good_ends_what_was_going_on_before() -> None:
    vehicle, fleet = Autopilot(), Fleet()
    vehicle.armed, vehicle.state = True, 4
    found = [one for s in range(10) for one in _warned(fleet.take(vehicle.beat(), s * _S))]
    assert found == [(AlarmKind.FAILSAFE, "", False)]


def test_a_fence_that_is_crossed_is_an_alarm_until_it_was_good_for_five_seconds() -> None:
    vehicle, fleet = _flying()
    crossed = vehicle.say("fence_status", 1, 3, 3, 1000)
    assert _warned(fleet.take(crossed, 10 * _S)) == [(AlarmKind.GEOFENCE, "", True)]
    assert _warned(fleet.take(crossed, 11 * _S)) == []
    inside = vehicle.say("fence_status", 0, 3, 0, 1000)
    assert _warned(fleet.take(inside, 12 * _S)) == []
    assert _warned(fleet.take(inside, 18 * _S)) == [(AlarmKind.GEOFENCE, "", False)]


def _battery(vehicle: Autopilot, level: int, charge: int = 0) -> Frame:
    cells = [3700] * 4 + [_U16] * 6
    return vehicle.say("battery_status", 0, 0, 0, 2000, cells, 500, 0, -1, level, 0, charge)


def test_a_battery_about_its_limit_alarms_once() -> None:
    vehicle, fleet = _flying()
    levels = [60, 30, 26, 25, 24, 25, 24, 26, 29, 24]
    found = []
    for number, level in enumerate(levels):
        found += _warned(fleet.take(_battery(vehicle, level), (10 + number) * _S))
    assert found == [(AlarmKind.LOW_BATTERY, "battery.level", True)]
    for number in range(8):
        found += _warned(fleet.take(_battery(vehicle, 95), (30 + number) * _S))
    assert found[1:] == [(AlarmKind.LOW_BATTERY, "battery.level", False)]


def test_a_battery_that_says_that_it_is_low_is_and_an_unknown_level_changes_nothing() -> None:
    vehicle, fleet = _flying()
    low = _battery(vehicle, 60, charge=3)
    assert _warned(fleet.take(low, 10 * _S)) == [(AlarmKind.LOW_BATTERY, "battery.level", True)]
    for second in range(11, 30):
        assert _warned(fleet.take(_battery(vehicle, -1), second * _S)) == []


@pytest.mark.parametrize(
    ("text", "kind", "subject", "begins"),
    [
        ("Radio Failsafe", AlarmKind.FAILSAFE, "radio", True),
        ("Radio Failsafe Cleared", AlarmKind.FAILSAFE, "radio", False),
        ("GCS Failsafe", AlarmKind.FAILSAFE, "gcs", True),
        ("EKF Failsafe: changed to LAND Mode", AlarmKind.FAILSAFE, "ekf", True),
        ("RC Short Failsafe: switched to Circle", AlarmKind.FAILSAFE, "radio", True),
        ("RC Long Failsafe Cleared", AlarmKind.FAILSAFE, "radio", False),
        ("Manual control lost", AlarmKind.FAILSAFE, "radio", True),
        ("Manual control regained", AlarmKind.FAILSAFE, "radio", False),
        ("GCS connection lost", AlarmKind.FAILSAFE, "gcs", True),
        ("GCS connection regained", AlarmKind.FAILSAFE, "gcs", False),
        ("Fence Breached", AlarmKind.GEOFENCE, "", True),
        ("Fence breach cleared", AlarmKind.GEOFENCE, "", False),
        ("Battery 1 is low 14.01V used 3200 mAh", AlarmKind.LOW_BATTERY, "battery", True),
        ("Critical battery level!", AlarmKind.LOW_BATTERY, "battery", True),
        ("Crash: Disarming: AngErr=44>30, Accel=0.3<3.0", AlarmKind.DEVICE, "crash", True),
    ],
)
def test_the_words_of_autopilots_are_understood(
    text: str, kind: AlarmKind, subject: str, begins: bool
) -> None:
    assert meaning(text) == Meaning(kind, subject, begins)


@pytest.mark.parametrize(
    "text",
    [
        "PreArm: Battery 1 low voltage failsafe",
        "Arm: Radio failsafe on",
        "Mission: 3 WP",
        "EKF3 IMU0 is using GPS",
        "Preflight Fail: manual control lost",
    ],
)
def test_what_is_said_of_arming_and_in_passing_is_no_alarm(text: str) -> None:
    assert meaning(text) is None
    vehicle, fleet = Autopilot(), Fleet()
    fleet.take(vehicle.beat(), 0)
    severity = 6 if meaning(text) is None and text.startswith(("Mission", "EKF3")) else 2
    assert _words(fleet, vehicle, text, 1, severity) == []


def test_a_failsafe_in_words_ends_in_words_or_when_all_was_well_for_half_a_minute() -> None:
    vehicle, fleet = _flying()
    assert _words(fleet, vehicle, "Radio Failsafe", 10 * _S) == [
        (AlarmKind.FAILSAFE, "radio", True)
    ]
    assert _words(fleet, vehicle, "Radio Failsafe", 11 * _S) == []
    assert _words(fleet, vehicle, "Radio Failsafe Cleared", 12 * _S) == [
        (AlarmKind.FAILSAFE, "radio", False)
    ]
    assert _words(fleet, vehicle, "GCS Failsafe", 20 * _S) == [(AlarmKind.FAILSAFE, "gcs", True)]
    found = [one for s in range(21, 60) for one in _warned(fleet.take(vehicle.beat(), s * _S))]
    assert found == [(AlarmKind.FAILSAFE, "gcs", False)]


def test_a_crash_stays_until_it_flies_again() -> None:
    vehicle, fleet = _flying()
    assert _words(fleet, vehicle, "Crash: Disarming", 10 * _S, 0) == [
        (AlarmKind.DEVICE, "crash", True)
    ]
    vehicle.armed, vehicle.state = False, 3
    for second in range(11, 200):
        found = [*fleet.take(vehicle.beat(), second * _S), *fleet.tick(second * _S)]
        assert _warned(found) == []
    vehicle.armed, vehicle.state = True, 4
    found = [s for n in range(200, 210) for s in fleet.take(vehicle.beat(), n * _S)]
    assert _warned(found) == [(AlarmKind.DEVICE, "crash", False)]


def test_critical_words_are_an_alarm_of_their_own_and_fade() -> None:
    vehicle, fleet = _flying()
    [begun] = _words(fleet, vehicle, "Potential Thrust Loss (3)", 10 * _S)
    assert begun == (AlarmKind.DEVICE, "Potential Thrust Loss (#)", True)
    assert _words(fleet, vehicle, "Potential Thrust Loss (1)", 12 * _S) == []
    found = [one for s in range(13, 90) for one in _warned(_kept(fleet, vehicle, s))]
    assert found == [(AlarmKind.DEVICE, "Potential Thrust Loss (#)", False)]


def _kept(fleet: Fleet, vehicle: Autopilot, second: int) -> list[Said]:
    return [*fleet.take(vehicle.beat(), second * _S), *fleet.tick(second * _S)]


def _texts(found: Iterable[Said]) -> list[str]:
    return [
        str(one.values["text"])
        for one in found
        if isinstance(one, Measured) and one.schema.stream == "text"
    ]


@given(st.permutations(range(3)))
def test_long_texts_are_joined_whatever_order_their_chunks_come_in(order: list[int]) -> None:
    vehicle, fleet = Autopilot(), Fleet()
    fleet.take(vehicle.beat(), 0)
    text = (
        "无人机失控保护：电池电量过低，正在返航。"
        + "Battery failsafe: returning to launch now, go away"
    )
    chunks = vehicle.words(4, text, number=9)
    assert len(chunks) == 3
    found = [said for at in order for said in fleet.take(chunks[at], 1)]
    assert _texts(found) == [text]


def test_a_chunk_that_does_not_come_leaves_a_mark_and_is_not_waited_for() -> None:
    vehicle, fleet = Autopilot(), Fleet()
    fleet.take(vehicle.beat(), 0)
    chunks = vehicle.words(4, "a" * 50 + "b" * 50 + "c" * 10, number=3)
    assert _texts([*fleet.take(chunks[0], 0), *fleet.take(chunks[2], 0)]) == []
    assert _texts(fleet.tick(3 * _S)) == ["a" * 50 + "…" + "c" * 10]
    assert _texts(fleet.tick(9 * _S)) == []


def test_a_flood_of_texts_is_thinned_and_memory_is_bounded() -> None:
    vehicle, fleet = Autopilot(), Fleet()
    fleet.take(vehicle.beat(), 0)
    found: list[Said] = []
    for number in range(1, 2000):
        chunk = vehicle.say("statustext", 2, f"bad thing {number * 7}".encode(), number, 0)
        found += fleet.take(chunk, number * 1000)
        found += fleet.take(vehicle.words(2, "".join(chr(97 + number % 26)))[0], number * 1000)
    assert len(_texts(found)) <= 20
    assert len(fleet.vehicles[1, 1].alarms.watch._all) <= 64
    assert len(fleet._texts._open) <= 32


# --- silence ---------------------------------------------------------------------------------


def _limit(link: str) -> int:
    return 120 * _S if link == "sat" else 5 * _S


def test_silence_counts_by_the_link_and_only_on_all_of_them() -> None:
    vehicle, fleet = Autopilot(), Fleet(_limit)
    vehicle.armed, vehicle.state = True, 4
    fleet.take(vehicle.beat(link="sat"), 0)
    fleet.take(vehicle.beat(link="lan"), 0)
    assert [one for s in range(1, 119) for one in _warned(fleet.tick(s * _S))] == [
        (AlarmKind.SILENCE, "", False)  # of an earlier run
    ]
    assert _warned(fleet.tick(121 * _S)) == [(AlarmKind.SILENCE, "", True)]
    assert _warned(fleet.tick(122 * _S)) == []
    assert fleet.report(122 * _S)[0]["state"] == "lost"


def test_one_frame_does_not_make_up_for_a_lost_link_two_do() -> None:
    vehicle, fleet = Autopilot(), Fleet(_limit)
    vehicle.armed, vehicle.state = True, 4
    fleet.take(vehicle.beat(), 0)
    fleet.tick(0)
    assert _warned(fleet.tick(6 * _S)) == [(AlarmKind.SILENCE, "", True)]
    fleet.take(vehicle.beat(), 7 * _S)
    assert _warned(fleet.tick(7 * _S)) == []
    fleet.take(vehicle.beat(), 8 * _S)
    assert _warned(fleet.tick(8 * _S)) == [(AlarmKind.SILENCE, "", False)]


def test_whatever_is_heard_counts_and_one_that_is_switched_off_on_the_ground_is_no_alarm() -> None:
    vehicle, fleet = Autopilot(), Fleet(_limit)
    fleet.take(vehicle.beat(), 0)
    fleet.tick(0)
    for second in range(1, 30):  # no heartbeat any more
        fleet.take(vehicle.say("attitude", 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0), second * _S)
        assert _warned(fleet.tick(second * _S)) == []
    assert _warned(fleet.tick(60 * _S)) == []
    assert fleet.report(60 * _S)[0]["state"] == "lost"
    fleet.tick(2000 * _S)
    assert fleet.vehicles == {}


def test_a_vehicle_that_speaks_by_satellite_alone_is_back_with_one_word() -> None:
    raw = compose(HIGH_LATENCY2, HighLatency2(autopilot=12).encode(), sysid=1, compid=1, seq=0)
    (frame,) = Framer("sat").datagram(raw)
    fleet = Fleet(_limit)
    fleet.take(frame, 0)
    fleet.tick(0)
    assert _warned(fleet.tick(121 * _S)) == [(AlarmKind.SILENCE, "", True)]
    fleet.take(frame, 130 * _S)
    assert _warned(fleet.tick(130 * _S)) == [(AlarmKind.SILENCE, "", False)]


@given(st.lists(st.tuples(st.sampled_from("bpfgtsnh"), st.integers(0, 9)), max_size=60))
def test_every_alarm_that_begins_ends_before_it_begins_again(steps: list[tuple[str, int]]) -> None:
    vehicle, fleet = Autopilot(), Fleet(_limit)
    going: dict[tuple[AlarmKind, str], bool] = {}
    now_us = 0
    for what, number in steps:
        now_us += (number + 1) * _S
        frames = []
        if what == "b":
            vehicle.armed, vehicle.state = number % 2 == 0, 3 + number % 3
            frames = [vehicle.beat(link="lan" if number < 5 else "sat")]
        elif what == "p":
            frames = [_battery(vehicle, number * 10, number % 4)]
        elif what == "f":
            frames = [vehicle.say("fence_status", number % 2, 1, 1, 0)]
        elif what in "gt":
            words = ("Radio Failsafe", "Radio Failsafe Cleared", "Fence Breached", "Crash: x")
            frames = vehicle.words(1, words[number % 4])
        found = [said for frame in frames for said in fleet.take(frame, now_us)]
        for kind, subject, active in _warned([*found, *fleet.tick(now_us)]):
            assert going.get((kind, subject)) is not active or not active
            assert active or going.get((kind, subject)) in (None, True)
            going[kind, subject] = active


@given(st.integers(0, 300), st.binary(max_size=60))
def test_no_payload_of_a_known_message_does_harm(msgid: int, payload: bytes) -> None:
    vehicle, fleet = Autopilot(), Fleet()
    fleet.take(vehicle.beat(), 0)
    try:
        raw = compose(msgid, payload, sysid=1, compid=1, seq=1)
    except ValueError:
        return
    (frame,) = Framer("lan").datagram(raw)
    for said in fleet.take(frame, 1):
        if isinstance(said, Measured):
            assert said.values.keys() <= {column.name for column in said.schema.columns}
    fleet.tick(10 * _S)
    fleet.report(10 * _S)


def test_a_battery_by_satellite_alone_ends_with_the_flag_that_began_it() -> None:
    fleet = Fleet()
    found = []
    for second, failures in ((0, 0), (5, 128), (10, 128), (15, 0)):
        said = HighLatency2(autopilot=3, battery=60, failures=failures)
        (frame,) = Framer("sat").datagram(
            compose(HIGH_LATENCY2, said.encode(), sysid=1, compid=1, seq=second)
        )
        found += _warned(fleet.take(frame, second * _S))
    found = [one for one in found if one[1] == "battery"]
    assert found[-2:] == [
        (AlarmKind.LOW_BATTERY, "battery", True), (AlarmKind.LOW_BATTERY, "battery", False),
    ]  # fmt: skip


def test_a_battery_that_never_says_how_full_it_is_is_well_when_it_says_so() -> None:
    vehicle, fleet = _flying()
    begun = _warned(fleet.take(_battery(vehicle, -1, charge=2), 10 * _S))
    assert begun == [(AlarmKind.LOW_BATTERY, "battery.level", True)]
    found = []
    for second in range(11, 20):
        found += _warned(fleet.take(_battery(vehicle, -1, charge=1), second * _S))
    assert found == [(AlarmKind.LOW_BATTERY, "battery.level", False)]
