"""QGroundControl's .plan: mission, geofence and rally points in one JSON file.

Source: QGroundControl developer guide, Plan File Format (version 1; mission, geoFence and
rallyPoints version 2).
"""

import json
import math
from collections.abc import Sequence
from typing import Any

from fieldlink.drone.commanding.items import Item

__all__ = ["Coordinate", "plan_text"]

Coordinate = tuple[float, float, float]
"""Latitude, longitude, degrees; altitude above the sea, m."""

_ARDUPILOT, _JUMP = 3, 177
_ALTITUDE_MODES = {3: 1, 0: 2, 10: 4}  # relative to home, above the sea, above the ground
_RETURN, _RALLY = 5000, 5100
_VERTICES = {5001: True, 5002: False}  # command -> whether to stay inside
_CIRCLES = {5003: True, 5004: False}
_CRUISE_M_S, _HOVER_M_S = 15, 5  # what QGroundControl assumes; no aircraft says it


def plan_text(
    *,
    mission: Sequence[Item] = (),
    fence: Sequence[Item] = (),
    rally: Sequence[Item] = (),
    autopilot: int = 0,
    kind: int = 0,
    home: Coordinate | None = None,
) -> str:
    """A whole file. `autopilot` and `kind` are MAV_AUTOPILOT and MAV_TYPE."""
    mission = list(mission)
    if autopilot == _ARDUPILOT and mission and not mission[0].seq:
        first = mission.pop(0)  # ArduPilot's first is where it took off from
        home = home or (first.x, first.y, first.z)
    plan = {
        "fileType": "Plan",
        "version": 1,
        "groundStation": "QGroundControl",
        "mission": {
            "version": 2,
            "firmwareType": autopilot,
            "vehicleType": kind,
            "cruiseSpeed": _CRUISE_M_S,
            "hoverSpeed": _HOVER_M_S,
            "globalPlanAltitudeMode": 1,
            "plannedHomePosition": list(home or _somewhere(mission, fence, rally)),
            "items": [_item(one, at, autopilot) for at, one in enumerate(mission, 1)],
        },
        "geoFence": _fence(fence),
        "rallyPoints": {
            "version": 2,
            "points": [[one.x, one.y, one.z] for one in rally if one.command == _RALLY],
        },
    }
    return json.dumps(plan, indent=4, allow_nan=False) + "\n"


def _somewhere(*plans: Sequence[Item]) -> Coordinate:
    """A place of the plan, where home is not known: the map opens there."""
    for plan in plans:
        for one in plan:
            if one.frame in _ALTITUDE_MODES and (one.x or one.y):
                return one.x, one.y, 0.0
    return 0.0, 0.0, 0.0


def _item(one: Item, at: int, autopilot: int) -> dict[str, Any]:
    """`at` counts from 1, as jumps do in a file."""
    numbers = [*one.params, one.x, one.y, one.z]
    if one.command == _JUMP and autopilot != _ARDUPILOT:
        numbers[0] += 1  # aircraft without a home in the mission count from 0
    found = {
        "type": "SimpleItem",
        "autoContinue": bool(one.autocontinue),
        "command": one.command,
        "doJumpId": at,
        "frame": one.frame,
        "params": [value if math.isfinite(value) else None for value in numbers],
    }
    if one.frame in _ALTITUDE_MODES and (one.x or one.y):
        found |= {
            "AltitudeMode": _ALTITUDE_MODES[one.frame],
            "Altitude": one.z,
            "AMSLAltAboveTerrain": None,
        }
    return found


def _fence(items: Sequence[Item]) -> dict[str, Any]:
    circles, polygons = [], []
    vertices: list[list[float]] = []
    found: dict[str, Any] = {"version": 2}
    for one in items:
        if one.command in _VERTICES:
            vertices.append([one.x, one.y])
            if len(vertices) >= one.params[0]:  # how many it has is said by each
                inside = _VERTICES[one.command]
                polygons.append({"version": 1, "inclusion": inside, "polygon": vertices})
                vertices = []
        elif one.command in _CIRCLES:
            circle = {"center": [one.x, one.y], "radius": one.params[0]}
            inside = _CIRCLES[one.command]
            circles.append({"version": 1, "inclusion": inside, "circle": circle})
        elif one.command == _RETURN:
            found["breachReturn"] = [one.x, one.y, one.z]
    return {**found, "circles": circles, "polygons": polygons}
