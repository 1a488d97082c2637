"""Terminals that speak JT/T 808. In a file: `[jt808]` and `[[jt808.terminal]]`."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from fieldlink.codecs.bundle import check_name
from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.settings import Duration, Settings
from fieldlink.codecs.telemetry import KIT_DEVICE

__all__ = ["Datum", "Enrolment", "Jt808Settings", "TerminalSettings"]


class Datum(StrEnum):
    """What a terminal's positions refer to."""

    STATUS = "status"  # as bit 5 of its status word says
    WGS84 = "wgs84"
    GCJ02 = "gcj02"


class Enrolment(StrEnum):
    """Who may register."""

    LISTED = "listed"
    OPEN = "open"


def _name(text: str) -> str:
    try:
        return check_name("device", text)
    except CodecError as error:
        raise ValueError(error.detail) from error


Name = Annotated[str, AfterValidator(_name)]
Phone = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{1,20}$")]


def _alias(text: str) -> str:
    if text == KIT_DEVICE:
        raise ValueError(f"{text} is the kit itself; choose another name")
    if text.startswith("t808-"):
        raise ValueError("names that begin with t808- are those of terminals without one")
    return text


class TerminalSettings(Settings):
    """One terminal, known by its number."""

    phone: Phone = Field(
        description="The terminal's number as it sends it: up to 20 digits; zeros in front may be "
        "left out."
    )
    name: Annotated[Name, AfterValidator(_alias)] | None = Field(
        default=None,
        description="What it is called here: 1 to 32 of a-z, 0-9, _ and -. Without one it is "
        "t808- and its number.",
    )
    kind: Name = Field(default="vehicle", description="What it is: vehicle, soldier, ...")
    datum: Datum | None = Field(
        default=None,
        description="What its positions refer to: wgs84, gcj02, or status (bit 5 of its status "
        "word tells). Without one, as for all.",
    )

    @property
    def number(self) -> str:
        """The number without zeros in front."""
        return self.phone.lstrip("0") or "0"


class Jt808Settings(Settings):
    """The server that terminals connect to."""

    enabled: bool = Field(default=False, description="Whether terminals are listened for.")
    host: str = Field(default="0.0.0.0", description="The address to listen on.")  # noqa: S104
    port: int = Field(default=6808, ge=0, le=65535, description="The port, of TCP and UDP.")
    udp: bool = Field(default=True, description="Whether UDP is served beside TCP.")
    enrolment: Enrolment = Field(
        default=Enrolment.LISTED,
        description="Who may register: listed (the terminals below) or open (anybody who reaches "
        "the port).",
    )
    authenticate: bool = Field(
        default=True,
        description="Whether a terminal has to show the code that it was given when it "
        "registered. false: for terminals that cannot.",
    )
    datum: Datum = Field(
        default=Datum.STATUS,
        description="What positions refer to: wgs84, gcj02, or status (bit 5 of the status word "
        "tells). GCJ-02 is converted to WGS-84 and marked.",
    )
    silence: Duration = Field(
        default=300.0,
        ge=10,
        le=86_400,
        description="A connection that says nothing for so long is closed, 10s to 1d.",
    )
    alarm_hold: Duration = Field(
        default=600.0,
        ge=0,
        le=86_400,
        description="An alarm whose flag the terminal clears because it was answered (SOS is one) "
        "counts as going on for so long after that, up to 1d.",
    )
    max_terminals: int = Field(
        default=64, ge=1, le=512, description="At most so many terminals are known at once."
    )
    max_connections: int = Field(
        default=128, ge=1, le=1024, description="At most so many connections and UDP peers."
    )
    max_per_address: int = Field(
        default=32, ge=1, le=1024, description="At most so many of them from one address."
    )
    terminal: tuple[TerminalSettings, ...] = Field(
        default=(), description="The terminals that are known."
    )

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for what, values in (
            ("number", [one.number for one in self.terminal]),
            ("name", [one.name for one in self.terminal if one.name]),
        ):
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"two terminals have the {what} {twice[0]}; give each its own")
        return self

    @model_validator(mode="after")
    def _somebody_may(self) -> Self:
        if self.enabled and self.enrolment is Enrolment.LISTED and not self.terminal:
            raise ValueError(
                "no terminal is listed, so none may register; add [[jt808.terminal]] tables, or "
                'set enrolment = "open"'
            )
        return self
