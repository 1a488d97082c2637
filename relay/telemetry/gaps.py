"""What is missing between samples: numbers that have not come, and silence. Pure."""

from dataclasses import dataclass

from fieldlink.codecs.telemetry import Sample

__all__ = ["Gap", "Gaps"]

_MAX_GAPS = 1_000
_MAX_RUNS = 10_000
_LEAST_SILENT_US = 10_000_000
_SILENT_TIMES = 5


@dataclass(frozen=True, slots=True)
class Gap:
    """Nothing of [from_us, to_us]: "missing", because samples were numbered that are not here
    yet, or "silent", because there were none.
    """

    from_us: int
    to_us: int
    why: str


@dataclass(slots=True)
class _Run:
    """Samples of an epoch without a hole between `first` and `last`."""

    first: int
    last: int
    from_us: int
    to_us: int


class Gaps:
    """Takes the samples of a stream by time, and says what is missing between them."""

    def __init__(self, from_us: int, to_us: int) -> None:
        self._span = (from_us, to_us)
        self._runs: dict[int, list[_Run]] = {}
        self._count = 0
        self._silent: list[Gap] = []
        self._first_us: int | None = None
        self._last_us: int | None = None
        self._usual_us: float | None = None

    def take(self, epoch: int, sample: Sample) -> None:
        """Take the next sample."""
        at_us, number = sample.time_us, sample.sequence
        self._listen(at_us)
        runs = self._runs.setdefault(epoch, [])
        if runs and runs[-1].last + 1 == number:
            runs[-1].last, runs[-1].to_us = number, at_us
        elif self._count < _MAX_RUNS:
            self._count += 1
            runs.append(_Run(number, number, at_us, at_us))

    def found(self, *, whole: bool) -> list[Gap]:
        """The gaps, the first 1,000 by time; `whole`: there is nothing after the last sample."""
        missing = [gap for runs in self._runs.values() for gap in _missing(runs)]
        silent = list(self._silent)
        if self._first_us is None or self._last_us is None:
            return [Gap(*self._span, "silent")] if whole and self._span[0] < self._span[1] else []
        if self._first_us - self._span[0] > self._patience_us:
            silent.append(Gap(self._span[0], self._first_us, "silent"))
        if whole:
            rest_us = self._span[1] - self._last_us
            if rest_us > self._patience_us:
                silent.append(Gap(self._last_us, self._span[1], "silent"))
        # Where numbers are missing there was no silence.
        holes = {(gap.from_us, gap.to_us) for gap in missing}
        kept = [gap for gap in silent if (gap.from_us, gap.to_us) not in holes]
        return sorted([*missing, *kept], key=lambda gap: (gap.from_us, gap.to_us))[:_MAX_GAPS]

    @property
    def _patience_us(self) -> float:
        usual_us = self._usual_us or 0.0
        return max(_LEAST_SILENT_US, _SILENT_TIMES * usual_us)

    def _listen(self, at_us: int) -> None:
        last_us, self._last_us = self._last_us, at_us
        if last_us is None:
            self._first_us = at_us
            return
        step_us = at_us - last_us
        if self._usual_us is not None and step_us > self._patience_us:
            if len(self._silent) < _MAX_GAPS:
                self._silent.append(Gap(last_us, at_us, "silent"))
        elif step_us > 0:
            usual_us = float(step_us) if self._usual_us is None else self._usual_us
            self._usual_us = usual_us + (step_us - usual_us) / 8


def _missing(runs: list[_Run]) -> list[Gap]:
    ordered = sorted(runs, key=lambda run: run.first)
    gaps = []
    for at, run in enumerate(ordered[1:], 1):
        before = ordered[at - 1]
        if run.first > before.last + 1:
            first_us, last_us = sorted((before.to_us, run.from_us))
            gaps.append(Gap(first_us, last_us, "missing"))
    return gaps
