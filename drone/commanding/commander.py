"""Commands with answers: sent, waited for, sent again; several at once.

A command goes over one link, the best; the next try over the next best, so that no aircraft is
told twice by two links. One command to one component is under way at a time, because an answer
names nothing but the command; different ones do not wait for each other. Source: MAVLink
developer guide, Command Protocol.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Protocol

from pymavlink.dialects.v20 import all as dialect

from fieldlink.codecs.mavlink import Frame, id_of, name_of
from fieldlink.drone.commanding.answers import (
    IN_PROGRESS,
    Answer,
    answer_of,
    command_name,
    judged,
)
from fieldlink.drone.commanding.errors import CommandError
from fieldlink.drone.commanding.heard import Heard
from fieldlink.drone.router.core import Reach, Tap
from fieldlink.drone.vehicle.reading import Fields, fields_of

__all__ = ["PATIENCE_S", "Answer", "Commander", "Heard", "Key", "Post"]

Key = tuple[int, int]
"""Somebody: system and component; component 0 is every component of the system."""

PATIENCE_S = {"lan": 1.5, "lte": 3.0, "sat": 20.0, "beidou": 120.0}
"""How long an answer may take over a link of a profile, seconds, before it is asked again."""

_ACK = id_of("COMMAND_ACK")
_REQUEST_MESSAGE = 512
_BUSY_S, _LONGEST_S = 10.0, 600.0
_QUEUE = 256


class Post(Protocol):
    """What is needed of `Router`."""

    @property
    def settings(self) -> Any:
        """`sysid` and `compid` of the kit."""

    def tap(self, on_frame: Tap, *, ground: bool = False) -> Callable[[], None]:
        """Have every frame of an aircraft."""

    def send(self, raw: bytes, over: int | None = None) -> int:
        """Send a frame."""

    def reaches(self, target: Key, *, thin: bool = False) -> list[Reach]:
        """Where somebody is heard, the best first."""


class Commander:
    """Asks in the name of the kit, for as long as `router` runs."""

    def __init__(self, router: Post) -> None:
        self._router = router
        own = router.settings
        self._own: Key = own.sysid, own.compid
        self._maker: Any = dialect.MAVLink(None, srcSystem=own.sysid, srcComponent=own.compid)
        self._turns: dict[object, tuple[asyncio.Lock, int]] = {}
        self._heard: set[Heard] = set()

    async def command(
        self,
        target: Key,
        command: int,
        params: Sequence[float] = (),
        *,
        tries: int = 3,
        patience_s: float | None = None,
        told: Callable[[Answer], None] | None = None,
        frame: int | None = None,
        thin: bool = False,
    ) -> Answer:
        """A COMMAND_LONG, or with a `frame` (MAV_FRAME) for the place in parameters 5 to 7 a
        COMMAND_INT, in which degrees are exact and heights say above what; and what was answered.
        Asked `tries` times at most, each time waiting for `patience_s`, or for as long as the link
        deserves. An answer "in progress" goes to `told` and ends the asking: the work may take its
        time, 10 minutes at most. `thin`: also over links for HIGH_LATENCY2 on which the target was
        never heard.

        Raises:
            CommandError: it was not accepted, or not answered.
            ValueError: more than seven parameters.
        """

        def is_answer(frame: Frame) -> bool:
            return (
                frame.msgid == _ACK and self.is_from(frame, target) and self._acks(frame, command)
            )

        def ask(attempt: int) -> Any:
            if frame is not None:
                return self._command_int(target, command, params, frame)
            return self._command_long(target, command, params, attempt)

        async with self.turn((target, command)):
            with self.hear(is_answer) as heard:
                for attempt in range(tries):
                    wait_s = self.say(target, ask, attempt, patience_s, thin=thin)
                    said = await heard.next(wait_s)
                    if said is not None:
                        return await self._judged(said, heard, command, wait_s, told)
        raise self._silent(target, command_name(command), tries)

    async def request_message(
        self, target: Key, msgid: int, param2: float = 0.0, *, tries: int = 3
    ) -> Frame:
        """One message that is asked for (MAV_CMD_REQUEST_MESSAGE); it is the answer.

        Raises:
            CommandError: it was refused, or did not come.
        """

        def is_answer(frame: Frame) -> bool:
            if not self.is_from(frame, target):
                return False
            acks = frame.msgid == _ACK and self._acks(frame, _REQUEST_MESSAGE)
            return acks or frame.msgid == msgid

        def ask(attempt: int) -> Any:
            return self._command_long(target, _REQUEST_MESSAGE, (msgid, param2), attempt)

        async with self.turn((target, _REQUEST_MESSAGE)):
            with self.hear(is_answer) as heard:
                for attempt in range(tries):
                    wait_s = self.say(target, ask, attempt)
                    # Once more for the message itself; who only ever answers says nothing.
                    until_s = asyncio.get_running_loop().time() + 2 * wait_s
                    while (frame := await heard.next(min(wait_s, _left_s(until_s)))) is not None:
                        if frame.msgid == msgid:
                            return frame
                        judged(answer_of(frame), f"message {name_of(msgid)}")
        raise self._silent(target, f"message {name_of(msgid)}", tries)

    @contextmanager
    def hear(
        self, wanted: Callable[[Frame], bool], most: int = _QUEUE
    ) -> Iterator[Heard]:  # fmt: skip
        """Frames that are `wanted`, while the block runs; of those that wait at most `most`."""
        heard = Heard(wanted, most)
        end = self._router.tap(heard.take)
        self._heard.add(heard)
        try:
            yield heard
        finally:
            self._heard.discard(heard)
            end()

    def say(
        self,
        target: Key,
        make: Callable[[int], Any],
        attempt: int = 0,
        patience_s: float | None = None,
        *,
        thin: bool = False,
    ) -> float:
        """Send what `make` makes (a message of pymavlink's dialect) for this attempt, over the
        best link, the next best the next time; how long to wait for an answer, seconds.

        Raises:
            CommandError: "not-heard".
        """
        reaches = self._router.reaches(target, thin=thin)
        if not reaches:
            raise CommandError(
                "not-heard",
                f"system {target[0]} component {target[1]} is not heard on any link that can be"
                " spoken to; fieldlink drone links",
            )
        reach = reaches[attempt % len(reaches)]
        raw = bytes(make(attempt).pack(self._maker, force_mavlink1=False))
        self._maker.seq = (self._maker.seq + 1) & 0xFF
        self._router.send(raw, reach.number)
        return PATIENCE_S[reach.profile] if patience_s is None else patience_s

    @asynccontextmanager
    async def turn(self, key: object) -> AsyncIterator[None]:
        """One at a time of those with `key`."""
        lock, waiting = self._turns.get(key, (asyncio.Lock(), 0))
        self._turns[key] = lock, waiting + 1
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._turns[key]
            if waiting == 1:
                del self._turns[key]
            else:
                self._turns[key] = lock, waiting - 1

    def close(self) -> None:
        """End whoever waits: the router stops."""
        for heard in self._heard:
            heard.end()

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._heard and not self._turns

    def profile(self, target: Key) -> str:
        """The profile of the best link to somebody.

        Raises:
            CommandError: "not-heard".
        """
        reaches = self._router.reaches(target)
        if not reaches:
            raise CommandError("not-heard", f"system {target[0]} is not heard on any link")
        return reaches[0].profile

    def is_from(self, frame: Frame, target: Key) -> bool:
        """Whether `target` said `frame`."""
        return frame.sysid == target[0] and target[1] in (0, frame.compid)

    def is_for_us(self, fields: Fields) -> bool:
        """Whether an answer is the kit's: it names us, or nobody, as MAVLink 1 does."""
        named = fields["target_system"], fields["target_component"]
        return named[0] == 0 or (named[0] == self._own[0] and named[1] in (0, self._own[1]))

    def _acks(self, frame: Frame, command: int) -> bool:
        fields = fields_of(frame)
        return fields is not None and fields["command"] == command and self.is_for_us(fields)

    def _command_long(
        self, target: Key, command: int, params: Sequence[float], attempt: int
    ) -> Any:
        if len(params) > 7:
            raise ValueError("a command has seven parameters")
        values = [*map(float, params), *[0.0] * (7 - len(params))]
        return dialect.MAVLink_command_long_message(*target, command, min(attempt, 255), *values)

    def _command_int(self, target: Key, command: int, params: Sequence[float], frame: int) -> Any:
        if len(params) != 7:
            raise ValueError("a command with a place has seven parameters")
        lat, lon = round(params[4] * 1e7), round(params[5] * 1e7)
        return dialect.MAVLink_command_int_message(
            *target, frame, command, 0, 0, *map(float, params[:4]), lat, lon, float(params[6])
        )

    async def _judged(
        self,
        frame: Frame | None,
        heard: Heard,
        command: int,
        wait_s: float,
        told: Callable[[Answer], None] | None,
    ) -> Answer:
        until_s = asyncio.get_running_loop().time() + _LONGEST_S
        what = command_name(command)
        while frame is not None:
            answer = answer_of(frame)
            if answer.result != IN_PROGRESS:
                return judged(answer, what)
            if told is not None:
                told(answer)
            left_s = until_s - asyncio.get_running_loop().time()
            frame = await heard.next(min(max(wait_s, _BUSY_S), left_s))
        raise CommandError("no-answer", f"{what} was begun, and its end was not told")

    def _silent(self, target: Key, what: str, tries: int) -> CommandError:
        who = f"system {target[0]} component {target[1]}"
        times = "once" if tries == 1 else f"{tries} times"
        return CommandError("no-answer", f"{what}: {who} was asked {times} and did not answer")


def _left_s(until_s: float) -> float:
    return until_s - asyncio.get_running_loop().time()
