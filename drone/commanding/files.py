"""Parameters and plans as files that ground stations read.

.param and .parm  "NAME,VALUE" a line: Mission Planner, MAVProxy, QGroundControl from 5.0
.params           five columns with tabs: QGroundControl
.waypoints        "QGC WPL 110": all of them, MAVProxy for fence and rally points too
.plan             QGroundControl's own: see `plan_file`
.json             everything as it came
"""

import json
import math
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from fieldlink.drone.commanding.items import Item
from fieldlink.drone.commanding.values import REAL32, Parameter

__all__ = ["PARAMETER_FORMATS", "matching", "number_text", "parameter_lines", "waypoint_lines"]

PARAMETER_FORMATS = ("param", "parm", "params", "json")
_REAL64 = 10


def matching(parameters: Sequence[Parameter], patterns: Sequence[str]) -> list[Parameter]:
    """Those whose names fit one of the patterns (`*` is anything), by name; all without any."""
    wanted = [pattern.upper() for pattern in patterns]
    found = [
        one
        for one in parameters
        if not wanted or any(fnmatchcase(one.name.upper(), pattern) for pattern in wanted)
    ]
    return sorted(found, key=lambda one: one.name)


def number_text(value: float) -> str:
    """A value as every ground station reads it: without exponent where that is no loss."""
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else f"{'-' if value < 0 else ''}inf"
    if isinstance(value, int):
        return str(value)
    text = repr(value)
    if re.fullmatch(r"-?[0-9]+\.0", text):
        return text[:-2] or "0"
    return text


def parameter_lines(
    parameters: Sequence[Parameter], kind: str, *, system: int, component: int, head: str
) -> Iterator[str]:
    """The lines of a file of `kind`, of PARAMETER_FORMATS; `head` is a comment. By name."""
    ordered = sorted(parameters, key=lambda one: one.name)
    if kind == "json":
        found = {"system": system, "component": component, "comment": head}
        values = [
            {"name": one.name, "value": _finite(one.value), "type": one.type, "number": one.number}
            for one in ordered
        ]
        yield json.dumps({**found, "parameters": values}, ensure_ascii=False, indent=1) + "\n"
        return
    yield f"# {head}\n"
    if kind == "params":
        yield "#\n# Vehicle-Id Component-Id Name Value Type\n"
        for one in ordered:
            value = _real_text(one) if one.type in (REAL32, _REAL64) else number_text(one.value)
            yield f"{system}\t{component}\t{one.name}\t{value}\t{one.type}\n"
        return
    for one in ordered:
        yield f"{one.name},{number_text(one.value)}\n"


def _real_text(one: Parameter) -> str:
    # QGroundControl writes 18 digits after the point.
    return f"{one.value:.18f}" if math.isfinite(one.value) else number_text(one.value)


def waypoint_lines(items: Sequence[Item]) -> Iterator[str]:
    """The lines of a .waypoints file (MAVLink guide, File Formats: Mission Plain-Text)."""
    yield "QGC WPL 110\n"
    for item in items:
        numbers = [f"{value:.8f}" for value in (*item.params, item.x, item.y)]
        columns: list[Any] = [item.seq, item.current, item.frame, item.command, *numbers]
        columns += [f"{item.z:.6f}", item.autocontinue]
        yield "\t".join(map(str, columns)) + "\n"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
