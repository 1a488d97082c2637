"""The verb `fly`: hold, return, land. Off unless the settings allow it; that holds here, whoever
speaks to the control socket.

    "what": "fly", "vehicle": "m300-1", "move": "return", "yes": "m300-1"
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from fieldlink.codecs.fault import FieldlinkError
from fieldlink.drone.commanding import CommandError
from fieldlink.drone.commanding.flying import Move, fly
from fieldlink.edge.drone.doing import Deck, Doer
from fieldlink.edge.drone.permit import note, permit

__all__ = ["flying"]

_UNKNOWN = ("no-answer", "ended")
_MAYBE = (
    "it may have been done: look at its mode with fieldlink drone watch"
    " 指令可能已执行，请用 drone watch 确认模式"
)


def flying(deck: Deck) -> Mapping[str, Doer]:
    """The verb."""

    async def ordered(asked: Mapping[str, Any]) -> dict[str, Any]:
        move = _move(asked.get("move"))
        if not asked.get("vehicle"):
            raise CommandError("refused", "say which aircraft, by its name 请指定飞机")
        name, target = deck.find(asked)
        permit(deck, asked, name, f"fly {move}")
        vehicle = deck.fleet.vehicles.get(target)
        autopilot, kind = (0, 0)
        if vehicle is not None:
            autopilot, kind = vehicle.state.autopilot, vehicle.state.kind
        answer = "ended before it was answered"
        try:
            way, _ = await fly(deck.commander, target, move, autopilot, kind)
            answer = f"accepted ({way.name})"
            return {"vehicle": name, "move": move.value, "by": way.name}
        except CommandError as error:
            answer = str(error)
            if error.reason in _UNKNOWN:
                raise CommandError(error.reason, f"{error.detail}; {_MAYBE}") from error
            raise
        except FieldlinkError as error:
            answer = str(error)
            raise
        except asyncio.CancelledError:
            answer = "whoever asked went away; it may have been done"
            raise
        finally:
            note(deck, asked, target, f"fly {move}", answer)

    return {"fly": ordered}


def _move(asked: Any) -> Move:
    try:
        return Move(asked)
    except ValueError as error:
        raise CommandError("refused", f"move: use one of {', '.join(Move)}") from error
