"""The verbs `hl.set` and `hl.show`: whether an aircraft speaks by HIGH_LATENCY2 on its thin link
(MAV_CMD_CONTROL_HIGH_LATENCY). Chosen for each aircraft, and kept in <state_dir>/drone-hl.json:

on, off   told once, now.
auto      the kit tells it, while an agent runs: on, when it was not heard on any ordinary link
          (lan, lte, sat) for as long as those may be silent and 15 s more; off, when it was heard
          there again for 15 s. A beidou endpoint has to be there. No answer: again after 1, 2, 4,
          8 minutes, then every 10.

Source: MAVLink developer guide, High Latency Protocol; common.xml, MAV_CMD 2600.
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fieldlink.codecs.fault import ConfigError
from fieldlink.drone.commanding import CommandError
from fieldlink.edge.drone.doing import Deck, Doer, Key
from fieldlink.systemd.durable import give_to_folders_owner, write_durably

__all__ = ["HighLatency", "high_latency", "keep_high_latency"]

_log = logging.getLogger(__name__)
_CONTROL = 2600
_MODES = ("on", "off", "auto")
_TRIES = 2
_LOOK_S, _STEADY_S = 2.0, 15.0
_FIRST_S, _LONGEST_S = 60.0, 600.0
_FILE = "drone-hl.json"
_MAX_BYTES = 65_536
_FINAL = ("unsupported", "denied")
_AUTOPILOT = 1


@dataclass
class _Auto:
    """One aircraft that is switched by itself. `told` is what it accepted last."""

    alive: bool
    since_s: float
    told: bool | None = None
    again_s: float = 0.0
    pause_s: float = _FIRST_S
    reason: str = ""


class HighLatency:
    """The choices, and how the automatic ones go."""

    def __init__(self, deck: Deck) -> None:
        self._deck = deck
        self._path = deck.state_dir / _FILE
        self.modes = self._read()
        self._autos: dict[str, _Auto] = {}

    async def choose(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """`hl.set`."""
        mode = asked.get("mode")
        if mode not in _MODES:
            raise CommandError("refused", f"mode: use one of {', '.join(_MODES)}")
        name, target = self._find(asked)
        if mode == "auto":
            if self._deck.alone:
                raise ConfigError("auto is what a running agent does; none runs here 没有程序运行")
            if not self._has_thin():
                raise ConfigError(
                    "there is no endpoint of profile beidou to switch to 没有 beidou 类型的链路"
                )
        else:
            await self._tell(target, on=mode == "on")
        self._autos.pop(name, None)
        self._keep({**self.modes, name: str(mode)})
        return {"vehicle": name, "mode": mode}

    async def show(self, _: Mapping[str, Any]) -> dict[str, Any]:
        """`hl.show`."""
        found = []
        for name, mode in sorted(self.modes.items()):
            auto = self._autos.get(name)
            told = auto.told if auto is not None else {"on": True, "off": False}.get(mode)
            reason = auto.reason if auto is not None else ""
            found.append({"vehicle": name, "mode": mode, "on": told, "reason": reason})
        return {"vehicles": found}

    async def run(self) -> None:
        """Switch those that are automatic, until cancelled. It never waits for one for another."""
        async with asyncio.TaskGroup() as group:
            under_way: dict[str, asyncio.Task[None]] = {}
            while True:
                now_s = asyncio.get_running_loop().time()
                for name, mode in list(self.modes.items()):
                    busy = name in under_way and not under_way[name].done()
                    if mode == "auto" and not busy and (found := self._due(name, now_s)):
                        under_way[name] = group.create_task(self._switch(*found))
                await asyncio.sleep(_LOOK_S)

    def _due(self, name: str, now_s: float) -> tuple[_Auto, Key, bool] | None:
        target = self._target(name)
        if target is None or not self._has_thin():
            return None
        alive = self._alive(target)
        auto = self._autos.setdefault(name, _Auto(alive, now_s))
        if alive != auto.alive:
            auto.alive, auto.since_s, auto.again_s, auto.pause_s = alive, now_s, 0.0, _FIRST_S
        steady = now_s - auto.since_s >= _STEADY_S
        wanted = not alive
        if not steady or auto.told == wanted or now_s < auto.again_s:
            return None
        return auto, target, wanted

    async def _switch(self, auto: _Auto, target: Key, on: bool) -> None:
        try:
            await self._tell(target, on=on)
        except CommandError as error:
            auto.reason = str(error)
            final = error.reason in _FINAL
            now_s = asyncio.get_running_loop().time()
            auto.again_s = float("inf") if final else now_s + auto.pause_s
            auto.pause_s = min(auto.pause_s * 2, _LONGEST_S)
            _log.warning("high latency of system %s: %s", target[0], error)
        else:
            auto.told, auto.reason, auto.pause_s = on, "", _FIRST_S

    async def _tell(self, target: Key, *, on: bool) -> None:
        await self._deck.commander.command(target, _CONTROL, (float(on),), tries=_TRIES, thin=True)
        _log.info("high latency of system %s is %s", target[0], "on" if on else "off")

    def _alive(self, target: Key) -> bool:
        return any(one.up and one.profile != "beidou" for one in self._deck.router.reaches(target))

    def _has_thin(self) -> bool:
        return any(one.policy.profile.name == "beidou" for one in self._deck.router.endpoints)

    def _find(self, asked: Mapping[str, Any]) -> tuple[str, Key]:
        """An aircraft that is heard, or that the settings name: it may be silent until told."""
        name = asked.get("vehicle")
        target = self._target(name) if isinstance(name, str) else None
        return (str(name), target) if target is not None else self._deck.find(asked)

    def _target(self, name: str) -> Key | None:
        if (heard := self._deck.names().get(name)) is not None:
            return heard
        named = {one.name: one.sysid for one in self._deck.settings.vehicle}
        return (named[name], _AUTOPILOT) if name in named else None

    def _read(self) -> dict[str, str]:
        try:
            with self._path.open("rb") as file:
                said = json.loads(file.read(_MAX_BYTES))
        except (OSError, ValueError):
            return {}  # none was chosen, or not for this user to know
        if not isinstance(said, dict):
            return {}
        return {name: mode for name, mode in said.items() if mode in _MODES}

    def _keep(self, modes: dict[str, str]) -> None:
        self.modes = modes
        try:
            write_durably(self._path, json.dumps(modes).encode(), mode=0o600)
            give_to_folders_owner(self._path)
        except OSError as error:
            raise ConfigError(f"{self._path}: the choice is not kept: {error.strerror}") from error


def high_latency(deck: Deck) -> Mapping[str, Doer]:
    """The verbs."""
    made = deck.part(HighLatency)
    return {"hl.set": made.choose, "hl.show": made.show}


async def keep_high_latency(deck: Deck) -> None:
    """What is to be done while the router runs."""
    await deck.part(HighLatency).run()
