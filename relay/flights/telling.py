"""Flights as commands print them, beside a running centre: from the catalogue alone."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from fieldlink.codecs.fault import ArchiveError, ConfigError
from fieldlink.relay.catalogue import Catalogue, StoredFlight

__all__ = ["chosen_flight", "detail_lines", "flight_lines"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,47}")
_ENDED = {
    None: "goes on 进行中",
    "disarmed": "disarmed 已上锁",
    "armed": "armed 转飞行",
    "lost": "lost 失联",
    "stopped": "stopped 中止",
    "imported": "imported 导入",
}
_MOST_LINES = 40


def chosen_flight(
    catalogue: Catalogue, which: str, kit: str | None, device: str | None
) -> StoredFlight:
    """The flight whose name is, or begins with, `which`; "last" is the last one.

    Raises:
        ConfigError: that is no name.
        ArchiveError: there is none such, or more than one.
    """
    if which == "last":
        found = catalogue.flights(kit=kit, device=device, armed=True, limit=1)
    elif _NAME.fullmatch(which):
        found = catalogue.find_flights(which, kit=kit, device=device)
        found = [each for each in found if each.flight == which] or found
    else:
        raise ConfigError(f"{which[:60]!r} is no flight's name; see `fieldlink relay flights list`")
    if len(found) == 1:
        return found[0]
    if found:
        few = ", ".join("/".join(each.key) for each in found[:4])
        raise ArchiveError(
            f"there are several such flights ({few}); say more of the name, or --kit and --device"
        )
    raise ArchiveError(f"there is no flight {which}; see `fieldlink relay flights list --idle`")


def flight_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Flights as a table."""
    if not rows:
        yield "no flight has come yet 还没有飞行记录"
        return
    yield (
        "flight 飞行              kit 设备箱      aircraft 飞机        length 时长   height 高度"
        "   way 航程  pieces 分段"
    )
    for row in rows:
        length = _length(row["end_us"] - row["start_us"])
        high = "-" if row["max_height"] is None else f"{row['max_height']:.0f} m"
        way = "-" if row["distance_m"] is None else f"{row['distance_m'] / 1000:.1f} km"
        known = "?" if row["pieces_known"] is None else row["pieces_known"]
        names = f"{row['flight']:<24} {row['kit']:<15} {row['device']:<20}"
        figures = f"{length:>11} {high:>13} {way:>10}  {row['pieces_here']}/{known}"
        yield f"{names} {figures}  {_state(row)}"


def detail_lines(row: Mapping[str, Any]) -> Iterator[str]:
    """All of a flight."""
    yield f"{row['flight']}  {row['kit']}/{row['device']}  {_state(row)}"
    yield f"from 开始  {_time(row['start_us'])}  to 结束  {_time(row['end_us'])} UTC"
    high = "unknown 未知" if row["max_height"] is None else f"{row['max_height']:.1f} m"
    way = "unknown 未知" if row["distance_m"] is None else f"{row['distance_m']:.0f} m"
    yield f"height above home 最大高度  {high}   way 航程  {way}"
    known = "?" if row["pieces_known"] is None else row["pieces_known"]
    yield (
        f"recording 记录  {row['frames']:,} frames 帧  {row['bytes']:,} bytes"
        f"  pieces here 已到分段 {row['pieces_here']}/{known}"
    )
    absent = [piece[0] for piece in row["pieces"] if not piece[5]]
    if absent:
        yield f"not here yet 尚未到达  {', '.join(map(str, absent[:_MOST_LINES]))}"
    if row["conflicts"]:
        yield (
            f"sent again with other content, the first counts 内容不一致, 以先到为准"
            f"  {row['conflicts']}"
        )
    for video in row["video"]:
        span = f"{_time(video['from_us'])} to {_time(video['to_us'])}"
        yield f"video 视频  {video['device']}/{video['stream']}  {span}"
    for start_us, end_us, why in row["gaps"][:_MOST_LINES]:
        yield f"gap 缺失  {_time(start_us)}  {_length(end_us - start_us)}  {why}"
    if len(row["gaps"]) > _MOST_LINES:
        yield f"and {len(row['gaps']) - _MOST_LINES} more gaps 更多缺失; --json has all of them"
    counts = sorted(row["messages"].items(), key=lambda each: -each[1])
    for name, count in counts[:_MOST_LINES]:
        yield f"{count:>10,}  {name}"


def _state(row: Mapping[str, Any]) -> str:
    said = _ENDED.get(row["ended"], row["ended"])
    idle = "" if row["armed"] else "idle 地面  "
    drill = "  exercise 演练" if row["exercise"] else ""
    return f"{idle}{said}{drill}"


def _length(span_us: int) -> str:
    seconds = max(0, span_us) // 1_000_000
    if seconds >= 86_400:
        return f"{seconds // 86_400} d {seconds % 86_400 // 3600} h"
    return f"{seconds // 3600}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"


def _time(at_us: int) -> str:
    try:
        return f"{datetime.fromtimestamp(at_us / 1e6, UTC):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return f"{at_us} us"
