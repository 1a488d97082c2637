"""What the laboratory tells the forwarder and hears from it: lines of JSON over a socket."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from fieldlab.badlink.scenario import Burst, Change, Conditions, Link, Scenario

__all__ = ["conditions_from", "conditions_told", "dump", "scenario_from", "scenario_told"]


def dump(message: Mapping[str, Any]) -> bytes:
    """One message as it goes over the socket."""
    return json.dumps(message).encode() + b"\n"


def conditions_told(conditions: Conditions) -> dict[str, Any]:
    """Conditions as plain values."""
    return dataclasses.asdict(conditions)


def conditions_from(told: Mapping[str, Any]) -> Conditions:
    """Conditions from plain values."""
    burst = told["burst"]
    return Conditions(**{**told, "burst": None if burst is None else Burst(**burst)})


def scenario_told(scenario: Scenario) -> dict[str, Any]:
    """A scenario as plain values."""
    return dataclasses.asdict(scenario)


def scenario_from(told: Mapping[str, Any]) -> Scenario:
    """A scenario from plain values."""
    links = tuple(Link(**{**link, **_ways(link)}) for link in told["links"])
    changes = tuple(Change(**{**change, **_ways(change)}) for change in told["changes"])
    return Scenario(title=told["title"], links=links, changes=changes)


def _ways(told: Mapping[str, Any]) -> dict[str, Conditions]:
    return {way: conditions_from(told[way]) for way in ("to_centre", "to_kit")}
