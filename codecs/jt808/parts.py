"""Split messages put together again (JT/T 808-2019 4.4.3, 8.6): parts come in any order, twice,
or not at all. Time is given, in seconds of any clock that only goes forward.
"""

from dataclasses import dataclass, field, replace

from fieldlink.codecs.fault import CodecError

from .frames import Frame, Header
from .messages import Resend

__all__ = ["MAX_PARTS", "Assembler", "Whole"]

MAX_PARTS = 256
MAX_OPEN = 4
MAX_BYTES = 256 * 1024
ASK_AFTER_S = 5.0
ASKS = 3
FORGET_AFTER_S = 30.0


@dataclass(frozen=True, slots=True)
class Whole:
    """A message: its body, its header without the part, the serials of all its frames."""

    header: Header
    body: bytes
    serials: tuple[int, ...]


@dataclass(slots=True)
class _Open:
    header: Header
    total: int
    first: int
    heard_s: float
    asked_s: float
    asks: int = 0
    parts: dict[int, bytes] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return sum(len(part) for part in self.parts.values())

    def missing(self) -> tuple[int, ...]:
        return tuple(n for n in range(1, self.total + 1) if n not in self.parts)


class Assembler:
    """The split messages of one terminal. At most `MAX_OPEN` are open, of `MAX_BYTES` together;
    the one that waits longest makes room. What was given up is counted in `lost`.
    """

    def __init__(self) -> None:
        self._open: dict[tuple[int, int, int], _Open] = {}
        self.lost = 0

    @property
    def held_bytes(self) -> int:
        """What is kept at present."""
        return sum(one.size for one in self._open.values())

    def add(self, frame: Frame, now_s: float) -> Whole | None:
        """A frame; the message that it completes, which a whole one does by itself.

        Raises:
            CodecError: "parts": the message has more parts than are kept.
        """
        part, header = frame.header.part, frame.header
        if part is None:
            return Whole(header, frame.body, (header.serial,))
        if part.total > MAX_PARTS:
            raise CodecError("parts", f"{part.total} parts; at most {MAX_PARTS} are kept")
        first = (header.serial - part.number + 1) % 65536  # its parts count on from its first one
        key = (header.message, part.total, first)
        one = self._open.setdefault(key, _Open(header, part.total, first, now_s, now_s))
        one.parts[part.number] = frame.body
        one.heard_s = now_s
        if len(one.parts) == part.total:
            return self._whole(key)
        self._make_room()
        return None

    def due(self, now_s: float) -> list[Resend]:
        """What to ask the terminal for again; called about once a second."""
        asks = []
        for key, one in list(self._open.items()):
            if now_s - one.heard_s > FORGET_AFTER_S:
                del self._open[key]
                self.lost += 1
            elif one.asks < ASKS and now_s - max(one.heard_s, one.asked_s) >= ASK_AFTER_S:
                one.asks += 1
                one.asked_s = now_s
                asks.append(Resend(one.first, one.missing()[:255]))
        return asks

    def _whole(self, key: tuple[int, int, int]) -> Whole:
        one = self._open.pop(key)
        body = b"".join(one.parts[number] for number in range(1, one.total + 1))
        serials = tuple((one.first + number) % 65536 for number in range(one.total))
        return Whole(replace(one.header, serial=serials[-1], part=None), body, serials)

    def _make_room(self) -> None:
        while len(self._open) > MAX_OPEN or self.held_bytes > MAX_BYTES:
            stalest = min(self._open, key=lambda key: self._open[key].heard_s)
            del self._open[stalest]
            self.lost += 1
