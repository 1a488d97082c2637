"""Alarm bits become alarms that begin and end, SOS first, and answered ones go on for a while."""

from collections.abc import Sequence

import pytest

from fieldlab.intake import FakeIntake, FakeTime
from fieldlab.jt808 import NOON_US, where
from fieldlink.codecs.jt808 import ALARM_BITS, Location
from fieldlink.codecs.telemetry import AlarmKind, Flag, Schema
from fieldlink.edge.jt808.settings import Datum
from fieldlink.edge.jt808.terminal import Terminal
from fieldlink.edge.jt808.turns import Turns
from fieldlink.edge.telemetry.ports import Done, Notice, Reading, Source

SOS, OVERSPEED, FATIGUE, POWER_OFF, OFF_ROUTE = (1 << bit for bit in (0, 1, 2, 8, 23))


class Ordered(FakeIntake):
    """An intake that knows in which order it was called."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[str] = []
        self.refuses: str | None = None  # alarms, and nothing else

    def notify(self, source: Source, notice: Notice, done: Done | None = None) -> None:
        """An alarm."""
        self.order.append("notify")
        answer, self.answer = self.answer, self.refuses or self.answer
        super().notify(source, notice, done)
        self.answer = answer

    def record(
        self,
        source: Source,
        schema: Schema,
        readings: Sequence[Reading],
        done: Done | None = None,
    ) -> None:
        """Readings."""
        self.order.append("record")
        super().record(source, schema, readings, done)


class Alarmed:
    """A terminal and what it raises."""

    def __init__(self, hold_s: float = 600.0) -> None:
        self.intake, self.time = Ordered(), FakeTime(NOON_US)
        self.answered: list[str | None] = []
        self.begun: set[str] = set()
        self.terminal = Terminal(
            "1",
            Source("fire-1", "vehicle", "jt808"),
            Datum.STATUS,
            intake=self.intake,
            hold_us=round(hold_s * 1e6),
            turns=Turns(),
            steady_us=self.time.now_us,
        )

    def live(self, after_s: int, alarms: int, *, is_2019: bool = False) -> list[tuple[str, bool]]:
        """A location with these bits; what it raised and ended."""
        self.terminal.live(where(after_s, alarms=alarms), is_2019, self.answered.append)
        return self.raised()

    def stored(self, *locations: Location) -> list[tuple[str, bool]]:
        """Locations out of the terminal's store."""
        self.terminal.batch(locations, False, self.answered.append, backfill=True)
        return self.raised()

    def raised(self) -> list[tuple[str, bool]]:
        """Since the last time: kind or subject, and whether it began. That what never began has
        ended means nothing, and is left out.
        """
        new, self.intake.notices = self.intake.notices, []
        said = []
        for _, notice in new:
            name = notice.subject or notice.kind.value
            if notice.active or name in self.begun:
                said.append((name, notice.active))
            (self.begun.add if notice.active else self.begun.discard)(name)
        return said


def test_sos_is_raised_before_the_position_is_stored() -> None:
    line = Alarmed()
    line.terminal.live(where(alarms=SOS), False, line.answered.append)
    assert line.intake.order[0] == "notify"
    assert line.answered == [None]
    (_, notice), *_ = line.intake.notices
    assert notice.kind is AlarmKind.SOS
    assert (notice.lat, notice.lon) == (34.235391, 108.942387)
    assert notice.device_us == NOON_US
    assert "紧急报警" in notice.text
    (reading,) = line.intake.readings(stream="position")
    assert reading.flags == Flag.ALARM


def test_the_answer_waits_for_the_alarm_as_well() -> None:
    line = Alarmed()
    line.intake.held = True
    line.terminal.live(where(alarms=SOS), False, line.answered.append)
    waiting, line.intake.waiting = line.intake.waiting, []
    for done in waiting[1:]:  # the vehicle, the position, ...
        done(None)
    assert line.answered == []
    waiting[0]("the disk is full")
    assert line.answered == ["the disk is full"]


def test_an_alarm_begins_once_and_ends_when_its_bit_does() -> None:
    line = Alarmed()
    assert line.live(0, OVERSPEED | FATIGUE | SOS) == [
        ("sos", True),
        ("overspeed", True),
        ("fatigue", True),
    ]
    assert line.live(1, OVERSPEED | FATIGUE | SOS) == []
    assert line.live(2, FATIGUE | SOS) == [("overspeed", False)]
    assert line.live(3, SOS) == [("fatigue", False)]


def test_an_sos_that_was_answered_is_not_over_at_once() -> None:
    line = Alarmed(hold_s=600)
    assert line.live(0, SOS) == [("sos", True)]
    # The terminal clears the bit because it has its answer.
    assert line.live(5, 0) == []
    line.time.pass_s(599)
    line.terminal.due()
    assert line.raised() == []
    # Pressed again: it goes on, and the time begins anew.
    assert line.live(600, SOS) == []
    assert line.live(605, 0) == []
    line.time.pass_s(599)
    line.terminal.due()
    assert line.raised() == []
    line.time.pass_s(2)
    line.terminal.due()
    assert line.raised() == [("sos", False)]
    assert line.live(1300, SOS) == [("sos", True)]


