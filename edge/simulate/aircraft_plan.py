"""Who a simulated aircraft is, what it flies, and how it fails."""

from dataclasses import dataclass, field
from enum import StrEnum

from fieldlink.edge.simulate.flight import FlightPlan

__all__ = ["CAMERA", "GIMBAL", "PILOT", "RADIO", "AircraftFault", "AircraftPlan"]

PILOT, CAMERA, GIMBAL = 1, 100, 154
"""Its components."""
RADIO = (51, 68)
"""System and component that a SiK radio calls itself."""


class AircraftFault(StrEnum):
    """How it fails, as real ones do."""

    NO_FIX = "no-fix"  # its receiver sees too few satellites
    ZERO = "zero"  # it says 0/0 as if that were a place
    JUMP = "jump"  # one position in ten is 500 km away
    FROZEN = "frozen"  # the same values for ever
    SILENCE = "silence"  # nothing more is heard
    LOSS = "loss"  # three frames in ten are lost
    NOISE = "noise"  # rubbish between the frames, and wrong checksums
    BATTERY = "battery"  # the battery breaks down
    FENCE = "fence"  # it leaves its fence


@dataclass(frozen=True, slots=True, kw_only=True)
class AircraftPlan:
    """Who it is and what it flies. `video`: URL of what its camera shows, "" for no video.
    `old`: its camera knows the requests of before 2021 only.
    """

    sysid: int = 1
    seed: int = 1
    flight: FlightPlan = field(default_factory=FlightPlan)
    video: str = ""
    old: bool = False
    hfov: float = 62.0
    vfov: float = 37.0
    fault: AircraftFault | None = None
    fault_after_s: float = 30.0
