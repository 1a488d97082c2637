"""What cameras and gimbals say, by message. (MAVLink common.xml, Camera and Gimbal Protocol v2.)"""

from collections.abc import Sequence

from fieldlink.codecs.mavlink import Frame, id_of
from fieldlink.drone.vehicle.reading import Fields, fields_of

__all__ = [
    "CAPTURE",
    "CAPTURED",
    "FOV",
    "GIMBAL_DEVICE",
    "INFORMATION",
    "MANAGER",
    "MANAGER_STATUS",
    "SETTINGS",
    "STORAGE",
    "STREAM",
    "STREAM_STATUS",
    "bounded",
    "read",
    "words",
]

INFORMATION, SETTINGS, STORAGE, CAPTURE, CAPTURED = (
    id_of(name)
    for name in (
        "CAMERA_INFORMATION",
        "CAMERA_SETTINGS",
        "STORAGE_INFORMATION",
        "CAMERA_CAPTURE_STATUS",
        "CAMERA_IMAGE_CAPTURED",
    )
)
STREAM, STREAM_STATUS, FOV = (
    id_of(name) for name in ("VIDEO_STREAM_INFORMATION", "VIDEO_STREAM_STATUS", "CAMERA_FOV_STATUS")
)
MANAGER, MANAGER_STATUS, GIMBAL_DEVICE = (
    id_of(name)
    for name in (
        "GIMBAL_MANAGER_INFORMATION",
        "GIMBAL_MANAGER_STATUS",
        "GIMBAL_DEVICE_INFORMATION",
    )
)
_OURS = frozenset(
    (
        *(INFORMATION, SETTINGS, STORAGE, CAPTURE, CAPTURED, STREAM, STREAM_STATUS, FOV),
        *(MANAGER, MANAGER_STATUS, GIMBAL_DEVICE),
    )
)


def read(frame: Frame) -> Fields | None:
    """What `frame` says; None when it is no message of a camera or gimbal, or was not checked."""
    return fields_of(frame) if frame.msgid in _OURS else None


def words(raw: bytes | Sequence[int]) -> str:
    """The text of a field, up to its first zero, without what is no text; "" for none."""
    text = bytes(raw).partition(b"\0")[0].decode("utf-8", "replace")
    return "".join(one for one in text if one.isprintable() and one != "\ufffd").strip()


def bounded(value: float, least: float, most: float) -> float | None:
    """`value`; None when it is no number, or outside of what can be."""
    return value if least <= value <= most else None
