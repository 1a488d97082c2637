"""The three things that anybody may have to tell an aircraft: stay, come back, land.

Each is tried as the autopilot knows it, the next way when it does not know the first. Sources:
MAVLink common.xml (MAV_CMD_NAV_RETURN_TO_LAUNCH, NAV_LAND, DO_PAUSE_CONTINUE, DO_SET_MODE); modes
of ArduPilot (COPTER_MODE, PLANE_MODE, ROVER_MODE) and PX4 (px4_custom_mode.h). A copter of
ArduPilot is held by BRAKE: LOITER follows the sticks, and without any it sinks.
"""

import enum
import math
from typing import NamedTuple

from fieldlink.drone.commanding.commander import Answer, Commander, Key
from fieldlink.drone.commanding.errors import CommandError
from fieldlink.drone.vehicle.names import ARDUPILOT, PX4, family_of

__all__ = ["Move", "fly", "ways"]


class Move(enum.StrEnum):
    """What it is to do."""

    HOLD = "hold"
    RETURN = "return"
    LAND = "land"


class Way(NamedTuple):
    """One way to say it; `name` for people."""

    name: str
    command: int
    params: tuple[float, ...]


_RETURN, _LAND, _SET_MODE, _PAUSE = 20, 21, 176, 193
_CUSTOM = 1.0  # MAV_MODE_FLAG_CUSTOM_MODE_ENABLED
_MODES = {
    "COPTER_MODE": {Move.HOLD: ("BRAKE", 17), Move.RETURN: ("RTL", 6), Move.LAND: ("LAND", 9)},
    "PLANE_MODE": {Move.HOLD: ("LOITER", 12), Move.RETURN: ("RTL", 11)},
    "ROVER_MODE": {Move.HOLD: ("HOLD", 4), Move.RETURN: ("RTL", 11)},
}
_VTOLS, _QLAND = {19, 20, 21, 22, 23, 24, 25}, ("QLAND", 20)
_PX4_AUTO = 4.0
_PX4_MODES = {
    Move.HOLD: ("AUTO.LOITER", 3), Move.RETURN: ("AUTO.RTL", 5), Move.LAND: ("AUTO.LAND", 6),
}  # fmt: skip


def ways(move: Move, autopilot: int, kind: int) -> list[Way]:
    """How an aircraft is told, the best first: `autopilot` is its MAV_AUTOPILOT, `kind` its
    MAV_TYPE.
    """
    mode = _mode(move, autopilot, kind)
    if move is Move.HOLD:
        plain = [Way("DO_PAUSE_CONTINUE", _PAUSE, (0.0,))]
        return [*mode, *plain]
    if move is Move.RETURN:
        return [Way("NAV_RETURN_TO_LAUNCH", _RETURN, ()), *mode]
    here = (0.0, 0.0, 0.0, math.nan, math.nan, math.nan, 0.0)  # where it is, as it points
    return [Way("NAV_LAND", _LAND, () if autopilot == ARDUPILOT else here), *mode]


def _mode(move: Move, autopilot: int, kind: int) -> list[Way]:
    if autopilot == PX4:
        name, sub = _PX4_MODES[move]
        return [Way(f"mode {name}", _SET_MODE, (_CUSTOM, _PX4_AUTO, float(sub)))]
    if autopilot != ARDUPILOT:
        return []
    found = _MODES.get(family_of(kind), {}).get(move)
    if move is Move.LAND and kind in _VTOLS:
        found = _QLAND
    return [] if found is None else [Way(f"mode {found[0]}", _SET_MODE, (_CUSTOM, found[1]))]


async def fly(
    commander: Commander, target: Key, move: Move, autopilot: int, kind: int
) -> tuple[Way, Answer]:
    """Tell it; the way that it took, and what it answered.

    Raises:
        CommandError: it did not take any; the first that is no "unsupported" ends the trying.
    """
    unsupported: CommandError | None = None
    for way in ways(move, autopilot, kind):
        try:
            return way, await commander.command(target, way.command, way.params)
        except CommandError as error:
            if error.reason != "unsupported":
                raise
            unsupported = error
    detail = f"this kind of aircraft cannot be told to {move} 该机型不支持"
    raise unsupported or CommandError("unsupported", detail)
