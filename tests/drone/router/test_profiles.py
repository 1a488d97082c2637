"""What thin links are given, second by second of virtual time, counted on the wire."""

from collections import Counter

import pytest

from fieldlab.aircraft import flight
from fieldlab.routing import Bench, Speaker, decoded, settings

SPAN_S = 120
UAV, SAT, SMS = (
    {"name": "uav"},
    {"name": "sat", "profile": "sat"},
    {"name": "sms", "profile": "beidou"},
)


def counts(sent: list[tuple[int, bytes]]) -> Counter[str]:
    return Counter(message.get_type() for message in decoded(raw for _, raw in sent))


def rate(sent: list[tuple[int, bytes]]) -> float:
    return sum(len(raw) for _, raw in sent) / SPAN_S


def test_a_preview_is_at_its_rates_within_5_percent_and_below_150_bytes_a_second() -> None:
    b = Bench(settings(UAV, SAT))
    sent = b.play("uav", flight(SPAN_S), SPAN_S)["sat"]
    got = counts(sent)
    for name in ("HEARTBEAT", "ATTITUDE", "GLOBAL_POSITION_INT", "VFR_HUD"):
        assert got.pop(name) == pytest.approx(SPAN_S, rel=0.05), name
    for name in ("SYS_STATUS", "GPS_RAW_INT", "MISSION_CURRENT"):
        assert got.pop(name) == pytest.approx(SPAN_S * 0.2, rel=0.05), name
    assert not got
    assert rate(sent) < 150


def test_beidou_is_given_one_state_every_5_s_and_answers_to_commands() -> None:
    b = Bench(settings(UAV, SMS, heartbeat=True))
    gcs = Speaker(255, 190)
    b.put("sms", gcs.beat(), gcs.say("command_long", 1, 1, 400, 0, 1, 0, 0, 0, 0, 0, 0))
    sent = b.play("uav", flight(SPAN_S), SPAN_S)
    assert counts(sent["sms"]) == {"HIGH_LATENCY2": SPAN_S / 5}
    assert rate(sent["sms"]) < 12
    assert {len(raw) for _, raw in sent["sms"]} == {54}
    # No heartbeat of the ground station came through, only ours.
    assert {m.get_srcSystem() for m in decoded(raw for _, raw in sent["uav"])} == {1}
    b.put("uav", Speaker(1).say("command_ack", 400, 0))
    assert [m.get_type() for m in decoded(b.out("sms"))] == ["COMMAND_ACK"]
    assert b.ports["sms"].stats.filtered > 0


def test_the_state_is_the_vehicles() -> None:
    b = Bench(settings(UAV, SMS))
    sent = b.play("uav", flight(12), 12)["sms"]
    state = decoded(raw for _, raw in sent)[-1]
    assert (state.get_srcSystem(), state.get_srcComponent()) == (1, 1)
    assert state.latitude == pytest.approx(301_234_500, abs=1000)
    assert (state.altitude, state.heading * 2, state.battery) == (488, 90, 67)
    assert state.groundspeed / 5 == pytest.approx(11.3, abs=0.2)
    assert (state.throttle, state.wp_num) == (55, 8)
    assert (state.type, state.autopilot, state.custom_mode) == (2, 3, 4)


def test_modes_of_px4_and_what_fails_are_in_the_state() -> None:
    b = Bench(settings(UAV, SMS))
    uav = Speaker(1)
    b.put("uav", uav.say("heartbeat", 2, 12, 81, 0x04040000, 4))
    gps, compass, rc = 0x20, 0x04, 0x10000
    status = [gps | compass | rc, gps | compass, gps | rc, *[0] * 10]
    b.put("uav", uav.say("sys_status", *status))
    b.core.tick(b.now_us, b.now_us, healthy=True)
    (state,) = decoded(b.out("sms"))
    assert state.custom_mode == 0x0404
    assert state.failure_flags == 1 | 32  # no position, and the compass


def test_an_aircraft_is_not_told_its_own_state() -> None:
    b = Bench(settings(UAV, SMS))
    b.put("sms", Speaker(7).say("heartbeat", 2, 3, 81, 0, 4))  # its heartbeats are not taken
    b.put("sms", Speaker(7).say("high_latency2", 1, 2, 3, 4, *[0] * 23))
    b.put("uav", Speaker(7).beat())
    b.clear()
    b.now_us += 31_000_000  # it does not speak for itself any more
    b.put("uav", Speaker(7).beat())
    b.core.tick(b.now_us, b.now_us, healthy=True)
    assert b.out("sms") == []


