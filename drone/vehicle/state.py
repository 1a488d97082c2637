"""The state of one vehicle: what it last said, and how long ago.

What is older than `FRESH_US` is unknown, for it may have ended with nobody saying so. Home and the
mission's length are said once and stay.
"""

from dataclasses import dataclass, field

from fieldlink.codecs.mavlink import HighLatency2, id_of
from fieldlink.drone.vehicle.names import PX4, mode_name, state_name
from fieldlink.drone.vehicle.reading import Fields

__all__ = ["FRESH_US", "RARE_US", "VehicleState"]

FRESH_US = 15_000_000
RARE_US = 130_000_000
"""HIGH_LATENCY2 comes seldom: it counts for so long."""

_ARMED = 128  # MAV_MODE_FLAG_SAFETY_ARMED
_HEARTBEAT = 0
_LASTING = {id_of("HOME_POSITION")}


@dataclass
class VehicleState:
    """`now_us` is a clock that only goes forward. `armed` None: nobody said."""

    sysid: int
    compid: int
    kind: int = 0
    autopilot: int = 0
    mode: str | None = None
    armed: bool | None = None
    state: str | None = None
    heard_us: int = 0
    summary: tuple[HighLatency2, int] | None = None
    _said: dict[tuple[int, int], tuple[Fields, int]] = field(default_factory=dict)

    def take(self, msgid: int, fields: Fields, now_us: int, part: int = 0) -> None:
        """It said `fields`; `part` tells batteries apart."""
        if msgid == _HEARTBEAT:
            self.kind, self.autopilot = fields["type"], fields["autopilot"]
            base_mode, custom_mode = fields["base_mode"], fields["custom_mode"]
            self.mode = mode_name(self.autopilot, self.kind, base_mode, custom_mode)
            self.armed = bool(base_mode & _ARMED)
            self.state = state_name(fields["system_status"])
        self._said[msgid, part] = fields, now_us

    def take_summary(self, said: HighLatency2, now_us: int) -> None:
        """It said HIGH_LATENCY2. Where it sends heartbeats as well, those say it better."""
        self.summary = said, now_us
        if self.last(_HEARTBEAT, now_us) is not None:
            return
        self.kind, self.autopilot = said.type, said.autopilot
        # 16 bits: the upper half of PX4's 32.
        custom_mode = said.custom_mode << 16 if said.autopilot == PX4 else said.custom_mode
        self.mode = mode_name(said.autopilot, said.type, None, custom_mode)
        self.armed, self.state = None, None

    def last(self, msgid: int, now_us: int, part: int = 0) -> Fields | None:
        """What it said in a message lately."""
        fields, at_us = self._said.get((msgid, part), (None, 0))
        if fields is None or (now_us - at_us > FRESH_US and msgid not in _LASTING):
            return None
        return fields

    def last_summary(self, now_us: int) -> HighLatency2 | None:
        """What it said in HIGH_LATENCY2 lately."""
        if self.summary is None or now_us - self.summary[1] > RARE_US:
            return None
        return self.summary[0]

    def brief(self) -> bool:
        """Whether it speaks by HIGH_LATENCY2 alone."""
        return (_HEARTBEAT, 0) not in self._said and self.summary is not None
