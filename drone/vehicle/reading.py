"""What a message says, by name, for those that a vehicle's state is made of.

The forms come from pymavlink's dialect; a field that says that it knows nothing is told apart by
`known` and `finite`. A payload cut at its zeros (MAVLink 2) or before the fields that came later
(MAVLink 1) is filled up with zeros, as the standard says (Payload Truncation).
"""

import math
from functools import cache
from struct import Struct
from typing import Any

from pymavlink.dialects.v20 import all as dialect

from fieldlink.codecs.mavlink import Frame, id_of

__all__ = ["Fields", "fields_of", "finite", "known", "read"]

Fields = dict[str, Any]
"""A message's values by its field names; an array is a tuple, text is bytes."""

_NAMES = (
    "HEARTBEAT SYS_STATUS GPS_RAW_INT ATTITUDE GLOBAL_POSITION_INT MISSION_CURRENT"
    " NAV_CONTROLLER_OUTPUT VFR_HUD RADIO_STATUS RADIO BATTERY_STATUS MOUNT_STATUS FENCE_STATUS"
    " EKF_STATUS_REPORT ESTIMATOR_STATUS HIGH_LATENCY2 HOME_POSITION EXTENDED_SYS_STATE"
    " STATUSTEXT MOUNT_ORIENTATION CAMERA_FOV_STATUS GIMBAL_DEVICE_ATTITUDE_STATUS"
)


class _Form:
    def __init__(self, message: Any) -> None:
        self._struct = Struct(message.unpacker.format)
        self._parts: list[tuple[str, int, int]] = []
        types = dict(zip(message.fieldnames, message.fieldtypes, strict=True))
        at = 0
        for name, length in zip(message.ordered_fieldnames, message.array_lengths, strict=True):
            count = 0 if types[name] == "char" else int(length)  # text is one thing
            self._parts.append((str(name), at, count))
            at += max(count, 1)

    def read(self, payload: bytes) -> Fields:
        size = self._struct.size
        if len(payload) < size:
            payload = payload.ljust(size, b"\0")
        got = self._struct.unpack_from(payload)
        return {
            name: got[at : at + length] if length else got[at] for name, at, length in self._parts
        }


@cache
def _form(msgid: int) -> _Form | None:
    message = dialect.mavlink_map.get(msgid)
    return _Form(message) if message is not None else None


def fields_of(frame: Frame) -> Fields | None:
    """What any message says that a dialect here has; None when its checksum was not checked."""
    form = _form(frame.msgid) if frame.known else None
    return form.read(frame.payload) if form is not None else None


_FORMS = {
    msgid: _Form(dialect.mavlink_map[msgid]) for msgid in (id_of(name) for name in _NAMES.split())
}


def read(frame: Frame) -> Fields | None:
    """What `frame` says; None when no state is made of it, or its checksum was not checked."""
    form = _FORMS.get(frame.msgid)
    return form.read(frame.payload) if form is not None and frame.known else None


def known(value: int, unknown: int, scale: float = 1.0) -> float | None:
    """`value` times `scale`; None when it is the number that means unknown."""
    return None if value == unknown else value * scale


def finite(value: float, scale: float = 1.0) -> float | None:
    """`value` times `scale`; None for what is no number, or infinite."""
    return value * scale if math.isfinite(value) else None
