"""What a terminal measures: where it goes, and when it is answered."""

import pytest

from fieldlab.jt808 import LISTED, NOON_US, Line, Talker, where
from fieldlink.codecs.jt808 import (
    Batch,
    Resend,
    Status,
    encode_frame,
)
from fieldlink.codecs.telemetry import AlarmKind, Flag
from fieldlink.edge.jt808.settings import Datum, Enrolment
from fieldlink.edge.jt808.turns import PIECE


def test_a_position_is_answered_when_the_spool_has_it_and_not_before() -> None:
    line = Line(held=True).enter()
    assert line.say(line.talker.at()) == []
    assert line.session.pending == 1
    line.intake.settle()
    line.heard()
    assert line.talker.results() == [(102, 0)]
    assert line.session.pending == 0


def test_what_the_spool_refuses_is_answered_so_and_may_come_again() -> None:
    line = Line(held=True).enter()
    line.say(line.talker.at())
    line.intake.settle("the disk is full")
    line.heard()
    assert line.talker.results() == [(102, 1)]
    line.say(line.talker.at())
    line.intake.settle()
    line.heard()
    assert line.talker.results() == [(102, 1), (103, 0)]


def test_a_position_says_where_how_fast_and_when() -> None:
    line = Line().enter()
    line.say(line.talker.at(7))
    (reading,) = line.intake.readings("fire-1", "position")
    assert reading.values == {
        "lat": 34.235398,
        "lon": 108.942387,
        "alt": 412,
        "heading": 90,
        "speed": 10.0,
        "satellites": 12,
        "fix": 1,
    }
    assert reading.device_us == NOON_US + 7_000_000
    assert reading.flags == Flag.NONE
    (vehicle,) = line.intake.readings("fire-1", "vehicle")
    assert (vehicle.values["mileage"], vehicle.values["ignition"]) == (1234.5, 1)


def test_of_the_vehicle_a_reading_is_made_when_a_switch_changes_or_a_minute_has_gone() -> None:
    line = Line().enter()
    line.say(*(line.talker.at(second) for second in range(0, 130, 10)))
    assert len(line.intake.readings(stream="vehicle")) == 3
    off = where(131, status=int(Status.FIXED))
    line.say(Batch(0, (off,)))
    assert line.intake.readings(stream="vehicle")[-1].values["ignition"] == 0


def test_without_a_fix_there_is_no_position_whatever_the_fields_hold() -> None:
    line = Line().enter()
    line.say(line.talker.at(fixed=False))
    (reading,) = line.intake.readings(stream="position")
    assert reading.values == {"satellites": 12, "fix": 0}
    assert reading.flags == Flag.NO_FIX


@pytest.mark.parametrize(
    ("datum", "status", "converted"),
    [
        (Datum.WGS84, Status.OFFSET, False),
        (Datum.GCJ02, 0, True),
        (Datum.STATUS, Status.OFFSET, True),
        (Datum.STATUS, 0, False),
    ],
)
def test_positions_in_gcj02_are_converted_and_marked(
    datum: Datum, status: int, converted: bool
) -> None:
    line = Line(listed=LISTED.model_copy(update={"datum": datum})).enter()
    line.say(Batch(0, (where(status=int(Status.FIXED | status)),)))
    (reading,) = line.intake.readings(stream="position")
    assert (reading.flags == Flag.CONVERTED) is converted
    lat = reading.values["lat"]
    assert isinstance(lat, float)
    assert (abs(lat - 34.235391) > 1e-4) is converted  # more than 11 m


def test_a_time_that_is_none_is_counted_and_the_position_kept() -> None:
    line = Line().enter()
    line.say(Batch(0, (where(time=bytes(6)),)))  # type: ignore[arg-type]
    (reading,) = line.intake.readings(stream="position")
    assert reading.device_us is None
    assert line.intake.refused["fire-1", "time"] == 1


