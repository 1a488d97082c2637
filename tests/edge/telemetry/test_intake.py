"""The intake's bounds: floods, strangers, names that are none, a kit's clock that is set."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fieldlab.intake import FakeTime
from fieldlink.codecs.bundle import Draft, Precedence
from fieldlink.codecs.telemetry import POSITION, AlarmKind, Column, Flag, Schema, decode_sheaf
from fieldlink.edge.spool import Stored
from fieldlink.edge.telemetry import intake as intake_module
from fieldlink.edge.telemetry import roster as roster_module
from fieldlink.edge.telemetry.alarm_book import MAX_OPEN, AlarmBook, Going
from fieldlink.edge.telemetry.alarm_desk import AlarmDesk, made_alarm
from fieldlink.edge.telemetry.device import MAX_STREAMS, Device
from fieldlink.edge.telemetry.intake import KitIntake
from fieldlink.edge.telemetry.ports import Notice, Reading, Source
from fieldlink.edge.telemetry.sheaves import sheaf_bundles

HERE = {"lat": 34.2, "lon": 108.9}


class _Site:
    def __init__(self, folder: Path) -> None:
        self.time = FakeTime()
        self.steady_s = 0.0
        self.told: list[str | None] = []
        self.book, self.executor = AlarmBook(folder / "alarms.json"), ThreadPoolExecutor(1)
        self.desk = AlarmDesk(self.book, _never, self.time, self.executor)
        self.intake = KitIntake(
            time_=self.time, run=9, desk=self.desk, steady=lambda: self.steady_s
        )

    def hear(self, name: str = "soldier-1", *readings: Reading, schema: Schema = POSITION,
             **source: object) -> None:  # fmt: skip
        epoch = source.get("epoch")
        who = Source(name, str(source.get("kind", "soldier")), str(source.get("via", "mqtt")),
                     epoch if isinstance(epoch, int) else None)  # fmt: skip
        self.intake.record(who, schema, readings or (Reading(HERE),), self.told.append)

    def pass_s(self, seconds: float) -> None:
        self.time.pass_s(seconds)
        self.steady_s += seconds


def _never(_draft: Draft, _content: bytes) -> Stored:  # nothing is stored here
    raise AssertionError


@pytest.fixture
def site(tmp_path: Path) -> _Site:
    return _Site(tmp_path)


@pytest.mark.parametrize("name", ["", "Soldier 1", "../../etc", "a" * 33, "q\0"])
def test_a_name_that_is_none_is_refused_and_counted(site: _Site, name: str) -> None:
    site.hear(name)
    site.hear("soldier-1", kind="no kind!")
    assert [(why or "").partition(":")[0] for why in site.told] == ["name", "name"]
    assert len(site.intake.roster) == 0
    assert site.intake.roster.strangers.total() == 2


def test_too_much_that_waits_is_refused_until_it_was_taken(
    site: _Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "_MOST_WAITING", 10)
    for _ in range(12):
        site.hear()
    assert site.told == ["busy: too much waits for the disk"] * 2
    device = site.intake.roster.get("soldier-1")
    assert device is not None
    assert device.refused == {"busy": 2}
    batch = site.intake.gather.take()
    (block,) = batch.live[0]
    assert [sample.sequence for sample in block.samples] == list(range(10))
    site.hear()
    assert len(site.told) == 2


def test_made_up_names_do_not_drive_out_who_speaks(
    site: _Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster_module, "MAX_DEVICES", 5)
    for number in range(50):
        site.hear(f"device-{number}")
        site.hear("device-0")
    assert len(site.intake.roster) == 5
    assert site.told.count("full: too many devices") == 45
    site.pass_s(601)
    site.hear("device-0")
    site.hear("device-77")
    assert {device.name for device in site.intake.roster} >= {"device-0", "device-77"}


def test_a_name_is_one_devices_whoever_else_says_it_and_alarms_are_taken_from_all(
    site: _Site,
) -> None:
    site.hear()
    site.hear(via="jt808", kind="vehicle")
    (why,) = site.told
    assert why == "taken: soldier-1 is heard by mqtt; give each device its own name"
    vehicle = Source("soldier-1", "vehicle", "jt808")
    site.intake.notify(vehicle, Notice(AlarmKind.SOS))
    assert [one.kind for one in site.intake.alarms()] == [AlarmKind.SOS]
    device = site.intake.roster.get("soldier-1")
    assert device is not None
    assert (device.via, device.kind, device.refused) == ("mqtt", "soldier", {"taken": 1})
    site.pass_s(601)  # it was moved to another way
    site.hear(via="jt808", kind="vehicle")
    assert (device.via, device.kind, len(site.told)) == ("jt808", "vehicle", 1)


def test_strangers_and_reasons_are_bounded(site: _Site) -> None:
    site.hear()
    for number in range(5_000):
        site.intake.refuse(f"10.0.{number}.1", "json: what")
        site.intake.refuse("soldier-1", f"reason-{number}: what")
        site.hear(schema=Schema(f"stream-{number}", (Column("a"),)))
    device = site.intake.roster.get("soldier-1")
    assert device is not None
    assert len(device.refused) <= 17
    assert len(device.series) == MAX_STREAMS
    assert len(site.intake.roster.strangers) <= 201
    assert site.intake.roster.strangers.total() == 5_000


def test_one_bad_number_does_not_stop_the_others_of_its_message(site: _Site) -> None:
    readings = [Reading(HERE, sequence=number) for number in (1, -1, 2**61, 2)]
    site.hear("soldier-1", *readings, epoch=3)
    assert site.told == []  # it waits for the disk
    (block,) = site.intake.gather.take().live[0]
    assert [sample.sequence for sample in block.samples] == [1, 2]
    site.hear("soldier-1", Reading(HERE, sequence=-1), epoch=3)
    assert site.told == ["sequence: not from 0 to 2^60"]


def test_a_stream_whose_columns_change_is_a_block_of_its_own(site: _Site) -> None:
    for unit in ("m", "cm", "m"):
        site.hear("gauge", Reading({"level": 1}), schema=Schema("water", (Column("level", unit),)))
    blocks = [block for sheaf in site.intake.gather.take().live for block in sheaf]
    numbers = sorted(sample.sequence for block in blocks for sample in block.samples)
    assert numbers == [0, 1, 2]
    for block in blocks:
        assert len({block.schema.columns[0].unit}) == 1


def test_what_was_stored_long_ago_goes_in_a_sheaf_of_its_own(site: _Site) -> None:
    old = Reading(HERE, site.time.utc_us - 10**9, flags=Flag.BACKFILL)
    site.hear("soldier-1", old, Reading(HERE))
    batch = site.intake.gather.take()
    assert [len(batch.live), len(batch.late)] == [1, 1]
    assert batch.late[0][0].samples[0].time_us == site.time.utc_us - 10**9


def test_when_the_kits_clock_is_set_no_device_is_taken_for_wrong(site: _Site) -> None:
    for _ in range(5):
        site.hear("soldier-1", Reading(HERE, site.time.utc_us))
        site.pass_s(1)
    site.time.pass_s(40_000_000)  # it began in the wrong year, and found its satellites
    for _ in range(5):
        site.hear("soldier-1", Reading(HERE, site.time.utc_us))
        site.pass_s(1)
    (block,) = site.intake.gather.take().live[0]
    assert {sample.flags for sample in block.samples} == {0}


def test_alarms_that_wait_for_the_disk_are_bounded(site: _Site) -> None:
    told: list[str | None] = []
    for number in range(1_500):
        who = Source(f"soldier-{number}", "soldier", "mqtt")
        site.intake.notify(who, Notice(AlarmKind.SOS), told.append)
    assert told
    assert all(why is not None and why.startswith(("busy", "full")) for why in told)


def test_no_flood_of_lesser_alarms_keeps_a_call_for_help_out(tmp_path: Path) -> None:
    book = AlarmBook(tmp_path / "alarms.json")
    device = Device(Source("soldier-1", "soldier", "mqtt"))
    for number in range(MAX_OPEN + 5):
        made = made_alarm(device, Notice(AlarmKind.DEVICE), str(number), 10**15 + number)
        assert book.begin(Going(made, own=False)) is (number < MAX_OPEN)
    sos = made_alarm(device, Notice(AlarmKind.SOS), "", 10**15)
    assert book.begin(Going(sos, own=False))
    assert len(book) == MAX_OPEN
    assert book.get(("soldier-1", AlarmKind.DEVICE, "0")) is None
    book.save(*book.snapshot())
    again = AlarmBook(tmp_path / "alarms.json")
    assert len(again) == MAX_OPEN
    (tmp_path / "alarms.json").write_text('[{"own": 1}]')
    broken = AlarmBook(tmp_path / "alarms.json")
    assert len(broken) == 0
    assert len(broken.findings) == 1


def test_what_adapters_raised_and_goes_on_is_known_to_them(site: _Site) -> None:
    source = Source("water-1", "sensor", "sensor")
    site.intake.notify(source, Notice(AlarmKind.THRESHOLD, subject="level.high"))
    site.intake.notify(source, Notice(AlarmKind.RATE, subject="level.rise"))
    site.intake.notify(source, Notice(AlarmKind.RATE, False, "level.rise"))
    site.desk.notify(Device(source), Notice(AlarmKind.SILENCE), None, own=True)
    assert site.intake.alarms() == [("water-1", "sensor", AlarmKind.THRESHOLD, "level.high")]


def test_alarms_of_a_device_that_was_removed_end_and_calls_for_help_stay_with_the_centre(
    site: _Site, tmp_path: Path
) -> None:
    gone, here = Source("sensor-1", "sensor", "mqtt"), Source("sensor-2", "sensor", "mqtt")
    for source in (gone, here):
        site.intake.notify(source, Notice(AlarmKind.GAS))
        site.intake.notify(source, Notice(AlarmKind.SOS))
        site.desk.notify(Device(source), Notice(AlarmKind.SILENCE), None, own=True)
    site.intake.notify(Source("fire-1", "vehicle", "jt808"), Notice(AlarmKind.SOS))
    site.book.save(*site.book.snapshot())
    site.desk = AlarmDesk(AlarmBook(tmp_path / "alarms.json"), _never, site.time, site.executor)
    site.intake.keep("mqtt", lambda name: name == "sensor-2")
    assert {device.name for device in site.intake.roster} == {"sensor-2", "fire-1"}
    site.desk.keep("mqtt", lambda name: name == "sensor-2")  # after a restart
    report = site.desk.report()
    left = [(row["device"], row["kind"]) for row in report["open"]]
    assert left == [("sensor-2", kind) for kind in ("gas", "sos", "silence")] + [("fire-1", "sos")]
    assert report["waiting"] == 2  # of its SOS no end is told


def test_who_made_room_and_comes_back_has_new_numbers(
    site: _Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster_module, "MAX_DEVICES", 2)
    for names in (("a",), ("b", "c"), ("a",)):
        for name in names:
            site.hear(name)
        site.pass_s(700)
    blocks = [block for sheaf in site.intake.gather.take().live for block in sheaf]
    identities = [(one.device, one.epoch, one.samples[0].sequence) for one in blocks]
    assert [name for name, _, _ in identities] == ["a", "b", "c", "a"]
    assert len(set(identities)) == 4


def test_a_device_that_counts_anew_in_the_same_run_loses_nothing(site: _Site) -> None:
    for number in (0, 1, 2, 3, 0, 1):
        site.hear("soldier-1", Reading(HERE, site.time.utc_us, number), epoch=7)
        site.pass_s(1)
    blocks = [block for sheaf in site.intake.gather.take().live for block in sheaf]
    identities = {(one.epoch, sample.sequence) for one in blocks for sample in one.samples}
    assert {(7, number) for number in range(4)} < identities
    assert len(identities) == 6


def test_one_number_said_twice_in_a_message_is_no_trouble_to_bind(site: _Site) -> None:
    readings = [Reading(HERE, sequence=10_000), Reading(HERE, sequence=1)]
    site.hear("soldier-1", *readings, Reading({"fix": 1}, sequence=1), epoch=3)
    (blocks,) = site.intake.gather.take().live
    ((_, content),) = sheaf_bundles(blocks, precedence=Precedence.PRIORITY, now_us=1, error_us=None)
    assert {sample.sequence for sample in decode_sheaf(content)[0].samples} == {1, 10_000}


def test_a_button_that_bounces_leaves_room_for_the_calls_of_others(site: _Site) -> None:
    told: list[str | None] = []

    def call(name: str, *, active: bool) -> None:
        source = Source(name, "soldier", "mqtt")
        site.intake.notify(source, Notice(AlarmKind.SOS, active), told.append)

    for _ in range(1_000):
        call("bounces-1", active=True)
        call("bounces-1", active=False)
    waiting = sum(map(len, site.desk._lines))
    assert waiting <= 2 * 24
    told.clear()
    for number in range(20):
        call(f"soldier-{number}", active=True)
    assert told == []  # all of them wait for the disk
    assert sum(map(len, site.desk._lines)) == waiting + 20
