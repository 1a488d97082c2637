"""Words and figures for terminals: sizes, rates, ages, and lines that fit Chinese as well."""

import time

from fieldlink.codecs.settings import format_duration

__all__ = ["ago", "layer_text", "rate_text", "size_text"]

_LAYERS = {"report": "报告", "still": "静图", "proxy": "预览", "original": "原始"}


def layer_text(layer: str) -> str:
    """A layer's name in both languages."""
    return f"{layer} {_LAYERS.get(layer, '')}".rstrip()


def ago(at_us: int, ahead_us: int = 0) -> str:
    """How long ago `at_us` was, roughly, by a clock that is `ahead_us` ahead of the system's."""
    seconds = max(0, round(time.time() + (ahead_us - at_us) / 1e6))
    if seconds >= 120:
        seconds -= seconds % 60
    return f"{format_duration(seconds)} ago" if seconds else "now"


def size_text(count: int) -> str:
    """Bytes as people write them."""
    for unit, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count} B"


def rate_text(rate_bps: float) -> str:
    """A rate as people write it."""
    if rate_bps >= 1e6:
        return f"{rate_bps / 1e6:.1f} Mbit/s"
    return f"{rate_bps / 1e3:.0f} kbit/s"
