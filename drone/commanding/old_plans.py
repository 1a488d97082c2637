"""Fence and rally points of autopilots from before they were plans (ArduPilot before 4.0): each is
fetched by its number, and says how many there are. Source: ardupilotmega.xml, FENCE_FETCH_POINT and
RALLY_FETCH_POINT.
"""

from typing import Any

from pymavlink.dialects.v20 import all as dialect

from fieldlink.codecs.mavlink import Frame, id_of
from fieldlink.drone.commanding.commander import Commander, Heard, Key
from fieldlink.drone.commanding.items import Item, PlanKind
from fieldlink.drone.commanding.parameters import Progress
from fieldlink.drone.vehicle.reading import Fields, fields_of

__all__ = ["FENCE_RETURN", "FENCE_VERTEX_IN", "RALLY_POINT", "download_old"]

RALLY_POINT, FENCE_RETURN, FENCE_VERTEX_IN = 5100, 5000, 5001
_FENCE, _RALLY = id_of("FENCE_POINT"), id_of("RALLY_POINT")
_RELATIVE = 3
_TRIES, _FIRST_TRIES = 6, 2


async def download_old(
    commander: Commander, target: Key, kind: PlanKind, told: Progress
) -> list[Item] | None:
    """The points as items; None when the aircraft does not know the question either.

    Raises:
        CommandError: the link was lost.
    """
    wanted = _FENCE if kind is PlanKind.FENCE else _RALLY

    def is_wanted(frame: Frame) -> bool:
        return frame.msgid == wanted and commander.is_from(frame, target)

    points: list[Fields] = []
    with commander.hear(is_wanted) as heard:
        count = 1
        while len(points) < count:
            point = await _fetch(commander, target, kind, heard, len(points))
            if point is None:
                return None
            points.append(point)
            count = point["count"]
            told(len(points), count)
    return _fence(points) if kind is PlanKind.FENCE else _rally(points)


async def _fetch(
    commander: Commander, target: Key, kind: PlanKind, heard: Heard, index: int
) -> Fields | None:
    def ask(_: int) -> Any:
        if kind is PlanKind.FENCE:
            return dialect.MAVLink_fence_fetch_point_message(*target, index)
        return dialect.MAVLink_rally_fetch_point_message(*target, index)

    for attempt in range(_TRIES if index else _FIRST_TRIES):
        wait_s = commander.say(target, ask, attempt)
        while (frame := await heard.next(wait_s)) is not None:
            fields = fields_of(frame)
            if fields is not None and fields["idx"] == index:
                return fields
    return None


def _fence(points: list[Fields]) -> list[Item]:
    """The first is where to return to; the others are a polygon that ends where it began."""
    if len(points) < 2 or not points[0]["count"]:
        return []
    vertices = points[1:]
    ends = [(point["lat"], point["lng"]) for point in (vertices[0], vertices[-1])]
    if len(vertices) > 3 and ends[0] == ends[1]:
        vertices = vertices[:-1]
    placed = [(FENCE_RETURN, 0.0, points[0])]
    placed += [(FENCE_VERTEX_IN, float(len(vertices)), point) for point in vertices]
    return [
        _item(seq, command, number, point["lat"], point["lng"], 0.0)
        for seq, (command, number, point) in enumerate(placed)
    ]


def _rally(points: list[Fields]) -> list[Item]:
    if not points or not points[0]["count"]:
        return []
    return [
        _item(seq, RALLY_POINT, 0.0, point["lat"] / 1e7, point["lng"] / 1e7, float(point["alt"]))
        for seq, point in enumerate(points)
    ]


def _item(seq: int, command: int, number: float, x: float, y: float, z: float) -> Item:
    return Item(seq, _RELATIVE, command, 0, 1, (number, 0.0, 0.0, 0.0), x, y, z)
