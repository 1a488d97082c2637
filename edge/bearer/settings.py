"""What the kit's configuration says of a bearer. In a file: a `[[bearer]]` table."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from fieldlink.codecs.bundle import check_name
from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.settings import Duration, Settings, Size

__all__ = ["BearerSettings"]


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
    smallest_window: Size = Field(
        default=64_000,
        ge=8_000,
        le=64_000_000,
        description="Bytes that may always be under way unanswered, 8kB to 64MB.",
    )
    largest_window: Size = Field(
        default=8_000_000,
        ge=8_000,
        le=256_000_000,
        description="Most bytes that may be under way unanswered, 8kB to 256MB.",
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.smallest_window > self.largest_window:
            raise ValueError("smallest_window may not be more than largest_window")
        return self
