"""What time it is at the centre, by questions of its own.

An Ask for a bundle that nobody has is answered with "nothing of it", at a time of the centre's
clock: that was between question and answer. So half of the round trip is the error, whatever way
it went. Three questions when the first link has settled, then one each half hour: about 150 bytes
both ways.
"""

import secrets
from collections.abc import Callable
from typing import TypeAlias

from fieldlink.codecs.wire import Ack, Ask
from fieldlink.edge.clock.clock import steady_us

__all__ = ["CentreTime", "Told"]

Told: TypeAlias = Callable[[int, int, int], None]
"""Told the centre's time, when that was by the steady clock, and its error; all in us."""

_FIRST = 3
_SETTLING_US = 15_000_000
"""A thin link's first seconds are the pictures': with the questions among them the first picture of
an eighth camera came 0.7 s later, on 128 kbit/s.
"""
_FIRST_EVERY_US = 2_000_000
_EVERY_US = 1_800_000_000
_PATIENCE_US = 60_000_000
_WORST_US = 20_000_000  # a longer round trip tells nothing that is worth knowing
_OWN_ERROR_US = 50_000
_NAME_BYTES = 32


class CentreTime:
    """Asks when it is due, and tells `told` what the answers say; without one it never asks."""

    def __init__(
        self,
        told: Told | None = None,
        *,
        steady: Callable[[], int] = steady_us,
        name: Callable[[], bytes] = lambda: secrets.token_bytes(_NAME_BYTES),
    ) -> None:
        self._told, self._steady, self._name = told, steady, name
        self._asked: tuple[bytes, int] | None = None
        self._due_us: int | None = None
        self._answers = 0

    def asks(self) -> list[Ask]:
        """The question to put now, if one is due."""
        now_us = self._steady()
        if self._due_us is None:  # there is somebody to ask for the first time
            self._due_us = now_us + _SETTLING_US
        if self._told is None or now_us < self._due_us:
            return []
        self._asked = self._name(), now_us
        self._due_us = now_us + _PATIENCE_US
        return [Ask((self._asked[0],))]

    def heard(self, frame: object) -> None:
        """The centre said something."""
        if self._asked is None or self._told is None or not isinstance(frame, Ack):
            return
        name, asked_us = self._asked
        item = next((one for one in frame.items if one.bundle == name), None)
        if item is None:
            return
        now_us = self._steady()
        self._asked = None
        self._answers += 1
        self._due_us = now_us + (_FIRST_EVERY_US if self._answers < _FIRST else _EVERY_US)
        way_us = now_us - asked_us
        if way_us <= _WORST_US:
            self._told(item.at_us, asked_us + way_us // 2, way_us // 2 + _OWN_ERROR_US)
