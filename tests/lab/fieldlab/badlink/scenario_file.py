"""Scenarios from TOML: the profiles that come with the laboratory, and anybody's file.

title = "A satellite that goes away for a minute"

[[link]]                       # the kit's best first
name = "sat"                   # becomes the interface's name
[link.to_centre]
rate_bps = 512_000
queue_bytes = 38_400
delay_ms = 300                 # also: jitter_ms, loss (0 to 1), up
burst = { every_s = 8.0, lasts_s = 0.2, loss = 0.5 }
[link.to_kit]
rate_bps = 2_000_000
queue_bytes = 150_000
delay_ms = 300
[link.source]                  # where the values come from
rate = "assumed"

[[outage]]                     # of one link must not overlap
link = "sat"                   # or "all"
at_s = 60
lasts_s = 60                   # also: every_s and times

[[change]]
link = "sat"
at_s = 240
both = { loss = 0.05 }         # or to_centre, to_kit: what differs from now on
"""

import dataclasses
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from fieldlab.badlink.scenario import Burst, Change, Conditions, Link, Scenario, Way
from fieldlink.codecs.fault import ConfigError

__all__ = ["PROFILES", "load_scenario", "parse_scenario", "profile_names"]

PROFILES = Path(__file__).with_name("profiles")
_MAX_NAME = 12  # an interface's name has 15 characters at most


def profile_names() -> list[str]:
    """The scenarios that come with the laboratory."""
    return sorted(path.stem for path in PROFILES.glob("*.toml"))


def load_scenario(profile: str | Path) -> Scenario:
    """A profile by its name, or a scenario's file by its path.

    Raises:
        ConfigError: there is no such thing, or it says something impossible.
    """
    path = PROFILES / f"{profile}.toml" if str(profile) in profile_names() else Path(profile)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        known = ", ".join(profile_names())
        raise ConfigError(f"{profile}: {error.strerror}; give a file, or one of {known}") from error
    return parse_scenario(text, str(profile))


def parse_scenario(text: str, where: str = "scenario") -> Scenario:
    """A scenario from the text of its file; `where` is what errors call it.

    Raises:
        ConfigError: it says something impossible.
    """
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where}: {error}") from error
    table = _Table(told, where)
    title = table.text("title")
    links = tuple(_link(each) for each in table.tables("link"))
    names = [link.name for link in links]
    if not links or len(set(names)) < len(names):
        raise ConfigError(f"{where}: [[link]] at least one, each with a name of its own")
    steps = [step for each in table.tables("change") for step in _change(each, names)]
    steps += [step for each in table.tables("outage") for step in _outage(each, names)]
    table.nothing_else()
    return Scenario(title=title, links=links, changes=tuple(_unfold(links, steps)))


# What happens at a time to a link: a function of the direction and its conditions before.
_Step = tuple[int, str, Callable[[Way, Conditions], Conditions]]


def _unfold(links: Iterable[Link], steps: list[_Step]) -> Iterator[Change]:
    """Steps, each of which says what differs, as changes that say it in full."""
    now = {link.name: (link.to_centre, link.to_kit) for link in links}
    for at_us, name, step in sorted(steps, key=lambda step: step[0]):
        before = now[name]
        to_centre, to_kit = step(Way.TO_CENTRE, before[0]), step(Way.TO_KIT, before[1])
        now[name] = (to_centre, to_kit)
        yield Change(at_us=at_us, link=name, to_centre=to_centre, to_kit=to_kit)


def _link(table: "_Table") -> Link:
    name = table.text("name")
    if not 0 < len(name) <= _MAX_NAME or not name.isascii() or not name.isalnum():
        raise ConfigError(f"{table.where}: name: 1 to {_MAX_NAME} letters and digits")
    source = table.take("source", {})
    ways = []
    for way in Way:
        told = table.table(way.value)
        blank = Conditions(rate_bps=told.whole("rate_bps"), queue_bytes=0, delay_us=0)
        told.need("queue_bytes", "delay_ms")
        ways.append(_changed(blank, told))
    table.nothing_else()
    return Link(name=name, to_centre=ways[0], to_kit=ways[1], source=source)


def _change(table: "_Table", names: list[str]) -> Iterator[_Step]:
    at_us = table.us("at_s", 1_000_000)
    told = {way: table.table(way.value) for way in Way if table.has(way.value)}
    both = table.table("both") if table.has("both") else None

    def step(way: Way, before: Conditions) -> Conditions:
        for each in (both, told.get(way)):
            before = _changed(before, each.copy()) if each else before
        return before

    for name in _names(table, names):
        yield at_us, name, step
    table.nothing_else()
    for each in filter(None, [both, *told.values()]):  # a mistake is told now, not when it happens
        _changed(Conditions(rate_bps=1, queue_bytes=0, delay_us=0), each.copy())


