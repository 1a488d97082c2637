"""A bearer as a fluid pipe: what is handed to it arrives at its rate, and is answered a round
trip later; when it goes, what was not answered is lost.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from fieldlab.badlink.scenario import Scenario, Way
from fieldlink.codecs.bundle import Precedence
from fieldlink.edge.planner import BearerState

__all__ = ["Pipe", "Spell", "pipes_of"]

_HEADERS = 0.965
"""What TCP/IP headers leave of a link (link-and-durability.md, "Bulk over a satellite path")."""

_LEAST_CHUNK_BYTES = 8_000
_MOST_CHUNK_BYTES = 524_288
_GAIN = 1.5
_CONNECT_RTTS = 2


@dataclass(frozen=True, slots=True)
class Spell:
    """From `at_us` on: payload bits a second (0: away) and the round trip."""

    at_us: int
    rate_bps: float
    rtt_us: int


@dataclass(slots=True)
class Pipe:
    """One bearer. `used_bytes` were handed to it, `delivered_bytes` were answered."""

    name: str
    spells: Sequence[Spell]
    in_flight_bytes: int = 0
    used_bytes: int = 0
    delivered_bytes: int = 0
    connection: int = 0
    _free_us: int = 0
    _starts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._starts = [spell.at_us for spell in self.spells]

    def spell(self, at_us: int) -> Spell:
        """How it is at `at_us`."""
        return self.spells[max(bisect_right(self._starts, at_us) - 1, 0)]

    def ready_us(self, spell: Spell) -> int:
        """When it carries again, in a spell that follows an outage: connected, asked, answered."""
        place = self._starts.index(spell.at_us)
        new = place == 0 or self.spells[place - 1].rate_bps <= 0
        return spell.at_us + (_CONNECT_RTTS * spell.rtt_us if new else 0)

    def up(self, at_us: int) -> bool:
        """Whether it carries at `at_us`."""
        spell = self.spell(at_us)
        return spell.rate_bps > 0 and at_us >= self.ready_us(spell)

    def state(
        self, at_us: int, admits: Precedence | None, longest_bytes: int | None = None
    ) -> BearerState:
        """What the planner is told of it."""
        spell = self.spell(at_us)
        path_bytes = spell.rate_bps / 8e6 * spell.rtt_us
        wanted = max(path_bytes * _GAIN / 8, spell.rate_bps / 64)
        chunk_bytes = round(min(max(wanted, _LEAST_CHUNK_BYTES), _MOST_CHUNK_BYTES))
        window_bytes = max(round(path_bytes * _GAIN), 2 * chunk_bytes)
        return BearerState(
            name=self.name,
            chunk_bytes=chunk_bytes if longest_bytes is None else min(chunk_bytes, longest_bytes),
            room_bytes=window_bytes - self.in_flight_bytes,
            admits=admits,
            rate_bps=spell.rate_bps,
            rtt_s=spell.rtt_us / 1e6,
        )

    def hand(self, size: int, now_us: int) -> int | None:
        """Hand `size` bytes to it; when they are answered, None when they are lost."""
        self.in_flight_bytes += size
        self.used_bytes += size
        at_us, left_bits = max(now_us, self._free_us), size * 8.0
        for place in range(max(bisect_right(self._starts, at_us) - 1, 0), len(self.spells)):
            spell = self.spells[place]
            if spell.rate_bps <= 0:
                return None
            ends_us = self._starts[place + 1] if place + 1 < len(self.spells) else None
            needed_us = left_bits / spell.rate_bps * 1e6
            if ends_us is None or at_us + needed_us <= ends_us:
                self._free_us = round(at_us + needed_us)
                return self._free_us + spell.rtt_us
            left_bits -= spell.rate_bps * (ends_us - at_us) / 1e6
            at_us = ends_us
        return None

    def answered(self, size: int) -> None:
        """So many bytes were answered."""
        self.in_flight_bytes -= size
        self.delivered_bytes += size

    def broke(self, now_us: int) -> None:
        """It went: what was under way is lost."""
        self.connection += 1
        self.in_flight_bytes = 0
        self._free_us = now_us


def pipes_of(scenario: Scenario) -> list[Pipe]:
    """The links of `scenario`, towards the centre."""
    return [Pipe(link.name, _spells(scenario, link.name)) for link in scenario.links]


def _spells(scenario: Scenario, name: str) -> list[Spell]:
    return [
        Spell(
            at_us,
            now.rate_bps * (1 - now.mean_loss) * _HEADERS if now.up else 0.0,
            now.delay_us + scenario.conditions(name, Way.TO_KIT, at_us).delay_us + now.jitter_us,
        )
        for at_us, now in scenario.spells(name, Way.TO_CENTRE)
    ]
