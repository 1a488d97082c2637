"""What devices record, and when: stills, proxies, originals, alarms."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from fieldlink.codecs.bundle import Layer, Precedence
from fieldlink.edge.planner import Candidate

__all__ = ["Alarms", "Camera", "Recorded", "Recording", "recordings"]

S_US = 1_000_000
WINDOW_US = 7_200 * S_US

Recorded: TypeAlias = tuple[int, Layer, Precedence, str, int, int, bool]
"""When it was finished (us), layer, precedence, device, length (us), size (bytes), deadline?"""


class Recording(Protocol):
    """A device: what it records until `end_us`, in order of time."""

    def recorded(self, end_us: int) -> Iterator[Recorded]:
        """What was finished until `end_us`."""
        ...


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A camera as capture makes its layers; a rate of 0 leaves the layer out. Times in seconds."""

    name: str
    still_bytes: int = 12_000
    still_every_s: float = 10.0
    proxy_bps: int = 124_000
    proxy_s: float = 4.0
    original_bps: int = 4_000_000
    original_s: float = 4.0
    from_s: float = 0.0

    def recorded(self, end_us: int) -> Iterator[Recorded]:
        """Stills, proxies and originals until `end_us`."""
        proxy_bytes = round(self.proxy_bps * self.proxy_s / 8)
        original_bytes = round(self.original_bps * self.original_s / 8)
        layers = [
            self._layer(Layer.STILL, Precedence.IMMEDIATE, self.still_every_s, self.still_bytes),
            self._layer(Layer.PROXY, Precedence.PRIORITY, self.proxy_s, proxy_bytes),
            self._layer(Layer.ORIGINAL, Precedence.ROUTINE, self.original_s, original_bytes),
        ]
        for piece in heapq.merge(*layers):
            if piece[0] > end_us:
                return
            yield piece

    def _layer(
        self, layer: Layer, precedence: Precedence, every_s: float, size: int
    ) -> Iterator[Recorded]:
        at_us, step_us = round(self.from_s * S_US), round(every_s * S_US)
        length_us = 0 if layer is Layer.STILL else step_us
        while size:
            at_us += step_us
            yield at_us, layer, precedence, self.name, length_us, size, layer is not Layer.ORIGINAL


@dataclass(frozen=True, kw_only=True)
class Alarms:
    """A device that raises an alarm every so often."""

    name: str = "soldier-1"
    every_s: float = 60.0
    size: int = 300
    from_s: float = 0.0
    precedence: Precedence = Precedence.FLASH

    def recorded(self, end_us: int) -> Iterator[Recorded]:
        """Alarms until `end_us`."""
        at_us = round(self.from_s * S_US)
        while (at_us := at_us + round(self.every_s * S_US)) <= end_us:
            yield at_us, Layer.REPORT, self.precedence, self.name, 0, self.size, False


def recordings(devices: Sequence[Recording], end_us: int) -> Iterator[tuple[int, Candidate]]:
    """All that `devices` record, in order of time, numbered as a spool does."""
    merged = heapq.merge(*(device.recorded(end_us) for device in devices))
    for number, (at_us, layer, precedence, device, length_us, size, due) in enumerate(merged, 1):
        start_us = max(at_us - length_us, 0)
        yield (
            at_us,
            Candidate(
                bundle=number.to_bytes(32, "big"),
                precedence=precedence,
                layer=layer,
                device=device,
                stream="events" if layer is Layer.REPORT else "video",
                sequence=number,
                start_us=start_us,
                end_us=at_us,
                deadline_us=start_us + WINDOW_US if due else None,
                size=size,
            ),
        )
