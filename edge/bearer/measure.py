"""What a bearer measures: samples of its lines for the pace, bytes for the meter, silence."""

import time
from collections import deque
from collections.abc import Iterable

from fieldlink.edge.bearer.line import Line
from fieldlink.edge.bearer.meter import Meter
from fieldlink.edge.bearer.options import set_lowat
from fieldlink.edge.bearer.pace import Pace, PathSample
from fieldlink.systemd.tcp_info import TcpInfo

__all__ = ["Measure"]

_SAMPLE_US = 20_000
_LOWAT_S = 0.15
_LEAST_LOWAT_BYTES = 4_000
_MOST_LOWAT_BYTES = 128_000
_RATE_SPAN_S = 5.0
_LOSS_SPAN_S = 20.0
_OVERDRAFT = 1.01
_URGENT_S = 20.0


class Measure:
    """`pace` is what the lines allow; `meter` what they used."""

    def __init__(self, pace: Pace, meter: Meter) -> None:
        self.pace = pace
        self.meter = meter
        self.save_due = False
        self.wire_bytes = 0
        self._sampled_us = 0
        self._delivered_bytes = 0
        self._last: dict[int, TcpInfo] = {}
        self._limited = False
        self._rates: deque[tuple[float, int]] = deque()
        self._losses: deque[tuple[float, int, int]] = deque()
        self._sent = self._repeated = 0
        self._outstanding_bytes = 0
        self._lowat_bytes = 0
        self._rttvar_us = 0.0
        self.urgent_s = -_URGENT_S

    @property
    def used_bytes(self) -> int:
        """What counts against the budget: used, or about to be."""
        return self.meter.used_bytes + self._outstanding_bytes

    @property
    def spent(self) -> bool:
        """Whether the budget is used up, to the last byte that an alarm may overdraw it by."""
        budget = self.meter.budget_bytes
        return budget is not None and self.used_bytes >= budget * _OVERDRAFT

    def sample(self, lines: Iterable[Line], now_us: int, clock_us: int) -> None:
        """Read TCP's figures of all lines."""
        lines = [line for line in lines if line.sample() is not None]
        used = sum(self._count(line) for line in lines)
        self.add_wire_bytes(used, clock_us)
        self._outstanding_bytes = sum(line.outstanding_bytes for line in lines)
        if now_us - self._sampled_us < _SAMPLE_US and now_us >= self._sampled_us:
            return
        self._sampled_us = now_us
        path = self._path(lines)
        if path is not None:
            self.pace.sample(now_us, path)
        self._limited = False
        self._follow_rate(lines)

    def add_wire_bytes(self, size_bytes: int, clock_us: int) -> None:
        """Count bytes on the wire."""
        self.wire_bytes += size_bytes
        if self.meter.add(size_bytes, clock_us, time.monotonic()):
            self.save_due = True

    def gone(self, line: Line) -> None:
        """The line is no more."""
        self._last.pop(line.number, None)
        if not self._last:
            self._outstanding_bytes = 0

    def was_limited(self) -> None:
        """More would have been sent but for the window."""
        self._limited = True

    def promise(self, size_bytes: int) -> None:
        """So much more is about to be sent; until the next sample shows it."""
        self._outstanding_bytes += size_bytes

    def room_bytes(self, now_us: int) -> int:
        """What may be handed to the network beyond what is outstanding."""
        return self.pace.allowed_bytes(now_us) - self._outstanding_bytes

    def silent_s(self, lines: Iterable[Line]) -> float | None:
        """For how long nothing of what is under way was acknowledged; None if nothing is."""
        waiting = [silent_s for line in lines if (silent_s := line.silent_s) is not None]
        if not waiting:
            return None
        heard = min((line.info.last_ack_ms / 1000 for line in lines if line.info), default=0.0)
        return min(max(waiting), heard)

    def patience_s(self) -> float:
        """How long that may be before the bearer counts as stalled."""
        rtt_s = (self.pace.rtt_us or 1e6) / 1e6
        var_s = self._rttvar_us / 1e6
        return rtt_s + max(4 * var_s, rtt_s / 2, 0.1)

    def rate_bps(self) -> float:
        """What TCP delivered in the last seconds."""
        now_s = time.monotonic()
        self._rates.append((now_s, self._delivered_bytes))
        while len(self._rates) > 2 and now_s - self._rates[1][0] > _RATE_SPAN_S:
            self._rates.popleft()
        then_s, before = self._rates[0]
        if now_s <= then_s:
            return 0.0
        return (self._delivered_bytes - before) * 8 / (now_s - then_s)

    def loss(self) -> float | None:
        """The share of what was sent in the last seconds that was sent again; None if nothing."""
        now_s = time.monotonic()
        self._losses.append((now_s, self._sent, self._repeated))
        while len(self._losses) > 2 and now_s - self._losses[1][0] > _LOSS_SPAN_S:
            self._losses.popleft()
        _, sent, repeated = self._losses[0]
        return (self._repeated - repeated) / (self._sent - sent) if self._sent > sent else None

    def _count(self, line: Line) -> int:
        """Take in how far `line` got since the last sample; its bytes on the wire since then."""
        info, last = line.info, self._last.get(line.number)
        if info is None:
            return 0
        self._last[line.number] = info
        if last is None:
            return info.wire_bytes(line.header_bytes)
        self._delivered_bytes += max(info.delivered_bytes - last.delivered_bytes, 0)
        self._sent += info.bytes_sent - last.bytes_sent
        self._repeated += info.bytes_retrans - last.bytes_retrans
        return info.wire_bytes(line.header_bytes) - last.wire_bytes(line.header_bytes)

    def _path(self, lines: list[Line]) -> PathSample | None:
        infos = [line.info for line in lines if line.info is not None and line.info.rtt_us]
        heard = [i for i in infos if i.unacked and i.last_ack_ms * 1000 < max(300_000, i.rtt_us)]
        if not infos:
            return None
        recent = heard or infos
        self._rttvar_us = sum(info.rttvar_us for info in recent) / len(recent)
        return PathSample(
            rtt_us=sum(info.rtt_us for info in recent) / len(recent),
            min_rtt_us=min(info.min_rtt_us or info.rtt_us for info in infos),
            delivered_bytes=self._delivered_bytes,
            limited=self._limited,
            urgent=time.monotonic() - self.urgent_s < _URGENT_S,
        )

    def _follow_rate(self, lines: list[Line]) -> None:
        """Keep what waits unsent in the kernel at a fraction of a second of the line."""
        bytes_s = (self.pace.rate_bps or 0) / 8 / max(len(lines) - 1, 1)
        lowat = round(min(max(bytes_s * _LOWAT_S, _LEAST_LOWAT_BYTES), _MOST_LOWAT_BYTES))
        if not 0.7 < lowat / max(self._lowat_bytes, 1) < 1.4:
            self._lowat_bytes = lowat
            for line in lines:
                sock = line.connection.tcp if line.connection is not None else None
                if sock is not None:
                    set_lowat(sock, lowat)

    @property
    def lowat_bytes(self) -> int:
        """How much may wait unsent in a line before it gets more."""
        return max(self._lowat_bytes, _LEAST_LOWAT_BYTES)
