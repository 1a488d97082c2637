"""A terminal's conversation: who may speak, what is answered, and when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlab.intake import FakeIntake, FakeTime
from fieldlab.jt808 import CODES, NOON_US, Line, Talker, where
from fieldlink.codecs.jt808 import (
    AskParameters,
    Batch,
    Frame,
    Heartbeat,
    LocationAnswer,
    Logout,
    Media,
    Other,
    Parameters,
    RegistrationAnswer,
    TerminalAnswer,
    Text,
    encode_frame,
    text_of,
    write_parameter,
)
from fieldlink.codecs.telemetry import Flag
from fieldlink.edge.jt808.book import TerminalBook
from fieldlink.edge.jt808.codes import AccessCodes
from fieldlink.edge.jt808.session import MAX_PENDING
from fieldlink.edge.jt808.settings import Enrolment, Jt808Settings


@pytest.mark.parametrize(
    "talker", [Talker(is_2011=True), Talker(), Talker(version=1)], ids=["2011", "2013", "2019"]
)
def test_a_listed_terminal_registers_shows_its_code_and_is_asked_how_it_reports(
    talker: Talker,
) -> None:
    line = Line(talker)
    (given,) = line.say(line.talker.registration())
    assert given == RegistrationAnswer(100, 0, CODES.code("13800138000"))
    _, asked = line.say(line.talker.authentication())
    assert asked == AskParameters()
    assert line.talker.results() == [(101, 0)]
    line.say(Parameters(0, (write_parameter(0x0029, 30), write_parameter(0x0013, "kit.local"))))
    assert line.session.terminal is not None
    report = line.session.terminal.report()
    assert report["parameters"] == {"report_s": 30, "server": "kit.local"}
    assert report["plate"] == "陕A12345"


def test_a_code_holds_over_a_restart_of_the_kit() -> None:
    line = Line(Talker(code=AccessCodes(b"s" * 32).code("13800138000")))
    line.say(line.talker.authentication())
    assert line.talker.results() == [(100, 0)]


def test_a_wrong_code_is_refused_counted_and_ends_the_connection() -> None:
    line = Line()
    line.say(line.talker.authentication(b"0" * 16))
    assert line.talker.results() == [(100, 1)]
    assert line.session.ended is not None
    assert line.session.terminal is None
    assert line.intake.refused["192.0.2.1", "code"] == 1


def test_an_unlisted_terminal_may_not_register_unless_the_door_is_open() -> None:
    line = Line(Talker("13900000000"))
    assert line.say(line.talker.registration()) == [RegistrationAnswer(100, 4)]
    assert line.intake.refused["192.0.2.1", "unlisted"] == 1
    # Not even with a code that would be good.
    line.say(line.talker.authentication(CODES.code("13900000000")))
    assert line.session.terminal is None
    line = Line(Talker("13900000000"), enrolment=Enrolment.OPEN).enter()
    assert line.session.terminal is not None
    assert line.session.terminal.name == "t808-13900000000"


def test_who_has_not_shown_a_code_says_nothing_that_is_kept() -> None:
    line = Line()
    line.say(line.talker.at(), Heartbeat())
    assert line.talker.results() == [(100, 1), (101, 1)]
    assert line.intake.records == []
    assert line.intake.refused["192.0.2.1", "stranger"] == 2
    line = Line(authenticate=False)
    line.say(line.talker.at())
    assert (100, 0) in line.talker.results()


def test_answers_to_questions_are_kept_and_not_answered() -> None:
    line = Line().enter()
    assert line.say(LocationAnswer(1, where(3)), TerminalAnswer(0, 0x8104, 0)) == []
    assert len(line.intake.readings(stream="position")) == 1


def test_what_is_not_kept_is_answered_as_not_supported() -> None:
    line = Line().enter()
    media = Media(1, 0, 0, 0, 1, bytes(2500))
    line.say(Other(0x0F00, b"?"), media)
    assert line.talker.results() == [(102, 3), (103, 3), (104, 3), (105, 3)]
    assert line.session.terminal is not None
    assert line.session.terminal.report()["messages"] == {"0x0f00": 1, "0x0801": 3}
    assert line.session.terminal.assembler.held_bytes == 0


def test_a_logout_is_answered_and_ends_the_connection() -> None:
    line = Line().enter()
    line.say(Logout())
    assert line.talker.results() == [(102, 0)]
    assert line.session.ended is not None


def test_a_text_is_shown_and_its_answer_heard() -> None:
    for version, kind in ((None, None), (1, 1)):
        line = Line(Talker(version=version)).enter()
        heard: list[int] = []
        line.session.text("撤离".encode("gbk"), heard.append, urgent=True)
        (text,) = line.heard()
        assert isinstance(text, Text)
        assert (text_of(text.text), text.kind) == ("撤离", kind)
        assert text.flags & 0x0C == 0x0C
        line.say(TerminalAnswer(3, Text.ID, 0))
        assert heard == [0]


def test_rubbish_is_counted_and_too_much_of_it_ends_the_connection() -> None:
    line = Line().enter()
    line.raw(b"\x7e\x00\x7e" + b"\x7e\x7d\x03\x7e")
    assert line.intake.refused["fire-1", "short"] == 1
    assert line.intake.refused["fire-1", "escape"] == 1
    line.say(Heartbeat())
    line.raw(b"\x7e\x00" * 19 + b"\x7e")
    assert line.session.ended is None
    line.raw(b"\x7e\x00\x7e")
    assert line.session.ended is not None


def test_a_body_that_ends_too_early_is_answered_as_wrong() -> None:
    line = Line().enter()
    line.say(Other(0x0200, b"short"))
    assert line.talker.results() == [(102, 2)]
    assert line.intake.refused["fire-1", "truncated"] == 1


def test_a_connection_speaks_for_one_terminal() -> None:
    line = Line(enrolment=Enrolment.OPEN).enter()
    other = Talker("13911111111", code=CODES.code("13911111111"))
    line.session.receive(other.says(other.authentication(), other.at()), 0.0)
    assert line.sent == b""
    assert line.intake.refused["fire-1", "phone"] == 2
    assert line.intake.records == []


def test_an_encrypted_body_is_not_taken_for_a_position() -> None:
    line = Line().enter()
    (frame,) = line.talker.frames(line.talker.at())
    header = frame.header
    encrypted = type(header)(header.message, header.phone, header.serial, None, None, 1)
    line.raw(encode_frame(Frame(encrypted, frame.body)))
    assert line.talker.results() == [(102, 3)]
    assert line.intake.records == []


def test_an_open_door_has_room_for_so_many_and_forgets_who_was_not_heard() -> None:
    settings = Jt808Settings(enabled=True, enrolment=Enrolment.OPEN, max_terminals=2)
    intake, time = FakeIntake(), FakeTime(NOON_US)
    book = TerminalBook(settings, CODES, intake, time)
    for number in ("1", "2"):
        terminal = book.terminal(number)
        assert terminal is not None
        terminal.heard_us = time.now_us()
    assert book.terminal("3") is None
    time.pass_s(3601)
    assert book.terminal("3") is not None
    assert book.named("1") is None


def test_a_simulated_terminal_is_marked_as_an_exercise() -> None:
    line = Line()
    line.say(line.talker.registration(b"FLSIM"))
    line.say(line.talker.authentication(), line.talker.at())
    (reading,) = line.intake.readings(stream="position")
    assert reading.flags == Flag.EXERCISE


def test_more_than_it_may_have_waiting_is_seen_by_whoever_reads() -> None:
    line = Line(held=True).enter()
    line.say(*(line.talker.at(second) for second in range(MAX_PENDING)))
    assert line.session.pending == MAX_PENDING


@given(
    st.binary(max_size=400),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 255)), max_size=8),
)
def test_whatever_a_terminal_says_nothing_raises_and_nothing_waits(
    rubbish: bytes, flips: list[tuple[int, int]]
) -> None:
    line = Line(enrolment=Enrolment.OPEN).enter()
    said = bytearray(
        line.talker.says(
            line.talker.at(alarms=0xFFFFFFFF),
            Batch(1, tuple(where(second) for second in range(30))),
            Parameters(0, (write_parameter(0x0029, 30),)),
            line.talker.registration(),
            Text(1, b"x"),
        )
    )
    for at, change in flips:
        said[at % len(said)] ^= change
    line.session.receive(bytes(said) + rubbish, 0.0)
    line.session.datagram(rubbish, 1.0)
    line.session.due(10.0)
    assert line.session.pending == 0


def test_who_may_be_a_terminal_goes_by_its_alias_or_its_number() -> None:
    listed, opened = Line().book, Line(enrolment=Enrolment.OPEN).book
    assert [listed.may_speak(name) for name in ("fire-1", "fire-2", "t808-139")] == [
        True,
        False,
        False,
    ]
    assert [opened.may_speak(name) for name in ("fire-1", "fire-2", "t808-139")] == [
        True,
        False,
        True,
    ]
