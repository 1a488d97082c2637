"""Services of a gateway: asked, asked again with a new tid, answered once.

3 s for an answer, three times in all, each time with a tid of its own and the same bid: as the
vendor's server does (MqttGatewayPublish). A reply to any tid of an attempt answers the attempt;
after it was given up a late one still counts, for what it says is true; a second one does not.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fieldlink.codecs.dji import Envelope, Result, read_result, result_of

__all__ = ["USUAL", "Answer", "Calls", "Pace"]

_MAX_TIDS = 256
_MAX_OPEN = 32


@dataclass(frozen=True, slots=True)
class Pace:
    """How long is waited, s: for an answer (`tries` times in all), for a receiver to listen, before
    a start that failed is tried again, and between two looks at what is due.
    """

    answer_s: float = 3.0
    tries: int = 3
    open_s: float = 1.0
    retry_s: float = 2.0
    tick_s: float = 0.5


USUAL = Pace()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered; `result` None: nothing, in time. `late`: after that was told."""

    result: Result | None
    late: bool = False


@dataclass(slots=True, eq=False)
class _Attempt:
    method: str
    data: Mapping[str, Any]
    bid: str
    done: Callable[[Answer, float], None]
    due_s: float
    tries: int = 1
    state: str = "open"


class Calls:
    """The services asked of one gateway. `make_id` gives UUIDs, `wall_ms` Unix time."""

    def __init__(
        self,
        gateway: str,
        send: Callable[[Envelope], None],
        make_id: Callable[[], str],
        wall_ms: Callable[[], int],
        pace: Pace = USUAL,
    ) -> None:
        self._gateway, self._send, self._pace = gateway, send, pace
        self._make_id, self._wall_ms = make_id, wall_ms
        self._open: list[_Attempt] = []
        self._tids: OrderedDict[str, _Attempt] = OrderedDict()
        self.duplicates = 0
        self.late = 0
        self.strangers = 0
        self.unanswered = 0

    def ask(
        self,
        method: str,
        data: Mapping[str, Any],
        now_s: float,
        done: Callable[[Answer, float], None],
    ) -> bool:
        """Ask for a service; `done(answer, now_s)` when it is known what came of it. False: too
        many wait already."""
        if len(self._open) >= _MAX_OPEN:
            return False
        attempt = _Attempt(method, data, self._make_id(), done, now_s + self._pace.answer_s)
        self._open.append(attempt)
        self._ask(attempt)
        return True

    def drop(self, method: str, data: Mapping[str, Any]) -> None:
        """Ask no more for this service: what comes next contradicts it."""
        for attempt in [one for one in self._open if (one.method, one.data) == (method, data)]:
            self._open.remove(attempt)
            attempt.state = "answered"

    def heard(self, reply: Envelope, now_s: float) -> None:
        """A message on services_reply.

        Raises:
            CodecError: it has no result; the attempt goes on waiting.
        """
        attempt = self._tids.get(reply.tid)
        if attempt is None or reply.bid not in ("", attempt.bid):
            self.strangers += 1
            return
        result = result_of(read_result(reply.data))
        if attempt.state == "answered":
            self.duplicates += 1
            return
        late = attempt.state == "given up"
        self.late += late
        if not late:
            self._open.remove(attempt)
        attempt.state = "answered"
        attempt.done(Answer(result, late), now_s)

    def tick(self, now_s: float) -> None:
        """Ask again, or give up, what is due."""
        for attempt in [one for one in self._open if one.due_s <= now_s]:
            if attempt.tries < self._pace.tries:
                attempt.tries += 1
                attempt.due_s = now_s + self._pace.answer_s
                self._ask(attempt)
            else:
                self._open.remove(attempt)
                attempt.state = "given up"
                self.unanswered += 1
                attempt.done(Answer(None), now_s)

    def due_s(self) -> float | None:
        """When `tick` has something to do."""
        return min((attempt.due_s for attempt in self._open), default=None)

    def _ask(self, attempt: _Attempt) -> None:
        tid = self._make_id()
        self._tids[tid] = attempt
        while len(self._tids) > _MAX_TIDS:
            self._tids.popitem(last=False)
        self._send(
            Envelope(
                tid, attempt.bid, self._wall_ms(), dict(attempt.data), attempt.method, self._gateway
            )
        )
