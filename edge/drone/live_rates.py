"""Verbs: what each link is given, changed while the router runs.

    rates.show                                   -> "endpoints": [{"name", "settings", "now"}, ...]
    rates.set, "endpoint": "sat", "rates": {"ATTITUDE": 2.0}, "profile": "lte",
               "budget": "9600bit/s"
    rates.reset, "endpoint": "sat"               (none: all of them)

Nothing of it is written anywhere: a restart, a reload of the settings and `reset` end it. What is
set is judged by the same rules as the settings.
"""

import logging
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from fieldlink.codecs.fault import ConfigError
from fieldlink.drone.router import EndpointSettings, Router
from fieldlink.edge.control import caller
from fieldlink.edge.drone.doing import Deck, Doer

__all__ = ["UNTIL", "changed", "live_rates", "reset_rates"]

UNTIL = (
    "until the agent is restarted, its settings are reloaded, or fieldlink drone rates reset;"
    " to keep it, set it under [[drone.endpoint]] 临时生效，重启、重新加载或 reset 后恢复"
)
_log = logging.getLogger(__name__)


def live_rates(deck: Deck) -> Mapping[str, Doer]:
    """The verbs."""
    router = deck.router

    async def show(_: Mapping[str, Any]) -> dict[str, Any]:
        return {"endpoints": _endpoints(router)}

    async def set_(asked: Mapping[str, Any]) -> dict[str, Any]:
        _with_agent(deck)
        name = _name(router, asked.get("endpoint"))
        before = _now(router)[name]
        router.change(name, changed(before, asked))
        _log.warning("rates of %s were changed by uid %s", name, _uid())
        return {"endpoints": _endpoints(router)}

    async def reset(asked: Mapping[str, Any]) -> dict[str, Any]:
        _with_agent(deck)
        wanted = asked.get("endpoint")
        names = None if wanted is None else {_name(router, wanted)}
        return {"reset": reset_rates(router, names), "endpoints": _endpoints(router)}

    return {"rates.show": show, "rates.set": set_, "rates.reset": reset}


def changed(before: EndpointSettings, asked: Mapping[str, Any]) -> EndpointSettings:
    """`before` with the rates, profile and budget that are asked for. Another profile begins with
    its own rates; a budget of "none" is no bound.

    Raises:
        ConfigError: they are none that settings could have.
    """
    values = before.model_dump()
    if asked.get("profile") is not None:
        values |= {"profile": asked["profile"], "rates": {}}
    rates = asked.get("rates")
    if rates is not None and not isinstance(rates, Mapping):
        raise ConfigError("rates: write MESSAGE=HZ")
    values["rates"] = {**values["rates"], **(rates or {})}
    budget = asked.get("budget")
    if budget is not None:
        values["budget"] = None if budget == "none" else budget
    try:
        return EndpointSettings.model_validate(values)
    except ValidationError as error:
        raise ConfigError(*(_line(fault) for fault in error.errors(include_url=False))) from error


def reset_rates(router: Router, names: set[str] | None = None) -> list[str]:
    """Give endpoints (all, or those of `names`) what their settings say again; which were not."""
    found = []
    for endpoint in router.endpoints:
        name = endpoint.settings.name
        if endpoint.now != endpoint.settings and (names is None or name in names):
            router.change(name, endpoint.settings)
            found.append(name)
    return found


def _line(fault: Any) -> str:
    rule = str(fault["msg"]).removeprefix("Value error, ")
    return f"{'.'.join(map(str, fault['loc']))} = {fault['input']!r}: {rule}"[:300]


def _with_agent(deck: Deck) -> None:
    if deck.alone:
        raise ConfigError(
            "no agent runs here whose rates could be changed; set them under [[drone.endpoint]]"
            " 没有运行中的程序，请修改配置"
        )


def _name(router: Router, asked: Any) -> str:
    names = list(_now(router))
    if asked not in names:
        raise ConfigError(f"{asked!r} is no endpoint; there is 现有: {', '.join(names)}")
    return str(asked)


def _now(router: Router) -> dict[str, EndpointSettings]:
    return {endpoint.settings.name: endpoint.now for endpoint in router.endpoints}


def _endpoints(router: Router) -> list[dict[str, Any]]:
    return [
        {
            "name": one.settings.name,
            "settings": one.settings.model_dump(mode="json"),
            "now": one.now.model_dump(mode="json"),
        }
        for one in router.endpoints
    ]


def _uid() -> Any:
    who = caller.get()
    return who.uid if who is not None else "?"
