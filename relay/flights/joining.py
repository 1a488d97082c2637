"""Samples of several streams as rows of one table, second by second. Pure.

A value stands for as long as its stream is honest: an attitude of five seconds ago says nothing of
now, a battery's level of a minute ago does.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from fieldlink.codecs.telemetry import Sample, Schema
from fieldlink.relay.telemetry.rendering import number

__all__ = ["COLUMNS", "HOLD_US", "STREAMS", "Joined", "joined"]

Cell = float | int | str | None
Row = list[float | int | None]

_SECOND_US = 1_000_000
# A value may be of half a second later: it belongs to the same second.
_AHEAD_US = 500_000
_MOST_MODES = 100
_MAX_MODE = 40


class _Part(NamedTuple):
    stream: str
    column: str


# Of each column of the answer where it is from; the second is taken where the first is unknown.
_FROM: dict[str, tuple[_Part, ...]] = {
    "lon": (_Part("position", "lon"),),
    "lat": (_Part("position", "lat"),),
    "alt": (_Part("position", "alt"),),
    "height": (_Part("flight", "height"),),
    "yaw": (_Part("attitude", "yaw"),),
    "groundspeed": (_Part("flight", "groundspeed"), _Part("position", "speed")),
    "climb": (_Part("flight", "climb"),),
    "battery": (_Part("battery", "level"),),
    "mode": (_Part("flight", "mode"),),
    "gimbal_pitch": (_Part("gimbal", "pitch"),),
    "gimbal_yaw": (_Part("gimbal", "yaw"),),
    "hfov": (_Part("gimbal", "hfov"),),
    "vfov": (_Part("gimbal", "vfov"),),
    "loss": (_Part("link", "loss"),),
    "rssi": (_Part("link", "rssi"),),
}
COLUMNS = ("time_us", *_FROM)

HOLD_US = {
    "position": 5_000_000,
    "attitude": 5_000_000,
    "gimbal": 5_000_000,
    "flight": 5_000_000,
    "battery": 60_000_000,
    "link": 60_000_000,
}
"""How long a value of each stream stands."""

STREAMS = tuple(HOLD_US)
# A row is made for each second of which one of these says something.
_BEATS = ("position", "flight", "attitude", "gimbal")


@dataclass(slots=True)
class Joined:
    """Rows with a cell for each of `COLUMNS`; a mode is its place in `modes`. With `thinned` above
    1 there is a row for every so many seconds.
    """

    rows: list[Row] = field(default_factory=list)
    modes: list[str] = field(default_factory=list)
    thinned: int = 1


def joined(found: Mapping[str, Sequence[tuple[Schema, Sample]]], most: int) -> Joined:
    """One row for each second of which there is something, at most `most`: every second, third,
    ... of more. `found` has the samples of `STREAMS` by time.
    """
    answer = Joined()
    times = _times(found)
    answer.thinned = max(1, -(-len(times) // most))
    columns = {stream: _Held(stream, found.get(stream, ()), HOLD_US[stream]) for stream in STREAMS}
    places: dict[str, int] = {}
    for at_us in times[:: answer.thinned]:
        now = {stream: held.at(at_us) for stream, held in columns.items()}
        row: Row = [at_us]
        for name, parts in _FROM.items():
            cell = next((c for p in parts if (c := now[p.stream].get(p.column)) is not None), None)
            row.append(_mode(cell, places) if name == "mode" else _real(cell))
        answer.rows.append(row)
    answer.modes = list(places)
    return answer


def _times(found: Mapping[str, Iterable[tuple[Schema, Sample]]]) -> list[int]:
    """When there is a row: of each second the time of the first sample, a position's if any."""
    seconds: dict[int, int] = {}
    for stream in _BEATS:
        for _, sample in found.get(stream, ()):
            seconds.setdefault(sample.time_us // _SECOND_US, sample.time_us)
    return [seconds[at] for at in sorted(seconds)]


class _Held:
    """The samples of one stream, asked by time."""

    def __init__(self, stream: str, found: Sequence[tuple[Schema, Sample]], hold_us: int) -> None:
        parts = [part for parts in _FROM.values() for part in parts]
        self._wanted = {part.column for part in parts if part.stream == stream}
        self._places: dict[int, list[tuple[str, int, int]]] = {}  # by schema, which `found` keeps
        self._found = found
        self._times = [sample.time_us for _, sample in found]
        self._hold_us = hold_us

    def at(self, at_us: int) -> Mapping[str, Cell]:
        """What it says then, by column; nothing when that is too old."""
        place = bisect_right(self._times, at_us + _AHEAD_US) - 1
        if place < 0 or at_us - self._times[place] > self._hold_us:
            return {}
        schema, sample = self._found[place]
        places = self._places.get(id(schema))
        if places is None:
            places = self._places[id(schema)] = [
                (name, at, 0 if schema.columns[at].is_text else schema.columns[at].scale)
                for at, name in enumerate(column.name for column in schema.columns)
                if name in self._wanted
            ]
        return {name: number(sample.values[at], scale) for name, at, scale in places}


def _real(cell: Cell) -> float | int | None:
    return None if isinstance(cell, str) else cell


def _mode(cell: Cell, places: dict[str, int]) -> int | None:
    if not isinstance(cell, str) or not cell:
        return None
    mode = cell[:_MAX_MODE]
    if mode not in places and len(places) >= _MOST_MODES:
        return None
    return places.setdefault(mode, len(places))
