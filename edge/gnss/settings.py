"""What the kit's configuration says of the GNSS receiver: `[gnss]`."""

import re
from typing import Annotated, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from fieldlink.codecs.settings import Duration, Settings

__all__ = ["GnssSettings", "Place", "place_of"]

_GPSD_PORT = 2947
_MAX_URL_CHARS = 256
_DEVICE = re.compile(r"/dev/[A-Za-z0-9_./:-]{1,200}")


class Place(NamedTuple):
    """Where the receiver is: `path` of a serial port, or host and port, with gpsd's own name of
    the receiver (empty: any)."""

    scheme: Literal["serial", "socket", "gpsd"]
    path: str = ""
    host: str = ""
    port: int = 0


def place_of(url: str) -> Place:
    """The url of the settings taken apart.

    Raises:
        ValueError: it is none of the forms.
    """
    if not url.isprintable() or len(url) > _MAX_URL_CHARS:
        raise ValueError(f"use at most {_MAX_URL_CHARS} printable characters")
    if _DEVICE.fullmatch(url) and ".." not in url:
        return Place("serial", url)
    parts = urlsplit(url)
    if parts.scheme not in ("socket", "gpsd") or not parts.hostname or parts.username:
        raise ValueError("use /dev/ttyUSB0, socket://host:port or gpsd://host:2947/dev/ttyUSB0")
    try:
        port = parts.port
    except ValueError:
        raise ValueError("a port is 1 to 65535") from None
    if parts.scheme == "gpsd":
        return Place("gpsd", parts.path.rstrip("/"), parts.hostname, port or _GPSD_PORT)
    if not port or parts.path.strip("/"):
        raise ValueError("write it as socket://host:port")
    return Place("socket", "", parts.hostname, port)


def _url(text: str) -> str:
    if text:
        place_of(text)
    return text


class GnssSettings(Settings):
    """The receiver of the kit itself; without a url there is none."""

    url: Annotated[str, AfterValidator(_url)] = Field(
        default="",
        description="/dev/ttyUSB0, socket://host:port (NMEA over TCP) or"
        " gpsd://host:2947/dev/ttyUSB0 (the device may be left out). Empty: no receiver.",
    )
    baud: Literal["auto", 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800] = Field(
        default="auto",
        description="The serial port's speed: auto (9600, 38400 and 115200 are tried), or one of"
        " 4800 to 460800.",
    )
    every: Duration = Field(
        default=1.0, ge=0.1, le=3600, description="A position so often at most, 100ms to 1h."
    )
    delay: Duration = Field(
        default=0.2,
        ge=0,
        le=1,
        description="How long after the instant its sentences begin to come, up to 1s: for the"
        " clock. It counts as known to half a second.",
    )
    clock: bool = Field(
        default=True, description="Whether the kit's clock is measured against the satellites'."
    )
