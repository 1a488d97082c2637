"""Where adapters put what they record themselves."""

from collections.abc import Callable
from dataclasses import dataclass

from fieldlink.drone.record import GapSink, Sink

__all__ = ["Records"]


@dataclass(frozen=True, slots=True)
class Records:
    """Where recordings go: the spool, as bundles and as gaps; `read` gives bytes of a bundle."""

    add: Sink
    add_gap: GapSink
    read: Callable[[bytes, int, int], bytes] | None = None
