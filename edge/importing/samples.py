"""Samples out of files, as sheaves in the spool.

They do not go through the intake: nothing of them is heard now, so they raise no alarm, say of no
device that it speaks, and hold up nothing. Each file gives series of its own whose epoch is made of
what the file is: the same file gives the same samples, and the centre knows each by its number.
"""

from collections.abc import Callable, Mapping

from fieldlink.codecs.bundle import Precedence
from fieldlink.codecs.telemetry import Block, Flag, Poses, Sample, Schema
from fieldlink.edge.originals.spooling import Add
from fieldlink.edge.telemetry.device import Series
from fieldlink.edge.telemetry.sheaves import PACKED, sheaf_bundles

__all__ = ["KIND", "SampleWriter"]

KIND = "drone"
_MOST_SAMPLES = 7_200  # of a block: two hours of one a second
_MOST_WAITING = 20_000


class SampleWriter:
    """Gathers samples of devices and stores them, some thousands at a time. `epoch` is less than
    2^60. `poses` of a device remember where it was, for pictures of the same file.
    """

    def __init__(self, add: Add, clock: Callable[[], int], epoch: int) -> None:
        self._add, self._clock, self._epoch = add, clock, epoch
        self._series: dict[tuple[str, str], Series] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        self._waiting: dict[tuple[str, str, Schema], list[Sample]] = {}
        self._count = 0
        self.poses: dict[str, Poses] = {}
        self.written = 0

    def take(
        self,
        device: str,
        time_us: int,
        schema: Schema,
        values: Mapping[str, float | int | str | None],
        flags: Flag = Flag.NONE,
    ) -> None:
        """One more sample, of `time_us` (UTC) by the file's own clock.

        Raises:
            FieldlinkError: the spool cannot take what waits.
        """
        key = device, schema.stream
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = Series(schema, self._epoch)
        told = int(flags | Flag.BACKFILL)
        scaled, marks = series.judge(values, time_us, time_us, told)
        number = self._numbers[key] = self._numbers.get(key, -1) + 1
        sample = Sample(time_us, number, scaled, marks)
        self._waiting.setdefault((device, schema.stream, schema), []).append(sample)
        self.poses.setdefault(device, Poses()).take(schema, sample)
        self._count += 1
        if self._count >= _MOST_WAITING:
            self.flush()

    def flush(self) -> None:
        """Store what waits.

        Raises:
            FieldlinkError: the spool cannot take it.
        """
        blocks = [
            Block(device, KIND, schema, self._epoch, tuple(samples[at : at + _MOST_SAMPLES]))
            for (device, _, schema), samples in self._waiting.items()
            for at in range(0, len(samples), _MOST_SAMPLES)
        ]
        self._waiting = {}
        count, self._count = self._count, 0
        if not blocks:
            return
        # As what was packed already: nobody measures by it how far the links are behind.
        for draft, content in sheaf_bundles(
            blocks,
            precedence=Precedence.ROUTINE,
            now_us=self._clock(),
            error_us=None,
            meta={PACKED: 1},
        ):
            self._add(draft, content)
        self.written += count
