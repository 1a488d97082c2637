"""The items of a mission, of a geofence, of rally points: one form for all three (MAV_CMD)."""

import enum
import math
from dataclasses import dataclass
from typing import Any

from fieldlink.drone.vehicle.reading import Fields

__all__ = ["Item", "PlanKind", "item_of"]


class PlanKind(enum.IntEnum):
    """MAV_MISSION_TYPE."""

    MISSION = 0
    FENCE = 1
    RALLY = 2


_GLOBAL = frozenset((0, 3, 5, 6, 10, 11))
_LOCAL = frozenset((1, 4, 7, 8, 9, 12, 20, 21))
# Old and new frames that mean the same: in files the old ones are understood everywhere.
_PLAIN = {5: 0, 6: 3, 11: 10}


@dataclass(frozen=True, slots=True)
class Item:
    """`x` and `y` are degrees of latitude and longitude for global frames (MAV_FRAME 0, 3, 10),
    metres for local ones; `z` metres above the sea (0), home (3) or the ground (10). A parameter
    that is not used is NaN on PX4.
    """

    seq: int
    frame: int
    command: int
    current: int
    autocontinue: int
    params: tuple[float, float, float, float]
    x: float
    y: float
    z: float

    def to_dict(self) -> dict[str, Any]:
        """For programs; what is no number is None."""
        numbers = (*self.params, self.x, self.y, self.z)
        return {
            "seq": self.seq,
            "frame": self.frame,
            "command": self.command,
            "current": self.current,
            "autocontinue": self.autocontinue,
            "params": [value if math.isfinite(value) else None for value in numbers],
        }

    @classmethod
    def from_dict(cls, said: dict[str, Any]) -> "Item":
        """What `to_dict` made."""
        numbers = [math.nan if value is None else float(value) for value in said["params"]]
        first, second, third, fourth, x, y, z = numbers
        return cls(
            seq=said["seq"],
            frame=said["frame"],
            command=said["command"],
            current=said["current"],
            autocontinue=said["autocontinue"],
            params=(first, second, third, fourth),
            x=x,
            y=y,
            z=z,
        )


def item_of(fields: Fields, whole: bool) -> Item:
    """A MISSION_ITEM_INT (`whole`: x and y are integers, MAVLink guide, MISSION_ITEM_INT), or the
    older MISSION_ITEM.
    """
    frame: int = fields["frame"]
    x, y = fields["x"], fields["y"]
    if whole and frame in _GLOBAL:
        x, y = x / 1e7, y / 1e7
    elif whole and frame in _LOCAL:
        x, y = x / 1e4, y / 1e4
    return Item(
        seq=fields["seq"],
        frame=_PLAIN.get(frame, frame),
        command=fields["command"],
        current=fields["current"],
        autocontinue=fields["autocontinue"],
        params=(fields["param1"], fields["param2"], fields["param3"], fields["param4"]),
        x=float(x),
        y=float(y),
        z=fields["z"],
    )
