"""What capture hands on, and to whom: it knows neither the spool nor the agent."""

from collections.abc import Callable
from typing import TypeAlias

from fieldlink.codecs.bundle import Draft
from fieldlink.codecs.geo import Pose

__all__ = ["Clock", "GapSink", "PoseAt", "Sink", "nowhere"]

Sink: TypeAlias = Callable[[Draft, bytes], object]
"""Takes a bundle and returns once it is durable; called on capture's threads."""

GapSink: TypeAlias = Callable[[str, str, int, int, str], object]
"""Takes a gap: device, stream, start_us, end_us, reason; returns once it is durable."""

Clock: TypeAlias = Callable[[], int]
"""The kit's clock: UTC microseconds."""

PoseAt: TypeAlias = Callable[[str, int], Pose | None]
"""Where a camera was and looked at, by its device's name and UTC microseconds; None: not known.
Called on capture's threads (`fieldlink.edge.telemetry.places`).
"""


def nowhere(device: str, at_us: int) -> Pose | None:
    """A `PoseAt` that knows nothing."""
    del device, at_us
    return None
