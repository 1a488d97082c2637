"""What the kit's clock is measured against, and how well, in both languages."""

from collections.abc import Mapping
from typing import Any

__all__ = ["amount_text", "clock_words"]

_AGAINST = {
    "gnss": "by GNSS 卫星授时",
    "centre": "by the centre 指挥中心授时",
    "system": "kept by the system (chrony or NTP) 系统授时",
}
_NAMES = {"gnss": "GNSS 卫星", "centre": "the centre 指挥中心", "system": "the system 系统"}
_UNITS = ((31_557_600.0, "years 年"), (86_400.0, "days 天"), (3_600.0, "h 小时"), (1.0, "s 秒"))


def amount_text(microseconds: int) -> str:
    """A span as people say it: 200 ms, 3.0 s, 56 years."""
    seconds = abs(microseconds) / 1e6
    for size, unit in _UNITS:
        if seconds >= size * (1 if size == 1 else 2):
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds * 1000:.0f} ms 毫秒"


def clock_words(report: Mapping[str, Any]) -> str:
    """One line about `report` of the kit's clock."""
    error_us, against = report["error_us"], report["against"]
    if error_us is None or against is None:
        return (
            "measured against nothing, error unknown: connect GNSS or install chrony"
            " 时钟未校准，误差未知：请接入卫星定位或安装 chrony"
        )
    parts = [f"{_AGAINST[against]}, within 误差 {amount_text(error_us)}"]
    if off_us := report["correction_us"]:
        way = "behind 慢" if off_us > 0 else "ahead 快"
        parts.append(f"the system's is 系统时钟 {amount_text(off_us)} {way}, corrected 已修正")
    if names := [_NAMES[name] for name in report["contradicts"] if name in _NAMES]:
        parts.append(f"disagrees 时间不一致: {', '.join(names)}")
    return "; ".join(parts)
