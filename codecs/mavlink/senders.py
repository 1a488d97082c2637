"""Who a HEARTBEAT is of."""

__all__ = ["is_autopilot", "is_autopilots"]

_NO_AUTOPILOT = 8
# MAV_TYPE of ground stations, companion computers, gimbals, ADS-B receivers, cameras and other
# parts. Some fill in an autopilot (GENERIC, 0) though they are none; ground stations look at both.
_PARTS = frozenset((6, 18, 26, 27, 30, 31, 32, 33, 34, 36, 37, 38, 39, 40, 41, 42, 44, 48, 49))


def is_autopilot(kind: int, autopilot: int) -> bool:
    """Whether who says that it is of `kind` (MAV_TYPE) and has `autopilot` is one."""
    return autopilot != _NO_AUTOPILOT and kind not in _PARTS


def is_autopilots(payload: bytes) -> bool:
    """Whether this HEARTBEAT, cut at its zeros or not, is an autopilot's."""
    payload = payload.ljust(9, b"\0")
    return is_autopilot(payload[4], payload[5])
