"""The thin sheaf: when the links do not carry all of it now, the newest of everybody does.

Every sample in it follows in full, under the same number; so a thin sheaf that was not sent is
worth nothing once a newer one is in the spool, which takes over what the older one had to say.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

from fieldlink.codecs.bundle import Draft, Precedence, Ranges
from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.telemetry import Block, Detail, Flag, Sample, Thinning, thin
from fieldlink.edge.planner import Candidate, SpoolState
from fieldlink.edge.spool import Stored
from fieldlink.edge.telemetry.gather import Batch, Run
from fieldlink.edge.telemetry.ladder import EVERY_S
from fieldlink.edge.telemetry.sheaves import THIN, sheaf_bundle

__all__ = ["Live", "Off", "Writes"]

_ALARM = int(Flag.ALARM)
_KEPT_SAMPLES = 400  # of one series in one thin sheaf
_MOST_SERIES = 4_000
_MOST_BLOCKS = 2_000  # of one thin sheaf

_USUAL = Thinning()
# A little less than the time between two thin sheaves, so that none is left out by a hair.
_BY_THE_CLOCK = Thinning(every_us=4_500_000, silence_us=25_000_000)

_Key: TypeAlias = tuple[str, str, int]
Writes: TypeAlias = Callable[[Draft, bytes, bytes | None], Awaitable[tuple[bytes | None, bool]]]
"""Adds a bundle, then withdraws another: the id of the new one, None if it was not stored; whether
the other is gone."""

Off: TypeAlias = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs something that takes a while, off the event loop."""


class Live:
    """What a thin sheaf is made of. On the event loop's thread."""

    def __init__(self, state: SpoolState) -> None:
        self._state = state
        self._fresh: dict[_Key, tuple[Run, list[Sample]]] = {}
        self._last: dict[_Key, Sample] = {}
        self._unsent: tuple[bytes, tuple[Block, ...]] | None = None
        self._stale: list[bytes] = []
        self._due_s = 0.0
        self.detail = Detail.FULL
        self.made, self.replaced = 0, 0

    def held(self, stored: Stored) -> None:
        """The spool has this since an earlier run."""
        if THIN in stored.manifest.meta and stored.first_sent_us is None:
            self._stale.append(stored.bundle_id)

    def stale(self) -> list[bytes]:
        """What was not sent, and is of no use by now; told once."""
        stale, self._stale = self._stale, []
        return stale

    def turn(self, detail: Detail) -> None:
        """So much detail goes from now on."""
        if detail is Detail.FULL:
            self._fresh.clear()
            self._last.clear()
            if self._unsent is not None:  # all of it goes in full, and first
                self._stale.append(self._unsent[0])
                self._unsent = None
        if self.detail is not detail:
            self._due_s = 0.0
        self.detail = detail

    def took(self, batch: Batch) -> None:
        """These samples are in the spool in full."""
        if self.detail is Detail.FULL:
            return
        for run in batch.news:
            key = run.device.name, run.schema.stream, run.epoch
            if key not in self._fresh and len(self._fresh) >= _MOST_SERIES:
                continue
            _, samples = self._fresh.setdefault(key, (run, []))
            samples += run.samples
            if self.detail is Detail.LAST or len(samples) > _KEPT_SAMPLES:
                keep = 1 if self.detail is Detail.LAST else _KEPT_SAMPLES
                alarms = [sample for sample in samples[:-keep] if sample.flags & _ALARM]
                samples[:-keep] = alarms[-_KEPT_SAMPLES:]

    async def look(
        self, now_s: float, now_us: int, error_us: int | None, writes: Writes, off: Off
    ) -> None:
        """Write a thin sheaf when it is time for one."""
        if self.detail is Detail.FULL or now_s < self._due_s or not self._fresh:
            return
        self._due_s = now_s + EVERY_S[self.detail]
        fresh, self._fresh = self._fresh, {}
        new = await off(lambda: self._thinned(fresh))
        old, held = self._overtaken()
        blocks = _newest([*(old or ()), *new])
        if not blocks:
            return
        if held is not None:
            self._state.hold(held)
        bundle, gone = None, False
        try:
            bound = partial(_bound, blocks, self.detail, now_us, error_us)
            blocks, (draft, content) = await off(bound)
            bundle, gone = await writes(draft, content, None if held is None else held.bundle)
        finally:
            if held is not None and gone:
                self._state.discard(held.bundle)
            elif held is not None:  # then it goes after all
                self._state.release(held, Ranges(held.covered))
        if bundle is not None:
            self.made += 1
            self.replaced += gone
            self._unsent = bundle, tuple(blocks)

    def _thinned(self, fresh: dict[_Key, tuple[Run, list[Sample]]]) -> list[Block]:
        """The samples of `fresh` that go; on a thread, it is slow."""
        blocks = []
        for key, (run, samples) in fresh.items():
            rule = _USUAL if self.detail is Detail.CHANGE else _BY_THE_CLOCK
            after = self._last.get(key)
            by_time = sorted(samples, key=_taken)
            kept = thin(by_time, run.schema, self.detail, after=after, rule=rule)
            if kept:
                self._last[key] = kept[-1]
                ordered = tuple(sorted(kept, key=lambda sample: sample.sequence))
                blocks.append(run.block(ordered, self.detail))
        if len(self._last) > _MOST_SERIES:
            self._last.clear()
        return blocks

    def _overtaken(self) -> tuple[Sequence[Block] | None, Candidate | None]:
        """The last thin sheaf and what stands for it, if none of it was sent."""
        if self._unsent is None:
            return None, None
        bundle, blocks = self._unsent
        candidate = self._state.get(bundle)
        if candidate is None or candidate.begun or candidate.covered.held_bytes:
            self._unsent = None
            return None, None
        return blocks, candidate


def _taken(sample: Sample) -> tuple[int, int]:
    return sample.time_us, sample.sequence


def _newest(blocks: Sequence[Block]) -> list[Block]:
    """Of each stream the newest block alone, of a device that began anew its last run's."""
    found: dict[tuple[str, str], Block] = {}
    for block in blocks:
        key = block.device, block.schema.stream
        found.pop(key, None)  # the newest is the last
        found[key] = block
    return list(found.values())[-_MOST_BLOCKS:]


def _bound(
    blocks: list[Block], detail: Detail, now_us: int, error_us: int | None
) -> tuple[list[Block], tuple[Draft, bytes]]:
    """`blocks` as one bundle; the newest of them when they are more than one holds."""
    while True:
        try:
            return blocks, sheaf_bundle(
                blocks,
                precedence=Precedence.IMMEDIATE,
                now_us=now_us,
                error_us=error_us,
                meta={THIN: int(detail)},
            )
        except CodecError as error:
            if error.reason != "size":
                raise
        last = [replace(block, samples=block.samples[-1:]) for block in blocks]
        blocks = last if last != blocks else blocks[len(blocks) // 2 :]
