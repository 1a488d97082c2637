"""Where the kit's devices are, as the intake knows it: what is shown to others."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from fieldlink.codecs.telemetry import BATTERY, POSITION, Flag, Sample, Schema
from fieldlink.edge.telemetry.intake import KitIntake
from fieldlink.edge.telemetry.ports import Intake

__all__ = ["Placed", "Positions", "positions_of"]

_UNFIT = Flag.NO_FIX | Flag.ZERO | Flag.JUMP | Flag.BACKFILL


@dataclass(frozen=True, slots=True)
class Placed:
    """A device, and where it was at `time_us` (UTC); degrees, m, m/s, percent."""

    device: str
    kind: str
    time_us: int
    lat: float
    lon: float
    alt: float | None = None
    heading: float | None = None
    speed: float | None = None
    accuracy: float | None = None
    battery: float | None = None
    exercise: bool = False


Positions: TypeAlias = Callable[[], list[Placed]]
"""The devices that have a position, without those that came by Cursor on Target itself."""


def positions_of(intake: Intake) -> Positions:
    """The latest positions that `intake` believes; none of an intake that remembers none."""
    if not isinstance(intake, KitIntake):
        return list
    return lambda: list(_placed(intake))


def _placed(intake: KitIntake) -> Iterator[Placed]:
    for device in intake.roster:
        position = device.series.get(POSITION.stream)
        if device.via == "cot" or position is None or position.last is None:
            continue
        sample = position.last
        values = _natural(POSITION, sample)
        lat, lon = values["lat"], values["lon"]
        if lat is None or lon is None or sample.flags & _UNFIT:
            continue
        battery = device.series.get(BATTERY.stream)
        levels = {} if battery is None or battery.last is None else _natural(BATTERY, battery.last)
        yield Placed(
            device.name,
            device.kind,
            sample.time_us,
            lat,
            lon,
            alt=values["alt"],
            heading=values["heading"],
            speed=values["speed"],
            accuracy=values["accuracy"],
            battery=levels.get("level"),
            exercise=bool(sample.flags & Flag.EXERCISE),
        )


def _natural(schema: Schema, sample: Sample) -> dict[str, float | None]:
    return {
        column.name: value / 10**column.scale if isinstance(value, int) else None
        for column, value in zip(schema.columns, sample.values, strict=False)
    }
