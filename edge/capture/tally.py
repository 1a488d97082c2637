"""How one recorder fares: its state, its rates and its counts, for a report."""

from collections import Counter
from typing import TYPE_CHECKING, Any

from fieldlink.codecs.bundle import Draft
from fieldlink.edge.capture.ports import Clock
from fieldlink.edge.source.media import Packet
from fieldlink.edge.source.settings import DeviceSettings
from fieldlink.edge.source.url import mask_url
from fieldlink.edge.updown import UpDown

if TYPE_CHECKING:
    from fieldlink.edge.capture.session import Session

__all__ = ["Tally"]

_RATE_SPAN_US = 2_000_000


class Tally:
    """Written by the recorder's thread, read by anyone. Times are UTC microseconds."""

    def __init__(self, device: DeviceSettings, clock: Clock) -> None:
        self._device, self._clock = device, clock
        self._state, self._reason = "connecting", ""
        self._live_us: int | None = None
        self._last_us: int | None = None
        self._fps: float | None = None
        self._span = (0, 0)
        self._layers: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()
        self._said = UpDown(f"device {device.name}")
        self._alive_us = clock()
        self.connections = 0
        self.jumps = 0
        self.frames = 0
        self.abandoned = 0
        self.stray_sound = 0

    @property
    def ended(self) -> bool:
        """Whether the source was played to its end."""
        return self._state == "ended"

    @property
    def is_live(self) -> bool:
        """Whether pictures are arriving."""
        return self._state == "live"

    def connecting(self) -> int:
        """A connection is tried now; returns when."""
        self._live_us, self._span = None, (0, 0)
        self.connections += 1
        if self._state != "down":
            self._state = "connecting"
        return self._clock()

    def picture(self, packet: Packet) -> None:
        """A picture arrived."""
        now_us = self._clock()
        if self._state != "live":
            self._state, self._reason, self._live_us = "live", "", now_us
            self._span = (now_us, self.frames)
            self._said.up()
        self.frames += 1
        self.jumps += packet.discontinuity
        self._last_us = now_us
        began_us, frames = self._span
        if now_us - began_us >= _RATE_SPAN_US:
            self._fps = round((self.frames - frames) * 1e6 / (now_us - began_us), 1)
            self._span = (now_us, self.frames)

    def down(self, reason: str) -> None:
        """The source failed."""
        self._said.down(reason)
        self._state, self._reason, self._fps = "down", reason, None

    def end(self) -> None:
        """The source was played to its end."""
        self._state, self._reason, self._fps = "ended", "source: ended", None

    def was_live_for(self, seconds: float) -> bool:
        """Whether the last connection delivered for `seconds`."""
        if self._live_us is None or self._last_us is None:
            return False
        return self._last_us - self._live_us >= seconds * 1e6

    def took(self, draft: Draft, size: int) -> None:
        """A bundle is durable."""
        self._layers[draft.layer.value] += 1
        self._bytes[draft.layer.value] += size

    def breathe(self) -> int:
        """The recorder's thread makes progress; returns the time."""
        self._alive_us = self._clock()
        return self._alive_us

    def is_fresh(self, session: "Session | None", limit_us: int) -> bool:
        """Whether every thread made progress within `limit_us`."""
        oldest_us = self._alive_us
        if self._state == "live" and session is not None and session.pictures is not None:
            oldest_us = min(oldest_us, session.pictures.alive_us)
        return self._clock() - oldest_us <= limit_us

    def report(self, session: "Session | None") -> dict[str, Any]:
        """Everything, as JSON can carry it. What is unknown is None."""
        pictures = session.pictures if session is not None else None
        return {
            "device": self._device.name,
            "kind": self._device.kind.value,
            "url": mask_url(self._device.url),
            "state": self._state,
            "reason": self._reason,
            "fps": self._fps,
            "last_packet_us": self._last_us,
            "lag_us": pictures.lag_us if pictures is not None and self.is_live else None,
            "counts": {
                "frames": self.frames,
                "connections": self.connections,
                "abandoned": self.abandoned,
                "clock_jumps": self.jumps,
                "stray_sound": self.stray_sound,
                "originals": self._layers["original"],
                "proxies": self._layers["proxy"],
                "dropped_packets": pictures.backlog.dropped_packets if pictures else 0,
                "dropped_groups": pictures.backlog.dropped_groups if pictures else 0,
                "broken_pictures": pictures.broken if pictures else 0,
                "bytes": sum(self._bytes.values()),
            },
        }
