"""One direction of a bad link: packets in at a time, out at a later one or never. No clock here.

Exact whatever the caller's pace: what a packet meets depends on the time it is offered at, not on
when `arrived` is asked.
"""

import dataclasses
import random
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

from fieldlab.badlink.scenario import Burst, Conditions

__all__ = ["Counters", "Line"]

Packet = TypeVar("Packet")


@dataclass
class Counters:
    """What has become of what was offered, in packets and in bytes of IP.

    offered = delivered + lost + dropped + down + (waiting or under way).
    """

    offered: int = 0
    offered_bytes: int = 0
    delivered: int = 0
    delivered_bytes: int = 0
    lost: int = 0  # by chance, one by one or in bursts
    lost_bytes: int = 0
    dropped: int = 0  # the queue was full
    dropped_bytes: int = 0
    down: int = 0  # the line was down, or went down with them in it
    down_bytes: int = 0
    queued_bytes: int = 0  # waiting now
    longest_queue_bytes: int = 0
    busy_us: int = 0  # time spent sending
    first_us: int | None = None  # when the first packet was offered, on the line's clock
    last_us: int | None = None  # when the last packet to arrive did

    def __sub__(self, other: "Counters") -> "Counters":
        """What happened between two readings; the queue's and the times are the later one's."""
        kept = {"queued_bytes", "longest_queue_bytes", "first_us", "last_us"}
        theirs, mine = dataclasses.asdict(other), dataclasses.asdict(self)
        return Counters(**{k: v if k in kept else v - theirs[k] for k, v in mine.items()})


class _Fading:
    """Whether it is a bad spell, at times that do not run backwards."""

    def __init__(self, burst: Burst, chance: random.Random, now_us: int) -> None:
        self._burst = burst
        self._chance = chance
        self._bad = False
        self._until_us = now_us + self._length_us()

    def _length_us(self) -> float:
        mean_us = self._burst.lasts_us if self._bad else self._burst.every_us
        return self._chance.expovariate(1 / max(mean_us, 1))

    def bad(self, now_us: int) -> bool:
        while self._until_us <= now_us:
            self._bad = not self._bad
            self._until_us += self._length_us()
        return self._bad


class Line(Generic[Packet]):
    """One direction: a queue, a transmitter, and a stretch that takes time."""

    def __init__(self, conditions: Conditions, seed: str, now_us: int) -> None:
        self.conditions = conditions
        self.counters = Counters()
        # One for each purpose: the spells are the same whatever is sent.
        self._loss, self._jitter, self._spells = (
            random.Random(f"{seed} {purpose}") for purpose in ("loss", "jitter", "spells")
        )
        self._waiting: deque[tuple[Packet, int]] = deque()
        self._sending: tuple[Packet, int] | None = None
        self._sent_us = now_us  # when the packet being sent will have left, or the last one left
        self._flying: deque[tuple[int, Packet, int]] = deque()
        self._last_us = now_us  # no packet arrives before this
        self._fading: _Fading | None = None
        self._set_fading(now_us)

    @property
    def due_us(self) -> int | None:
        """When the next packet arrives, or may; None: not before one is offered."""
        if self._flying:
            return self._flying[0][0]
        if self._sending is not None:
            return self._sent_us + self.conditions.delay_us
        return None

    def offer(self, packet: Packet, size_bytes: int, now_us: int) -> None:
        """A packet comes to the line's queue. Times do not run backwards."""
        self._advance(now_us)
        count = self.counters
        count.first_us = now_us if count.first_us is None else count.first_us
        count.offered += 1
        count.offered_bytes += size_bytes
        if not self.conditions.up:
            count.down += 1
            count.down_bytes += size_bytes
        elif self._sending is None:
            self._send(packet, size_bytes, now_us)
        elif count.queued_bytes + size_bytes > self.conditions.queue_bytes:
            count.dropped += 1
            count.dropped_bytes += size_bytes
        else:
            self._waiting.append((packet, size_bytes))
            count.queued_bytes += size_bytes
            count.longest_queue_bytes = max(count.longest_queue_bytes, count.queued_bytes)

    def arrived(self, now_us: int) -> list[Packet]:
        """The packets that have come out at the other end by now, in order, each once."""
        self._advance(now_us)
        out = []
        while self._flying and self._flying[0][0] <= now_us:
            self.counters.last_us, packet, size_bytes = self._flying.popleft()
            self.counters.delivered += 1
            self.counters.delivered_bytes += size_bytes
            out.append(packet)
        return out

    def change(self, conditions: Conditions, now_us: int) -> None:
        """Other conditions from now on: also for what waits, and for the rest of what is sent."""
        self._advance(now_us)
        old, self.conditions = self.conditions, conditions
        if old.burst != conditions.burst:
            self._set_fading(now_us)
        if not conditions.up:
            self._clear()
        elif self._sending is not None:
            left_us = (self._sent_us - now_us) * old.rate_bps / conditions.rate_bps
            self._sent_us = now_us + round(left_us)

    def _set_fading(self, now_us: int) -> None:
        burst = self.conditions.burst
        self._fading = None if burst is None else _Fading(burst, self._spells, now_us)

    def _send(self, packet: Packet, size_bytes: int, now_us: int) -> None:
        takes_us = round(size_bytes * 8_000_000 / self.conditions.rate_bps)
        self._sending = (packet, size_bytes)
        self._sent_us = now_us + takes_us
        self.counters.busy_us += takes_us

    def _advance(self, now_us: int) -> None:
        """Let the transmitter run until now."""
        while self._sending is not None and self._sent_us <= now_us:
            packet, size_bytes = self._sending
            self._sending = None
            if self._is_lost(self._sent_us):
                self.counters.lost += 1
                self.counters.lost_bytes += size_bytes
            else:
                self._fly(packet, size_bytes)
            if self._waiting:
                packet, size_bytes = self._waiting.popleft()
                self.counters.queued_bytes -= size_bytes
                self._send(packet, size_bytes, self._sent_us)

    def _fly(self, packet: Packet, size_bytes: int) -> None:
        now = self.conditions
        jitter_us = self._jitter.randrange(now.jitter_us + 1) if now.jitter_us else 0
        self._last_us = max(self._last_us, self._sent_us + now.delay_us + jitter_us)
        self._flying.append((self._last_us, packet, size_bytes))

    def _is_lost(self, now_us: int) -> bool:
        loss = self.conditions.loss
        if self._fading is not None and self._fading.bad(now_us):
            assert self.conditions.burst is not None
            loss = self.conditions.burst.loss
        return loss > 0 and self._loss.random() < loss

    def _clear(self) -> None:
        """The line goes down: what is in it is gone."""
        sizes = [size for _, size in self._waiting] + [size for _, _, size in self._flying]
        sizes += [self._sending[1]] if self._sending is not None else []
        self.counters.down += len(sizes)
        self.counters.down_bytes += sum(sizes)
        self.counters.queued_bytes = 0
        self._waiting.clear()
        self._flying.clear()
        self._sending = None
