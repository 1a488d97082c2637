"""What the proxy lacks because the kit was too busy to decode: on record, never silent."""

from fieldlink.codecs.bundle import Gap, Layer
from fieldlink.edge.capture.before import gap_bundle
from fieldlink.edge.capture.ports import Clock, Sink

__all__ = ["Overload"]

_TOGETHER_US = 10_000_000
_LONGEST_US = 60_000_000


class Overload:
    """Gap records of the layer proxy. Spans shed within 10 s of each other are one record of at
    most a minute, whose reason says how much of it is missing. Times are UTC microseconds.
    """

    def __init__(self, device: str, stream: str, *, sink: Sink, clock: Clock) -> None:
        self._device, self._stream, self._sink, self._clock = device, stream, sink, clock
        self._span: tuple[int, int] | None = None
        self._missing_us = 0

    def shed(self, start_us: int, end_us: int) -> None:
        """There are no pictures from `start_us` to `end_us`."""
        self.tick(start_us)
        if self._span is not None and end_us - self._span[0] > _LONGEST_US:
            self.end()
        known = self._span or (start_us, end_us)
        self._span = min(known[0], start_us), max(known[1], end_us)
        self._missing_us += end_us - start_us

    def tick(self, at_us: int) -> None:
        """Pictures have come up to `at_us`."""
        if self._span is not None and at_us - self._span[1] > _TOGETHER_US:
            self.end()

    def end(self) -> None:
        """Record what was shed."""
        if self._span is None:
            return
        (start_us, end_us), missing_us = self._span, self._missing_us
        self._span, self._missing_us = None, 0
        reason = f"proxy: overload, {missing_us / 1e6:.1f} s of pictures left out"
        gap = Gap(self._device, self._stream, start_us, end_us, reason, Layer.PROXY.value)
        self._sink(*gap_bundle(gap, self._clock()))