def test_what_may_have_ended_while_the_kit_was_down_is_ended() -> None:
    # The intake remembers what is going on; this is a new adapter that does not.
    line = Alarmed(hold_s=600)
    line.terminal.live(where(0, alarms=OVERSPEED), False, line.answered.append)
    begun = [notice.subject for _, notice in line.intake.notices if notice.active]
    ended = {notice.subject for _, notice in line.intake.notices if not notice.active}
    assert begun == ["overspeed"]
    assert {"fatigue", "power-off"} <= ended
    assert not {"", "overspeed", "danger"} & ended  # SOS is answered and held
    line.time.pass_s(601)
    line.terminal.due()
    assert AlarmKind.SOS in [notice.kind for _, notice in line.intake.notices]
    # A new press in that time is raised all the same.
    line = Alarmed(hold_s=600)
    line.live(0, 0)
    assert line.live(1, SOS) == [("sos", True)]


def test_without_a_hold_an_sos_ends_with_its_bit() -> None:
    line = Alarmed(hold_s=0)
    assert line.live(0, SOS) == [("sos", True)]
    assert line.live(5, 0) == [("sos", False)]


def test_an_sos_out_of_the_store_is_raised_even_when_it_is_over() -> None:
    line = Alarmed()
    line.live(100, 0)
    stored = [where(10), where(20, alarms=SOS | FATIGUE), where(30)]
    assert line.stored(*stored) == [("sos", True), ("fatigue", True), ("fatigue", False)]
    assert line.stored(*stored) == []  # said again, it is known
    assert line.live(110, 0) == []  # somebody has to see it
    line.time.pass_s(601)
    line.terminal.due()
    assert line.raised() == [("sos", False)]


def test_an_alarm_that_was_not_stored_is_raised_again_before_its_location_is_answered() -> None:
    line = Alarmed()
    line.intake.refuses = "busy: too many alarms wait for the disk"
    assert line.live(0, SOS) == [("sos", True)]
    assert line.live(0, SOS) == [("sos", True)]  # the terminal heard that it failed
    line.intake.refuses = None
    assert line.live(0, SOS) == [("sos", True)]
    assert line.answered == ["busy: too many alarms wait for the disk"] * 2 + [None]
    assert len(line.intake.readings(stream="position")) == 1
    assert line.live(1, SOS) == []


def test_an_alarm_on_its_way_to_the_disk_holds_up_the_answer_to_each_location_with_it() -> None:
    line = Alarmed()
    line.live(0, 0)
    line.intake.held = True
    line.live(1, SOS)
    line.live(2, SOS)
    (alarm, position, again, second), line.intake.waiting = line.intake.waiting, []
    position(None)
    second(None)
    assert line.answered == [None]
    alarm(None)
    again(None)
    assert line.answered == [None, None, None]


def test_a_danger_that_lasted_while_there_was_no_link_is_one_alarm() -> None:
    line = Alarmed()
    line.live(1000, 0)
    for after_s in range(10, 100, 30):
        stored = [where(after_s + n, alarms=POWER_OFF) for n in range(0, 30, 10)]
        assert line.stored(*stored) == ([("power-off", True)] if after_s == 10 else [])
        assert line.live(1000 + after_s, 0) == []
    line.time.pass_s(59)
    line.terminal.due()
    assert line.raised() == []
    line.time.pass_s(2)
    line.terminal.due()
    (_, ended), *_ = line.intake.notices
    assert (ended.active, ended.device_us) == (False, NOON_US + 90 * 1_000_000)
    assert line.raised() == [("power-off", False)]


def test_a_store_that_comes_before_the_present_is_how_things_went() -> None:
    line = Alarmed()
    line.live(0, 0)
    assert line.stored(where(10, alarms=OVERSPEED), where(20, alarms=OVERSPEED)) == [
        ("overspeed", True)
    ]
    assert line.live(30, OVERSPEED) == []
    assert line.live(40, 0) == [("overspeed", False)]


def test_a_terminal_whose_clock_jumped_still_raises_alarms_that_last() -> None:
    line = Alarmed()
    line.live(10**8, 0)  # three years ahead, once
    assert line.live(10, FATIGUE) == [("fatigue", True)]
    assert line.live(20, FATIGUE) == []


def test_an_alarm_without_a_fix_says_no_place() -> None:
    line = Alarmed()
    line.terminal.live(where(alarms=SOS, fixed=False), False, line.answered.append)
    (_, notice), *_ = line.intake.notices
    assert (notice.lat, notice.lon) == (None, None)


def test_overspeed_says_how_fast() -> None:
    line = Alarmed()
    line.terminal.live(where(alarms=OVERSPEED, speed=1234), False, line.answered.append)
    (_, notice), *_ = line.intake.notices
    assert (notice.value, notice.unit) == ("123.4", "km/h")


@pytest.mark.parametrize(
    ("bit", "kind"),
    [
        (0, AlarmKind.SOS),
        (7, AlarmKind.LOW_BATTERY),
        (8, AlarmKind.LOW_BATTERY),
        (20, AlarmKind.GEOFENCE),
        (23, AlarmKind.GEOFENCE),
        (29, AlarmKind.DEVICE),
    ],
)
def test_bits_are_the_kinds_of_alarm_that_they_mean(bit: int, kind: AlarmKind) -> None:
    line = Alarmed()
    line.terminal.live(where(alarms=1 << bit), False, line.answered.append)
    (_, notice), *_ = line.intake.notices
    assert notice.kind is kind


def test_every_bit_of_each_edition_is_raised_and_reserved_ones_are_not() -> None:
    for is_2019 in (False, True):
        line = Alarmed()
        raised = line.live(0, 0xFFFFFFFF, is_2019=is_2019)
        assert [name for name, _ in raised] == [alarm.name for alarm in ALARM_BITS[is_2019]]
