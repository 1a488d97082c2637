"""Records of flights read back: every good record, and where the damage is."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.mavlink import MAX_FRAME_BYTES, TlogReader, TlogRecord, name_of, tlog_record

__all__ = ["Damage", "Verdict", "join", "scan", "verify"]

_WINDOW = 65_536
_FIRST_US = 946_684_800_000_000  # 2000-01-01: an older clock was not set
_DAY_US = 86_400_000_000
_MAX_RECORD = 8 + MAX_FRAME_BYTES
_STARTS = (0xFD, 0xFE)
_MAX_DAMAGES = 1_000


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes `start` to `end` hold no record; `reason` is damaged or truncated."""

    start: int
    end: int
    reason: str


Found: TypeAlias = TlogRecord | Damage


@dataclass
class Verdict:
    """What a recording holds. `unknown` frames are of no dialect and could not be checked; `back`
    counts times that are before the one before.
    """

    records: int = 0
    size: int = 0
    first_us: int | None = None
    last_us: int | None = None
    unknown: int = 0
    back: int = 0
    frames: Counter[int] = field(default_factory=Counter)
    damages: list[Damage] = field(default_factory=list)
    damages_more: int = 0

    @property
    def whole(self) -> bool:
        """Whether nothing is damaged."""
        return not self.damages

    @property
    def messages(self) -> dict[str, int]:
        """Frames by the message's name, most first."""
        return {name_of(msgid): count for msgid, count in self.frames.most_common()}


def scan(data: bytes) -> Iterator[Found]:
    """Every record of a .tlog file's bytes, in order, and what is between them. Behind damage it
    goes on with the next record whose checksum is right and whose time fits.
    """
    pos, last_us = 0, None
    while pos < len(data):
        reader, fed, wrong = TlogReader(offset=pos), pos, None
        while wrong is None and fed < len(data):
            piece = data[fed : fed + _WINDOW]
            fed += len(piece)
            records, wrong = reader.feed(piece, final=fed == len(data))
            for record in records:
                last_us = record.at_us
                yield record
        if wrong is None:
            return
        start = reader.offset
        pos = _next_record(data, start + 1, last_us)
        yield Damage(start, pos, _word(wrong, pos, len(data)))


def _word(wrong: CodecError, end: int, size: int) -> str:
    return wrong.reason if end == size else "damaged"


def _next_record(data: bytes, start: int, last_us: int | None) -> int:
    """Where the next good record begins; the end, if none does."""
    for pos in range(start, len(data) - 8):
        if data[pos + 8] in _STARTS:
            records, _ = TlogReader().feed(data[pos : pos + _MAX_RECORD])
            if records and records[0].frame.known and _fits(records[0].at_us, last_us):
                return pos
    return len(data)


def _fits(at_us: int, last_us: int | None) -> bool:
    return at_us >= _FIRST_US if last_us is None else abs(at_us - last_us) < _DAY_US


def verify(data: bytes) -> Verdict:
    """Read all of a recording and say what is in it."""
    verdict = Verdict(size=len(data))
    for found in scan(data):
        if isinstance(found, Damage):
            if len(verdict.damages) < _MAX_DAMAGES:
                verdict.damages.append(found)
            else:
                verdict.damages_more += 1
            continue
        verdict.records += 1
        verdict.unknown += not found.frame.known
        verdict.frames[found.frame.msgid] += 1
        if verdict.first_us is None:
            verdict.first_us = found.at_us
        verdict.back += verdict.last_us is not None and found.at_us < verdict.last_us
        verdict.last_us = found.at_us
    return verdict


def join(pieces: Iterable[bytes]) -> bytes:
    """The pieces of a flight, in whatever order and however often each, as one .tlog file without
    what is damaged.
    """
    ordered = []
    for piece in dict.fromkeys(pieces):
        records = [found for found in scan(piece) if isinstance(found, TlogRecord)]
        if records:
            ordered.append((records[0].at_us, records))
    ordered.sort(key=lambda one: one[0])
    return b"".join(
        tlog_record(record.frame.raw, record.at_us, record.link)
        for _, records in ordered
        for record in records
    )
