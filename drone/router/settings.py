"""What the kit's configuration says of MAVLink: `[drone]`, and an `[[drone.endpoint]]` for each
vehicle, radio and ground station.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PlainSerializer, model_validator

from fieldlink.codecs.mavlink import id_of
from fieldlink.codecs.settings import Duration, Rate, Settings, Size
from fieldlink.drone.connection.address import parse_address

__all__ = ["EndpointSettings", "FilterSettings", "RouterSettings"]

File = Annotated[Path, PlainSerializer(str)]


def _address(text: str) -> str:
    parse_address(text)
    return text


def _messages(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        id_of(name)
    return names


def _rates(rates: dict[str, float]) -> dict[str, float]:
    for name, rate in rates.items():
        if name != "*":
            id_of(name)
        if not 0 <= rate <= 1000:
            raise ValueError("a rate is 0 to 1000 Hz")
    return rates


Messages = Annotated[tuple[str, ...], AfterValidator(_messages)]
System = Annotated[int, Field(ge=1, le=255)]


class FilterSettings(Settings):
    """What may pass. An empty list of what is allowed allows all."""

    allow_messages: Messages = Field(
        default=(), description="Only these messages, by name or number; [] for all."
    )
    block_messages: Messages = Field(default=(), description="Not these messages.")
    allow_systems: tuple[System, ...] = Field(
        default=(), description="Only messages of these systems, 1 to 255; [] for all."
    )
    block_systems: tuple[System, ...] = Field(
        default=(), description="Not messages of these systems."
    )


class EndpointSettings(Settings):
    """One way to aircraft or to ground stations. In a file: `[[drone.endpoint]]`."""

    name: str = Field(
        pattern=r"^[a-z0-9]([a-z0-9_-]{0,22}[a-z0-9])?$",
        description="Its name in reports: 1 to 24 of a-z, 0-9, _ and -.",
    )
    connect: Annotated[str, AfterValidator(_address)] = Field(
        description="udpin:host:port, udpout:host:port, tcp:host:port, tcpin:host:port,"
        " /dev/ttyX,baud, or a recorded flight: a .tlog, .bin, .ulg or .srt file, with ,speed=4"
        " ,from=90 ,loop behind it."
    )
    profile: Literal["lan", "lte", "sat", "beidou"] = Field(
        default="lan",
        description="What it is given: lan (everything), lte (positions at 5 Hz, the rest at 1 Hz),"
        " sat (a preview, about 140 B/s), beidou (HIGH_LATENCY2 every 5 s, 11 B/s).",
    )
    rates: Annotated[dict[str, float], AfterValidator(_rates)] = Field(
        default={},
        description='Rates that differ from the profile\'s, in Hz: { ATTITUDE = 2, "*" = 0 }.'
        ' 0 is never, "*" is every message that neither this nor the profile names.',
    )
    budget: Rate | None = Field(
        default=None,
        ge=400,
        description='The most that is sent to it, like "9600bit/s"; what is worth least is left'
        " out first. Without: no bound.",
    )
    give: FilterSettings = Field(
        default=FilterSettings(), description="What may go to it, before rates."
    )
    take: FilterSettings = Field(default=FilterSettings(), description="What it may send.")
    signing: Literal["pass", "require"] = Field(
        default="pass",
        description="require: what comes from it without a right signature goes nowhere"
        " (RADIO_STATUS may be unsigned). pass: signatures are not looked at. Either way signed"
        " messages go on as they came.",
    )
    queue: Size = Field(
        default=64_000,
        ge=4_000,
        le=16_000_000,
        description="How much waits for it while it takes nothing; then what is worth least and is"
        " oldest goes. 4kB to 16MB.",
    )
    lost_after: Duration | None = Field(
        default=None,
        ge=1,
        le=3600,
        description="Silence that means lost. Without: 5s on lan, 10s on lte, 30s on sat, 2min on"
        " beidou.",
    )


class RouterSettings(Settings):
    """MAVLink between aircraft and ground stations; without endpoints there is none."""

    sysid: System = Field(
        default=1,
        description="The system that the kit is part of in its own messages, 1 to 255: that of the"
        " aircraft when it flies on it, a free one on the ground. Not 255, which ground stations"
        " use.",
    )
    compid: int = Field(
        default=191, ge=1, le=255, description="Its component: 191 is an onboard computer."
    )
    heartbeat: bool = Field(
        default=True,
        description="Whether the kit says that it is there, once a second while it is well.",
    )
    unknown: Literal["forward", "drop"] = Field(
        default="forward",
        description="Messages that no dialect here has cannot be checked. forward: they go to"
        " endpoints of profile lan. drop: they go nowhere. They are counted either way.",
    )
    duplicates: Duration = Field(
        default=2.0,
        ge=0.1,
        le=30,
        description="The same message over two links within so long counts once.",
    )
    signing_key_file: File | None = Field(
        default=None,
        description="A file with the key of signed links: 64 hexadecimal digits, or a passphrase"
        " (its SHA-256 is the key, as Mission Planner and MAVProxy make it).",
    )
    endpoint: tuple[EndpointSettings, ...] = Field(
        default=(), description="The aircraft, radios and ground stations.", max_length=32
    )

    @model_validator(mode="after")
    def _fits(self) -> "RouterSettings":
        names = [endpoint.name for endpoint in self.endpoint]
        if len(set(names)) != len(names):
            raise ValueError("two endpoints have one name")
        signed = any(endpoint.signing == "require" for endpoint in self.endpoint)
        if signed and self.signing_key_file is None:
            raise ValueError("an endpoint requires signatures: set drone.signing_key_file")
        return self
