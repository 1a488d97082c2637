"""Holds the plan, and says what to make next: a little ahead of the link and no more, so that the
choice of how thin follows the link. Without input or output; lives on the event loop's thread.
"""

from typing import Any

from fieldlink.edge.fit.cell import Cell
from fieldlink.edge.fit.coverage import Coverage
from fieldlink.edge.fit.decide import FitPlan, Inputs, Link, Live, Need, decide
from fieldlink.edge.fit.ladder import FULL, LADDER
from fieldlink.edge.fit.ranks import ranks_of
from fieldlink.edge.fit.treatment import Use
from fieldlink.edge.planner import Rank, SpoolState

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
        self._making: Need | None = None
        self.findings = 0

    def look(
        self, now_us: int, link: Link, live: Live, window: tuple[int, int] | None, first_bytes: int
    ) -> FitPlan:
        """Decide anew; `window` is when the incident began and when it is due."""
        self._link = link
        self._note_sent()
        cells = self.coverage.cells()
        start_us, due_us = window or (None, None)
        inputs = Inputs(
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
        self.plan = decide(inputs, self.plan)
        self._taken = {self._making.cell.key} if self._making is not None else set()
        self._rank()
        self.coverage.forget(now_us - _FORGET_US)
        return self.plan

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

    def made(self) -> None:
        """What `next_need` gave is made, and recorded in the coverage."""
        self._making = None

    def spoilt(self, need: Need) -> None:
        """Nothing can be made of this minute: what is stored of it is damaged or gone."""
        self._making = None
        self.coverage.barren(need.cell)
        self.findings += 1

    def report(self) -> dict[str, Any]:
        """How thin it goes, for people and programs."""
        plan, rung = self.plan, LADDER[self.plan.number]
        minutes = self.coverage.minutes()
        return {
            "level": int(plan.level),
            "rate_bps": rung.video_bps or None,
            "fps": rung.fps or None,
            "still_every_s": rung.still_every_s if plan.number != FULL else None,
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

    def _note_sent(self) -> None:
        for bundle in self.coverage.waiting():
            candidate = self._state.get(bundle)
            if candidate is not None:
                self.coverage.sent(bundle, sum(end - start for start, end in candidate.covered))

    def _has_room(self, need: Need) -> bool:
        if need.stills:
            made = sum(len(cell.stills) for cell, t in self.plan.treatments if t.make_stills)
            return made < _MOST_STILLS_AHEAD
        ahead = [cell.thin_bytes for cell, t in self.plan.treatments if t.use is Use.THIN]
        rate_bps = self._link.expected_bps or 0.0
        return len(ahead) < _LEAST_AHEAD or sum(ahead) * 8 < rate_bps * _AHEAD_S

    def _is_wanted(self, cell: Cell) -> bool:
        return any(self._rank_of(piece.bundle) is Rank.WANTED for piece in cell.plain)

    def _rank_of(self, bundle: bytes) -> Rank | None:
        candidate = self._state.get(bundle)
        return candidate.rank if candidate is not None else None

    def _rank(self) -> None:
        for bundle, rank in ranks_of(self.plan).items():
            candidate = self._state.get(bundle)
            if candidate is None or candidate.rank in (rank, Rank.WANTED):
                continue
            if rank is Rank.LATER and len(candidate.covered):
                continue  # it is half way: the rest of it is worth more than a fresh start
            self._state.set_rank(bundle, rank)
