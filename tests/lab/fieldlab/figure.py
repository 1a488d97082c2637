"""What a benchmark measures: a figure, its peer measured in the same run, and its goal."""

import json
from dataclasses import dataclass
from typing import Literal

__all__ = ["Figure"]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured median, `value` in `unit`, and how it stands to its goal.

    With a `peer` (the same work done by the plainest or the best known other means, measured in
    the same run) the ratio value / peer is judged, without one the value itself: it has to be
    at least `limit` where more is better, at most `limit` where less is. `also` is what has to
    hold besides ("lag under 2 s"), each with whether it did.
    """

    name: str
    value: float
    unit: str
    limit: float
    better: Literal["more", "less"]
    peer: float | None = None
    also: tuple[tuple[str, bool], ...] = ()

    @property
    def ratio(self) -> float | None:
        """value / peer; None without a peer."""
        return self.value / self.peer if self.peer else None

    @property
    def goal(self) -> str:
        """The goal as a sentence."""
        judged = self.unit if self.peer is None else "of the peer's"
        bound = "at least" if self.better == "more" else "at most"
        return ", ".join([f"{bound} {self.limit:g} {judged}", *(what for what, _ in self.also)])

    @property
    def ok(self) -> bool:
        """Whether the goal was met."""
        judged = self.value if self.peer is None else self.ratio
        if judged is None:  # a peer of nothing: there is nothing to compare with
            return False
        met = judged >= self.limit if self.better == "more" else judged <= self.limit
        return met and all(held for _, held in self.also)

    def as_json(self) -> str:
        """One line of JSON: name, value, unit, peer, ratio, limit, goal, ok."""
        return json.dumps(
            {
                "name": self.name,
                "value": _short(self.value),
                "unit": self.unit,
                "peer": _short(self.peer),
                "ratio": _short(self.ratio),
                "limit": self.limit,
                "goal": self.goal,
                "ok": self.ok,
            },
            ensure_ascii=False,
        )


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
