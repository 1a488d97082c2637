"""What the dialects say of each message: its seed of the checksum, its size, where its target is.

Taken from pymavlink's dialect "all" when this is imported (50 ms), so that the two agree whatever
version is installed. pymavlink is used as it is published, under the LGPL.
"""

from typing import Any, NamedTuple

from pymavlink.dialects.v20 import all as dialect

__all__ = ["ENTRIES", "Entry", "entry", "id_of", "ids_of", "name_of", "target_of"]


class Entry(NamedTuple):
    """A message of the dialect. The offsets are in the payload, -1 without such a field."""

    name: str
    crc_extra: int
    system_offset: int
    component_offset: int


def _entry(message: Any) -> Entry:
    offsets: dict[str, int] = {}
    offset = 0
    # The wire has the fields by size, an array counts by its elements (Serialization, Field
    # reordering); the packed form of each is what `native_format` has.
    sizes = {"B": 1, "b": 1, "c": 1, "H": 2, "h": 2, "I": 4, "i": 4, "f": 4}
    sizes |= {"Q": 8, "q": 8, "d": 8}
    forms = bytes(message.native_format).decode("ascii").lstrip("<>=")
    fields = zip(message.ordered_fieldnames, forms, message.array_lengths, strict=True)
    for name, form, length in fields:
        offsets[name] = offset
        offset += sizes[form] * max(int(length), 1)
    name = str(message.msgname)
    # MANUAL_CONTROL alone says "target" where the others say target_system.
    system = offsets.get("target" if name == "MANUAL_CONTROL" else "target_system", -1)
    return Entry(name, int(message.crc_extra), system, offsets.get("target_component", -1))


ENTRIES: dict[int, Entry] = {
    int(msgid): _entry(message) for msgid, message in dialect.mavlink_map.items()
}
_IDS = {entry.name: msgid for msgid, entry in ENTRIES.items()}


def entry(msgid: int) -> Entry | None:
    """What is known of `msgid`."""
    return ENTRIES.get(msgid)


def name_of(msgid: int) -> str:
    """The message's name; its number for one that no dialect has."""
    found = ENTRIES.get(msgid)
    return found.name if found else str(msgid)


def id_of(name: str) -> int:
    """The id of a message by its name, or by its number written out.

    Raises:
        ValueError: there is no such message.
    """
    if name.isascii() and name.isdecimal() and int(name) < 1 << 24:
        return int(name)
    if name.upper() in _IDS:
        return _IDS[name.upper()]
    raise ValueError(f"no message is called {name!r:.60}; write its MAVLink name, or its number")


def ids_of(names: str) -> frozenset[int]:
    """The ids of the messages `names`, split at spaces; those that this dialect lacks are left
    out: messages come and go with its versions.
    """
    return frozenset(_IDS[name] for name in names.split() if name in _IDS)


def target_of(msgid: int, payload: bytes) -> tuple[int, int]:
    """Target system and component of a message; 0 is everybody, also where it has no target."""
    found = ENTRIES.get(msgid)
    if found is None or found.system_offset < 0:
        return 0, 0
    # A payload is cut where only zeros follow.
    size = len(payload)
    system = payload[found.system_offset] if found.system_offset < size else 0
    if not 0 <= found.component_offset < size:
        return system, 0
    return system, payload[found.component_offset]
