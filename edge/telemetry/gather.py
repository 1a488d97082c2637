"""What has come in since the last sheaf, by series, and who waits to hear what became of it."""

import asyncio
from dataclasses import dataclass, field

from fieldlink.codecs.telemetry import Block, Detail, Flag, Sample, Schema
from fieldlink.edge.telemetry.device import Device, Series
from fieldlink.edge.telemetry.ports import Done

__all__ = ["Batch", "Gather", "Run"]

_BACKFILL = int(Flag.BACKFILL)
_MOST_CELLS = 400_000  # of one sheaf; a fifth of what the codec takes
_MOST_SAMPLES = 7_200  # of one block
_MOST_BLOCKS = 2_000
_TOLD_AT_ONCE = 100


@dataclass(slots=True)
class Run:
    """Samples of one device, stream and epoch that have the same columns."""

    device: Device
    series: Series
    schema: Schema
    epoch: int
    samples: list[Sample] = field(default_factory=list)

    def blocks(self) -> list[Block]:
        """In blocks of a bounded size, by number."""
        ordered = sorted(self.samples, key=lambda sample: sample.sequence)
        return [
            self.block(tuple(ordered[at : at + _MOST_SAMPLES]))
            for at in range(0, len(ordered), _MOST_SAMPLES)
        ]

    def block(self, samples: tuple[Sample, ...], detail: Detail = Detail.FULL) -> Block:
        """`samples` of this series, by number."""
        name, kind, offset_us = self.device.name, self.device.kind, self.device.clock.offset_us
        return Block(name, kind, self.schema, self.epoch, samples, offset_us, detail)


@dataclass(slots=True)
class Batch:
    """All that goes together: sheaves of what is new, sheaves of what is old, who waits."""

    live: list[list[Block]]
    late: list[list[Block]]
    dones: list[Done]
    news: list[Run]
    old: list[Run]

    @property
    def runs(self) -> list[Run]:
        """All series of it."""
        return [*self.news, *self.old]

    @property
    def count(self) -> int:
        """Samples in it."""
        return sum(len(run.samples) for run in self.runs)

    async def tell(self, answer: str | None) -> None:
        """Tell everybody who waits; None: it is stored. Others have their turn in between: after
        a disk that was slow there are thousands.
        """
        for number, done in enumerate(self.dones):
            done(answer)
            if number % _TOLD_AT_ONCE == _TOLD_AT_ONCE - 1:
                await asyncio.sleep(0)

    def forget(self) -> None:
        """It was not stored: what devices numbered is new when it comes again."""
        for run in self.runs:
            for sample in run.samples:
                run.series.numbering.forget(run.epoch, sample.sequence)


class Gather:
    """Grows until it is taken."""

    def __init__(self) -> None:
        self.count = 0
        self._live: dict[tuple[int, int, int], Run] = {}
        self._late: dict[tuple[int, int, int], Run] = {}
        self._dones: list[Done] = []
        self._again: list[Done] = []

    def __bool__(self) -> bool:
        return bool(self.count or self._dones or self._again)

    def add(self, device: Device, series: Series, epoch: int, sample: Sample) -> None:
        """One more sample."""
        runs = self._late if sample.flags & _BACKFILL else self._live
        schema = series.yardstick.schema
        key = id(series), epoch, id(schema)  # both live as long as their run here
        run = runs.get(key)
        if run is None:
            run = runs[key] = Run(device, series, schema, epoch)
        run.samples.append(sample)
        self.count += 1

    def wait(self, done: Done, *, again: bool = False) -> None:
        """Whose `done` is told when all that was added is stored. `again`: part of it came
        before, and may not be stored yet.
        """
        (self._again if again else self._dones).append(done)

    def fail_repeats(self, reason: str) -> None:
        """What was taken last was not stored, so that who repeated some of it must go on."""
        waiting, self._again = self._again, []
        for done in waiting:
            done(reason)

    def take(self) -> Batch:
        """Everything; from now on it gathers anew."""
        live, late = self._live, self._late
        dones = self._dones + self._again
        batch = Batch(_sheaves(live), _sheaves(late), dones, [*live.values()], [*late.values()])
        self.count = 0
        self._live, self._late, self._dones, self._again = {}, {}, [], []
        return batch


def _sheaves(runs: dict[tuple[int, int, int], Run]) -> list[list[Block]]:
    sheaves: list[list[Block]] = []
    cells = _MOST_CELLS
    for run in runs.values():
        for block in run.blocks():
            size = len(block.samples) * (len(block.schema.columns) + 4)
            if cells + size > _MOST_CELLS or len(sheaves[-1]) >= _MOST_BLOCKS:
                sheaves.append([])
                cells = 0
            sheaves[-1].append(block)
            cells += size
    return sheaves
