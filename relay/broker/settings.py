"""Settings of the message broker between the kits and the centre."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from fieldlink.codecs.settings import Settings, Size

__all__ = ["BrokerSettings", "split_broker_url"]

_URL = re.compile(r"mqtts://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]{1,253})(?::([0-9]{1,5}))?/?")
DEFAULT_PORT = 8883


def split_broker_url(text: str) -> tuple[str, int]:
    """Host and port of "mqtts://host[:port]"; the port is 8883 when it is left out.

    Raises:
        ValueError: it is not such a URL.
    """
    match = _URL.fullmatch(text)
    port = int(match[2] or DEFAULT_PORT) if match else 0
    if match is None or not 0 < port < 65536:
        raise ValueError("write mqtts://host:port; the broker is reached over TLS only")
    return match[1].strip("[]"), port


def _checked_url(text: str) -> str:
    split_broker_url(text)
    return text


class BrokerSettings(Settings):
    """The broker. In a file: `[broker]`."""

    url: Annotated[str, AfterValidator(_checked_url)] | None = Field(
        default=None,
        description="A broker that somebody else runs, mqtts://host:port, with certificates of "
        "this centre's CA. Without it the relay runs its own.",
    )
    host: str = Field(
        default="0.0.0.0",  # noqa: S104  # kits come from outside
        pattern=r"^[0-9A-Fa-f.:]{2,45}$",
        description="IP address its own broker listens on; 0.0.0.0 is every IPv4 address.",
    )
    port: int = Field(
        default=DEFAULT_PORT,
        ge=0,
        le=65535,
        description="TCP port its own broker listens on; 0 takes a free one and keeps it.",
    )
    max_connections: int = Field(
        default=4096, ge=8, le=65536, description="Connections at once, 8 to 65536."
    )
    store: Size = Field(
        default=1_000_000_000,
        ge=64_000_000,
        le=1_000_000_000_000,
        description="Most disk its own broker takes for messages and sessions, 64MB to 1TB.",
    )
