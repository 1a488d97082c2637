"""Verbs: an aircraft's parameters and plans, as plain values.

    param.download                              -> "parameters": [[name, value, type, number], ...]
    plan.download, "kinds": ["mission", ...]    -> "plans": {"mission": [item, ...] or null, ...}
                   "home": true                 -> "home": [lat, lon, alt] or null

A kind that the aircraft does not have is null when others were asked for as well.
"""

from collections.abc import Mapping
from typing import Any

from fieldlink.codecs.mavlink import id_of
from fieldlink.drone.commanding import CommandError
from fieldlink.drone.commanding.items import Item, PlanKind
from fieldlink.drone.commanding.parameters import download_parameters
from fieldlink.drone.commanding.plans import download_plan
from fieldlink.drone.vehicle.reading import fields_of
from fieldlink.edge.drone.doing import Deck, Doer, Key, progress

__all__ = ["downloads"]

_HOME = id_of("HOME_POSITION")


def downloads(deck: Deck) -> Mapping[str, Doer]:
    """The verbs."""

    async def parameters(asked: Mapping[str, Any]) -> dict[str, Any]:
        name, target = deck.find(asked)

        def told(done: int, of: int) -> None:
            progress(vehicle=name, kind="param", done=done, of=of)

        about = _about(deck, name, target)
        found = await download_parameters(deck.commander, target, told, about["autopilot"])
        return {**about, "parameters": [list(one) for one in found]}

    async def plans(asked: Mapping[str, Any]) -> dict[str, Any]:
        name, target = deck.find(asked)
        kinds = _kinds(asked.get("kinds"))
        found: dict[str, list[dict[str, Any]] | None] = {}
        for kind in kinds:
            items = await _plan(deck, name, target, kind, alone=len(kinds) == 1)
            found[kind.name.lower()] = None if items is None else [one.to_dict() for one in items]
        home = await _home(deck, target) if asked.get("home") else None
        return {**_about(deck, name, target), "plans": found, "home": home}

    return {"param.download": parameters, "plan.download": plans}


async def _plan(
    deck: Deck, name: str, target: Key, kind: PlanKind, *, alone: bool
) -> list[Item] | None:
    def told(done: int, of: int) -> None:
        progress(vehicle=name, kind=kind.name.lower(), done=done, of=of)

    try:
        return await download_plan(deck.commander, target, kind, told)
    except CommandError as error:
        if alone or kind is PlanKind.MISSION or error.reason != "unsupported":
            raise
        return None


def _kinds(asked: Any) -> list[PlanKind]:
    names = {kind.name.lower(): kind for kind in PlanKind}
    wanted = asked if isinstance(asked, list) else []
    found = [kind for name, kind in names.items() if name in wanted]
    if not found or len(found) != len(wanted):
        raise CommandError("refused", f"kinds: use some of {', '.join(names)}")
    return found


async def _home(deck: Deck, target: Key) -> list[float] | None:
    """Latitude, longitude, degrees; altitude, m; None where it is not known."""
    try:
        frame = await deck.commander.request_message(target, _HOME, tries=2)
    except CommandError:
        return None
    fields = fields_of(frame)
    if fields is None or not (fields["latitude"] or fields["longitude"]):
        return None
    return [fields["latitude"] / 1e7, fields["longitude"] / 1e7, fields["altitude"] / 1e3]


def _about(deck: Deck, name: str, target: Key) -> dict[str, Any]:
    vehicle = deck.fleet.vehicles.get(target)
    return {
        "vehicle": name,
        "system": target[0],
        "component": target[1],
        "autopilot": vehicle.state.autopilot if vehicle is not None else 0,
        "type": vehicle.state.kind if vehicle is not None else 0,
    }
