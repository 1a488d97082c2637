"""One vehicle's recording, cut into flights and pieces. Pure: it says what is to be written.

A flight lasts from armed to disarmed, over losses of the link shorter than ten minutes and over
new starts of the kit; what is between two flights is recorded as well. Two aircraft with one number
say armed and disarmed in turn, many times a minute: that is one flight, not one for each turn.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from fieldlink.codecs.mavlink import Frame, is_autopilots, tlog_record
from fieldlink.drone.record.index import FlightIndex, Gap
from fieldlink.drone.record.pieces import Piece

__all__ = ["Append", "Close", "Cutter", "Ended", "Op", "Tally"]

PIECE_US = 60_000_000
PIECE_BYTES = 1_000_000
SILENT_US = 10_000_000
FLIGHT_LOST_US = 600_000_000
_YOUNG_US, _HOLD_US = 2_000_000, 2_500_000
_SET_US = 5_000_000
_HEARTBEAT = 0
_ARMED = 128


@dataclass(slots=True)
class Append:
    """Bytes for the end of a piece."""

    piece: Piece
    data: bytearray


@dataclass(frozen=True, slots=True)
class Close:
    """A piece is whole. `index` is its recording's, as of now."""

    piece: Piece
    index: FlightIndex
    why: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A recording is over, and all its pieces are closed."""

    index: FlightIndex


@dataclass(frozen=True, slots=True)
class Tally:
    """Nothing was heard in flight from and to these times. `index` is its recording's, as of now,
    where the gap is in it.
    """

    device: str
    gap: Gap
    index: FlightIndex | None = None


Op: TypeAlias = Append | Close | Ended | Tally


class Cutter:
    """`silent_us` says how long a link may say nothing before that is a gap. `now_us` is a clock
    that only goes forward; the frames' own time is UTC, and may be set.
    """

    def __init__(
        self,
        device: str,
        system: int,
        silent_us: Callable[[str], int] = lambda _: SILENT_US,
        resumed: FlightIndex | None = None,
    ) -> None:
        self.device, self.system = device, system
        self.link = ""
        self.armed: bool | None = None
        self.index: FlightIndex | None = None
        self.piece: Piece | None = None
        self._heard_us = 0  # by the clock that only goes forward, and what the time was then
        self._heard_at_us = 0
        self._begun_us = 0  # the piece
        self._silent_us = silent_us
        self._resumed = resumed
        self._numbers = 0
        self._compid: int | None = None  # of the autopilot whose arming counts
        self._turned_us = self._armed_us = 0  # it was armed first, and said so last
        self._doubted = self._disputed = False

    def take(self, frame: Frame, now_us: int, link: int = 0, *, own: bool = True) -> list[Op]:
        """Record `frame`. Not `own`: it was said to the vehicle, or by its radio."""
        ops: list[Op] = []
        at_us = frame.at_us
        before, after = self._arming(frame, now_us) if own else (None, None)
        if before is not None and before is not self.armed:
            ops += self._turn(at_us, armed=before)
        if self.index is None:
            resumed = self._resumed is not None and self._resumed.armed
            armed = resumed if self.armed is None else self.armed
            ops += self._begin(at_us, now_us, armed=armed)
        if self.piece is not None and (why := self._is_over(at_us, now_us)):
            ops += self._close(why)
        if own:
            ops += self._heard(at_us, now_us, frame.link)
        ops.append(self._append(frame, at_us, now_us, link))
        if after is not None:  # the heartbeat that says disarmed ends the flight that it is in
            ops += self._turn(at_us, armed=after)
        return ops

    def tick(self, now_us: int) -> list[Op]:
        """Close what is not added to any more, for it to go on its way."""
        if self.index is None:
            return []
        silent_us = now_us - self._heard_us
        if silent_us > FLIGHT_LOST_US:
            return self.end("lost")
        if self.piece is not None and silent_us > self._silent_us(self.link):
            return self._close("silent")
        if self.piece is not None and now_us - self._begun_us > PIECE_US:
            return self._close("full")
        return []

    def end(self, why: str) -> list[Op]:
        """The recording is over."""
        if self.index is None:
            return []
        ops = self._close(why)
        index, self.index = self.index, None
        index.ended = why
        self.armed = None if why == "lost" else self.armed
        return [*ops, Ended(index)]

    def pause(self, why: str) -> list[Op]:
        """Close the piece; the recording goes on some other time."""
        return self._close(why) if self.index is not None else []

    def _arming(self, frame: Frame, now_us: int) -> tuple[bool | None, bool | None]:
        """Whether it is armed from this frame on, and from behind it on; None: as before."""
        if frame.msgid != _HEARTBEAT or not frame.known:
            return None, None
        payload = frame.payload.ljust(9, b"\0")
        if not is_autopilots(payload) or self._compid not in (None, frame.compid):
            return None, None
        self._compid = frame.compid
        if payload[6] & _ARMED:
            if not self.armed:
                self._turned_us, self._disputed = now_us, False
            elif self._doubted:
                self._disputed = True
            self._armed_us, self._doubted = now_us, False
            return True, None
        if self.armed is None:
            return False, None
        # One that was armed just now, or of which both are said, is disarmed once nobody says else.
        unsure = self._disputed or now_us - self._turned_us < _YOUNG_US
        if self.armed and unsure and now_us - self._armed_us < _HOLD_US:
            self._doubted = True
            return None, None
        return None, (False if self.armed else None)

    def _turn(self, at_us: int, *, armed: bool) -> list[Op]:
        first, self.armed = self.armed is None, armed
        index = self.index
        if first and index is not None and index.armed == armed:
            return []  # as it was taken for
        return self.end("armed" if armed else "disarmed") if index is not None else []

    def _begin(self, at_us: int, now_us: int, *, armed: bool) -> list[Op]:
        resumed, self._resumed = self._resumed, None
        ops: list[Op] = []
        self._heard_us, self._heard_at_us = now_us, at_us
        if resumed is not None:
            away_us = at_us - resumed.end_us
            if resumed.armed == armed and 0 <= away_us <= FLIGHT_LOST_US:
                self.index = resumed
                self._numbers = resumed.next_number
                return self._missed(resumed.end_us, at_us, "agent: the kit's program did not run")
            resumed.ended = resumed.ended or "stopped"
            ops.append(Ended(resumed))
        at = datetime.fromtimestamp(at_us / 1e6, UTC)
        ident = f"{at:%Y%m%dt%H%M%S}-{at.microsecond // 1000:03d}" + ("" if armed else "-idle")
        self.index = FlightIndex(self.device, self.system, ident, armed, at_us, at_us)
        self._numbers = 0
        return ops

    def _heard(self, at_us: int, now_us: int, link: str) -> list[Op]:
        silent_us = now_us - self._heard_us
        limit_us = max(self._silent_us(link), self._silent_us(self.link) if self.link else 0)
        before_us = self._heard_at_us
        if self._was_set(at_us, now_us):  # by the new time, it was silent from then on
            before_us = at_us - silent_us
        self._heard_us, self._heard_at_us, self.link = now_us, at_us, link
        if silent_us > limit_us:
            return self._missed(before_us, at_us, "link: nothing was heard of it")
        return []

    def _was_set(self, at_us: int, now_us: int) -> bool:
        """Whether the time was set since it was heard last."""
        return abs((at_us - self._heard_at_us) - (now_us - self._heard_us)) > _SET_US

    def _missed(self, start_us: int, end_us: int, reason: str) -> list[Op]:
        if self.index is None or not self.index.armed or end_us <= start_us:
            return []
        gap = Gap(start_us, end_us, reason)
        self.index.add_gap(gap)
        return [Tally(self.device, gap, self.index.copy())]

    def _is_over(self, at_us: int, now_us: int) -> str:
        """Why the piece ends before this frame; empty: it does not."""
        if self._was_set(at_us, now_us):
            return "clock"
        size = self.piece.size if self.piece is not None else 0
        return "full" if size >= PIECE_BYTES or now_us - self._begun_us > PIECE_US else ""

    def _append(self, frame: Frame, at_us: int, now_us: int, link: int) -> Append:
        index = self.index
        assert index is not None  # noqa: S101 - `take` began it
        if self.piece is None:
            self.piece = Piece(self.device, self.system, index.ident, self._numbers, index.armed)
            self._numbers += 1
            self._begun_us = now_us
        data = tlog_record(frame.raw, at_us, link)
        self.piece.count(frame.msgid, at_us, len(data))
        return Append(self.piece, bytearray(data))

    def _close(self, why: str) -> list[Op]:
        piece, self.piece = self.piece, None
        if piece is None or self.index is None:
            return []
        self.index.add_piece(piece.entry, piece.frames)
        return [Close(piece, self.index.copy(), why)]
