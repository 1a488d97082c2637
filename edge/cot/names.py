"""What is called what on either side: uids and types of events, devices and their kinds."""

import hashlib
import re

from fieldlink.codecs.bundle import check_name
from fieldlink.codecs.cot import Event
from fieldlink.codecs.fault import CodecError

__all__ = ["OWN_PREFIX", "device_of", "is_presence", "kind_of", "own_uid", "subject_of", "type_of"]

OWN_PREFIX = "FIELDLINK-"
"""Every uid that a kit gives begins so; none of those is taken in, or two kits would show each
other's devices as their own for ever."""

_ALERT_SUFFIX = "-9-1-1"
_SAFE = re.compile(r"[^a-z0-9]+")
_WHOLE = 28
# MIL-STD-2525 functions as in CoTtypes.xml. What has no type of its own is a friend on the ground.
_TYPES = {
    "soldier": "a-f-G-U-C",
    "vehicle": "a-f-G-E-V",
    "drone": "a-f-A-M-H-Q",
    "ball": "a-f-G-E-S",
    "sensor": "a-f-G-E-S",
    "kit": "a-f-G-U-H",
}


def device_of(uid: str) -> str:
    """The device's name for the TAK user `uid`: the uid itself where that can be one, else what
    is readable of it and a hash.
    """
    plain = uid.lower()
    name = f"cot-{plain}"
    if len(plain) <= _WHOLE and _is_name(name):
        return name
    digest = hashlib.blake2b(uid.encode("utf-8", "replace"), digest_size=4).hexdigest()
    readable = _SAFE.sub("-", plain)[:18].strip("-")
    return f"cot-{readable}-{digest}" if readable else f"cot-{digest}"


def _is_name(name: str) -> bool:
    try:
        check_name("device", name)
    except CodecError:
        return False
    return True


def is_presence(event: Event) -> bool:
    """Whether `event` is somebody's own position, and not a marker that somebody drew: those are
    placed by hand (`how` h-) and name no program.
    """
    if not event.type.startswith("a-"):
        return False
    return event.how.startswith("m-") or bool(event.software or event.role)


def kind_of(event_type: str) -> str:
    """The kind of device for a type: air, sea and vehicles apart, people are soldiers."""
    parts = event_type.split("-")
    dimension = parts[2] if len(parts) > 2 else ""
    if dimension == "A":
        return "drone" if parts[-1] == "Q" else "aircraft"
    if dimension in ("S", "U"):
        return "vessel"
    return "vehicle" if parts[3:5] == ["E", "V"] else "soldier"


def type_of(kind: str) -> str:
    """The type under which a device of `kind` is shown."""
    return _TYPES.get(kind, "a-f-G")


def own_uid(kit: str, device: str) -> str:
    """The uid of a device of this kit, the same for ever."""
    return f"{OWN_PREFIX}{kit}-{device}"


def subject_of(event: Event) -> str:
    """The uid of whom an alert or a message is about."""
    if event.link:
        return event.link
    if event.uid.startswith("GeoChat.") and event.uid.count(".") >= 2:
        return event.uid.split(".")[1]
    return event.uid.removesuffix(_ALERT_SUFFIX)
