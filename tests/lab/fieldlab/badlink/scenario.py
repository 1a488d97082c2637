"""What links there are, how bad each is, and how that changes: as data, and nothing runs here.

A scenario is a TOML file (`scenario_file.py`) or is built in code. The laboratory's links and
simulations under a virtual clock take the same.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

__all__ = [
    "Burst",
    "Change",
    "Conditions",
    "Link",
    "Scenario",
    "Way",
    "even_link",
]


class Way(Enum):
    """Which way over a link."""

    TO_CENTRE = "to_centre"
    TO_KIT = "to_kit"


@dataclass(frozen=True, kw_only=True)
class Burst:
    """Loss in bursts (Gilbert and Elliott): bad spells, on average every and for so long.

    Both are means of exponential distributions; in a bad spell a packet is lost with probability
    `loss`, between them with the link's own.
    """

    every_us: int
    lasts_us: int
    loss: float

    @property
    def share(self) -> float:
        """The part of the time that is bad, 0 to 1."""
        return self.lasts_us / (self.every_us + self.lasts_us)


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """How one direction of a link is at one time.

    A packet waits in a queue of `queue_bytes` (drop-tail, the packet being sent not counted) for
    a line of `rate_bps`, then travels `delay_us` and up to `jitter_us` more (evenly distributed;
    it never overtakes). A line that is not `up` drops what is offered, queued and under way.
    """

    rate_bps: int
    queue_bytes: int
    delay_us: int
    jitter_us: int = 0
    loss: float = 0.0
    burst: Burst | None = None
    up: bool = True

    @property
    def mean_loss(self) -> float:
        """The part of the packets that is lost in the long run, queue and outages aside."""
        if self.burst is None:
            return self.loss
        return self.burst.share * self.burst.loss + (1 - self.burst.share) * self.loss


@dataclass(frozen=True, kw_only=True)
class Link:
    """A link as it is at the start; `source` says where each value comes from."""

    name: str
    to_centre: Conditions
    to_kit: Conditions
    source: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def way(self, way: Way) -> Conditions:
        """One direction."""
        return self.to_centre if way is Way.TO_CENTRE else self.to_kit


@dataclass(frozen=True, kw_only=True)
class Change:
    """From `at_us` on (0 is the start) `link` is like this, both ways, in full."""

    at_us: int
    link: str
    to_centre: Conditions
    to_kit: Conditions


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Links, the kit's best first, and what happens to them, in order of time."""

    title: str
    links: tuple[Link, ...]
    changes: tuple[Change, ...] = ()

    def link(self, name: str) -> Link:
        """The link of that name; KeyError if there is none."""
        for link in self.links:
            if link.name == name:
                return link
        raise KeyError(f"{name!r} is no link of {[link.name for link in self.links]}")

    def spells(self, name: str, way: Way) -> Iterator[tuple[int, Conditions]]:
        """One direction's conditions from the start on, each with the time that it begins."""
        now = self.link(name).way(way)
        yield 0, now
        for change in self.changes:
            new = change.to_centre if way is Way.TO_CENTRE else change.to_kit
            if change.link == name and new != now:
                now = new
                yield change.at_us, now

    def conditions(self, name: str, way: Way, at_us: int) -> Conditions:
        """How one direction is at a time."""
        *_, (_, now) = (spell for spell in self.spells(name, way) if spell[0] <= max(0, at_us))
        return now

    def scaled(self, factor: float) -> "Scenario":
        """The same with its times (not the links' delays) multiplied: 0.1 is ten times as fast."""
        changes = tuple(
            dataclasses.replace(change, at_us=round(change.at_us * factor))
            for change in self.changes
        )
        return dataclasses.replace(self, changes=changes)


def even_link(
    name: str,
    rate_bps: int,
    rtt_ms: float,
    loss: float = 0.0,
    *,
    queue_bytes: int | None = None,
    jitter_ms: float = 0.0,
) -> Link:
    """A link that is the same both ways; its queue holds one bandwidth-delay product unless said.

    `loss` is each way's.
    """
    path_bytes = max(round(rate_bps * rtt_ms / 8000), 15_000)
    way = Conditions(
        rate_bps=rate_bps,
        queue_bytes=path_bytes if queue_bytes is None else queue_bytes,
        delay_us=round(rtt_ms * 500),
        jitter_us=round(jitter_ms * 1000),
        loss=loss,
    )
    return Link(name=name, to_centre=way, to_kit=way)
