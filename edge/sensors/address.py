"""Where a sensor is: the URL of a Modbus station or of a line of text, taken apart."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

__all__ = ["Address", "parse_address"]

_MAX_CHARS = 256
_MODBUS_PORT = 502
_RATES = (1200, 2400, 4800, 9600, 14400, 19200, 28800, 38400, 57600, 115200, 230400)
_PATH = re.compile(r"/[A-Za-z0-9._/:+@=-]{1,120}")
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")
_EXAMPLES = {
    "modbus-tcp": "modbus-tcp://host:502/1",
    "modbus-rtu-tcp": "modbus-rtu-tcp://host:4001/1",
    "modbus-rtu": "modbus-rtu:///dev/ttyUSB0?baud=9600&parity=N&unit=1",
    "serial": "serial:///dev/ttyUSB0?baud=9600",
    "tcp": "tcp://host:port",
}


@dataclass(frozen=True, slots=True)
class Address:
    """A station on the network (`host`, `port`) or on a serial line (`path`), `unit` its Modbus
    address. `modbus-rtu-tcp` is a device server that passes the frames of a serial line on.
    """

    scheme: str
    host: str = ""
    port: int = 0
    path: str = ""
    unit: int = 1
    baud: int = 9600
    parity: str = "N"
    bits: int = 8
    stop: int = 1

    @property
    def is_modbus(self) -> bool:
        """Whether it is asked for registers; else it sends lines of text."""
        return self.scheme.startswith("modbus")

    @property
    def place(self) -> str:
        """What only one may own: the device file, or the host and port."""
        return self.path or f"{self.host}:{self.port}"

    @property
    def line(self) -> tuple[str | int, ...]:
        """The line without the unit: stations on the same one share it."""
        form = (self.baud, self.parity, self.bits, self.stop) if self.path else ()
        return (self.scheme, self.place, *form)


def parse_address(url: str) -> Address:
    """What `url` says.

    Raises:
        ValueError: it is none of the five kinds, or a part is out of bounds.
    """
    scheme, found, _ = url.partition("://")
    if not found or scheme not in _EXAMPLES or len(url) > _MAX_CHARS or not url.isprintable():
        raise ValueError(f"write it as {', '.join(_EXAMPLES.values())}")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"write it as {_EXAMPLES[scheme]}") from error
    options = _options(parts.query, scheme)
    if scheme in ("modbus-rtu", "serial"):
        return _serial(scheme, unquote(parts.path), parts.netloc, options)
    if options:
        raise ValueError(f"{scheme}:// takes no options; write it as {_EXAMPLES[scheme]}")
    host = parts.hostname or ""
    if not _HOST.fullmatch(host) or parts.username is not None:
        raise ValueError(f"write it as {_EXAMPLES[scheme]}")
    if scheme == "tcp":
        if not port or parts.path not in ("", "/"):
            raise ValueError(f"write it as {_EXAMPLES[scheme]}")
        return Address(scheme, host, port)
    unit = _number("the unit", parts.path.strip("/") or "1", 0, 255)
    port = port or (_MODBUS_PORT if scheme == "modbus-tcp" else 0)
    if not port:
        raise ValueError(f"write it as {_EXAMPLES[scheme]}")
    return Address(scheme, host, port, unit=unit)


def _options(query: str, scheme: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, strict_parsing=bool(query), max_num_fields=8)
    except ValueError as error:
        raise ValueError(f"write it as {_EXAMPLES[scheme]}") from error
    if len(dict(pairs)) != len(pairs):
        raise ValueError("give each option of the url once")
    return dict(pairs)


def _serial(scheme: str, path: str, netloc: str, options: dict[str, str]) -> Address:
    if netloc or not _PATH.fullmatch(path) or ".." in path:
        raise ValueError(f"write it as {_EXAMPLES[scheme]}")
    allowed = {"baud", "parity", "bits", "stop"} | ({"unit"} if scheme == "modbus-rtu" else set())
    if unknown := sorted(options.keys() - allowed):
        raise ValueError(f"{unknown[0]} is no option of {scheme}://; use {sorted(allowed)}")
    baud = _number("baud", options.get("baud", "9600"), 1200, 230400)
    parity = options.get("parity", "N").upper()
    if baud not in _RATES:
        raise ValueError(f"baud is one of {', '.join(map(str, _RATES))}")
    if parity not in ("N", "E", "O"):
        raise ValueError("parity is N, E or O")
    return Address(
        scheme,
        path=path,
        unit=_number("the unit", options.get("unit", "1"), 1, 247),
        baud=baud,
        parity=parity,
        bits=_number("bits", options.get("bits", "8"), 7, 8),
        stop=_number("stop", options.get("stop", "1"), 1, 2),
    )


def _number(what: str, text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 9 and least <= int(text) <= most):
        raise ValueError(f"{what} is a number from {least} to {most}, not {text[:20]!r}")
    return int(text)
