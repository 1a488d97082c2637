"""What capture hands on, and to whom: it knows neither the spool nor the agent."""

from collections.abc import Callable
from typing import TypeAlias

from fieldlink.codecs.bundle import Draft

__all__ = ["Clock", "GapSink", "Sink"]

Sink: TypeAlias = Callable[[Draft, bytes], object]
"""Takes a bundle and returns once it is durable; called on capture's threads."""

GapSink: TypeAlias = Callable[[str, str, int, int, str], object]
"""Takes a gap: device, stream, start_us, end_us, reason; returns once it is durable."""

Clock: TypeAlias = Callable[[], int]
"""The kit's clock: UTC microseconds."""
