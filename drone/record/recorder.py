"""Recording, always on: whatever the links do, what is heard of aircraft goes to the disk.

`take` belongs to the event loop's thread and never waits; twice a second what came is written and
synced on another, so that a kill loses half a second and its writing, a power cut no more.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fieldlink.codecs.mavlink import (
    HEARTBEAT,
    HIGH_LATENCY2,
    Frame,
    id_of,
    is_autopilots,
    target_of,
)
from fieldlink.drone.record.cutter import (
    FLIGHT_LOST_US,
    SILENT_US,
    Append,
    Cutter,
    Ended,
    Op,
    Tally,
)
from fieldlink.drone.record.index import FlightIndex, Gap
from fieldlink.drone.record.store import GapSink, PieceStore, Sink

__all__ = ["Recorder"]

_FLUSH_S, _GIVE_S = 0.5, 1.0
_MAX_HELD_BYTES = 16_000_000
_MAX_VEHICLES = 64
_MAX_STRANGERS, _MAX_EARLY = 16, 500
_RADIOS = frozenset((id_of("RADIO_STATUS"), id_of("RADIO")))


class Recorder:
    """`name_of` says what the vehicle of a system is called; `clock` is UTC microseconds."""

    def __init__(
        self,
        folder: Path,
        sink: Sink,
        *,
        clock: Callable[[], int],
        name_of: Callable[[int], str],
        gap: GapSink | None = None,
        silent_us: Callable[[str], int] = lambda _: SILENT_US,
        steady_us: Callable[[], int] = lambda: time.monotonic_ns() // 1000,
    ) -> None:
        self.store = PieceStore(folder, sink, gap, clock)
        self._steady_us, self._name_of, self._silent_us = steady_us, name_of, silent_us
        self._cutters: dict[int, Cutter] = {}
        self._resumed: dict[str, FlightIndex] = {}
        self._begun_us = 0
        self._strangers: dict[int, deque[Frame]] = {}  # who did not say yet what they are
        self._links: dict[str, int] = {}
        self._ops: list[Op] = []
        self._tails: dict[str, Append] = {}
        self._held_bytes = 0
        self._dropped: dict[str, list[int]] = {}
        self._ready = False
        self._early: deque[Frame] = deque(maxlen=20_000)
        self.frames = 0
        self.dropped = 0

    def take(self, frame: Frame) -> None:
        """Record `frame`: of a vehicle, of its radio, or of a ground station to it."""
        if not self._ready:
            self._early.append(frame)
            return
        link = self._links.setdefault(frame.link, len(self._links) & 3)
        if len(self._links) > 64:
            self._links.clear()
        cutter = self._cutters.get(frame.sysid) or self._met(frame)
        if cutter is not None:
            self._note(cutter, frame, link, own=True)
        elif frame.msgid in _RADIOS:
            for cutter in self._cutters.values():
                if cutter.link == frame.link:
                    self._note(cutter, frame, link, own=False)
        else:
            cutter = self._cutters.get(target_of(frame.msgid, frame.payload)[0])
            if cutter is not None:
                self._note(cutter, frame, link, own=False)

    def _met(self, frame: Frame) -> Cutter | None:
        """The vehicle that `frame` shows its sender to be; what it said before is recorded too."""
        sysid = frame.sysid
        if not frame.known:
            return None
        beat = frame.msgid == HEARTBEAT and is_autopilots(frame.payload)
        if not beat and frame.msgid != HIGH_LATENCY2:
            if sysid in self._strangers or len(self._strangers) < _MAX_STRANGERS:
                early = self._strangers.setdefault(sysid, deque(maxlen=_MAX_EARLY))
                early.append(frame)
            return None
        if len(self._cutters) >= _MAX_VEHICLES:
            return None
        device = self._name_of(sysid)
        cutter = self._cutters[sysid] = Cutter(
            device, sysid, self._silent_us, self._resumed.pop(device, None)
        )
        for before in self._strangers.pop(sysid, ()):
            self._note(cutter, before, self._links.get(before.link, 0), own=True)
        return cutter

    def _note(self, cutter: Cutter, frame: Frame, link: int, *, own: bool) -> None:
        if self._held_bytes > _MAX_HELD_BYTES:
            self.dropped += 1
            span = self._dropped.setdefault(cutter.device, [frame.at_us, frame.at_us])
            span[1] = max(span[1], frame.at_us)
            return
        self.frames += 1
        self._add(cutter.take(frame, self._steady_us(), link, own=own))

    def _add(self, ops: list[Op]) -> None:
        for op in ops:
            if isinstance(op, Append):
                self._held_bytes += len(op.data)
                tail = self._tails.get(op.piece.name)
                if tail is not None:
                    tail.data += op.data
                    continue
                self._tails[op.piece.name] = op
            self._ops.append(op)

    async def run(self, beat: Callable[[], None]) -> None:
        """Write until cancelled; then what is recorded goes to the sink.

        Raises:
            OSError: the folder cannot be read or made.
        """
        await self.begin()
        giving = asyncio.create_task(self._give(), name="recordings")
        try:
            while True:
                beat()
                await asyncio.sleep(_FLUSH_S)
                await self.write()
                if giving.done():
                    giving.result()
        finally:
            giving.cancel()
            await asyncio.shield(self._stop())

    async def _give(self) -> None:
        while True:
            await asyncio.to_thread(self.store.give)
            await asyncio.sleep(_GIVE_S)

    async def _stop(self) -> None:
        for cutter in self._cutters.values():
            self._add(cutter.pause("stopped"))
        await self.write()
        await asyncio.to_thread(self.store.give)
        self.store.close()

    async def begin(self) -> None:
        """Find what is left from before, and take up what goes on."""
        self._resumed = await asyncio.to_thread(self.store.recover)
        self._begun_us = self._steady_us()
        self._ready = True
        while self._early:
            self.take(self._early.popleft())

    async def write(self) -> None:
        """Write what came."""
        now_us = self._steady_us()
        for sysid, cutter in list(self._cutters.items()):
            ops = cutter.tick(now_us)
            self._add(ops)
            if any(isinstance(op, Ended) for op in ops):  # lost: others may need its place
                del self._cutters[sysid]
        if self._resumed and now_us - self._begun_us > FLIGHT_LOST_US:  # never heard again
            for index in self._resumed.values():
                index.ended = "lost"
                self._ops.append(Ended(index))
            self._resumed = {}
        for device, (start_us, end_us) in self._dropped.items():
            gap = Gap(start_us, end_us, "disk: it is too slow for what comes")
            self._ops.append(Tally(device, gap))
        ops, self._ops, self._tails, self._held_bytes = self._ops, [], {}, 0
        self._dropped = {}
        await asyncio.to_thread(self.store.write, ops)

    def report(self) -> dict[str, Any]:
        """How it is, for people and programs."""
        reason = self.store.fault or self.store.refusal
        return {
            "state": "down" if reason else "ok",
            "reason": reason,
            "frames": self.frames,
            "dropped": self.dropped,
            "pieces": self.store.stored,
            "waiting": self.store.waiting,
            "findings": list(self.store.findings),
            "flights": {
                cutter.device: cutter.index.ident
                for cutter in self._cutters.values()
                if cutter.index is not None and cutter.index.armed
            },
        }
