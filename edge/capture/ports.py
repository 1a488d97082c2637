"""What capture hands on, and to whom: it knows neither the spool nor the agent."""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from fieldlink.codecs.bundle import Draft
from fieldlink.codecs.geo import Pose
from fieldlink.edge.source.settings import DeviceSettings

__all__ = ["Clock", "GapSink", "PoseAt", "Pushed", "Sink", "nowhere"]

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


class Pushed(Protocol):
    """Who receives what is pushed to the kit. Any thread may ask."""

    def waits(self, device: DeviceSettings) -> bool:
        """Whether somebody pushes to `device` now: then it is opened without a pause."""

    def report(self, device: DeviceSettings) -> dict[str, Any] | None:
        """How `device` is received; None for one that is not pushed."""
