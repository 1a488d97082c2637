"""The sets of a clip, in order of time: those that came with the pictures, bit for bit, and where
none did those that are made of what the device said otherwise.
"""

from collections.abc import Iterable, Iterator, Mapping

from fieldlink.codecs.telemetry import OLDEST_US, Poses, Sample, Schema

from .framer import Framer
from .moment import compose
from .records import Record
from .security import Security

__all__ = ["Narrator"]

_SILENT_US = 1_000_000
"""So long nothing came: then sets are made."""


class Narrator:
    """Asked for one span after the other, each behind the one before.

    `came` are the records of the data stream, `said` the samples of whoever carries the camera, and
    `looked` those of the camera itself where that is another device; all by time. `texts` are the
    items that do not change (mission, designation, tail_number, sensor). `made_us` are the times of
    the sets that were made.
    """

    def __init__(
        self,
        came: Iterable[Record] = (),
        said: Iterable[tuple[Schema, Sample]] = (),
        looked: Iterable[tuple[Schema, Sample]] | None = None,
        *,
        every_us: int = 200_000,
        hfov: float | None = None,
        texts: Mapping[str, str] | None = None,
        security: Security | None = None,
    ) -> None:
        self._came, self._every_us, self._hfov = _whole(came), every_us, hfov
        self._carrier = _Memory(said)
        self._camera = None if looked is None else _Memory(looked)
        self._texts, self._security = dict(texts or {}), security
        self._next: tuple[int, bytes] | None = next(self._came, None)
        self._last_us = -_SILENT_US
        self.made_us: set[int] = set()

    def between(self, from_us: int, to_us: int) -> list[tuple[int, bytes]]:
        """The sets of [from_us, to_us), each with its time (UTC microseconds)."""
        list(self._arrived(from_us))  # what is before the span
        found: list[tuple[int, bytes]] = []
        first_us = from_us - from_us % -self._every_us  # on one grid, wherever spans begin
        for at_us in range(first_us, to_us, self._every_us):
            found += self._arrived(at_us + 1)
            found += self._made(at_us)
        found += self._arrived(to_us)
        return found

    def _arrived(self, before_us: int) -> Iterator[tuple[int, bytes]]:
        while self._next is not None and self._next[0] < before_us:
            given = self._next
            self._last_us, self._next = given[0], next(self._came, None)
            yield given

    def _made(self, at_us: int) -> list[tuple[int, bytes]]:
        coming = self._next is not None and self._next[0] - at_us < _SILENT_US
        if coming or at_us - self._last_us < _SILENT_US:
            return []
        self._carrier.hear(at_us)
        if self._camera is not None:
            self._camera.hear(at_us)
        camera = None if self._camera is None else self._camera.poses
        pose = self._carrier.poses.at(at_us, camera, self._hfov)
        if pose is None:
            return []
        self.made_us.add(at_us)
        flight = self._carrier.poses.values("flight", at_us)
        position = self._carrier.poses.values("position", at_us)
        speed = flight.get("groundspeed", position.get("speed"))
        data = compose(
            pose, speed=speed, climb=flight.get("climb"), security=self._security, **self._texts
        )
        return [(at_us, data)]


class _Memory:
    """Poses up to a moment and a little beyond it."""

    def __init__(self, samples: Iterable[tuple[Schema, Sample]]) -> None:
        self.poses = Poses()
        self._samples = iter(samples)
        self._heard_us: int | None = None

    def hear(self, at_us: int) -> None:
        """Up to the first sample beyond: one more each time would run away from a slow stream."""
        while self._heard_us is None or self._heard_us <= at_us + OLDEST_US:
            found = next(self._samples, None)
            if found is None:
                return
            self._heard_us = found[1].time_us
            self.poses.take(*found)


def _whole(records: Iterable[Record]) -> Iterator[tuple[int, bytes]]:
    """The sets in what came, each at the time of the packet that it ends in; noise is left out."""
    framer, last_us = Framer(), 0
    for record in records:
        last_us = max(last_us, record.time_us)
        yield from ((last_us, one) for one in framer.feed(record.data) if isinstance(one, bytes))