def test_a_large_batch_is_taken_bit_by_bit_and_what_happens_meanwhile_does_not_wait() -> None:
    line = Line().enter()
    but_sos = 0xFFFFFFFE
    batch = Batch(1, tuple(where(second, alarms=second % 2 * but_sos) for second in range(1000)))
    line.say(batch)
    assert len(line.intake.readings(stream="position")) == PIECE
    line.intake.notices.clear()
    line.say(line.talker.at(2000, alarms=1))  # SOS
    assert line.intake.notices[0][1].kind is AlarmKind.SOS
    assert len(line.talker.results()) == 1
    while line.book.turns.step():
        assert line.heard() == []
    line.heard()
    stored = [reading.device_us for reading in line.intake.readings(stream="position")]
    stored.remove(NOON_US + 2_000_000_000)
    assert stored == [NOON_US + second * 1_000_000 for second in range(1000)]
    assert {result for _, result in line.talker.results()} == {0}
    assert len(line.talker.results()) > 2  # every part of it has its answer


def test_who_sends_batches_faster_than_they_are_taken_hears_so_and_others_have_their_turn() -> None:
    line = Line(enrolment=Enrolment.OPEN).enter()
    batch = Batch(1, tuple(where(second) for second in range(6000)))
    line.say(batch, batch, batch)
    assert {result for _, result in line.talker.results()} == {1}
    other = Line(Talker("13911111111"), book=line.book).enter()
    other.say(Batch(1, tuple(where(second) for second in range(PIECE * 2))))
    for _ in range(2):
        line.book.turns.step()
    other.heard()
    assert {result for _, result in other.talker.results()} == {0}


def test_a_batch_is_stored_together_answered_once_and_known_again() -> None:
    line = Line(held=True).enter()
    batch = Batch(1, tuple(where(second) for second in range(20)))
    line.say(batch)
    (record,) = [one for one in line.intake.records if one.schema.stream == "position"]
    assert [reading.flags for reading in record.readings] == [Flag.BACKFILL] * 20
    # The terminal heard nothing and says it again, with more, while the first is under way.
    again = Batch(1, tuple(where(second) for second in range(25)))
    line.say(again)
    assert line.heard() == []
    line.intake.settle()
    line.heard()
    assert sorted(line.talker.results()) == [(102, 0), (103, 0)]
    assert len(line.intake.readings(stream="position")) == 25
    line.say(again)
    assert (104, 0) in line.talker.results()  # it is in the spool already
    assert len(line.intake.readings(stream="position")) == 25


def test_a_batch_that_is_refused_is_refused_for_those_who_repeated_it() -> None:
    line = Line(held=True).enter()
    batch = Batch(1, (where(1), where(2)))
    line.say(batch, batch)
    line.intake.settle("the disk is full")
    line.heard()
    assert sorted(line.talker.results()) == [(102, 1), (103, 1)]


def test_a_batch_with_rubbish_in_it_keeps_the_rest() -> None:
    line = Line().enter()
    line.say(Batch(1, (where(1), b"short", where(2))))
    assert line.talker.results() == [(102, 0)]
    assert len(line.intake.readings(stream="position")) == 2
    assert line.intake.refused["fire-1", "batch"] == 1


def test_a_split_batch_is_put_together_and_each_of_its_frames_answered() -> None:
    line = Line().enter()
    frames = line.talker.frames(Batch(1, tuple(where(n) for n in range(60))))
    assert len(frames) == 3
    for number in (2, 0, 0):
        line.raw(encode_frame(frames[number]))
    assert line.talker.results() == []
    line.session.due(6.0)
    assert line.heard() == [Resend(102, (2,))]
    line.raw(encode_frame(frames[1]), 7.0)
    while line.book.turns.step():
        pass
    line.heard()
    assert line.talker.results() == [(102, 0), (103, 0), (104, 0)]
    assert len(line.intake.readings(stream="position")) == 60
