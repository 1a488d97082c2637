"""A piece of a recording: what it is called on the disk, and as a bundle."""

import re
from collections import Counter
from dataclasses import dataclass, field

from fieldlink.codecs.bundle import (
    FLIGHT_MEDIA_TYPE,
    TLOG_MEDIA_TYPE,
    TLOG_STREAM,
    Draft,
    Layer,
    Precedence,
)
from fieldlink.codecs.mavlink import name_of
from fieldlink.drone.record.index import FlightIndex, PieceEntry

__all__ = ["Piece", "flight_draft", "piece_of_name"]

_NAME = re.compile(
    r"(?P<device>[a-z0-9_-]{1,32})~(?P<system>\d{1,3})~(?P<flight>[0-9a-z-]{1,40})~(?P<number>\d{5})"
    r"~(?P<armed>[01])\.tlog"
)
_MAX_LIST = 400


@dataclass
class Piece:
    """A piece that is being written, or was."""

    device: str
    system: int
    flight: str
    number: int
    armed: bool
    start_us: int = 0
    end_us: int = 0
    size: int = 0
    frames: Counter[int] = field(default_factory=Counter)

    @property
    def name(self) -> str:
        """Its file; all that must be known of it after a crash stands in its name."""
        armed = int(self.armed)
        return f"{self.device}~{self.system}~{self.flight}~{self.number:05d}~{armed}.tlog"

    def count(self, msgid: int, at_us: int, size: int) -> None:
        """A frame goes into it. A clock that is set may go back."""
        self.start_us = min(self.start_us, at_us) if self.frames else at_us
        self.end_us = max(self.end_us, at_us)
        self.size += size
        self.frames[msgid] += 1

    @property
    def entry(self) -> PieceEntry:
        """As the index has it."""
        return PieceEntry(self.number, self.start_us, self.end_us, self.frames.total(), self.size)

    def draft(self, recorded_us: int, why: str = "") -> Draft:
        """As a bundle. `why` it was closed: armed, disarmed, full, silent, stopped, recovered."""
        return Draft(
            device=self.device,
            stream=TLOG_STREAM,
            layer=Layer.ORIGINAL,
            precedence=Precedence.ROUTINE,
            start_us=self.start_us,
            end_us=self.end_us,
            recorded_us=recorded_us,
            media_type=TLOG_MEDIA_TYPE,
            meta={
                "flight": self.flight,
                "armed": self.armed,
                "piece": self.number,
                "frames": self.frames.total(),
                "system": self.system,
                "messages": _listed(self.frames),
                "closed": why,
            },
        )


def piece_of_name(name: str) -> Piece | None:
    """The piece whose file is called `name`; its span and frames are not known yet."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    return Piece(
        found["device"], int(found["system"]), found["flight"], int(found["number"]),
        found["armed"] == "1",
    )  # fmt: skip


def flight_draft(index: FlightIndex, recorded_us: int) -> Draft:
    """The bundle of a flight's index, which goes before what it describes."""
    return Draft(
        device=index.device,
        stream=TLOG_STREAM,
        layer=Layer.REPORT,
        precedence=Precedence.PRIORITY,
        start_us=index.start_us,
        end_us=max(index.end_us, index.start_us),
        recorded_us=recorded_us,
        media_type=FLIGHT_MEDIA_TYPE,
        meta={
            "flight": index.ident,
            "frames": index.frames.total(),
            "pieces": len(index.pieces),
            "gaps": len(index.gaps) + index.gaps_more,
            "ended": index.ended,
        },
    )


def _listed(frames: Counter[int]) -> str:
    text = ""
    for msgid, count in frames.most_common():
        more = f"{', ' if text else ''}{name_of(msgid)} {count}"
        if len(text) + len(more) > _MAX_LIST:
            return f"{text}, …"
        text += more
    return text
