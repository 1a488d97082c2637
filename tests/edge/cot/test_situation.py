"""What becomes of TAK users' events, and what is told of the kit's devices: no sockets here."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fieldlab.intake import FakeIntake, FakeTime
from fieldlink.codecs.bundle import Draft
from fieldlink.codecs.cot import Chat, Emergency, Event, decode_event, encode_event
from fieldlink.codecs.telemetry import BATTERY, POSITION, AlarmKind, Flag
from fieldlink.edge.cot.names import device_of, is_presence, kind_of, own_uid
from fieldlink.edge.cot.placed import Placed, positions_of
from fieldlink.edge.cot.settings import CotSettings
from fieldlink.edge.cot.situation import MAX_OTHERS, Situation
from fieldlink.edge.spool import Stored
from fieldlink.edge.telemetry.alarm_book import AlarmBook
from fieldlink.edge.telemetry.alarm_desk import AlarmDesk
from fieldlink.edge.telemetry.intake import KitIntake
from fieldlink.edge.telemetry.ports import Reading, Source

NOW_US = FakeTime().utc_us
UID = "ANDROID-352812070231231"
DEVICE = "cot-android-352812070231231"


class World:
    """A situation, its intake, and a clock that is moved by hand."""

    def __init__(self, placed: list[Placed] | None = None, **settings: object) -> None:
        self.now_s = 100.0
        self.intake, self.time = FakeIntake(), FakeTime()
        self.situation = Situation(
            CotSettings.model_validate({"enabled": True, **settings}),
            self.intake,
            self.time,
            "kit-1",
            lambda: list(placed or []),
            steady=lambda: self.now_s,
        )

    def pass_s(self, seconds: float) -> None:
        self.now_s += seconds
        self.time.pass_s(seconds)

    def hear(self, event: Event) -> None:
        self.situation.take(encode_event(event), "192.0.2.9")

    @property
    def counts(self) -> dict[str, int]:
        return dict(self.situation.counts)


def pli(uid: str = UID, n: int = 0, **more: object) -> Event:
    values: dict[str, object] = {
        "uid": uid,
        "type": "a-f-G-U-C",
        "how": "m-g",
        "time_us": NOW_US + n * 1_000_000,
        "start_us": NOW_US,
        "stale_us": NOW_US + 375_000_000,
        "lat": 34.2353908,
        "lon": 108.9423868,
        "hae": 384.2,
        "ce": 4.9,
        "callsign": "鹰-1",
        "course": 271.5,
        "speed": 1.25,
        "battery": 78,
        **more,
    }
    return Event(**values)  # type: ignore[arg-type]


def test_a_tak_user_becomes_a_device() -> None:
    world = World()
    world.hear(pli())
    position, battery, text = world.intake.records
    assert position.source.device == DEVICE
    assert (position.source.kind, position.source.via) == ("soldier", "cot")
    (reading,) = position.readings
    assert reading.values == {
        "lat": 34.2353908,
        "lon": 108.9423868,
        "heading": 271.5,
        "speed": 1.25,
        "accuracy": 4.9,
    }, "no altitude: theirs is above the ellipsoid, the kit's above the sea"
    assert reading.device_us == NOW_US
    assert battery.readings[0].values == {"level": 78}
    assert text.readings[0].values == {"text": "callsign 呼号 鹰-1", "from": UID}


def test_what_does_not_change_is_said_once() -> None:
    world = World()
    for n in range(4):
        world.hear(pli(n=n))
        world.hear(pli(n=n))  # by a server as well
        world.pass_s(1)
    assert len(world.intake.readings(DEVICE, "position")) == 4
    assert len(world.intake.readings(DEVICE, "battery")) == 1
    assert len(world.intake.readings(DEVICE, "text")) == 1
    assert world.counts["repeated"] == 4


def test_a_message_becomes_text() -> None:
    world = World()
    chat = pli(
        f"GeoChat.{UID}.All Chat Rooms.1",
        type="b-t-f",
        how="h-g-i-g-o",
        chat=Chat("鹰-1", "All Chat Rooms", "桥断了"),
    )
    world.hear(chat)
    world.hear(chat)
    (reading,) = world.intake.readings(DEVICE, "text")
    assert reading.values == {"text": "桥断了", "from": "鹰-1"}


@pytest.mark.parametrize("link", [UID, ""])
def test_a_911_alert_is_an_sos_and_its_cancel_clears_it(link: str) -> None:
    world = World()
    alert = pli(
        f"{UID}-9-1-1", type="b-a-o-tbl", link=link, emergency=Emergency("911 Alert", cancel=False)
    )
    world.hear(alert)
    world.hear(
        pli(f"{UID}-9-1-1", type="b-a-o-can", link=link, emergency=Emergency("", cancel=True))
    )
    (source, begun), (_, ended) = world.intake.notices
    assert source.device == DEVICE
    assert (begun.kind, begun.active, begun.lat) == (AlarmKind.SOS, True, 34.2353908)
    assert begun.text == "鹰-1: 911 Alert"
    assert (ended.kind, ended.active) == (AlarmKind.SOS, False)


def test_a_broken_geofence_is_said_to_be_one() -> None:
    world = World()
    world.hear(pli(type="b-a-g", link=UID, emergency=Emergency("Geo-fence Breached", cancel=False)))
    assert world.intake.notices[0][1].kind is AlarmKind.GEOFENCE


def test_markers_and_routes_are_no_devices() -> None:
    world = World()
    world.hear(pli(how="h-g-i-g-o"))
    world.hear(pli(type="b-m-p-s-m"))
    assert world.intake.records == []
    assert world.counts == {"ignored": 2}


def test_what_a_kit_said_is_not_taken_in() -> None:
    world = World([Placed("soldier-1", "soldier", NOW_US, 34.2, 108.9)])
    for message in world.situation.batch():
        world.situation.take(message, "192.0.2.9")
    world.hear(pli(own_uid("kit-2", "soldier-7")))
    assert world.intake.records == []
    assert world.counts == {"own": 2}


def test_one_who_says_too_much_is_held_back_and_his_alert_is_not() -> None:
    world = World()
    for n in range(100):
        world.hear(pli(n=n, battery=None, callsign=""))
    assert len(world.intake.records) == 5
    assert world.counts["too-often"] == 95
    world.hear(pli(type="b-a-o-tbl", emergency=Emergency("911 Alert", cancel=False)))
    assert len(world.intake.notices) == 1
    world.pass_s(2)
    world.hear(pli(n=200, battery=None, callsign=""))
    assert len(world.intake.records) == 6


def test_a_flood_is_cut_off_before_it_is_read() -> None:
    world = World()
    for _ in range(1000):
        world.situation.take(b"<event", "192.0.2.9")
    assert world.counts == {"malformed": 400, "flood": 600}
    world.pass_s(1)
    world.hear(pli())
    assert world.counts["taken"] == 1


def test_made_up_users_do_not_fill_the_memory_nor_drive_others_out() -> None:
    world = World()
    for n in range(MAX_OTHERS + 50):
        world.hear(pli(f"made-up-{n}"))
        world.pass_s(0.01)
    assert world.situation.report()["others"] == MAX_OTHERS
    assert world.counts["too-many"] == 50
    world.hear(pli("made-up-0", n=500, battery=None, callsign=""))
    assert world.intake.records[-1].source.device == "cot-made-up-0"
    world.pass_s(4000)
    world.hear(pli("late"))
    assert world.intake.records[-1].source.device == "cot-late"


def test_malformed_messages_are_counted_against_their_address() -> None:
    world = World()
    world.situation.take(b"\xbf\x01\xbf\xff", "192.0.2.9")
    world.situation.take(b"<!DOCTYPE event><event/>", "192.0.2.9")
    assert dict(world.intake.refused) == {
        ("cot 192.0.2.9", "cot-protobuf"): 1,
        ("cot 192.0.2.9", "cot-dtd"): 1,
    }


def test_devices_are_shown_with_what_is_known() -> None:
    soldier = Placed(
        "soldier-1", "soldier", NOW_US - 2_000_000, 34.2, 108.9, 512.0, 90.0, 1.5, 3.0, 66.0
    )
    old = Placed("old", "drone", NOW_US - 61_000_000, 34.2, 108.9)
    exercise = Placed("made", "drone", NOW_US, 34.2, 108.9, exercise=True)
    world = World([soldier, old, exercise])
    drone, person = map(decode_event, world.situation.batch())
    assert person.uid == "FIELDLINK-kit-1-soldier-1"
    assert (person.type, person.callsign, person.team) == ("a-f-G-U-C", "kit-1/soldier-1", "Cyan")
    assert (person.time_us, person.stale_us) == (NOW_US - 2_000_000, NOW_US + 58_000_000)
    assert (person.lat, person.course, person.speed, person.ce) == (34.2, 90.0, 1.5, 3.0)
    assert (person.battery, person.hae, person.remarks) == (66, None, "512 m MSL 海拔")
    assert (drone.type, drone.remarks) == ("a-f-A-M-H-Q", "EXERCISE 演练")


def test_what_the_intake_believes_is_shown(tmp_path: Path) -> None:
    def never(draft: Draft, content: bytes) -> Stored:
        raise AssertionError("nothing is stored here")

    with ThreadPoolExecutor(1) as threads:
        desk = AlarmDesk(AlarmBook(tmp_path / "alarms.json"), never, FakeTime(), threads)
        intake = KitIntake(time_=FakeTime(), run=1, desk=desk)
    source = Source("soldier-1", "soldier", "mqtt")
    values = {"lat": 34.2353908, "lon": 108.9423868, "alt": 512.0, "heading": 90.0, "speed": 1.5}
    intake.record(source, POSITION, [Reading(values, device_us=NOW_US)])
    intake.record(source, BATTERY, [Reading({"level": 66.5})])
    intake.record(Source("lost", "drone", "mqtt"), POSITION, [Reading({}, flags=Flag.NO_FIX)])
    intake.record(Source("cot-a", "soldier", "cot"), POSITION, [Reading(values)])
    assert positions_of(intake)() == [
        Placed(
            "soldier-1",
            "soldier",
            NOW_US,
            34.2353908,
            108.9423868,
            alt=512.0,
            heading=90.0,
            speed=1.5,
            battery=66.5,
        )
    ]
    assert positions_of(FakeIntake())() == []


def test_sending_and_receiving_can_each_be_turned_off() -> None:
    world = World([Placed("d", "drone", NOW_US, 34.2, 108.9)], send=False, receive=False)
    assert world.situation.batch() == []
    world.hear(pli())
    assert world.intake.records == []


@pytest.mark.parametrize(
    ("uid", "device"),
    [
        (UID, DEVICE),
        ("S-1-5-21-2720623347-3037847324-4167270909-1002", "cot-s-1-5-21-272062334-"),
        ("鹰", "cot-"),
        ("../../etc", "cot-etc-"),
        ("a" * 128, "cot-aaaaaaaaaaaaaaaaaa-"),
        ("A b", "cot-a-b-"),
    ],
)
def test_every_uid_has_a_name_that_a_device_can_have(uid: str, device: str) -> None:
    name = device_of(uid)
    assert name.startswith(device)
    assert 5 <= len(name) <= 32
    assert device_of(uid) == name != device_of(uid + "x")


def test_kinds_and_presence() -> None:
    kinds = [kind_of(t) for t in ("a-f-G-U-C", "a-f-G-E-V-C", "a-f-A-M-H-Q", "a-f-A-C-H", "a-f-S")]
    assert kinds == ["soldier", "vehicle", "drone", "aircraft", "vessel"]
    assert is_presence(pli(how="h-e", software="WinTAK-CIV 5.2"))
    assert not is_presence(pli(how="h-e"))
