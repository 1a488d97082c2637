"""What frames say: bodies to values and back (JT/T 808-2019 chapter 8).

Texts and fixed fields stay as they were sent, with the filling that each maker chooses; `text_of`
reads them. So whatever was decoded encodes to the same bytes.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, TypeAlias

from .bcd import text_of
from .locations import Location

__all__ = [
    "Answer",
    "AskParameters",
    "AskSomeParameters",
    "Authentication",
    "Batch",
    "Heartbeat",
    "Layout",
    "LocationAnswer",
    "LocationReport",
    "Logout",
    "Media",
    "Message",
    "Other",
    "Parameter",
    "Parameters",
    "PassThrough",
    "PlatformAnswer",
    "Registration",
    "RegistrationAnswer",
    "Resend",
    "Result",
    "SetParameters",
    "TerminalAnswer",
    "Text",
]


class Result(IntEnum):
    """Of a general answer."""

    DONE = 0
    FAILED = 1
    WRONG = 2
    UNSUPPORTED = 3
    ALARM_CONFIRMED = 4


class Layout(IntEnum):
    """The bytes of maker, model and terminal id in a registration, which grew: (5, 8, 7) in 2011,
    (5, 20, 7) in 2013, (11, 30, 30) in 2019.
    """

    V2011 = 2011
    V2013 = 2013
    V2019 = 2019


@dataclass(frozen=True, slots=True)
class Answer:
    """A general answer to the message `answered` with `serial`."""

    serial: int
    answered: int
    result: int


class TerminalAnswer(Answer):
    """0x0001."""

    __slots__ = ()
    ID: ClassVar[int] = 0x0001


class PlatformAnswer(Answer):
    """0x8001."""

    __slots__ = ()
    ID: ClassVar[int] = 0x8001


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """0x0002."""

    ID: ClassVar[int] = 0x0002


@dataclass(frozen=True, slots=True)
class Logout:
    """0x0003: the terminal gives its registration back."""

    ID: ClassVar[int] = 0x0003


@dataclass(frozen=True, slots=True)
class Registration:
    """0x0100. `plate_colour` 0: no plate, `plate` is the vehicle's identification number."""

    layout: Layout
    province: int
    city: int
    maker: bytes
    model: bytes
    terminal: bytes
    plate_colour: int
    plate: bytes
    ID: ClassVar[int] = 0x0100

    @property
    def words(self) -> dict[str, str]:
        """Maker, model, terminal and plate as text."""
        fields = ("maker", "model", "terminal", "plate")
        return {name: text_of(getattr(self, name)) for name in fields}


@dataclass(frozen=True, slots=True)
class RegistrationAnswer:
    """0x8100. `result` 0: done, with the `code` to authenticate by; 1: the vehicle is registered
    already, 2: no such vehicle, 3: the terminal is registered already, 4: no such terminal.
    """

    serial: int
    result: int
    code: bytes = b""
    ID: ClassVar[int] = 0x8100


@dataclass(frozen=True, slots=True)
class Authentication:
    """0x0102. Since 2019 with the terminal's `imei` (15 bytes) and `software` (20 bytes)."""

    code: bytes
    imei: bytes | None = None
    software: bytes = b""
    ID: ClassVar[int] = 0x0102


@dataclass(frozen=True, slots=True)
class LocationReport:
    """0x0200."""

    location: Location
    ID: ClassVar[int] = 0x0200


@dataclass(frozen=True, slots=True)
class LocationAnswer:
    """0x0201: the answer to the question with `serial`."""

    serial: int
    location: Location
    ID: ClassVar[int] = 0x0201


@dataclass(frozen=True, slots=True)
class Batch:
    """0x0704: many locations at once, `kind` 0: as they happen, 1: stored while there was no link.

    An item that is no location stays bytes. `missing` are those that the message counts and does
    not hold, `tail` what follows the last whole one.
    """

    kind: int
    items: tuple[Location | bytes, ...]
    missing: int = 0
    tail: bytes = b""
    ID: ClassVar[int] = 0x0704


@dataclass(frozen=True, slots=True)
class Parameter:
    """A terminal's parameter as sent."""

    ident: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Parameters:
    """0x0104: the parameters, in answer to the question with `serial`."""

    serial: int
    items: tuple[Parameter, ...]
    ID: ClassVar[int] = 0x0104


@dataclass(frozen=True, slots=True)
class SetParameters:
    """0x8103."""

    items: tuple[Parameter, ...]
    ID: ClassVar[int] = 0x8103


@dataclass(frozen=True, slots=True)
class AskParameters:
    """0x8104: all of them."""

    ID: ClassVar[int] = 0x8104


@dataclass(frozen=True, slots=True)
class AskSomeParameters:
    """0x8106."""

    idents: tuple[int, ...]
    ID: ClassVar[int] = 0x8106


@dataclass(frozen=True, slots=True)
class Resend:
    """0x8003: send the parts with these numbers again, of the message whose first part had
    `serial`.
    """

    serial: int
    parts: tuple[int, ...]
    ID: ClassVar[int] = 0x8003


@dataclass(frozen=True, slots=True)
class Text:
    """0x8300: a text for the terminal. `flags` bit 2: on its display, bit 3: spoken; bit 0 urgent
    (2013), bits 0 and 1: 1 service, 2 urgent, 3 notice (2019). `kind` (2019) 1: notice,
    2: service.
    """

    flags: int
    text: bytes
    kind: int | None = None
    ID: ClassVar[int] = 0x8300


@dataclass(frozen=True, slots=True)
class Media:
    """0x0801: a piece of media. `data` begins with the location of the shot (28 bytes) unless the
    terminal is of 2011, which nothing says.
    """

    ident: int
    kind: int  # 0 picture, 1 sound, 2 video
    form: int
    event: int
    channel: int
    data: bytes
    ID: ClassVar[int] = 0x0801


@dataclass(frozen=True, slots=True)
class PassThrough:
    """0x0900: bytes of something attached to the terminal."""

    kind: int
    data: bytes
    ID: ClassVar[int] = 0x0900


@dataclass(frozen=True, slots=True)
class Other:
    """A message that is not taken apart here."""

    message: int
    body: bytes


Message: TypeAlias = (
    TerminalAnswer
    | PlatformAnswer
    | Heartbeat
    | Logout
    | Registration
    | RegistrationAnswer
    | Authentication
    | LocationReport
    | LocationAnswer
    | Batch
    | Parameters
    | SetParameters
    | AskParameters
    | AskSomeParameters
    | Resend
    | Text
    | Media
    | PassThrough
    | Other
)
