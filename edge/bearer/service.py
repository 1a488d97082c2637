"""A bearer that is always there: connects, carries, reconnects for ever with jittered backoff."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from typing import Any, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from fieldlink.codecs.fault import ConfigError, LinkError
from fieldlink.codecs.wire import Ack, Chunk, Frame, Hello, State, Welcome, chunk_digest
from fieldlink.edge.bearer.mqtt import Link
from fieldlink.edge.bearer.pace import Pace
from fieldlink.edge.bearer.session import Custody, Refused, SendAsk, SendChunk, Session
from fieldlink.edge.bearer.settings import BearerSettings
from fieldlink.edge.bearer.settle import Settler
from fieldlink.edge.identity import Identity
from fieldlink.edge.planner import Planner, SpoolState
from fieldlink.edge.spool import BundleGoneError, Spool
from fieldlink.edge.updown import UpDown
from fieldlink.systemd.mqtt import MqttConnection
from fieldlink.systemd.service import Beat

__all__ = ["Bearer", "KitFacts"]

_T = TypeVar("_T")
_MAX_BATCH = 32
_STEADY_S = 20.0
_MAX_BACKOFF_S = 30.0
_IDENTITY_S = 1.0
_RATE_SPAN_S = 5.0


class KitFacts:
    """What a bearer tells the centre about the kit: callables, asked anew each time."""

    def __init__(
        self,
        *,
        software: str,
        spool: bytes,
        devices: Callable[[], Mapping[str, str]],
        report: Callable[[], Mapping[str, Any]],
    ) -> None:
        self.software = software
        self.spool = spool
        self.devices = devices
        self.report = report


class Bearer:
    """One bearer over the agent's `state` of the spool. Lives on the event loop's thread."""

    def __init__(
        self,
        settings: BearerSettings,
        *,
        spool: Spool,
        state: SpoolState,
        planner: Planner,
        identity: Callable[[], Identity],
        facts: KitFacts,
        clock: Callable[[], int],
    ) -> None:
        self._settings = settings
        self._spool = spool
        self._identity = identity
        self._facts = facts
        self._clock = clock
        pace = Pace(settings.smallest_window, settings.largest_window)
        self._session = Session(settings.name, state, planner, pace)
        self._settler = Settler(spool)
        self._inbox: deque[Ack | Welcome] = deque()
        self._wake = asyncio.Event()
        self._up_since_us: int | None = None
        self._reason = "not connected yet; what is on the disk is being counted"
        self._down_by = "link"
        self._said = UpDown(f"link {settings.name}")
        self._last_custody_us: int | None = None
        self._centre: str | None = None
        self._welcomed = False
        self._congestion: str = settings.congestion
        self._marks: deque[tuple[float, int]] = deque()

    def wake(self) -> None:
        """There may be something to send."""
        self._wake.set()

    def report(self) -> dict[str, Any]:
        """How the bearer is; None is unknown."""
        state = self._session.state
        return {
            "name": self._settings.name,
            "up": self._up_since_us is not None,
            "reason": self._reason,
            "down_by": None if self._up_since_us is not None else self._down_by,
            "since_us": self._up_since_us,
            "centre": self._centre,
            "congestion": self._congestion,
            "rate_bps": round(self._rate_bps()),
            "path_rate_bps": None if state.rate_bps is None else round(state.rate_bps),
            "rtt_ms": None if state.rtt_s is None else round(state.rtt_s * 1000),
            "window_bytes": self._session.pace.window_bytes,
            "in_flight_bytes": self._session.in_flight_bytes,
            "last_custody_us": self._last_custody_us,
        }

    async def run(self, beat: Beat) -> None:
        """Carry until cancelled; the row of a service.

        Raises:
            SpoolError: the spool fails.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._settler.run(), name=f"{self._settings.name} settler")
            while True:
                beat()
                await self._live(beat)

    async def _live(self, beat: Beat) -> None:
        async def nap(seconds: float) -> None:
            await _beating(asyncio.sleep(seconds), beat)

        def say(retry: RetryCallState) -> None:
            if retry.outcome is not None:
                self._down(str(retry.outcome.exception()))

        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(LinkError),
            wait=wait_random_exponential(0.5, max=_MAX_BACKOFF_S),
            sleep=nap,
            before_sleep=say,
        ):
            with attempt:
                await self._connect(beat)

    async def _connect(self, beat: Beat) -> None:
        """One connection from beginning to end; returns, and so forgets the backoff, after one
        that lived long.
        """
        identity = await self._joined(beat)
        link = Link(identity.kit, self._frame_threadsafe())
        connection = await _beating(link.open(identity, self._settings), beat)
        began_s = time.monotonic()
        try:
            self._congestion = link.congestion
            self._begin(link, connection)
            await self._carry(link, connection, beat)
        except LinkError as error:
            if time.monotonic() - began_s < _STEADY_S:
                raise
            self._down(str(error))
        finally:
            self._session.disconnected()
            self._down(self._reason)
            await connection.close()

    async def _joined(self, beat: Beat) -> Identity:
        while True:
            try:
                return self._identity()
            except ConfigError as error:
                self._down(str(error), "identity")
            beat()
            await asyncio.sleep(_IDENTITY_S)

    def _frame_threadsafe(self) -> Callable[[Ack | Welcome], None]:
        loop = asyncio.get_running_loop()
        self._inbox.clear()

        def take(frame: Ack | Welcome) -> None:
            self._inbox.append(frame)
            loop.call_soon_threadsafe(self._wake.set)

        return take

    def _begin(self, link: Link, connection: MqttConnection) -> None:
        self._welcomed = False
        self._up_since_us, self._reason = self._clock(), ""
        self._session.connected(_steady_us())

    def _greet(self, link: Link, connection: MqttConnection) -> None:
        now_us = self._clock()
        facts = self._facts
        hello = Hello(
            facts.software, facts.spool, now_us, self._settings.name, dict(facts.devices())
        )
        link.send(connection, "hello", hello)

    async def _carry(self, link: Link, connection: MqttConnection, beat: Beat) -> None:
        ended = asyncio.ensure_future(connection.closed())
        ended.add_done_callback(lambda _: self._wake.set())
        report_s = 0.0
        try:
            while not ended.done():
                beat()
                if time.monotonic() >= report_s:
                    report_s = time.monotonic() + self._settings.state_every
                    if not self._welcomed:
                        self._greet(link, connection)  # the centre was not there the first time
                    report = await asyncio.to_thread(self._facts.report)
                    link.send(connection, "state", State(self._clock(), report))
                self._take_frames()
                full = await self._send_some(link, connection)
                if self._session.deaf:
                    raise LinkError("the centre does not answer; see whether it is running there")
                if not full:
                    await self._rest(report_s)
            self._reason = ended.result()
            raise LinkError(self._reason)
        finally:
            ended.cancel()

    async def _rest(self, report_s: float) -> None:
        due_us = self._session.due_us
        wait_s = min(report_s - time.monotonic(), 1.0)
        if due_us is not None:
            wait_s = min(wait_s, (due_us - _steady_us()) / 1e6)
        try:
            await asyncio.wait_for(self._wake.wait(), max(wait_s, 0.001))
        except TimeoutError:
            return
        finally:
            self._wake.clear()

    def _take_frames(self) -> None:
        now_us = self._clock()
        while self._inbox:
            frame = self._inbox.popleft()
            if isinstance(frame, Welcome):
                self._centre, self._welcomed = frame.centre, True
                self._said.up(f"the centre {frame.centre} answers")
            for outcome in self._session.received(frame, _steady_us()):
                match outcome:
                    case Custody(bundle):
                        self._last_custody_us = now_us
                        self._settler.custody(bundle, now_us)
                    case Refused(bundle, reason):
                        self._settler.refused(bundle, reason, now_us)

    async def _send_some(self, link: Link, connection: MqttConnection) -> bool:
        """Send a batch; whether there may be more to send at once."""
        items = list(islice(self._session.poll(_steady_us()), _MAX_BATCH))
        if not items:
            return False
        frames = await asyncio.to_thread(self._frames, items)
        for item, frame in frames:
            if frame is None:
                if isinstance(item, SendChunk):
                    self._session.gone(item.order.candidate.bundle)
                continue
            link.send(connection, "ask" if isinstance(item, SendAsk) else "chunk", frame)
            if isinstance(item, SendChunk) and item.first:
                bundle = item.order.candidate.bundle
                self._settler.sent(bundle, self._settings.name, self._clock())
        return len(items) == _MAX_BATCH

    def _frames(
        self, items: list[SendChunk | SendAsk]
    ) -> list[tuple[SendChunk | SendAsk, Frame | None]]:
        return [
            (item, item.ask if isinstance(item, SendAsk) else self._chunk(item)) for item in items
        ]

    def _chunk(self, item: SendChunk) -> Chunk | None:
        order = item.order
        bundle = order.candidate.bundle
        try:
            content = self._spool.read(bundle, order.offset, order.length)
        except BundleGoneError:
            return None  # its gap is on record and comes as a bundle of its own
        stored = self._spool.get(bundle)
        if stored is None:
            return None
        return Chunk(
            bundle=bundle,
            offset=order.offset,
            size=order.candidate.size,
            digest=chunk_digest(content),
            bearer=self._settings.name,
            sent_us=self._clock(),
            manifest=stored.encoded if item.manifest else None,
            payload=content,
        )

    def _down(self, reason: str, kind: str = "link") -> None:
        self._down_by = kind
        if reason:  # without one the service is being stopped
            self._said.down(reason, kind)
        self._up_since_us, self._reason = None, reason

    def _rate_bps(self) -> float:
        now_s, delivered = time.monotonic(), self._session.pace.delivered_bytes
        self._marks.append((now_s, delivered))
        while len(self._marks) > 2 and now_s - self._marks[1][0] > _RATE_SPAN_S:
            self._marks.popleft()
        then_s, before = self._marks[0]
        return (delivered - before) * 8 / (now_s - then_s) if now_s > then_s else 0.0


def _steady_us() -> int:
    # The session's time: a step of the wall clock must not look like hours of silence.
    return time.monotonic_ns() // 1000


async def _beating(work: Awaitable[_T], beat: Beat) -> _T:
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            beat()
            await asyncio.wait([task], timeout=1.0)
        return task.result()
    finally:
        task.cancel()
