"""One component that is a camera, a gimbal, or may answer for one: what to ask it, and when."""

from fieldlink.drone.camera.saying import (
    CAPTURE,
    FOV,
    GIMBAL_DEVICE,
    INFORMATION,
    MANAGER,
    SETTINGS,
    STORAGE,
    STREAM,
    STREAM_STATUS,
)
from fieldlink.drone.camera.wishes import Ask, Wish, wish_for
from fieldlink.drone.vehicle.reading import Fields

__all__ = ["Component"]

_BACK_US = 30_000_000
_NEW_AGAIN_US = 30_000_000
_EARLIER_MS = 1000
_CAN_STREAM, _CAN_CAPTURE, _CAN_SET = 256, 1 | 2, 4 | 64 | 128
_FEW = 3
_ATTACHED = range(1, 7)  # a gimbal that is no component of its own


class Component:
    """`key` is its system and component. `sure`: it said itself that it is a camera or a gimbal; an
    autopilot that may answer for one is asked a few times only.
    """

    def __init__(self, key: tuple[int, int], now_us: int) -> None:
        self.key = key
        self.heard_us = now_us
        self.links: dict[str, int] = {}
        self.busy: Ask | None = None
        self._wishes: dict[int, Wish] = {}
        self._boot_ms: dict[int, int] = {}
        self._anew_us: int | None = None

    def hear(self, link: str, now_us: int) -> None:
        """It said something on `link`. Whoever was silent for long may have been exchanged."""
        if now_us - self.heard_us > _BACK_US:
            self.anew(now_us)
        self.heard_us = now_us
        self.links[link] = now_us

    def want(self, msgid: int, now_us: int, *, sure: bool = True) -> None:
        """Ask for a message unless that is done already."""
        if msgid not in self._wishes:
            self._wishes[msgid] = wish_for(msgid, now_us, most=6 if sure else _FEW)

    def said(self, msgid: int, fields: Fields, now_us: int, pace: float) -> bool:
        """It said a message; whether that shows that it was started again."""
        boot_ms = fields.get("time_boot_ms", 0)
        restarted = boot_ms + _EARLIER_MS < self._boot_ms.get(msgid, 0) and self.anew(now_us)
        self._boot_ms[msgid] = boot_ms
        self._follow(msgid, fields, now_us)
        if (wish := self._wishes.get(msgid)) is not None:
            wish.came(now_us, pace)
        return restarted

    def _follow(self, msgid: int, fields: Fields, now_us: int) -> None:
        """What one message makes worth asking for."""
        if msgid == INFORMATION:
            flags = fields["flags"]
            follow = [FOV] if flags & (_CAN_STREAM | _CAN_CAPTURE) else []
            follow += [STREAM] if flags & _CAN_STREAM else []
            follow += [CAPTURE, STORAGE] if flags & _CAN_CAPTURE else []
            follow += [SETTINGS] if flags & _CAN_SET else []
        elif msgid == STREAM:
            follow = [STREAM_STATUS]
        elif msgid == MANAGER and fields["gimbal_device_id"] in _ATTACHED:
            follow = [GIMBAL_DEVICE]
        else:
            follow = []
        for one in follow:
            self.want(one, now_us)

    def anew(self, now_us: int) -> bool:
        """It was started again: ask for everything; False: that was so just now."""
        if self._anew_us is not None and now_us - self._anew_us < _NEW_AGAIN_US:
            return False
        self._anew_us = now_us
        self._boot_ms.clear()
        first = [one for one in (INFORMATION, MANAGER) if one in self._wishes]
        self._wishes = {msgid: wish_for(msgid, now_us) for msgid in first}
        return True

    def due(self, now_us: int) -> Ask | None:
        """What to ask now, one thing at a time."""
        if self.busy is not None:
            return None
        for wish in self._wishes.values():
            wish.look(now_us)
            if wish.closed or wish.expected or wish.due_us > now_us:
                continue
            self.busy = wish.ask(self.key)
            return self.busy
        return None

    def settled(self, now_us: int) -> bool:
        """Whether all that was asked for lately is answered, or refused."""
        waits = (one for one in self._wishes.values() if not one.closed)
        return self.busy is None and all(not one.expected and one.due_us > now_us for one in waits)

    def answered(self, ask: Ask, result: int | None, now_us: int) -> None:
        """`ask` was answered by a MAV_RESULT; None: by nobody."""
        if self.busy == ask:
            self.busy = None
        wish = self._wishes.get(ask.msgid)
        if wish is not None and wish.ask(self.key) == ask:
            wish.answered(result, now_us)

    def refresh(self, msgid: int, now_us: int) -> None:
        """Something was done to it: what it says of that is wanted now."""
        wish = self._wishes.get(msgid)
        if wish is not None and not wish.closed:
            wish.due_us = now_us
