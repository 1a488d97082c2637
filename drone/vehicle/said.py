"""What the state of vehicles gives to whoever listens."""

from dataclasses import dataclass
from typing import TypeAlias

from fieldlink.codecs.telemetry import AlarmKind, Schema
from fieldlink.drone.vehicle.measures import Values

__all__ = ["Key", "Measured", "Said", "Warned"]

Key: TypeAlias = tuple[int, int]
"""A vehicle: its autopilot's system and component."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A sample of a stream, of just now. `no_fix`: it says itself that it has no position."""

    vehicle: Key
    schema: Schema
    values: Values
    no_fix: bool = False


@dataclass(frozen=True, slots=True)
class Warned:
    """An alarm that begins or ends; one is going on at most for each `kind` and `subject`."""

    vehicle: Key
    kind: AlarmKind
    active: bool
    subject: str = ""
    value: str = ""
    limit: str = ""
    unit: str = ""
    text: str = ""


Said: TypeAlias = Measured | Warned
