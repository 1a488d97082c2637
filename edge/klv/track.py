"""The data streams of one camera: every packet goes on record as it came, and what is a set of
MISB ST 0601 is handed on. Bounded in bytes and in work, whatever a stream sends.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from fieldlink.codecs.bundle import KLV_MEDIA_TYPE, KLV_STREAM, Draft, Layer, Precedence
from fieldlink.codecs.klv import (
    KEY,
    Framer,
    KlvError,
    LocalSet,
    Record,
    Stray,
    decode,
    put_record,
)
from fieldlink.edge.capture.ports import Clock, Sink
from fieldlink.edge.source.media import Metadata

__all__ = ["Hearer", "KlvTrack"]

Hearer: TypeAlias = Callable[[str, Sequence[LocalSet], bool], object]
"""Told, on a recorder's thread, what sets of a device say; True: they are played from a file."""

_PIECE_S = 10.0
_PIECE_BYTES = 1_000_000  # in 10 s: fifty times what an aircraft sends
_PACKET_BYTES = 256  # what each costs besides: crumbs take memory and work, too
_PIECE_SETS = 1_000  # understood in that time
_MOST_REASONS = 16
_CORRECTED_US = 5_000_000


class KlvTrack:
    """Used by one thread. `keeps` says whether originals are recorded at present."""

    def __init__(
        self,
        device: str,
        *,
        sink: Sink,
        clock: Clock,
        hearer: Hearer | None = None,
        keeps: Callable[[], bool] = lambda: True,
        played: bool = False,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._device, self._sink, self._clock, self._steady = device, sink, clock, steady
        self._hearer, self._keeps, self._played = hearer, keeps, played
        self._framers: dict[int, Framer] = {}
        self._began_s = steady()
        self._size, self._budget = 0, _PIECE_SETS
        self._kept: list[Metadata] = []
        self._lost = 0
        self.sets = 0
        self.left_out = 0
        self.last_us: int | None = None
        self.bad: Counter[str] = Counter()

    def take(self, packet: Metadata) -> None:
        """Keep a packet, and hand on what it says.

        Raises:
            Exception: whatever the sink raises.
        """
        self.tick()
        # Others send data too (SCTE-35, timed ID3): a stream is KLV once it has shown the key.
        if packet.stream not in self._framers and KEY not in packet.data:
            return
        size = _PACKET_BYTES + len(packet.data)
        if self._size + size > _PIECE_BYTES:
            self.miss(1)
            return
        self._size += size
        if self._keeps():
            self._kept.append(packet)
        framer = self._framers.setdefault(packet.stream, Framer())
        found = [one for raw in framer.feed(packet.data) if (one := self._understood(raw))]
        if found:
            self.last_us = packet.utc_us
            if self._hearer is not None:
                self._hearer(self._device, found, self._played)

    def miss(self, count: int) -> None:
        """So many packets were left out, here or before they came here."""
        self._lost += count
        self.left_out += count

    def _understood(self, raw: bytes | Stray) -> LocalSet | None:
        if isinstance(raw, Stray):
            self._count(raw.reason)
            return None
        if self._budget <= 0:
            self._count("too-many")
            return None
        self._budget -= 1
        try:
            found = decode(raw)
        except KlvError as error:
            self._count(error.reason)
            return None
        self.sets += 1
        if found.misfits:
            self._count("misfit")
        return found

    def _count(self, reason: str) -> None:
        known = reason in self.bad or len(self.bad) < _MOST_REASONS
        self.bad[reason if known else "other"] += 1

    def tick(self) -> None:
        """Hand over the piece that has been under way for ten seconds."""
        if self._steady() - self._began_s >= _PIECE_S:
            self._hand_over()

    def finish(self) -> None:
        """The connection is over: hand over the piece under way."""
        for framer in self._framers.values():
            for stray in framer.end():
                self._count(stray.reason)
        self._framers.clear()
        self._hand_over()

    def _hand_over(self) -> None:
        self._began_s, self._size, self._budget = self._steady(), 0, _PIECE_SETS
        kept, self._kept = self._kept, []
        lost, self._lost = self._lost, 0
        records = _timed(kept)
        if not records:
            return
        draft = Draft(
            device=self._device,
            stream=KLV_STREAM,
            layer=Layer.ORIGINAL,
            precedence=Precedence.ROUTINE,
            start_us=min(record.time_us for record in records),
            end_us=max(record.time_us for record in records),
            recorded_us=self._clock(),
            media_type=KLV_MEDIA_TYPE,
            meta={"packets": len(records), **({"left_out": lost} if lost else {})},
        )
        self._sink(draft, b"".join(map(put_record, records)))

    def report(self) -> dict[str, Any] | None:
        """How it goes; None: nothing of the kind has come."""
        if not (self.sets or self.bad or self.left_out):
            return None
        return {
            "sets": self.sets,
            "last_us": self.last_us,
            "bad": dict(self.bad),
            "left_out": self.left_out,
        }


def _timed(kept: Sequence[Metadata]) -> list[Record]:
    """What was kept, on the kit's clock as it is known by now: a connection begins with a burst of
    what waited, and what comes first seems to be later than it was.
    """
    known = [one.utc_us - one.device_us for one in kept if one.device_us is not None]
    records = []
    for one in kept:
        at_us = one.utc_us
        if one.device_us is not None:
            better_us = one.device_us + known[-1]
            if abs(better_us - at_us) < _CORRECTED_US:  # else its clock has jumped meanwhile
                at_us = better_us
        records.append(Record(max(at_us, 0), one.data))
    return records
