"""For this bearer, now: which bytes next? A pure question of spool state, bearer state and time."""

from fieldlink.edge.planner.candidate import Candidate, Group, Rank, Track
from fieldlink.edge.planner.lanes import Lane
from fieldlink.edge.planner.plan import BearerState, ChunkOrder, Planner, Role, WindowPlanner
from fieldlink.edge.planner.state import SpoolState

__all__ = [
    "BearerState",
    "Candidate",
    "ChunkOrder",
    "Group",
    "Lane",
    "Planner",
    "Rank",
    "Role",
    "SpoolState",
    "Track",
    "WindowPlanner",
]
