"""A device's clock against the kit's: which of its times are believed, and corrected by how much.

A message cannot arrive before it was taken, so the least difference of arrival and device time is
the best estimate of how far the device's clock is behind; delay only ever adds to it. A clock
counts as known once several readings agree; then a reading that is late by it was stored and sent
late, and one that is early by it has a wrong time.
"""

from collections import deque

from fieldlink.codecs.telemetry import Flag

__all__ = ["EARLIEST_US", "DeviceClock"]

EARLIEST_US = 1_735_689_600_000_000
"""2025-01-01: no device of ours measured anything before."""

TOLERANCE_US = 2_000_000
"""Clocks that differ by less agree, and delays that differ by less do."""

LATE_US = 5_000_000
"""Later than this was not sent at once."""

_AHEAD_US = 86_400_000_000
_WINDOW_US = 10_000_000
_WINDOWS = 6
_FIRST_US, _CHANGED_US = 2_000_000, 20_000_000
_AGREEING = 3
_STANDS_US, _STANDS = 10_000_000, 5  # a time that was said so often, over so long
_CLOCK, _BACKFILL = int(Flag.CLOCK), int(Flag.BACKFILL)  # as integers: ten times as fast


class DeviceClock:
    """Learns one device's clock. All times are UTC microseconds."""

    __slots__ = (
        "_agreeing",
        "_began_us",
        "_behind_us",
        "_least",
        "_number",
        "_said",
        "_said_since_us",
        "_said_us",
        "_trial_us",
    )  # fmt: skip

    def __init__(self) -> None:
        self._behind_us: int | None = None
        self._least: deque[tuple[int, int]] = deque(maxlen=_WINDOWS)
        self._trial_us, self._began_us, self._agreeing = 0, 0, 0
        self._said_us, self._said_since_us, self._said = -1, 0, 0
        self._number: int | None = None

    @property
    def offset_us(self) -> int | None:
        """The device's clock minus the kit's; None: unknown."""
        return None if self._behind_us is None else -self._behind_us

    def forget(self) -> None:
        """The kit's own clock was set."""
        self._behind_us, self._agreeing = None, 0
        self._least.clear()

    def observe(self, device_us: int, arrival_us: int, number: int | None = None) -> None:
        """Learn from what a device says that it measured at `device_us`, and just now; `number`
        is its own for that.
        """
        if not _possible(device_us, arrival_us):
            return
        if device_us != self._said_us:
            self._said_us, self._said_since_us, self._said = device_us, arrival_us, 0
        if number is None or number != self._number:  # else a message that comes again
            self._said, self._number = self._said + 1, number
        gap_us, behind_us = arrival_us - device_us, self._behind_us
        if behind_us is None:
            agrees = -TOLERANCE_US <= gap_us <= LATE_US
        else:
            agrees = abs(gap_us - behind_us) <= TOLERANCE_US
        (self._learn if agrees else self._try)(gap_us, arrival_us)

    def _learn(self, gap_us: int, arrival_us: int) -> None:
        self._agreeing = 0
        window = arrival_us // _WINDOW_US
        if self._least and self._least[-1][0] == window:
            if gap_us >= self._least[-1][1]:
                return
            self._least[-1] = window, gap_us
        else:
            self._least.append((window, gap_us))
        self._behind_us = min(least for _, least in self._least)

    def _try(self, gap_us: int, arrival_us: int) -> None:
        """Readings that agree with each other and not with what is known: the clock was set."""
        if not self._agreeing or abs(gap_us - self._trial_us) > TOLERANCE_US:
            self._trial_us, self._began_us, self._agreeing = gap_us, arrival_us, 1
            return
        self._trial_us = min(self._trial_us, gap_us)
        self._agreeing += 1
        # What is late by what is known is more likely stored than of a clock that was set back.
        late = self._behind_us is not None and gap_us > self._behind_us
        needed_us = _CHANGED_US if late else _FIRST_US
        if self._agreeing >= _AGREEING and arrival_us - self._began_us >= needed_us:
            self._least.clear()
            self._learn(self._trial_us, arrival_us)

    def _stands(self, device_us: int, arrival_us: int) -> bool:
        """Whether the device's clock has stopped."""
        passed_us = arrival_us - self._said_since_us
        return device_us == self._said_us and self._said >= _STANDS and passed_us >= _STANDS_US

    def judge(
        self, device_us: int | None, arrival_us: int, flags: int
    ) -> tuple[int, int, int | None]:
        """The time of a reading, its flags with CLOCK or BACKFILL, and how far that time may be
        off by the device's fault; None: unknown.
        """
        if device_us is None:  # the kit's own clock may be that of a machine without a battery
            return arrival_us, flags if arrival_us >= EARLIEST_US else flags | _CLOCK, 0
        if not _possible(device_us, arrival_us):
            return arrival_us, flags | _CLOCK, None
        gap_us, behind_us = arrival_us - device_us, self._behind_us
        if behind_us is None:
            if flags & _BACKFILL and gap_us >= 0:
                return device_us, flags, None
            return arrival_us, flags | _CLOCK, None
        if gap_us < behind_us - TOLERANCE_US or (
            not flags & _BACKFILL and self._stands(device_us, arrival_us)
        ):
            return arrival_us, flags | _CLOCK, None
        if gap_us - behind_us > LATE_US:
            flags |= _BACKFILL
        if 0 <= behind_us <= TOLERANCE_US:  # as good as right, and the delay is in it
            return device_us, flags, behind_us
        spread_us = max(least for _, least in self._least) - behind_us
        return min(device_us + behind_us, arrival_us), flags, spread_us


def _possible(device_us: int, arrival_us: int) -> bool:
    return EARLIEST_US <= device_us <= arrival_us + _AHEAD_US