def _outage(table: "_Table", names: list[str]) -> Iterator[_Step]:
    """Down for a while; `every_s` and `times` repeat it."""
    at_us, lasts_us = table.us("at_s", 1_000_000), table.us("lasts_s", 1_000_000)
    times = table.whole("times") if table.has("times") else 1
    every_us = table.us("every_s", 1_000_000) if table.has("every_s") else 0
    if times > 1 and every_us <= lasts_us:
        raise ConfigError(f"{table.where}: every_s: more than lasts_s")
    which = _names(table, names)
    table.nothing_else()
    for start_us in (at_us + every_us * number for number in range(times)):
        for name in which:
            yield start_us, name, lambda _, before: dataclasses.replace(before, up=False)
            end_us = start_us + lasts_us
            yield end_us, name, lambda _, before: dataclasses.replace(before, up=True)


def _names(table: "_Table", names: list[str]) -> list[str]:
    """`link = "sat"`, or all of them."""
    name = table.text("link")
    if name != "all" and name not in names:
        raise ConfigError(f'{table.where}: link: one of {", ".join(names)}, or "all"')
    return names if name == "all" else [name]


def _changed(before: Conditions, table: "_Table") -> Conditions:
    """`before`, but for what the table says; nothing else may be in the table."""
    new: dict[str, Any] = {}
    for key in ("rate_bps", "queue_bytes"):
        if table.has(key):
            new[key] = table.whole(key)
    for key in ("delay", "jitter"):
        if table.has(f"{key}_ms"):
            new[f"{key}_us"] = table.us(f"{key}_ms", 1000)
    if table.has("loss"):
        new["loss"] = table.share("loss")
    if table.has("up"):
        new["up"] = table.take("up", True) is True
    if table.has("burst"):
        burst = table.table("burst")
        every_us, lasts_us = burst.us("every_s", 1_000_000), burst.us("lasts_s", 1_000_000)
        new["burst"] = Burst(every_us=every_us, lasts_us=lasts_us, loss=burst.share("loss"))
        burst.nothing_else()
    table.nothing_else()
    return dataclasses.replace(before, **new)


class _Table:
    """A table of a TOML file whose keys are taken one by one, so that what is left is unknown."""

    def __init__(self, told: object, where: str) -> None:
        if not isinstance(told, dict):
            raise ConfigError(f"{where}: a table is wanted")
        self._left = dict(told)
        self.where = where

    def copy(self) -> "_Table":
        """The same with what is left."""
        return _Table(self._left, self.where)

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._left

    def need(self, *keys: str) -> None:
        """Each key has to be there."""
        for key in keys:
            if key not in self._left:
                raise ConfigError(f"{self.where}: {key}: is missing")

    def take(self, key: str, default: Any = None) -> Any:
        """The key's value, whatever it is."""
        return self._left.pop(key, default)

    def text(self, key: str) -> str:
        """A string."""
        self.need(key)
        told = self.take(key)
        if not isinstance(told, str):
            raise ConfigError(f"{self.where}: {key}: a text is wanted")
        return told

    def number(self, key: str, largest: float) -> float:
        """A number from 0 to `largest`."""
        self.need(key)
        told = self.take(key)
        if isinstance(told, bool) or not isinstance(told, int | float) or not 0 <= told <= largest:
            raise ConfigError(f"{self.where}: {key}: a number from 0 to {largest:g} is wanted")
        return float(told)

    def whole(self, key: str) -> int:
        """A whole number of at least 1."""
        told = self.number(key, 1e12)
        if told < 1 or told != int(told):
            raise ConfigError(f"{self.where}: {key}: a whole number of at least 1 is wanted")
        return int(told)

    def us(self, key: str, unit_us: int) -> int:
        """A time in microseconds, told in units of `unit_us`."""
        return round(self.number(key, 1e9) * unit_us)

    def share(self, key: str) -> float:
        """A number from 0 to 1."""
        return self.number(key, 1.0)

    def table(self, key: str) -> "_Table":
        """A table in this one."""
        self.need(key)
        return _Table(self.take(key), f"{self.where}: {key}")

    def tables(self, key: str) -> "list[_Table]":
        """The tables of [[key]]; none if there are none."""
        told = self.take(key, [])
        if not isinstance(told, list):
            raise ConfigError(f"{self.where}: [[{key}]] is wanted, in double brackets")
        return [_Table(each, f"{self.where}: {key} {n}") for n, each in enumerate(told, 1)]

    def nothing_else(self) -> None:
        """No key may be left."""
        if self._left:
            raise ConfigError(f"{self.where}: unknown: {', '.join(sorted(self._left))}")
