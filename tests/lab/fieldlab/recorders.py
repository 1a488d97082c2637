"""A recorder of flights on virtual time, and where its bundles go."""

import asyncio
import json
from pathlib import Path
from typing import Any

from fieldlab.autopilot import T0_US, Autopilot
from fieldlink.codecs.bundle import Draft, Layer
from fieldlink.codecs.fault import SpoolError
from fieldlink.drone.record import Recorder

__all__ = ["RecorderKit", "Shelf"]

_S = 1_000_000


class Shelf:
    """A sink that keeps what it gets, unless it is full."""

    def __init__(self) -> None:
        self.bundles: list[tuple[Draft, bytes]] = []
        self.gaps: list[tuple[str, str, int, int, str]] = []
        self.full = False

    def add(self, draft: Draft, content: bytes) -> None:
        if self.full:
            raise SpoolError("the disk is full")
        self.bundles.append((draft, content))

    def gap(self, *gap: Any) -> None:
        self.gaps.append(gap)

    def tlogs(self, *, armed: bool = True) -> list[tuple[Draft, bytes]]:
        return [
            (draft, content)
            for draft, content in self.bundles
            if draft.layer is Layer.ORIGINAL and draft.meta["armed"] is armed
        ]

    def indexes(self) -> list[dict[str, Any]]:
        return [json.loads(c) for draft, c in self.bundles if draft.layer is Layer.REPORT]


class RecorderKit:
    """A recorder on virtual time."""

    def __init__(self, folder: Path, shelf: Shelf) -> None:
        self.now_us = T0_US
        self.recorder = Recorder(
            folder, shelf.add, gap=shelf.gap, clock=lambda: self.now_us,
            name_of=lambda sysid: f"m300-{sysid}", steady_us=lambda: self.now_us,
        )  # fmt: skip
        self.vehicle = Autopilot()

    async def fly(self, seconds: int, *, armed: bool = True) -> list[bytes]:
        """So many seconds, a place and a heartbeat in each."""
        raws = []
        self.vehicle.armed = armed
        for _ in range(seconds):
            for frame in (
                self.vehicle.place(34.2, 108.9, at_us=self.now_us),
                self.vehicle.beat(at_us=self.now_us),
            ):
                raws.append(frame.raw)
                self.recorder.take(frame)
            self.now_us += _S
        await self.flush()
        return raws

    async def flush(self) -> None:
        """Write, and give to the sink."""
        await self.recorder.write()
        await asyncio.to_thread(self.recorder.store.give)
