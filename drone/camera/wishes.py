"""What one component is asked for: each thing by the message that asks for all, then by the older
command of its own, with pauses that grow. No clock, no sockets.
"""

from dataclasses import dataclass, field

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

__all__ = ["Ask", "Wish", "wish_for"]

_REQUEST_MESSAGE = 512
_ACCEPTED, _LATER, _IN_PROGRESS = 0, 1, 5
_FIRST_US, _LONGEST_US = 2_000_000, 60_000_000
_COMES_US = 3_000_000  # so long after the answer the message itself may take
_GIVEN_UP_US = 600_000_000
_OLD = {
    # MAV_CMD_REQUEST_..., deprecated since 2021: MAVSDK's camera server refuses 512 for 269 and
    # answers 2504.
    INFORMATION: (521, (1.0,)),
    SETTINGS: (522, (1.0,)),
    STORAGE: (525, (0.0, 1.0)),
    CAPTURE: (527, (1.0,)),
    STREAM: (2504, (0.0,)),
    STREAM_STATUS: (2505, (0.0,)),
}
# How often anew on a quick link; what a camera says by itself when it changes is asked seldom.
_EVERY_US = {
    CAPTURE: 10_000_000,
    FOV: 10_000_000,
    SETTINGS: 30_000_000,
    STORAGE: 60_000_000,
    STREAM_STATUS: 60_000_000,
    STREAM: 300_000_000,
}


@dataclass(frozen=True, slots=True)
class Ask:
    """A command to send, and the message that it asks for."""

    target: tuple[int, int]
    command: int
    params: tuple[float, ...]
    msgid: int


@dataclass(slots=True)
class Wish:
    """One message that is wanted. `most` is how often nobody may answer before it is given up for
    ten minutes; `every_us` how often it is wanted anew, None: once.
    """

    msgid: int
    ways: tuple[tuple[int, tuple[float, ...]], ...]
    every_us: int | None = None
    most: int = 6
    due_us: int = 0
    way: int = 0
    tries: int = 0
    refused: set[int] = field(default_factory=set)
    expected: bool = False
    closed: bool = False

    def ask(self, target: tuple[int, int]) -> Ask:
        """What to send now."""
        return Ask(target, *self.ways[self.way], self.msgid)

    def came(self, now_us: int, pace: float) -> None:
        """The message is there."""
        self.expected, self.closed, self.tries = False, False, 0
        self.refused.clear()
        self._again(now_us, pace)

    def _again(self, now_us: int, pace: float) -> None:
        if self.every_us is None:
            self.closed = True
        else:
            self.due_us = now_us + round(self.every_us * pace)

    def look(self, now_us: int) -> None:
        """Notice a message that was promised and did not come."""
        if self.expected and now_us >= self.due_us:
            self.expected = False
            self._refused(now_us, for_good=False)

    def answered(self, result: int | None, now_us: int) -> None:
        """The command was answered by a MAV_RESULT; None: not at all."""
        if result == _ACCEPTED:
            if not self.closed and self.due_us <= now_us:
                self.expected, self.due_us = True, now_us + _COMES_US
        elif result in (None, _LATER, _IN_PROGRESS):
            self.tries += 1
            if self.tries >= self.most:
                self.tries, self.due_us = 0, now_us + _GIVEN_UP_US
            else:
                self.due_us = now_us + min(_FIRST_US << (self.tries - 1), _LONGEST_US)
        else:
            self._refused(now_us, for_good=True)

    def _refused(self, now_us: int, *, for_good: bool) -> None:
        """Not this way: the other one, at once; when there is none, not at all, or much later."""
        if for_good:
            self.refused.add(self.way)
        others = [n for n in range(len(self.ways)) if n not in self.refused and n > self.way]
        if others:
            self.way, self.due_us = others[0], now_us
        elif len(self.refused) == len(self.ways):
            self.closed = True
        else:
            left = [n for n in range(len(self.ways)) if n not in self.refused]
            self.way, self.due_us = left[0], now_us + _GIVEN_UP_US


def wish_for(msgid: int, now_us: int, *, most: int = 6) -> Wish:
    """A wish that is due now."""
    ways: list[tuple[int, tuple[float, ...]]] = [(_REQUEST_MESSAGE, (float(msgid), 0.0))]
    if msgid in _OLD:
        ways.append(_OLD[msgid])
    if msgid in (FOV, MANAGER, GIMBAL_DEVICE):
        most = min(most, 3)
    return Wish(msgid, tuple(ways), _EVERY_US.get(msgid), most, now_us)
