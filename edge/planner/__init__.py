"""For this bearer, now: which bytes next? A pure question of spool state, bearer state and time."""

from fieldlink.edge.planner.plan import BearerState, ChunkOrder, Planner, PrecedencePlanner
from fieldlink.edge.planner.state import Candidate, Lane, SpoolState

__all__ = [
    "BearerState",
    "Candidate",
    "ChunkOrder",
    "Lane",
    "Planner",
    "PrecedencePlanner",
    "SpoolState",
]
