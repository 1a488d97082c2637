"""What the kit's configuration says of a bearer. In a file: a `[[bearer]]` table each."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, IPvAnyAddress, model_validator

from fieldlink.codecs.bundle import check_name
from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.settings import Duration, Settings, Size

__all__ = ["BearerSettings"]

_MAX_INTERFACE_CHARS = 15  # IFNAMSIZ - 1


def _name(text: str) -> str:
    try:
        return check_name("bearer", text)
    except CodecError as error:
        raise ValueError(error.detail) from error


class BearerSettings(Settings):
    """One way to the centre, by MQTT over TLS."""

    name: Annotated[str, AfterValidator(_name)] = Field(
        default="main", description="The bearer's name: 1 to 32 of a-z, 0-9, _ and -."
    )
    interface: str | None = Field(
        default=None,
        min_length=1,
        max_length=_MAX_INTERFACE_CHARS,
        pattern=r"^[^\s/]+$",
        description="The network interface that it uses, such as wwan0; without one, the routes "
        "decide. It need not be there yet.",
    )
    source: IPvAnyAddress | None = Field(
        default=None,
        description="The address that it sends from, where the interface's name does not tell.",
    )
    connections: int = Field(
        default=6,
        ge=1,
        le=8,
        description="Most connections for what is not urgent, 1 to 8; narrow links use fewer.",
    )
    price: int = Field(
        default=0,
        ge=0,
        le=1_000_000,
        description="Order of use: a dearer bearer carries only what is urgent while a cheaper one "
        "is up and keeps the window. Bearers of one price are used together.",
    )
    budget: Size | None = Field(
        default=None,
        ge=100_000,
        description="Most bytes on the wire, both ways, in each budget_per; at least 100kB.",
    )
    budget_per: Literal["hour", "month"] = Field(
        default="month", description="What the budget is for: hour or month, by UTC."
    )
    reserve: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="The share of the budget that is kept for what is urgent, 0 to 1.",
    )
    held: bool = Field(
        default=False, description="Do not use it; `fieldlink edge bearer hold` does so for now."
    )
    congestion: Literal["bbr", "cubic", "reno", "system"] = Field(
        default="bbr",
        description="TCP congestion control: bbr (best on lossy links), cubic, reno, or system.",
    )
    state_every: Duration = Field(
        default=5.0, ge=1, le=600, description="Seconds between two reports of state, 1s to 10min."
    )
    keepalive: Duration = Field(
        default=30.0,
        ge=5,
        le=600,
        description="Seconds of silence after which the link is tested, 5s to 10min.",
    )
    first_window: Size = Field(
        default=16_000,
        ge=8_000,
        le=64_000_000,
        description="Bytes under way at first, until the path is measured, 8kB to 64MB.",
    )
    largest_window: Size = Field(
        default=8_000_000,
        ge=8_000,
        le=256_000_000,
        description="Most bytes under way, 8kB to 256MB.",
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.first_window > self.largest_window:
            raise ValueError("first_window may not be more than largest_window")
        return self
