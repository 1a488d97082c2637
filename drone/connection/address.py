"""Connections as operators write them: the strings of MAVProxy and pymavlink, and files.

udpin:0.0.0.0:14550   wait for whoever sends there      udpout:10.0.0.2:14550  send there
tcp:10.0.0.2:5760     connect                           tcpin:0.0.0.0:5790     be connected to
/dev/ttyACM0,57600    a serial port and its speed
flight.tlog, flight.bin, flight.ulg, flight.srt   a recorded flight; `,speed=4` plays it four times
as fast (0: as fast as it can be read), `,from=90` begins 90 s after its start, `,loop` begins again
"""

import re
from typing import Literal, NamedTuple

__all__ = ["FILES", "Address", "parse_address"]

Kind = Literal["udpin", "udpout", "tcp", "tcpin", "serial", "file"]
FILES = (".tlog", ".bin", ".ulg", ".srt")
"""The names of files that are played; capitals are the same."""

_MAX_CHARS = 512
_HOST = re.compile(r"[A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]")
_SERIAL = re.compile(r"(?:serial:)?(/dev/[A-Za-z0-9_./:-]{1,200}?)(?:[,:]([0-9]{3,8}))?")
_DEFAULT_BAUD = 57_600
_NETWORK: dict[str, Kind] = {
    "udpin": "udpin",
    "udp": "udpin",  # pymavlink's older word
    "udpout": "udpout",
    "tcp": "tcp",
    "tcpout": "tcp",
    "tcpin": "tcpin",
}
_FORMS = (
    "write udpin:host:port, udpout:host:port, tcp:host:port, tcpin:host:port,"
    " /dev/ttyX,baud, or a .tlog, .bin, .ulg or .srt file"
)


class Address(NamedTuple):
    """A connection string taken apart. `speed` 0 plays a file as fast as it can be read."""

    kind: Kind
    host: str = ""
    port: int = 0
    path: str = ""
    baud: int = _DEFAULT_BAUD
    speed: float = 1.0
    start_s: float = 0.0
    loop: bool = False


def parse_address(text: str) -> Address:
    """`text` taken apart.

    Raises:
        ValueError: it is none of the forms; the message says which there are.
    """
    if not text.isprintable() or not 0 < len(text) <= _MAX_CHARS:
        raise ValueError(f"use 1 to {_MAX_CHARS} printable characters; {_FORMS}")
    serial = _SERIAL.fullmatch(text)
    if serial and ".." not in text:
        return Address("serial", path=serial[1], baud=int(serial[2] or _DEFAULT_BAUD))
    path, *options = text.removeprefix("file:").split(",")
    if path.lower().endswith(FILES):
        return _file(path, options)
    scheme, _, rest = text.partition(":")
    kind = _NETWORK.get(scheme.lower())
    if kind is None:
        raise ValueError(_FORMS)
    host, _, port = rest.rpartition(":")
    if not _HOST.fullmatch(host) or not port.isdecimal() or not port.isascii():
        raise ValueError(f"write it as {scheme}:host:port")
    number = int(port) if len(port) < 6 else 65_536
    if number > 65_535 or (number == 0 and kind in ("udpout", "tcp")):
        raise ValueError("a port is 1 to 65535")
    return Address(kind, host=host.strip("[]"), port=number)


def _file(path: str, options: list[str]) -> Address:
    address = Address("file", path=path)
    for option in options:
        name, _, value = option.partition("=")
        try:
            if name == "speed":
                address = address._replace(speed=_number(value, 1000))
            elif name == "from":
                address = address._replace(start_s=_number(value, 1e7))
            elif option == "loop":
                address = address._replace(loop=True)
            else:
                raise ValueError
        except ValueError:
            raise ValueError(
                f"{option!r:.40} is no option of a file; write speed=4, from=90 (s) or loop"
            ) from None
    return address


def _number(text: str, most: float) -> float:
    value = float(text)
    if not 0 <= value <= most:
        raise ValueError
    return value
