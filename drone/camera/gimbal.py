"""What is known of the gimbal of one aircraft: what it can do, and who has it in hand."""

from dataclasses import dataclass, field
from typing import Any

from fieldlink.drone.camera.saying import (
    GIMBAL_DEVICE,
    MANAGER,
    MANAGER_STATUS,
    bounded,
    words,
)
from fieldlink.drone.vehicle.reading import Fields

__all__ = ["GIMBAL_FLAGS", "GimbalState"]

GIMBAL_FLAGS = {
    1: "retract", 2: "neutral", 4: "roll", 32: "pitch", 256: "yaw", 1024: "yaw-lock",
    2048: "endless-yaw", 4096: "yaw-from-north", 8192: "rc", 131072: "point-at-place",
}  # fmt: skip
"""GIMBAL_MANAGER_CAP_FLAGS and GIMBAL_DEVICE_CAP_FLAGS, in our words."""

_YAW = 256
_MOST, _TOO_MANY = 16, (0, 0)
_TURN = 57.29577951308232  # degrees in a radian


@dataclass
class GimbalState:
    """`manager` is the component that commands go to. Angles in degrees, down negative."""

    manager: tuple[int, int] | None = None
    model: str = ""
    flags: int | None = None
    device: int = 0
    pitch: tuple[float, float] | None = None
    yaw: tuple[float, float] | None = None
    control: tuple[int, int] | None = None
    _said: dict[tuple[int, int], int] = field(default_factory=dict)

    def take(self, key: tuple[int, int], msgid: int, fields: Fields) -> None:
        """A component said `fields`."""
        if msgid == MANAGER:
            if self.manager is None:
                self._said.clear()  # its word counts, not its gimbals' own
            self.manager, self.device = key, fields["gimbal_device_id"]
            self._can(key, fields)
        elif msgid == MANAGER_STATUS:
            self.control = fields["primary_control_sysid"], fields["primary_control_compid"]
        elif msgid == GIMBAL_DEVICE:
            name = f"{words(fields['vendor_name'])} {words(fields['model_name'])}".strip()
            self.model = name or words(fields["custom_name"])
            if self.manager is None:
                self._can(key, fields)

    def _can(self, key: tuple[int, int], fields: Fields) -> None:
        self.flags = fields["cap_flags"]
        which = key[1], fields["gimbal_device_id"]
        if which in self._said or len(self._said) < _MOST:
            self._said[which] = fields["cap_flags"]
        else:
            self._said[_TOO_MANY] = 0
        self.pitch = _range(fields["pitch_min"], fields["pitch_max"])
        self.yaw = _range(fields["yaw_min"], fields["yaw_max"])

    @property
    def has_yaw(self) -> bool | None:
        """Whether it turns about the vertical by itself; None: nobody said. What cannot, looks
        sideways by turning the aircraft (ArduPilot, AP_Mount: has_pan_control). Commands go to all
        gimbals of an aircraft, so all have to.
        """
        if self.flags is None:
            return None
        return all(flags & _YAW for flags in (self.flags, *self._said.values()))

    def report(self) -> dict[str, Any]:
        """What is known, for people and programs."""
        flags = self.flags
        return {
            "manager": None if self.manager is None else self.manager[1],
            "model": self.model or None,
            "can": None
            if flags is None
            else [name for bit, name in GIMBAL_FLAGS.items() if flags & bit],
            "has_yaw": self.has_yaw,
            "pitch_range": self.pitch,
            "yaw_range": self.yaw,
            "controlled_by": None if self.control is None else list(self.control),
        }


def _range(least: float, most: float) -> tuple[float, float] | None:
    """A range in degrees of one in radians; None where it is none."""
    low, high = bounded(least, -7, 7), bounded(most, -7, 7)
    if low is None or high is None or low >= high:
        return None
    return round(low * _TURN, 1), round(high * _TURN, 1)
