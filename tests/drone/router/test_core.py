"""Who gets what: routing, copies, filters, targets and answers, in virtual time."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlab.routing import Bench, Speaker, decoded, settings
from fieldlink.codecs.mavlink import Framer, name_of, sign

UAV, OTHER, GCS, GCS2 = Speaker(1), Speaker(2), Speaker(255, 190), Speaker(254, 190)


def bench(**endpoints: dict[str, Any]) -> Bench:
    """A vehicle on `uav`, ground stations on `gcs` and `gcs2`, all heard of."""
    rows: dict[str, dict[str, Any]] = {"uav": {}, "gcs": {}, "gcs2": {}}
    for name, row in endpoints.items():
        rows.setdefault(name, {}).update(row)
    made = Bench(settings(*({"name": name, **row} for name, row in rows.items())))
    made.put("uav", UAV.beat())
    made.put("gcs", GCS.beat())
    made.put("gcs2", GCS2.beat())
    made.clear()
    return made


def kinds(raws: list[bytes]) -> list[str]:
    return [message.get_type() for message in decoded(raws)]


def test_what_names_no_target_goes_everywhere_but_back() -> None:
    b = bench()
    said = UAV.say("attitude", 1, 0, 0, 0, 0, 0, 0)
    b.put("uav", said)
    assert (b.out("uav"), b.out("gcs"), b.out("gcs2")) == ([], [said], [said])


def test_a_command_goes_where_its_vehicle_was_heard() -> None:
    b = bench(uav2={})
    b.put("uav2", OTHER.beat())
    b.clear()
    command = GCS.say("command_long", 2, 1, 400, 0, 1, 0, 0, 0, 0, 0, 0)
    b.put("gcs", command)
    assert (b.out("uav"), b.out("uav2"), b.out("gcs2")) == ([], [command], [])


def test_a_component_that_has_not_spoken_is_where_its_system_is() -> None:
    b = bench()
    to_gimbal = GCS.say("command_long", 1, 154, 400, 0, 1, 0, 0, 0, 0, 0, 0)
    to_all = GCS.say("command_long", 1, 0, 400, 0, 1, 0, 0, 0, 0, 0, 0)
    b.put("gcs", to_gimbal, to_all)
    assert b.out("uav") == [to_gimbal, to_all]
    assert b.out("gcs2") == []


def test_a_target_nobody_heard_of_is_counted_and_goes_nowhere() -> None:
    b = bench()
    b.put("gcs", GCS.say("command_long", 77, 1, 400, 0, 1, 0, 0, 0, 0, 0, 0))
    assert [b.out(name) for name in b.ports] == [[], [], []]
    assert b.ports["gcs"].stats.no_route == 1


def test_an_answer_with_a_target_goes_to_that_ground_station_alone() -> None:
    b = bench()
    ack = UAV.say("command_ack", 400, 0, target_system=254, target_component=190)
    b.put("uav", ack)
    assert (b.out("gcs"), b.out("gcs2")) == ([], [ack])


def test_the_same_frame_over_two_links_counts_once_and_both_lead_back() -> None:
    b = bench(lte={})
    b.put("lte", UAV.beat())
    b.clear()
    said = UAV.say("attitude", 1, 0, 0, 0, 0, 0, 0)
    b.put("uav", said)
    b.now_us += 400_000
    b.put("lte", said)
    assert (b.out("gcs"), b.out("uav"), b.out("lte")) == ([said], [], [])
    assert b.ports["lte"].stats.duplicates == 1
    assert b.ports["lte"].stats.late_us > b.ports["uav"].stats.late_us == 0
    command = GCS.say("command_long", 1, 1, 400, 0, 1, 0, 0, 0, 0, 0, 0)
    b.put("gcs", command)
    assert (b.out("uav"), b.out("lte")) == ([command], [command])
    assert [frame.raw for frame in b.tapped[-1:]] == [said]  # once


def test_the_same_frame_much_later_is_another() -> None:
    b = bench()
    said = UAV.say("param_value", b"P1", 1.0, 9, 900, 1)
    b.put("uav", said)
    b.now_us += 5_000_000
    b.put("gcs2", said)  # the numbers begin again every 256
    assert b.out("gcs") == [said, said]


def test_a_frame_does_not_come_back_over_another_link_of_its_sender() -> None:
    b = bench(lte={})
    b.put("lte", UAV.beat())
    b.clear()
    b.put("uav", UAV.say("attitude", 1, 0, 0, 0, 0, 0, 0))
    assert b.out("lte") == []


def test_both_versions_go_on_as_they_came() -> None:
    b = bench()
    old = Speaker(1, version=1).say("attitude", 9, 0, 0, 0, 0, 0, 0)
    new = UAV.say("attitude", 9, 0, 0, 0, 0, 0, 0)
    b.put("uav", old, new)
    assert b.out("gcs") == [old, new]


def test_filters_hold_in_both_directions() -> None:
    b = bench(
        gcs={"give": {"block_messages": ["ATTITUDE"], "allow_systems": [1]}},
        gcs2={"take": {"allow_messages": ["HEARTBEAT"]}, "give": {"allow_messages": ["ATTITUDE"]}},
    )
    b.put("uav", UAV.say("attitude", 1, 0, 0, 0, 0, 0, 0), UAV.say("vfr_hud", 1, 2, 3, 4, 5, 6))
    b.put("uav", OTHER.say("vfr_hud", 1, 2, 3, 4, 5, 6))
    b.put("gcs2", GCS2.say("command_long", 1, 1, 400, 0, 1, 0, 0, 0, 0, 0, 0))
    assert kinds(b.out("gcs")) == ["VFR_HUD"]
    assert kinds(b.out("gcs2")) == ["ATTITUDE"]
    assert kinds(b.out("uav")) == []
    assert b.ports["gcs2"].stats.filtered > 0


def test_unknown_messages_go_to_plain_links_and_nobody_is_learned_from_them() -> None:
    # Message 60,123 of system 9 is in no dialect.
    unknown = bytes.fromhex("fd03000001 09 01 dbea00 010203 aabb")
    b = bench(gcs2={"profile": "lte"})
    b.put("uav", unknown)
    assert (b.out("gcs"), b.out("gcs2")) == ([unknown], [])
    assert b.ports["uav"].stats.unknown == 1
    assert (9, 1) not in b.core.routes.behind(b.ports["uav"].number)
    strict = Bench(settings({"name": "uav"}, {"name": "gcs"}, unknown="drop"))
    strict.put("uav", unknown)
    assert strict.out("gcs") == []
    assert strict.tapped == []


def test_parameters_reach_who_asked_in_full_while_others_are_thinned() -> None:
    b = bench(gcs={"profile": "sat"}, gcs2={"profile": "sat"})
    b.put("gcs", GCS.say("param_request_list", 1, 1))
    assert kinds(b.out("uav")) == ["PARAM_REQUEST_LIST"]
    for index in range(900):
        b.now_us += 20_000
        b.put("uav", UAV.say("param_value", b"P%d" % index, 1.0, 9, 900, index))
    assert len(b.out("gcs")) == 900
    assert b.out("gcs2") == []
    b.now_us += 16_000_000  # nobody is downloading any more
    b.put("uav", UAV.say("param_value", b"P1", 1.0, 9, 900, 1))
    assert b.out("gcs") == []


def test_a_message_that_was_asked_for_is_given_to_who_asked() -> None:
    b = bench(gcs={"profile": "sat"}, gcs2={"profile": "sat"})
    b.put("gcs", GCS.say("command_long", 1, 1, 512, 0, 148.0, 0, 0, 0, 0, 0, 0))
    version = UAV.say("autopilot_version", 1, 2, 3, 4, 5, [0] * 8, [0] * 8, [0] * 8, 6, 7, 8)
    b.put("uav", version)
    assert (b.out("gcs"), b.out("gcs2")) == ([version], [])


def test_a_message_that_was_asked_for_once_is_not_given_for_ever() -> None:
    b = bench(gcs={"profile": "sat", "rates": {"RAW_IMU": 0}})
    b.put("gcs", GCS.say("command_long", 1, 1, 512, 0, 27.0, 0, 0, 0, 0, 0, 0))
    for _ in range(200):
        b.put("uav", UAV.say("raw_imu", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10))
    assert len(b.out("gcs")) == 16


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 1e30])
def test_a_command_that_asks_for_nonsense_asks_for_nothing(value: float) -> None:
    b = bench(gcs={"profile": "sat"})
    b.put("gcs", GCS.say("command_long", 1, 1, 512, 0, value, 0, 0, 0, 0, 0, 0))
    assert kinds(b.out("uav")) == ["COMMAND_LONG"]


def test_what_is_addressed_is_not_thinned() -> None:
    b = bench(gcs={"profile": "sat"})
    for seq in range(20):
        b.put("uav", UAV.say("mission_item_int", 255, 190, seq, 3, 16, 0, 1, 0, 0, 0, 0, 1, 2, 3))
    assert kinds(b.out("gcs")) == ["MISSION_ITEM_INT"] * 20


def test_loss_is_counted_by_the_numbers_in_sequence() -> None:
    b = bench()
    speaker = Speaker(3)
    said = [speaker.say("attitude", n, 0, 0, 0, 0, 0, 0) for n in range(600)]
    b.put("uav", *(raw for index, raw in enumerate(said) if index % 10))
    stats = b.ports["uav"].stats
    assert stats.lost == 59  # the first was never missed
    assert stats.loss_percent == pytest.approx(10, abs=0.5)
    assert "59 lost" in stats.line("uav", "OK", b.now_us)


def test_a_frame_that_was_overtaken_is_no_loss() -> None:
    b = bench()
    speaker = Speaker(3)
    said = [speaker.say("attitude", n, 0, 0, 0, 0, 0, 0) for n in range(6)]
    b.put("uav", said[0], said[1], said[3], said[2], said[4], said[5])
    assert b.ports["uav"].stats.lost == 1  # it was missed when the next came


def test_a_tap_has_what_aircraft_say_and_ground_stations_if_asked() -> None:
    b = bench()
    all_: list[str] = []
    end = b.core.tap(lambda frame: all_.append(name_of(frame.msgid)), ground=True)
    b.tapped.clear()
    b.put("uav", UAV.beat())
    b.put("gcs", GCS.beat(), GCS.say("command_long", 1, 1, 400, 0, 1, 0, 0, 0, 0, 0, 0))
    assert [(frame.sysid, frame.link) for frame in b.tapped] == [(1, "uav")]
    assert all_ == ["HEARTBEAT", "HEARTBEAT", "COMMAND_LONG"]
    end()
    b.put("uav", UAV.beat())
    assert (len(all_), len(b.tapped)) == (3, 2)


def test_forged_systems_cannot_take_a_vehicle_away_nor_fill_the_memory() -> None:
    b = bench()
    b.put("gcs2", Speaker(1).beat())  # says it is the vehicle
    b.clear()
    command = GCS.say("command_long", 1, 1, 400, 0, 1, 0, 0, 0, 0, 0, 0)
    b.put("gcs", command)
    assert b.out("uav") == [command]
    for sysid in range(1, 256):
        for compid in range(0, 256, 8):
            b.put("gcs2", Speaker(sysid, compid).say("ping", 1, 2, 0, 0))
    assert len(b.core.routes.behind(b.ports["gcs2"].number)) <= 4096
    assert b.core.routes.full > 0


def test_a_ground_station_that_was_heard_beyond_the_aircraft_is_not_cut_off() -> None:
    b = bench()
    b.put("uav", GCS.beat())  # the aircraft passes on what it hears on its other radio; or a forger
    b.clear()
    command = GCS.say("command_long", 1, 1, 400, 0, 1, 0, 0, 0, 0, 0, 0)
    b.put("gcs", command)
    assert b.out("uav") == [command]
    b.now_us += 6_000_000
    beat = GCS.beat()
    b.put("gcs", beat)
    assert b.out("uav") == [beat]


def test_a_file_is_given_nothing() -> None:
    b = Bench(settings({"name": "log", "connect": "a.tlog"}, {"name": "gcs"}, heartbeat=True))
    b.put("log", UAV.beat())
    b.put("gcs", GCS.beat(), GCS.say("command_long", 1, 1, 400, 0, 1, 0, 0, 0, 0, 0, 0))
    b.core.tick(b.now_us, b.now_us, healthy=True)
    assert b.out("log") == []
    assert kinds(b.out("gcs")) == ["HEARTBEAT", "HEARTBEAT"]


def test_a_link_that_is_gone_takes_what_was_behind_it() -> None:
    b = bench()
    b.core.detach(b.ports["uav"])
    b.put("gcs", GCS.say("command_long", 1, 1, 400, 0, 1, 0, 0, 0, 0, 0, 0))
    assert b.ports["gcs"].stats.no_route == 1


def test_who_was_silent_for_ten_minutes_is_forgotten() -> None:
    b = bench()
    b.now_us += 601_000_000
    b.core.tick(b.now_us, b.now_us, healthy=True)
    assert b.core.routes.behind(b.ports["uav"].number) == []
    assert b.core.vehicles.alive(b.now_us) == []


def test_the_kit_asks_and_the_answer_comes_to_its_taps() -> None:
    b = bench()
    kit = Speaker(1, 191)
    command = kit.say("command_long", 1, 1, 511, 0, 30.0, 1e6, 0, 0, 0, 0, 0)
    assert b.core.send(command, b.now_us, b.now_us) == 1
    assert (b.out("uav"), b.out("gcs")) == ([command], [])
    ack = UAV.say("command_ack", 511, 0, target_system=1, target_component=191)
    b.put("uav", ack)
    assert (b.out("gcs"), b.tapped[-1].raw) == ([], ack)
    with pytest.raises(ValueError, match="one whole frame"):
        b.core.send(command[:-1], b.now_us, b.now_us)


FRAMES = [
    UAV.beat(),
    GCS.beat(),
    Speaker(0, 0).beat(),
    UAV.say("param_value", b"P", 1.0, 9, 900, 1),
    GCS.say("command_long", 1, 1, 512, 0, 1e9, 0, 0, 0, 0, 0, 0),
    GCS.say("param_request_list", 0, 0),
    Speaker(1, version=1).say("attitude", 9, 0, 0, 0, 0, 0, 0),
    UAV.say("high_latency2", 1, 2, 3, 4, *[0] * 23),
    bytes.fromhex("fd03000001 09 01 dbea00 010203 aabb"),
    sign(UAV.beat(), bytes(32), 1, 5),
]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["uav", "sat", "sms", "tight", "closed"]),
            st.one_of(st.sampled_from(FRAMES), st.binary(max_size=40)),
            st.integers(0, 3),
            st.integers(0, 4_000_000),
        ),
        max_size=60,
    )
)
def test_hostile_bytes_never_raise_and_only_whole_frames_come_out(
    steps: list[tuple[str, bytes, int, int]],
) -> None:
    b = Bench(
        settings(
            {"name": "uav"},
            {"name": "sat", "profile": "sat"},
            {"name": "sms", "profile": "beidou"},
            {"name": "tight", "profile": "lte", "budget": "400bit/s", "queue": "4kB"},
            {"name": "closed", "signing": "require"},
            heartbeat=True,
            signing_key_file="/run/key",
        ),
        key=bytes(range(32)),
    )
    for link, raw, cut, wait_us in steps:
        b.now_us += wait_us
        b.put(link, raw[: len(raw) - cut] if cut else raw)
        b.core.tick(b.now_us, b.now_us, healthy=True)
    came = {raw for _, raw, _, _ in steps}
    for name, port in b.ports.items():
        assert port.outbox.bytes <= port.policy.queue_bytes
        for raw in b.out(name):
            (frame,) = Framer().datagram(raw)
            # What came goes on as it came; the rest is the kit's, or a state for a thin link.
            assert raw in came or frame.compid == 191 or name == "sms"
