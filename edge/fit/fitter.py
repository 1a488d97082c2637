"""Holds the plan, and says what to make next: a little ahead of the link and no more, so that the
choice of how thin follows the link. Without input or output; lives on the event loop's thread.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fieldlink.codecs.bundle import Layer
from fieldlink.edge.fit.cell import Cell
from fieldlink.edge.fit.coverage import Coverage
from fieldlink.edge.fit.decide import FitPlan, Inputs, Link, Live, Need, decide
from fieldlink.edge.fit.ladder import LADDER
from fieldlink.edge.fit.ranks import ranks_of
from fieldlink.edge.fit.treatment import Use
from fieldlink.edge.planner import Candidate, Rank, SpoolState

__all__ = ["Fitter"]

_AHEAD_S = 20.0
_LEAST_AHEAD = 2
_MOST_STILLS_AHEAD = 32
_FORGET_US = 86_400_000_000


class Fitter:
    """Plans over `coverage`, and sets the ranks of `state` by it."""

    def __init__(self, coverage: Coverage, state: SpoolState, *, closed_us: int = 15_000_000):
        self.coverage, self._state = coverage, state
        self._closed_us = closed_us
        self.plan = FitPlan()
        self._link = Link(None, None)
        self._taken: set[tuple[str, str, int]] = set()
        self._finished: set[tuple[str, str, int]] = set()
        self._tried: set[tuple[str, str, int]] = set()
        self._ranks: dict[bytes, Rank] = {}
        self._making: Need | None = None
        self.findings = 0

    def look(
        self, now_us: int, link: Link, live: Live, window: tuple[int, int] | None, first_bytes: int
    ) -> FitPlan:
        """Decide anew, and follow that at once."""
        self.follow(self.think(self.inputs(now_us, link, live, window, first_bytes)))
        return self.plan

    def inputs(
        self, now_us: int, link: Link, live: Live, window: tuple[int, int] | None, first_bytes: int
    ) -> Inputs:
        """What is known now; `window` is when the incident began and when it is due."""
        self._link = link
        self._finished.clear()
        self.coverage.forget(now_us - _FORGET_US)
        cells = self.coverage.cells()
        start_us, due_us = window or (None, None)
        return Inputs(
            cells=cells,
            link=link,
            live=live,
            now_us=now_us,
            start_us=start_us,
            due_us=due_us,
            first_bytes=first_bytes,
            kept=frozenset(cell.key for cell in cells if self._is_wanted(cell)),
            closed_us=self._closed_us,
        )

    def think(self, inputs: Inputs) -> "Thought":
        """The plan for `inputs`, and what it changes. Changes nothing itself: for any thread."""
        plan = decide(inputs, self.plan)
        ranks = ranks_of(plan)
        changed = {
            bundle: rank
            for bundle, rank in ranks.items()
            if self._ranks.get(bundle, Rank.NORMAL) is not rank
        }
        return Thought(plan, ranks, changed)

    def follow(self, thought: "Thought") -> None:
        """Take the plan for the present one, and set the ranks that it changes."""
        self.plan, self._ranks = thought.plan, thought.ranks
        self._taken = set(self._finished)
        if self._making is not None:
            self._taken.add(self._making.cell.key)
        for bundle, rank in thought.changed.items():
            candidate = self._state.get(bundle)
            if candidate is None or _is_wanted(candidate):
                self._ranks.pop(bundle, None)  # not followed: to be looked at again
            # What is half way goes on: the rest of it is worth more than a fresh start.
            elif rank is not Rank.LATER or not candidate.begun:
                self._state.set_rank(bundle, rank)

    def vanished(self) -> Iterator[bytes]:
        """What waited here and does not in the spool's state any more; the rest is brought up to
        date.
        """
        gone = []
        for piece in self.coverage.waiting():
            candidate = self._state.get(piece.bundle)
            if candidate is not None:
                piece.queued = True
                self.coverage.sent(piece, candidate.covered.held_bytes)
            elif piece.queued:
                gone.append(piece.bundle)
        return iter(gone)

    def next_need(self) -> Need | None:
        """What to make now, one at a time: `made` or `spoilt` has to follow. None while there is
        enough ahead of the link, or nothing to make.
        """
        for need in self.plan.needs:
            if need.cell.key not in self._taken:
                if not self._has_room(need):
                    return None
                self._taken.add(need.cell.key)
                self._making = need
                return need
        return None

    def ahead(self, now_us: int) -> tuple[int, float]:
        """How many renditions are to be made, and in how many seconds the last of them is due."""
        plan = self.plan
        films = [need for need in plan.needs if not need.stills]
        return len(films), max(0.0, (max(plan.due_us, now_us) - now_us) / 1e6)

    def made(self) -> None:
        """What `next_need` gave is made, and recorded in the coverage."""
        if self._making is not None:
            self._finished.add(self._making.cell.key)
        self._making = None

    def spoilt(self, need: Need, *, again: bool = False) -> None:
        """Nothing can be made of what is stored of this minute; `again`: try it once more."""
        self.made()
        self.findings += 1
        if again and need.cell.key not in self._tried:
            self._tried.add(need.cell.key)
            return
        layer = Layer.ORIGINAL if need.cell.has_originals else Layer.PROXY
        self.coverage.barren(need.cell, layer)

    def report(self) -> dict[str, Any]:
        """How thin it goes, for people and programs."""
        plan, rung = self.plan, LADDER[self.plan.number]
        minutes = self.coverage.minutes()
        return {
            "level": int(plan.level),
            "rate_bps": rung.video_bps or None if plan.level else None,
            "fps": rung.fps or None if plan.level else None,
            "still_every_s": rung.still_every_s if plan.level else None,
            "use": None if plan.use is None else round(plan.use, 3),
            "minutes": minutes.total,
            "present": minutes.present,
            "moving": minutes.moving,
            "to_make": len(plan.needs),
            "findings": self.findings,
        }

    def stale(self) -> list[bytes]:
        """Renditions of which nothing was sent, and instead of which others wait by now."""
        return [piece.bundle for cell, _ in self.plan.treatments for piece in cell.stale]

    def _has_room(self, need: Need) -> bool:
        if need.stills:
            made = sum(len(cell.stills) for cell, t in self.plan.treatments if t.make_stills)
            return made < _MOST_STILLS_AHEAD
        ahead = [cell.thin_bytes for cell, t in self.plan.treatments if t.use is Use.THIN]
        rate_bps = self._link.expected_bps or 0.0
        return len(ahead) < _LEAST_AHEAD or sum(ahead) * 8 < rate_bps * _AHEAD_S

    def _is_wanted(self, cell: Cell) -> bool:
        return any(_is_wanted(self._state.get(piece.bundle)) for piece in cell.plain)


def _is_wanted(candidate: Candidate | None) -> bool:
    if candidate is None:
        return False
    return candidate.want is not None or candidate.rank is Rank.WANTED


@dataclass(frozen=True, slots=True)
class Thought:
    """A plan, the ranks it means, and those of them that are new."""

    plan: FitPlan
    ranks: dict[bytes, Rank]
    changed: Mapping[bytes, Rank]
