"""What a bearer used of its budget, counted on the wire and kept over restarts.

The file says more than was used: a share of the budget is written off in advance, and the next
one before that is used up. So kill -9 and power cuts never make it count too little.
"""

import json
import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path

from fieldlink.systemd.durable import write_durably

__all__ = ["Meter", "period_of"]

_log = logging.getLogger(__name__)
_LEASE = 0.005
_LEAST_LEASE_BYTES = 10_000
_JUMP_S = 300
_AGAIN_S = 10.0


def period_of(now_us: int, per: str) -> str:
    """The hour or month (UTC) that `now_us` is in; later ones sort behind earlier ones."""
    form = "%Y-%m-%dT%H" if per == "hour" else "%Y-%m"
    return time.strftime(form, time.gmtime(now_us / 1e6))


@dataclass
class Meter:
    """Bytes used in the present period; `budget_bytes` None counts only.

    A clock that jumps begins no new period: what was used stays used.
    """

    path: Path
    budget_bytes: int | None
    per: str
    used_bytes: int = 0
    _period: str = ""
    _written_bytes: int = 0
    _seen: tuple[int, float] | None = None
    _again_s: float = -math.inf

    def open(self, now_us: int) -> None:
        """Read what an earlier run left; without it, or if it is damaged, begin at 0."""
        self._period = period_of(now_us, self.per)
        try:
            saved = json.loads(self.path.read_bytes()[:1000])
            period, written = str(saved["period"]), max(int(saved["bytes"]), 0)
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return
        if self.per == saved.get("per") and period >= self._period:
            self._period, self.used_bytes, self._written_bytes = period, written, written

    def add(self, size_bytes: int, now_us: int, steady_s: float) -> bool:
        """Count `size_bytes`; whether the file has to be written soon."""
        self._turn(now_us, steady_s)
        self.used_bytes += size_bytes
        due = self.used_bytes + self._lease_bytes // 2 > self._written_bytes
        return due and not 0 <= self._again_s - steady_s <= _AGAIN_S

    def save(self) -> None:
        """Write off the next share, durably; blocks on the disk.

        A disk that is full or broken is no reason to stop: it counts on, and tries again later.
        """
        written = self.used_bytes + self._lease_bytes
        saved = {"per": self.per, "period": self._period, "bytes": written}
        try:
            write_durably(self.path, json.dumps(saved).encode() + b"\n")
        except OSError as error:
            _log.warning("%s cannot be written (%s); a kill would lose count", self.path, error)
            self._again_s = _AGAIN_S + (self._seen[1] if self._seen is not None else 0.0)
        else:
            self._written_bytes = written

    @property
    def _lease_bytes(self) -> int:
        return max(_LEAST_LEASE_BYTES, round((self.budget_bytes or 0) * _LEASE))

    def _turn(self, now_us: int, steady_s: float) -> None:
        period = period_of(now_us, self.per)
        seen, self._seen = self._seen, (now_us, steady_s)
        if period == self._period:
            return
        jump_s = None if seen is None else (now_us - seen[0]) / 1e6 - (steady_s - seen[1])
        if jump_s is None or abs(jump_s) >= _JUMP_S:
            self._period = period
        elif period > self._period:  # else the clock was set back a little: the later one goes on
            self._period = period
            self.used_bytes = self._written_bytes = 0
