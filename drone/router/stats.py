"""What is known of one link: how much came and went, what was lost, what was refused."""

from dataclasses import dataclass, field

from fieldlink.codecs.mavlink import Frame

__all__ = ["LinkStats"]

_MAX_SENDERS = 512
_MAX_REFUSED = 64
_RATE_US, _FIRST_RATE_US = 5_000_000, 1_000_000


@dataclass(slots=True)
class LinkStats:
    """Counts since the link was made. `lost` is by the senders' numbers in sequence."""

    packets: int = 0
    bytes: int = 0
    lost: int = 0
    duplicates: int = 0
    filtered: int = 0
    unknown: int = 0
    no_route: int = 0
    sent_packets: int = 0
    sent_bytes: int = 0
    thinned: int = 0
    signing_rejects: int = 0
    heard_us: int | None = None
    late_us: float = 0.0
    refused: dict[str, int] = field(default_factory=dict)
    _last: dict[tuple[int, int], int] = field(default_factory=dict)
    _mark: tuple[int, int, float | None] = (0, 0, None)

    def count(self, frame: Frame, now_us: int) -> None:
        """`frame` came by this link."""
        self.packets += 1
        self.bytes += len(frame.raw)
        self.heard_us = now_us
        if not frame.known:
            self.unknown += 1
            return
        sender = frame.sysid, frame.compid
        last = self._last.get(sender)
        if last is None:
            if len(self._last) >= _MAX_SENDERS:
                return
        else:
            gap = (frame.seq - last - 1) & 0xFF
            if gap >= 128:  # an older one that was overtaken, or the sender began anew
                return
            self.lost += gap
        self._last[sender] = frame.seq

    def refuse(self, frame: Frame, why: str) -> None:
        """A frame was not believed; counted for each source, for as many as can be named."""
        self.signing_rejects += 1
        source = f"{frame.sysid}/{frame.compid} {why}"
        if source not in self.refused and len(self.refused) >= _MAX_REFUSED:
            source = "others"
        self.refused[source] = self.refused.get(source, 0) + 1

    def late(self, late_us: int) -> None:
        """A frame came so much later than by the quickest link."""
        self.late_us += (late_us - self.late_us) / 16

    @property
    def loss_percent(self) -> float:
        """Of what was sent here, how much did not come."""
        return 100.0 * self.lost / max(self.packets + self.lost, 1)

    def rate_bytes_s(self, now_us: int) -> float:
        """What came in the last seconds; to be asked now and then."""
        since_us, bytes_, rate = self._mark
        if not since_us:
            self._mark = now_us, self.bytes, None
            return 0.0
        span_us = now_us - since_us
        if span_us < (_FIRST_RATE_US if rate is None else _RATE_US):
            return rate or 0.0
        current = (self.bytes - bytes_) * 1e6 / span_us
        if span_us >= _RATE_US:
            self._mark = now_us, self.bytes, current
        return current

    def line(self, name: str, state: str, now_us: int) -> str:
        """The line that MAVProxy's users know, with its words."""
        rejects = f"{self.signing_rejects} signing rejects" if self.signing_rejects else ""
        return (
            f"link {name} {state} ({self.packets} packets, {self.bytes} bytes,"
            f" {self.late_us / 1e6:.2f}s delay, {self.lost} lost, {self.loss_percent:.1f}% loss,"
            f" rate:{self.rate_bytes_s(now_us):.0f}B/s, {rejects or 'no signing rejects'})"
        )
