"""Numbers of samples: the kit's for devices that do not count, and what was seen of those that do.

A series is device, stream and epoch. The kit's numbers are contiguous in its epoch, the run.
"""

from collections import OrderedDict

__all__ = ["Numbering"]

_MEMORY = 4096  # numbers below the highest of an epoch that are remembered
_MASK = (1 << _MEMORY) - 1
_EPOCHS = 4


class _Seen:
    """The highest number of an epoch, when the device took it, and a bit for each of those below
    it that came.
    """

    __slots__ = ("at_us", "bits", "high")

    def __init__(self, number: int, at_us: int | None) -> None:
        self.high, self.bits, self.at_us = number, 1, at_us


class Numbering:
    """Of one device's stream."""

    __slots__ = ("_next", "_run", "_seen")

    def __init__(self, run: int) -> None:
        self._run, self._next = run, 0
        self._seen: OrderedDict[int, _Seen] = OrderedDict()

    def own(self) -> tuple[int, int]:
        """The epoch and number of the next sample of a device that does not count."""
        number = self._next
        self._next += 1
        return self._run, number

    def restarts(self, epoch: int, number: int, at_us: int | None) -> bool:
        """Whether a device counts from the beginning again and did not say so: a number that it
        used already, for what it took (`at_us`, by its own clock) after the highest one.
        """
        seen = self._seen.get(epoch)
        if seen is None or at_us is None or seen.at_us is None or number > seen.high:
            return False
        return at_us > seen.at_us

    def is_new(self, epoch: int, number: int, at_us: int | None = None) -> bool:
        """Whether this is none of those that came lately; it counts as having come.

        What came so long ago that it is forgotten is new again: the centre knows better.
        """
        seen = self._seen.get(epoch)
        if seen is None:
            self._seen[epoch] = _Seen(number, at_us)
            if len(self._seen) > _EPOCHS:
                self._seen.popitem(last=False)
            return True
        ahead = number - seen.high
        if ahead > 0:
            seen.bits = 1 if ahead >= _MEMORY else ((seen.bits << ahead) | 1) & _MASK
            seen.high, seen.at_us = number, at_us
            return True
        bit = 1 << -ahead if ahead > -_MEMORY else 0
        new = not seen.bits & bit
        seen.bits |= bit
        return new

    def forget(self, epoch: int, number: int) -> None:
        """This one was not stored: when it comes again it is new."""
        seen = self._seen.get(epoch)
        if seen is not None and 0 <= seen.high - number < _MEMORY:
            seen.bits &= ~(1 << (seen.high - number))
