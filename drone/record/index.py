"""What a flight's recording holds: frames by message, pieces, and the spans that it lacks."""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.mavlink import name_of

__all__ = ["FlightIndex", "Gap", "PieceEntry"]

_VERSION = 1
_MAX_PIECES, _MAX_GAPS, _MAX_NAMES = 10_000, 1_000, 1_000


@dataclass(frozen=True, slots=True)
class Gap:
    """Nothing was recorded from `start_us` to `end_us` (UTC), because of `reason`: a short word, a
    colon and a sentence.
    """

    start_us: int
    end_us: int
    reason: str


@dataclass(frozen=True, slots=True)
class PieceEntry:
    """A piece of a recording: its number, span (UTC us), frames and size in bytes."""

    number: int
    start_us: int
    end_us: int
    frames: int
    size: int


@dataclass
class FlightIndex:
    """A recording of `device` (MAVLink's `system`): a flight when `armed`, else the time between
    two. `ended` is why it is over: disarmed, armed, lost, stopped, imported; empty: it goes on.
    """

    device: str
    system: int
    ident: str
    armed: bool
    start_us: int
    end_us: int = 0
    ended: str = ""
    frames: Counter[int] = field(default_factory=Counter)
    pieces: list[PieceEntry] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    gaps_more: int = 0

    def add_gap(self, gap: Gap) -> None:
        """Put a gap on record; beyond 1,000 they are counted."""
        if len(self.gaps) < _MAX_GAPS:
            self.gaps.append(gap)
        else:
            self.gaps_more += 1

    def add_piece(self, piece: PieceEntry, frames: Counter[int]) -> None:
        """Put a piece on record, once."""
        if len(self.pieces) >= _MAX_PIECES or piece.number in {one.number for one in self.pieces}:
            return
        self.pieces.append(piece)
        self.frames += frames
        self.end_us = max(self.end_us, piece.end_us)

    def copy(self) -> "FlightIndex":
        """As it is now: the one that it was copied from goes on."""
        lists = {"frames": Counter(self.frames), "pieces": [*self.pieces], "gaps": [*self.gaps]}
        return replace(self, **lists)  # type: ignore[arg-type]

    @property
    def next_number(self) -> int:
        """The number of the next piece."""
        return 1 + max((piece.number for piece in self.pieces), default=-1)

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it: the content of the index's bundle."""
        return {
            "version": _VERSION,
            "device": self.device,
            "system": self.system,
            "flight": self.ident,
            "armed": self.armed,
            "start_us": self.start_us,
            "end_us": max(self.end_us, self.start_us),
            "ended": self.ended,
            "messages": {name_of(msgid): count for msgid, count in self.frames.most_common()},
            "ids": {str(msgid): count for msgid, count in self.frames.items()},
            "pieces": [
                [one.number, one.start_us, one.end_us, one.frames, one.size] for one in self.pieces
            ],
            "gaps": [[gap.start_us, gap.end_us, gap.reason] for gap in self.gaps],
            "gaps_more": self.gaps_more,
        }

    @classmethod
    def from_dict(cls, said: Any) -> "FlightIndex":
        """The index that `to_dict` made.

        Raises:
            CodecError: it is none.
        """
        try:
            if said["version"] != _VERSION:
                raise CodecError("version", f"a flight's index of version {said['version']}")
            ids = list(said["ids"].items())[:_MAX_NAMES]
            return cls(
                device=str(said["device"]),
                system=int(said["system"]),
                ident=str(said["flight"]),
                armed=bool(said["armed"]),
                start_us=int(said["start_us"]),
                end_us=int(said["end_us"]),
                ended=str(said["ended"]),
                frames=Counter({int(msgid): int(count) for msgid, count in ids}),
                pieces=[PieceEntry(*map(int, one)) for one in said["pieces"][:_MAX_PIECES]],
                gaps=[
                    Gap(int(start_us), int(end_us), str(reason))
                    for start_us, end_us, reason in said["gaps"][:_MAX_GAPS]
                ],
                gaps_more=int(said["gaps_more"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CodecError("field", f"this is no flight's index: {error!r}") from error
