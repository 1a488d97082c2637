"""What the kit's configuration says of Cursor on Target: `[cot]`."""

import ipaddress
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from fieldlink.codecs.settings import Duration, Settings

__all__ = ["CotSettings", "Place", "place_of"]

_MAX_URL_CHARS = 256
_MAX_PLACES = 8


class Place(NamedTuple):
    """A host and its port, and how it is spoken to."""

    scheme: Literal["udp", "tcp", "tls"]
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def place_of(url: str, schemes: tuple[str, ...]) -> Place:
    """`url` taken apart.

    Raises:
        ValueError: it is none with one of `schemes`, a host and a port.
    """
    rule = f"write it as {' or '.join(f'{one}://host:port' for one in schemes)}"
    if len(url) > _MAX_URL_CHARS or not url.isprintable():
        raise ValueError(rule)
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme not in schemes or not parts.hostname or port is None or parts.path.strip("/"):
        raise ValueError(rule)
    return Place(parts.scheme, parts.hostname, port)  # type: ignore[arg-type]


def _connect(urls: tuple[str, ...]) -> tuple[str, ...]:
    for url in urls:
        place_of(url, ("tcp", "tls"))
    return urls


def _listen(urls: tuple[str, ...]) -> tuple[str, ...]:
    for url in urls:
        place_of(url, ("tcp", "udp"))
    return urls


def _group(text: str) -> str:
    if text:
        place = place_of(f"udp://{text}", ("udp",))
        try:
            multicast = ipaddress.IPv4Address(place.host).is_multicast
        except ValueError:
            multicast = False
        if not multicast:
            raise ValueError("write it as 239.2.3.1:6969; an address of 224.0.0.0/4")
    return text


class CotSettings(Settings):
    """Whom the kit sees and is seen by, by Cursor on Target."""

    enabled: bool = Field(default=False, description="true: speak with TAK programs near the kit.")
    multicast: Annotated[str, AfterValidator(_group)] = Field(
        default="239.2.3.1:6969",
        description="The group and port of ATAK's mesh; empty: do not join it.",
    )
    interface: str = Field(
        default="",
        max_length=45,
        description="The network interface of the mesh, or the kit's own address on it; without"
        " one, the routes decide.",
    )
    listen: Annotated[tuple[str, ...], AfterValidator(_listen)] = Field(
        default=(),
        max_length=_MAX_PLACES,
        description="Where TAK programs may connect or send to: tcp://0.0.0.0:8087,"
        " udp://0.0.0.0:4242; without passwords or TLS.",
    )
    connect: Annotated[tuple[str, ...], AfterValidator(_connect)] = Field(
        default=(),
        max_length=_MAX_PLACES,
        description="TAK servers to connect to: tcp://host:8087, tls://host:8089.",
    )
    ca: Path | None = Field(
        default=None, description="tls: the CA that the server's certificate is under, PEM."
    )
    certificate: Path | None = Field(
        default=None, description="tls: the kit's certificate for the server, PEM."
    )
    key: Path | None = Field(default=None, description="tls: the key of that certificate, PEM.")
    check_host: bool = Field(
        default=True,
        description="tls: the server's certificate has to name its host; many TAK servers' do not.",
    )
    receive: bool = Field(default=True, description="Whether others become devices of the kit.")
    send: bool = Field(default=True, description="Whether the kit's devices are shown to others.")
    every: Duration = Field(
        default=10.0, ge=1, le=600, description="How often a device is shown, 1s to 10min."
    )
    stale: Duration = Field(
        default=60.0,
        ge=5,
        le=3600,
        description="A position older than that is not shown, and others drop it, 5s to 1h.",
    )
    team: str = Field(
        default="Cyan", max_length=16, description="The team's colour on their maps: Cyan, Red ..."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.stale < self.every:
            raise ValueError("stale is shorter than every: devices would come and go")
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key belong together; set both or neither")
        urls = [*self.listen, *self.connect]
        if twice := sorted({url for url in urls if urls.count(url) > 1}):
            raise ValueError(f"{twice[0]} is there twice; remove one")
        return self
