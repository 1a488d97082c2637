"""A download made into a file, or lines for a person."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pymavlink.dialects.v20 import all as dialect

from fieldlink.drone.commanding.files import number_text, waypoint_lines
from fieldlink.drone.commanding.items import Item
from fieldlink.drone.commanding.plan_file import plan_text

__all__ = ["plan_pieces", "shown_items"]

_FRAMES = {0: "m AMSL 海拔", 3: "m above home 相对", 10: "m above ground 离地"}


def plan_pieces(found: Mapping[str, Any], kind: str, form: str) -> Iterable[str]:
    """A file of `form` of what `plan.download` gave."""
    if form == "json":
        return [json.dumps(found, ensure_ascii=False, indent=1) + "\n"]
    plans = {name: _items(items) for name, items in found["plans"].items()}
    if form == "waypoints":
        return waypoint_lines(plans[kind])
    home = found["home"]
    made = plan_text(
        **plans,
        autopilot=found["autopilot"],
        kind=found["type"],
        home=None if home is None else (home[0], home[1], home[2]),
    )
    return [made]


def shown_items(items: Sequence[Mapping[str, Any]] | None) -> Iterator[str]:
    """A line for each item."""
    found = _items(items)
    if not found:
        yield "there are none 没有内容"
    for one in found:
        entry = dialect.enums["MAV_CMD"].get(one.command)
        named = str(entry.name).removeprefix("MAV_CMD_") if entry is not None else one.command
        mark = "*" if one.current else " "
        place = ""
        if one.frame in _FRAMES and (one.x or one.y):
            place = f"  {one.x:.7f} {one.y:.7f}  {one.z:.1f} {_FRAMES[one.frame]}"
        numbers = " ".join(number_text(value) for value in one.params)
        yield f"{one.seq:>4}{mark} {named}{place}  ({numbers})"


def _items(items: Sequence[Mapping[str, Any]] | None) -> list[Item]:
    return [Item.from_dict(dict(one)) for one in items or ()]
