"""For this bearer, now: which bytes next? A pure question of spool state, bearer state and time."""

from fieldlink.edge.planner.plan import BearerState, ChunkOrder, Planner, PrecedencePlanner, Role
from fieldlink.edge.planner.state import Candidate, Lane, Rank, SpoolState

__all__ = [
    "BearerState",
    "Candidate",
    "ChunkOrder",
    "Lane",
    "Planner",
    "PrecedencePlanner",
    "Rank",
    "Role",
    "SpoolState",
]
