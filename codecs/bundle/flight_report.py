"""The index of a flight, as whoever receives it reads it.

A kit says in it what it recorded. It may be wrong or lie: every field is bounded here, and
what does not fit is refused as a whole.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from fieldlink.codecs.fault import CodecError

__all__ = [
    "MAX_FLIGHT_BYTES",
    "MAX_FLIGHT_US",
    "MAX_PIECE_NUMBER",
    "FlightGap",
    "FlightPiece",
    "FlightReport",
    "check_flight",
    "decode_flight",
]

MAX_FLIGHT_BYTES = 2_000_000
"""Of an index: 10,000 pieces and 1,000 gaps are some 900,000."""

MAX_PIECE_NUMBER = 99_999
MAX_FLIGHT_US = 2**62
"""Of times: a day behind one is still a number of 64 bits."""

_VERSION = 1
_MAX_PIECES, _MAX_GAPS, _MAX_NAMES = 10_000, 1_000, 1_000
_MAX_COUNT = 2**40
_MAX_REASON = 256
_FLIGHT = re.compile(r"[a-z0-9][a-z0-9_-]{0,47}")
_ENDED = re.compile(r"[a-z-]{0,16}")
_MESSAGE = re.compile(r"[A-Za-z0-9_ .-]{1,64}")


@dataclass(frozen=True, slots=True)
class FlightPiece:
    """A piece by its number: its span (UTC us), frames and size in bytes."""

    number: int
    start_us: int
    end_us: int
    frames: int
    size: int


@dataclass(frozen=True, slots=True)
class FlightGap:
    """Nothing was recorded from `start_us` to `end_us`, because of `reason`."""

    start_us: int
    end_us: int
    reason: str


@dataclass(frozen=True, slots=True)
class FlightReport:
    """An index: `system` is MAVLink's (0: it speaks something else), `ended` why the flight is over
    (empty: it goes on), `messages` how many frames there are of each, `gaps_more` how many gaps are
    not named.
    """

    device: str
    system: int
    flight: str
    armed: bool
    start_us: int
    end_us: int
    ended: str
    messages: Mapping[str, int]
    pieces: tuple[FlightPiece, ...]
    gaps: tuple[FlightGap, ...]
    gaps_more: int

    @property
    def frames(self) -> int:
        """Of all pieces."""
        return sum(piece.frames for piece in self.pieces)

    @property
    def size(self) -> int:
        """Of all pieces, in bytes."""
        return sum(piece.size for piece in self.pieces)


def check_flight(text: object) -> str:
    """`text` if it can be the name of a flight: in a path, a URL and a file's name.

    Raises:
        CodecError: it cannot.
    """
    if isinstance(text, str) and _FLIGHT.fullmatch(text):
        return text
    raise CodecError("name", f"{repr(text)[:60]} cannot be the name of a flight")


def decode_flight(data: bytes) -> FlightReport:
    """The index in the bytes of its bundle.

    Raises:
        CodecError: it is none, of another version, or says what cannot be.
    """
    if len(data) > MAX_FLIGHT_BYTES:
        raise CodecError("size", f"a flight's index of {len(data)} bytes")
    try:
        said = json.loads(data, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise CodecError("coding", "this is no flight's index: no JSON") from error
    if not isinstance(said, dict):
        raise CodecError("coding", "this is no flight's index: no object")
    if said.get("version") != _VERSION:
        shown = repr(said.get("version"))[:20]
        raise CodecError("version", f"a flight's index of version {shown}; this end reads 1")
    try:
        return _report(said)
    except KeyError as error:
        raise CodecError("field", f"a flight's index without {error}") from error


def _report(said: Mapping[str, Any]) -> FlightReport:
    start_us, end_us = _span(said["start_us"], said["end_us"], "the flight")
    ended = said["ended"]
    if not isinstance(ended, str) or not _ENDED.fullmatch(ended):
        raise CodecError("field", f"a flight that ended by {repr(ended)[:60]}")
    if not isinstance(said["armed"], bool):
        raise CodecError("field", "armed is true or false")
    pieces = tuple(map(_piece, _listed(said["pieces"], _MAX_PIECES, "pieces")))
    if len({piece.number for piece in pieces}) != len(pieces):
        raise CodecError("field", "a flight's index has a piece twice")
    if not isinstance(said["device"], str):
        raise CodecError("field", "a flight's index of no device")
    return FlightReport(
        device=said["device"],
        system=_integer(said["system"], 255, "system"),
        flight=check_flight(said["flight"]),
        armed=said["armed"],
        start_us=start_us,
        end_us=end_us,
        ended=ended,
        messages=_messages(said["messages"]),
        pieces=pieces,
        gaps=tuple(map(_gap, _listed(said["gaps"], _MAX_GAPS, "gaps"))),
        gaps_more=_integer(said.get("gaps_more", 0), _MAX_COUNT, "gaps_more"),
    )


def _piece(said: object) -> FlightPiece:
    number, first, last, frames, size = _listed(said, 5, "a piece", least=5)
    start_us, end_us = _span(first, last, "a piece")
    return FlightPiece(
        _integer(number, MAX_PIECE_NUMBER, "a piece's number"),
        start_us,
        end_us,
        _integer(frames, _MAX_COUNT, "a piece's frames"),
        _integer(size, _MAX_COUNT, "a piece's bytes"),
    )


def _gap(said: object) -> FlightGap:
    first, last, reason = _listed(said, 3, "a gap", least=3)
    start_us, end_us = _span(first, last, "a gap")
    if not isinstance(reason, str):
        raise CodecError("field", "a gap's reason is no text")
    plain = "".join(c if c.isprintable() else " " for c in reason[:_MAX_REASON])
    return FlightGap(start_us, end_us, plain)


def _messages(said: object) -> dict[str, int]:
    if not isinstance(said, dict) or len(said) > _MAX_NAMES:
        raise CodecError("field", f"messages are at most {_MAX_NAMES} names with counts")
    for name, count in said.items():
        if not _MESSAGE.fullmatch(name):
            raise CodecError("field", f"{name[:60]!r} is the name of no message")
        _integer(count, _MAX_COUNT, name)
    return said


def _span(first: object, last: object, what: str) -> tuple[int, int]:
    start_us, end_us = _integer(first, MAX_FLIGHT_US, what), _integer(last, MAX_FLIGHT_US, what)
    if end_us < start_us:
        raise CodecError("span", f"{what} ends before it begins")
    return start_us, end_us


def _integer(value: object, most: int, what: str) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise CodecError("field", f"{what}: {repr(value)[:40]} is no number from 0 to {most}")
    return value


def _listed(said: object, most: int, what: str, *, least: int = 0) -> list[Any]:
    if not isinstance(said, list) or not least <= len(said) <= most:
        raise CodecError("field", f"{what}: no list, or of more than {most}")
    return said


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)
