"""A kit in virtual time for the tests of fit: minutes of streams, a link that does as it is told,
and a renderer that makes sizes instead of pictures.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from fieldlink.codecs.bundle import Layer, Manifest, Precedence
from fieldlink.edge.fit.cell import Cell
from fieldlink.edge.fit.coverage import Coverage
from fieldlink.edge.fit.decide import Link, Live, Need
from fieldlink.edge.fit.fitter import Fitter
from fieldlink.edge.fit.ladder import LADDER
from fieldlink.edge.planner import BearerState, Candidate, SpoolState, WindowPlanner

__all__ = ["T0_US", "Arrival", "VirtualKit", "manifest"]

T0_US = 1_800_000_000_000_000 // 60_000_000 * 60_000_000
_CHUNK_BYTES = 16_000


def manifest(
    number: int,
    layer: Layer,
    start_s: float,
    end_s: float,
    size: int,
    *,
    device: str = "ball-1",
    meta: dict[str, str | int | bool | None] | None = None,
    window_s: float | None = 7200.0,
) -> Manifest:
    """The manifest of a bundle of `device`, its times in seconds after `T0_US`."""
    start_us = T0_US + round(start_s * 1e6)
    due = layer is not Layer.ORIGINAL and window_s is not None
    return Manifest(
        device=device,
        stream="video",
        layer=layer,
        precedence=Precedence.PRIORITY,
        start_us=start_us,
        end_us=T0_US + round(end_s * 1e6),
        recorded_us=start_us,
        deadline_us=start_us + round((window_s or 0) * 1e6) if due else None,
        media_type="video/mp4",
        meta=meta or {},
        kit="kit-a",
        spool=bytes(8),
        sequence=number,
        size=size,
        content_hash=bytes(32),
    )


@dataclass(frozen=True)
class Arrival:
    """Something reached the centre: when, what, and whether its minute was present before."""

    at_s: float
    manifest: Manifest
    present: bool


@dataclass
class VirtualKit:
    """A kit whose clock is `now_s`, seconds after `T0_US`."""

    link_bps: Callable[[float], float]
    due_s: float
    seed: int = 0
    render_s: float = 1.0
    said: Callable[[float], Link] | None = None
    live: Live = field(default_factory=Live)
    arrivals: list[Arrival] = field(default_factory=list)
    carried_bytes: int = 0
    offered_bytes: int = 0

    def __post_init__(self) -> None:
        self.coverage, self.state = Coverage(), SpoolState()
        self.fitter = Fitter(self.coverage, self.state)
        self.now_s = self._look_at_s = 0.0
        self._planner = WindowPlanner()
        self._chance = random.Random(self.seed)
        self._manifests: dict[bytes, Manifest] = {}
        self._making: tuple[float, Need] | None = None
        self.made: list[tuple[float, Need]] = []

    def record(self, layer: Layer, start_s: float, end_s: float, size: int, **more: object) -> None:
        """The spool has one more bundle."""
        number = len(self._manifests) + 1
        item = manifest(number, layer, start_s, end_s, size, **more)  # type: ignore[arg-type]
        bundle = number.to_bytes(32, "big")
        self._manifests[bundle] = item
        self.coverage.recorded(bundle, item)
        self.state.add(Candidate.of(bundle, item))

    def record_minutes(
        self,
        devices: Sequence[str],
        minutes: range,
        *,
        original_bps: float = 2e6,
        proxy_bps: float = 0.0,
        still_bytes: int = 0,
    ) -> None:
        """Whole minutes of these devices, as capture makes them."""
        for device in devices:
            for at_s in range(minutes.start * 60, minutes.stop * 60, 10):
                self.record(
                    Layer.ORIGINAL, at_s, at_s + 10, round(original_bps / 8 * 10), device=device
                )
                if still_bytes:
                    self.record(Layer.STILL, at_s + 1, at_s + 1, still_bytes, device=device)
                for piece_s in range(at_s, at_s + 10, 5) if proxy_bps else ():
                    size = round(proxy_bps / 8 * 5)
                    meta: dict[str, str | int | bool | None] = {"rate": round(proxy_bps)}
                    self.record(Layer.PROXY, piece_s, piece_s + 5, size, device=device, meta=meta)

    @property
    def now_us(self) -> int:
        """The kit's clock."""
        return T0_US + round(self.now_s * 1e6)

    def run(self, until_s: float, *, step_s: float = 1.0, look_s: float = 2.0) -> None:
        """Let the time pass: look, make, carry."""
        while self.now_s < until_s:
            if self.now_s >= self._look_at_s:
                self._look_at_s = self.now_s + look_s
                self._look()
            self._make()
            self._carry(step_s)
            self.now_s += step_s

    def missing(self) -> list[tuple[str, str, int]]:
        """The minutes of which the centre has nothing."""
        return [cell.key for cell in self.coverage.cells() if not cell.is_present]

    def _look(self) -> None:
        bps = self.link_bps(self.now_s)
        link = self.said(self.now_s) if self.said else Link(bps or None, bps or None)
        window = (T0_US - 86_400_000_000, T0_US + round(self.due_s * 1e6))
        self.state.window(*window)
        self.state.pace(bps)
        assert list(self.fitter.vanished()) == []
        self.fitter.look(self.now_us, link, self.live, window, 0)
        for bundle in self.fitter.stale():
            self.state.discard(bundle)
            self.coverage.lost(bundle)

    def _make(self) -> None:
        if self._making is not None:
            ready_s, need = self._making
            if self.now_s < ready_s:
                return
            self._making = None
            self._made(need)
        need_now = self.fitter.next_need()
        if need_now is not None:
            self._making = self.now_s + (0.1 if need_now.stills else self.render_s), need_now

    def _made(self, need: Need) -> None:
        self.made.append((self.now_s, need))
        cell, rung = need.cell, LADDER[need.number]
        start_s, end_s = (cell.start_us - T0_US) / 1e6, (cell.end_us - T0_US) / 1e6
        for still in range(need.stills):
            at_s = start_s + still * (end_s - start_s) / need.stills
            size = rung.still_bytes
            self.record(Layer.STILL, at_s, at_s, size, device=cell.device, meta={"thin": 3})
        if not need.stills:
            bps = (need.video_bps + rung.audio_bps) * 1.03
            made = bps / 8 * (end_s - start_s) * self._chance.uniform(0.8, 1.15)
            meta = {"thin": int(rung.level), "rate": need.video_bps}
            self.record(Layer.PROXY, start_s, end_s, round(made), device=cell.device, meta=meta)
        self.fitter.made()

    def _carry(self, step_s: float) -> None:
        room = round(self.link_bps(self.now_s) * step_s / 8)
        self.offered_bytes += room
        while room > 0:
            line = BearerState("sat", chunk_bytes=min(room, _CHUNK_BYTES), room_bytes=room)
            order = self._planner.next_chunk(self.state, line, self.now_us)
            if order is None:
                return
            room -= order.length
            self.carried_bytes += order.length
            candidate = order.candidate
            self.state.cover(candidate, order.offset, order.offset + order.length)
            if candidate.left_bytes == 0:
                self._arrive(candidate)

    def _arrive(self, candidate: Candidate) -> None:
        item = self._manifests[candidate.bundle]
        present = all(cell.is_present for cell in self._cells(item))
        self.arrivals.append(Arrival(self.now_s, item, present))
        self.state.discard(candidate.bundle)
        self.coverage.arrived(candidate.bundle)

    def _cells(self, item: Manifest) -> Iterator[Cell]:
        for cell in self.coverage.cells():
            if cell.device == item.device and cell.start_us <= item.start_us < cell.end_us:
                yield cell
