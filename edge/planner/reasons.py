"""Why a forecast says what it says: a word that stays the same, a colon, a sentence for people."""

__all__ = [
    "cautious", "clock", "late", "no_link", "nothing", "on_time", "over", "rate", "stood_in",
    "unmeasured",
]  # fmt: skip

_STEADY = 0.95
_UNITS = ((86_400.0, "days"), (3_600.0, "h"), (60.0, "min"), (1.0, "s"))


def on_time(done_s: float, left_s: float) -> str:
    """It is complete before the window ends."""
    if done_s < 1:
        return "on-time: it goes as it comes"
    return f"on-time: complete in {_span(done_s)}, {_span(left_s - done_s)} before the end"


def nothing() -> str:
    """There is nothing to send."""
    return "on-time: nothing waits"


def stood_in(left_bytes: int) -> str:
    """All that waits is there in a thinner copy, or will be before."""
    return f"on-time: thinner copies stand in for the {_size(left_bytes)} that wait"


def over(ago_s: float, left_bytes: int) -> str:
    """The window is over, and something is left."""
    return f"late: the window ended {_span(ago_s)} ago and {_size(left_bytes)} wait"


def late(ago_s: float) -> str:
    """Some of it is past its own deadline."""
    return f"late: the oldest was due {_span(ago_s)} ago"


def clock(left_s: float) -> str:
    """The window is too far away to be true."""
    when = f"in {_span(left_s)}" if left_s > 0 else f"{_span(-left_s)} ago"
    return f"clock: by the kit's clock this is due {when}; check the clock"


def unmeasured() -> str:
    """Nobody knows what the links carry."""
    return "unmeasured: what the links carry is not known yet"


def no_link(since_s: float) -> str:
    """There is no link."""
    return f"no-link: none since {_span(since_s)}"


def rate(needed_bps: float, carried_bps: float, available: float) -> str:
    """The links do not carry enough."""
    needed, carried = _kbit(needed_bps), _kbit(carried_bps)
    if available < _STEADY:
        away = f"the links were away {1 - available:.0%} of the time"
        return f"outages: {needed} kbit/s are needed; {away} and carry {carried}"
    return f"rate: {needed} kbit/s are needed and the links carry {carried}"


def cautious(needed_bps: float, low_bps: float, observed: float) -> str:
    """The links carry enough, if they go on as they are."""
    needed, low = _kbit(needed_bps), _kbit(low_bps)
    if observed < _STEADY:
        away = f"away {1 - observed:.0%} of the last half hour"
        return f"outages: {needed} kbit/s are needed; {away}, the links carry {low}"
    return f"rate: {needed} kbit/s are needed; at bad times the links carry {low}"


def _kbit(rate_bps: float) -> str:
    return f"{rate_bps / 1e3:.0f}" if rate_bps >= 9_950 else f"{rate_bps / 1e3:.1f}"


def _span(seconds: float) -> str:
    for length, unit in _UNITS:
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0.0):.0f} s"


def _size(size_bytes: float) -> str:
    for length, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size_bytes >= length:
            return f"{size_bytes / length:.1f} {unit}"
    return f"{size_bytes:.0f} B"
