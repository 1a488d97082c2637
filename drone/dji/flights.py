"""Flights of DJI aircraft, cut from what their gateways report: what was flown and what is missing,
without frames or pieces, for DJI gives none. Pure; times are UTC microseconds and a steady clock's.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from fieldlink.drone.record import FlightIndex
from fieldlink.drone.record.index import Gap

__all__ = ["LOST_US", "SILENT_US", "Flights"]

SILENT_US = 10_000_000  # five reports at 0.5 Hz
LOST_US = 600_000_000  # as of aircraft that speak MAVLink
_AIR_M, _AIR_MPS = 1.5, 1.5
_GROUND_REPORTS = 2  # so many in a row, and it has landed


@dataclass
class _Craft:
    index: FlightIndex
    heard_us: int  # steady
    at_us: int
    ground: int = 0
    resumed: bool = False


@dataclass
class Flights:
    """Of every aircraft, by its device's name. `ended` are those to be put on record."""

    flying: dict[str, _Craft] = field(default_factory=dict)
    ended: list[FlightIndex] = field(default_factory=list)

    def resume(self, index: FlightIndex, steady_us: int) -> None:
        """A flight that went on when the agent was stopped or killed."""
        self.flying[index.device] = _Craft(index, steady_us, index.end_us, resumed=True)

    def take(
        self,
        device: str,
        *,
        at_us: int,
        steady_us: int,
        armed: bool | None,
        height_m: float | None,
        speed_mps: float | None,
    ) -> bool:
        """A report. `armed` is what its mode says, None where that says nothing: then its height
        above take-off and its speed do. True: a flight began or ended.
        """
        flies = _flies(armed, height_m, speed_mps)
        craft = self.flying.get(device)
        if craft is not None:
            self._missed(craft, at_us, steady_us, flies)
            if self.flying.get(device) is None:
                craft = None
        if craft is None:
            if not flies:
                return False
            self.flying[device] = _Craft(_begin(device, at_us), steady_us, at_us)
            return True
        craft.heard_us, craft.at_us = steady_us, at_us
        craft.ground = 0 if flies is not False else craft.ground + 1
        if flies:
            craft.index.end_us = max(craft.index.end_us, at_us)
        if craft.ground >= _GROUND_REPORTS:
            self._end(device, "disarmed")
            return True
        return False

    def tick(self, steady_us: int) -> bool:
        """End flights of aircraft that are not heard any more; whether there were any."""
        gone = [name for name, one in self.flying.items() if steady_us - one.heard_us > LOST_US]
        for device in gone:
            self._end(device, "lost")
        return bool(gone)

    def stop(self, device: str) -> None:
        """It is not to be heard any more: it was removed."""
        if device in self.flying:
            self._end(device, "stopped")

    def _missed(self, craft: _Craft, at_us: int, steady_us: int, flies: bool | None) -> None:
        """What was not heard in between: a gap, or the end of a flight that is another by now."""
        index = craft.index
        silent_us = at_us - craft.at_us if craft.resumed else steady_us - craft.heard_us
        if craft.resumed and not (0 <= silent_us <= LOST_US and flies is not False):
            self._end(index.device, "stopped")
            return
        if silent_us > SILENT_US:
            why = "agent: the kit's program did not run"
            reason = why if craft.resumed else "link: nothing was heard of it"
            index.add_gap(Gap(at_us - silent_us, at_us, reason))
        craft.resumed = False

    def _end(self, device: str, why: str) -> None:
        index = self.flying.pop(device).index
        index.ended = why
        self.ended.append(index)


def _flies(armed: bool | None, height_m: float | None, speed_mps: float | None) -> bool | None:
    if armed is not None:
        return armed
    if height_m is None and speed_mps is None:
        return None
    return (height_m or 0.0) > _AIR_M or (speed_mps or 0.0) > _AIR_MPS


def _begin(device: str, at_us: int) -> FlightIndex:
    at = datetime.fromtimestamp(at_us / 1e6, UTC)
    ident = f"{at:%Y%m%dt%H%M%S}-{at.microsecond // 1000:03d}"
    return FlightIndex(device, 0, ident, True, at_us, at_us)
