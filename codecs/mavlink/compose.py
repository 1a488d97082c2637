"""Frames of our own."""

from struct import Struct

from .frame import STX1, STX2
from .framer import checksum
from .signing import signature
from .table import ENTRIES

__all__ = ["HEARTBEAT", "compose", "heartbeat"]

HEARTBEAT = 0
_HEAD2 = Struct("<BBBBBBBHB").pack
_HEARTBEAT = Struct("<IBBBBB").pack
ONBOARD_CONTROLLER, NO_AUTOPILOT, STATE_ACTIVE = 18, 8, 4


def compose(
    msgid: int,
    payload: bytes,
    *,
    sysid: int,
    compid: int,
    seq: int,
    version: int = 2,
    key: bytes | None = None,
    link_id: int = 0,
    timestamp: int = 0,
) -> bytes:
    """A frame of `payload`; signed when there is a `key`.

    Raises:
        ValueError: no dialect has `msgid`, or it does not fit into that version.
    """
    found = ENTRIES.get(msgid)
    if found is None:
        raise ValueError(f"no dialect has message {msgid}")
    if len(payload) > 255 or (version == 1 and (msgid > 255 or key is not None)):
        raise ValueError(f"message {msgid} does not fit into MAVLink {version}")
    if version == 1:
        covered = bytes((len(payload), seq & 0xFF, sysid, compid, msgid)) + payload
        start = STX1
    else:
        # Zeros at the end are left out, but never the first byte (Serialization, Truncation).
        payload = payload.rstrip(b"\0") or payload[:1]
        head = _HEAD2(
            len(payload), key is not None, 0, seq & 0xFF, sysid, compid, 0, msgid & 0xFFFF, 0
        )
        covered = head[:6] + msgid.to_bytes(3, "little") + payload
        start = STX2
    frame = bytes((start,)) + covered + checksum(covered, found.crc_extra).to_bytes(2, "little")
    return frame if key is None else frame + signature(frame, key, link_id, timestamp)


def heartbeat(
    *,
    type_: int = ONBOARD_CONTROLLER,
    autopilot: int = NO_AUTOPILOT,
    base_mode: int = 0,
    custom_mode: int = 0,
    state: int = STATE_ACTIVE,
) -> bytes:
    """The payload of a HEARTBEAT; a companion computer's unless said otherwise."""
    return _HEARTBEAT(custom_mode, type_, autopilot, base_mode, state, 3)