def test_a_dead_vehicle_has_no_state() -> None:
    b = Bench(settings(UAV, SMS))
    sent = b.play("uav", flight(10), 120)["sms"]
    assert max(at_us for at_us, _ in sent) < 41_000_000


def test_an_old_position_is_unknown() -> None:
    b = Bench(settings(UAV, SMS))
    uav = Speaker(1)
    place = uav.say("global_position_int", 1, 301234500, 1035000000, 488000, 0, 0, 0, 0, 0)
    beats = [(at * 1_000_000, uav.beat()) for at in range(30)]
    states = decoded(raw for _, raw in b.play("uav", [beats[0], (0, place), *beats[1:]], 30)["sms"])
    assert [state.latitude != 0 for state in states] == [True, True, True, False, False, False]
    assert states[-1].failure_flags & 1


def test_a_vehicle_that_speaks_for_itself_is_not_spoken_for() -> None:
    b = Bench(settings(UAV, SMS))
    uav = Speaker(1)
    own = [(at * 1_000_000, uav.say("high_latency2", at, 2, 3, 4, *[0] * 23)) for at in range(60)]
    sent = b.play("uav", own, 60)["sms"]
    assert [raw for _, raw in sent] == [raw for _, raw in own if raw in {r for _, r in sent}]
    assert len(sent) == pytest.approx(12, abs=1)


def test_custom_rates_and_a_budget_hold() -> None:
    b = Bench(
        settings(
            {"name": "uav"},
            {"name": "a", "profile": "sat", "rates": {"ATTITUDE": 4, "RAW_IMU": 0.5, "VFR_HUD": 0}},
            {"name": "b", "rates": {"*": 1}},
            {"name": "c", "budget": "2400bit/s"},
        )
    )
    sent = b.play("uav", flight(SPAN_S), SPAN_S)
    got = counts(sent["a"])
    assert got["ATTITUDE"] == pytest.approx(SPAN_S * 4, rel=0.05)
    assert got["RAW_IMU"] == pytest.approx(SPAN_S * 0.5, rel=0.05)
    assert got["VFR_HUD"] == 0
    for name, count in counts(sent["b"]).items():
        assert count == pytest.approx(SPAN_S, rel=0.05), name
    assert rate(sent["c"]) == pytest.approx(300, rel=0.05)
    assert counts(sent["c"])["HEARTBEAT"] == SPAN_S  # worth most


def test_ground_stations_do_not_fill_a_thin_link_to_another() -> None:
    b = Bench(settings({"name": "gcs"}, SAT, {**SAT, "name": "up"}))
    b.put("sat", Speaker(254, 190).beat())
    b.put("up", Speaker(1).beat())
    b.clear()
    gcs = Speaker(255, 190)
    sent = b.play("gcs", [(at * 1_000_000, gcs.beat()) for at in range(20)], 20)
    assert sent["sat"] == []
    assert len(sent["up"]) == 20  # an aircraft is there: it needs to know


def test_our_heartbeat_goes_only_while_the_kit_is_well() -> None:
    b = Bench(settings(UAV, SMS, heartbeat=True))
    for _ in range(100):
        b.now_us += 100_000
        b.core.tick(b.now_us, b.now_us, healthy=b.now_us < 6_000_000)
    beats = decoded(b.out("uav"))
    assert len(beats) == 5
    assert {(m.get_srcSystem(), m.get_srcComponent(), m.type, m.autopilot) for m in beats} == {
        (1, 191, 18, 8)
    }
    assert b.out("sms") == []


def test_silence_that_means_lost_depends_on_the_link() -> None:
    b = Bench(settings(UAV, SMS, {"name": "own", "lost_after": "1s"}))
    for name in b.ports:
        assert b.ports[name].state(b.now_us) == "DOWN"
        b.put(name, Speaker(1).say("attitude", 1, 0, 0, 0, 0, 0, 0))  # anything is a sign of life
        assert b.ports[name].state(b.now_us) == "OK"
    states = {name: port.state(b.now_us + 6_000_000) for name, port in b.ports.items()}
    assert states == {"uav": "DOWN", "sms": "OK", "own": "DOWN"}
