"""A JT/T 808 terminal for tests: says what it is told to, and keeps what it is answered."""

from dataclasses import dataclass, field, replace

from fieldlab.intake import FakeIntake, FakeTime
from fieldlink.codecs.jt808 import (
    Authentication,
    Frame,
    Framer,
    Header,
    Layout,
    Location,
    LocationReport,
    Message,
    PlatformAnswer,
    Registration,
    RegistrationAnswer,
    Status,
    decode_message,
    encode_extra,
    encode_frame,
    encode_message,
    split_frames,
    to_time,
)
from fieldlink.edge.jt808.book import TerminalBook
from fieldlink.edge.jt808.codes import AccessCodes
from fieldlink.edge.jt808.session import Session
from fieldlink.edge.jt808.settings import Enrolment, Jt808Settings, TerminalSettings

__all__ = ["CODES", "LISTED", "NOON_US", "Line", "Talker", "where"]

NOON_US = 1_780_000_000_000_000
"""A whole second in May 2026."""


def where(after_s: int = 0, *, alarms: int = 0, fixed: bool = True, **fields: int) -> Location:
    """A location in Xi'an, `after_s` seconds after `NOON_US`."""
    status = Status.IGNITION | (Status.FIXED if fixed else 0)
    made = Location(
        alarms,
        int(status),
        34_235_391 + after_s,
        108_942_387,
        412,
        360,
        90,
        to_time(NOON_US + after_s * 1_000_000),
        (encode_extra(0x01, 1234.5), encode_extra(0x31, 12)),
    )
    return replace(made, **fields)  # type: ignore[arg-type]


LISTED = TerminalSettings(phone="013800138000", name="fire-1", kind="vehicle")
CODES = AccessCodes(b"s" * 32)


@dataclass
class Talker:
    """`phone` of 11 digits; `version` 1 speaks the 2019 edition; `is_2011` that of 2011."""

    phone: str = "13800138000"
    version: int | None = None
    serial: int = 100
    answers: list[Message] = field(default_factory=list)
    code: bytes = b""
    is_2011: bool = False
    _framer: Framer = field(default_factory=Framer)

    def frames(self, *messages: Message, part_bytes: int = 1000) -> list[Frame]:
        """What it sends to say `messages`."""
        made: list[Frame] = []
        for message in messages:
            ident, body = encode_message(message, self.version)
            phone = self.phone.zfill(12 if self.version is None else 20)
            header = Header(ident, phone, self.serial, self.version)
            made += split_frames(header, body, part_bytes)
            self.serial = (made[-1].header.serial + 1) % 65536
        return made

    def says(self, *messages: Message, part_bytes: int = 1000) -> bytes:
        """Their bytes."""
        return b"".join(map(encode_frame, self.frames(*messages, part_bytes=part_bytes)))

    def hears(self, data: bytes) -> list[Message]:
        """What the platform said in `data`; the code in it is kept."""
        new = []
        for event in self._framer.feed(data):
            assert isinstance(event, Frame), event
            assert event.header.phone.lstrip("0") == self.phone
            assert (event.header.version is None) == (self.version is None)
            said = decode_message(event.header.message, event.body, event.header.version)
            if isinstance(said, RegistrationAnswer) and said.result == 0:
                self.code = said.code
            new.append(said)
        self.answers += new
        return new

    def results(self) -> list[tuple[int, int]]:
        """Which of its serials were answered, and how."""
        found = [one for one in self.answers if isinstance(one, PlatformAnswer)]
        return [(one.serial, one.result) for one in found]

    def registration(self, maker: bytes = b"70111") -> Registration:
        """How it registers."""
        if self.is_2011:
            fields = (maker, b"model", b"T1", 1, "陕A12345".encode("gbk"))
            return Registration(Layout.V2011, 61, 100, *_filled(fields, (5, 8, 7)))
        if self.version is None:
            fields = (maker, b"model", b"T1", 1, "陕A12345".encode("gbk"))
            return Registration(Layout.V2013, 61, 100, *_filled(fields, (5, 20, 7)))
        fields = (maker, b"model", b"T1", 1, "陕A12345".encode("gbk"))
        return Registration(Layout.V2019, 61, 100, *_filled(fields, (11, 30, 30)))

    def authentication(self, code: bytes | None = None) -> Authentication:
        """How it shows its code."""
        shown = self.code if code is None else code
        if self.version is None:
            return Authentication(shown)
        return Authentication(shown, b"862345678901234", b"1.0.0".ljust(20, b"\0"))

    def at(self, after_s: int = 0, *, alarms: int = 0, fixed: bool = True) -> LocationReport:
        """A location report."""
        return LocationReport(where(after_s, alarms=alarms, fixed=fixed))


def _filled(
    fields: tuple[bytes, bytes, bytes, int, bytes], widths: tuple[int, int, int]
) -> tuple[bytes, bytes, bytes, int, bytes]:
    maker, model, terminal, colour, plate = fields
    first, second, third = widths
    return (
        maker.ljust(first, b"\0"),
        model.ljust(second, b"\0"),
        terminal.ljust(third, b"\0"),
        colour,
        plate,
    )


class Line:
    """A terminal and the session at the other end."""

    def __init__(
        self,
        talker: Talker | None = None,
        *,
        held: bool = False,
        enrolment: Enrolment = Enrolment.LISTED,
        listed: TerminalSettings = LISTED,
        authenticate: bool = True,
        book: TerminalBook | None = None,
    ) -> None:
        self.talker = talker or Talker()
        self.intake, self.time = FakeIntake(held=held), FakeTime(NOON_US)
        settings = Jt808Settings(
            enabled=True, enrolment=enrolment, terminal=(listed,), authenticate=authenticate
        )
        self.book = book or TerminalBook(settings, CODES, self.intake, self.time)
        self.sent = b""
        self.session = Session(self.book, self._take, "192.0.2.1")

    def _take(self, data: bytes) -> None:
        self.sent += data

    def say(self, *messages: Message, now_s: float = 0.0) -> list[Message]:
        """Say them; what is answered at once."""
        return self.raw(self.talker.says(*messages), now_s)

    def raw(self, data: bytes, now_s: float = 0.0) -> list[Message]:
        """Say bytes."""
        self.session.receive(data, now_s)
        return self.heard()

    def heard(self) -> list[Message]:
        """What was said to the terminal since."""
        sent, self.sent = self.sent, b""
        return self.talker.hears(sent)

    def enter(self) -> "Line":
        """Register and authenticate."""
        self.say(self.talker.registration())
        self.say(self.talker.authentication())
        assert self.session.terminal is not None
        self.talker.answers.clear()
        return self
