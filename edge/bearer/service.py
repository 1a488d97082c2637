"""All bearers of a kit together: one exchange, and whatever lines there are to the centre.

One loop on the event loop's thread does it all: it takes what the centre said, looks how TCP
fares, asks what has to be asked, and gives each line that has little left to send the planner's
next chunk. Decisions are made as late as that, so that an alarm overtakes a backlog.
"""

import asyncio
import contextlib
import itertools
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fieldlink.codecs.bundle import Precedence
from fieldlink.codecs.fault import LinkError
from fieldlink.codecs.wire import Ack, Orders, State, Welcome
from fieldlink.edge.bearer.bearer import Bearer, Down, Shared, delay_us, price
from fieldlink.edge.bearer.centre_time import CentreTime
from fieldlink.edge.bearer.exchange import Custody, Exchange, Refused
from fieldlink.edge.bearer.journal import Journal
from fieldlink.edge.bearer.kit_facts import KitFacts
from fieldlink.edge.bearer.line import Line
from fieldlink.edge.bearer.loading import Load, Loader, choose
from fieldlink.edge.bearer.members import Members
from fieldlink.edge.bearer.reports import bearer_report
from fieldlink.edge.bearer.settings import BearerSettings
from fieldlink.edge.bearer.settle import Settler
from fieldlink.edge.identity import Identity
from fieldlink.edge.planner import Planner, SpoolState
from fieldlink.edge.planner.budget import BearerFacts
from fieldlink.edge.spool import Spool
from fieldlink.systemd.durable import make_folder
from fieldlink.systemd.service import Beat

__all__ = ["Admits", "Fleet", "KitFacts"]

Admits = Callable[[Sequence[BearerFacts]], Mapping[str, Precedence | None]]

_TICK_S = 0.02
_IDLE_S = 0.5
_STALL_CLOSE_S = 10.0
_ADMIT_S = 0.25
_FIRST_S = 1.0


class Fleet:
    """The bearers over the agent's `state` of the spool. Lives on the event loop's thread.

    `on_custody(bundle)` and `on_orders(orders)` are told what the centre said; `admits` says what
    each bearer may carry; `folder` is where budgets' meters and the journal are kept.
    """

    def __init__(
        self,
        settings: Sequence[BearerSettings],
        *,
        spool: Spool,
        state: SpoolState,
        planner: Planner,
        identity: Callable[[], Identity],
        facts: KitFacts,
        clock: Callable[[], int],
        folder: Path,
        admits: Admits,
        on_orders: Callable[[Orders], None] = lambda _: None,
        on_custody: Callable[[bytes], None] = lambda _: None,
        centre_time: CentreTime | None = None,
    ) -> None:
        self._folder, self._spool, self._state = folder, spool, state
        self._facts, self._clock, self._admits = facts, clock, admits
        self._on_orders, self._on_custody = on_orders, on_custody
        self._centre_time = centre_time or CentreTime()
        self._exchange = Exchange(state, planner, lambda: secrets.token_bytes(32))
        self._settler = Settler(spool)
        self._journal = Journal(folder / "begun")
        self._loader = Loader(spool, clock)
        self._inbox: deque[tuple[Bearer, Down]] = deque()
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._centre: str | None = None
        self._numbers = itertools.count(1)
        self._admitted_s = self._reported_s = -1e9
        shared = Shared(
            identity=identity,
            clock=clock,
            number=lambda: next(self._numbers),
            take=self._take,
            wake=self._wake.set,
            line_up=self._line_up,
            line_down=self._line_down,
        )
        self._bearers = Members(folder, shared, clock, settings)

    # --- from outside --------------------------------------------------------------------------

    def wake(self) -> None:
        """There may be something to send."""
        self._wake.set()

    def gone(self, bundle: bytes) -> None:
        """The spool does not hold `bundle` any more."""
        self._exchange.gone(bundle)

    def report(self) -> list[dict[str, Any]]:
        """How each bearer is; None is unknown."""
        return [bearer_report(bearer, self._exchange, self._centre) for bearer in self._bearers]

    def odd(self) -> dict[str, int]:
        """How often the centre, or whoever speaks for it, said what a sound one does not."""
        malformed = sum(bearer.malformed for bearer in self._bearers)
        return self._exchange.odd | ({"malformed": malformed} if malformed else {})

    def facts(self) -> list[BearerFacts]:
        """What the price order has to know of each."""
        return [bearer.facts() for bearer in self._bearers]

    def delivered_bytes(self) -> dict[str, int]:
        """Payload that the centre acknowledged since the agent began, by bearer."""
        return {one.name: self._exchange.delivered_bytes(one.name) for one in self._bearers}

    def hold(self, name: str, on: bool) -> bool:
        """Stop using the bearer `name`, or use it again; whether there is one."""
        found = self._bearers.hold(name, on)
        self._changed()
        return found

    async def change(self, settings: Sequence[BearerSettings]) -> None:
        """Work with other settings: bearers come and go, those that did not change go on."""
        await self._bearers.change(settings)
        self._changed()

    async def run(self, beat: Beat) -> None:
        """Carry until cancelled; the row of a service.

        Raises:
            SpoolError: the spool fails.
        """
        self._loop = asyncio.get_running_loop()
        make_folder(self._folder)
        for bundle in self._journal.open():
            candidate = self._state.get(bundle)
            if candidate is not None:
                candidate.doubtful = True
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._settler.run(), name="settler")
                self._bearers.start(group)
                await self._pump(beat)
        finally:
            self._journal.close()

    # --- the loop ------------------------------------------------------------------------------

    async def _pump(self, beat: Beat) -> None:
        while True:
            beat()
            self._take_frames()
            now_us = _steady_us()
            await self._look(now_us)
            self._ask(now_us)
            await self._report_state()
            if not await self._send_some(now_us):
                await self._rest()

    async def _rest(self) -> None:
        lines = [line for bearer in self._bearers.up for line in bearer.lines.values()]
        busy = any(line.busy_since_s is not None for line in lines)
        wait_s = _TICK_S if busy or (self._exchange.flights and lines) else _IDLE_S
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._wake.wait()
        self._wake.clear()

    async def _look(self, now_us: int) -> None:
        for bearer in self._bearers.up:
            lines = list(bearer.lines.values())
            bearer.measure.sample(lines, now_us, self._clock())
            for line in lines:
                line.nudge()
                number = line.arrived()
                if number is not None:
                    self._exchange.arrived(line.number, number, now_us)
            await self._heed_silence(bearer, now_us)
            if bearer.measure.save_due:
                bearer.measure.save_due = False
                await asyncio.to_thread(bearer.measure.meter.save)
        if time.monotonic() - self._admitted_s > _ADMIT_S:
            self._changed()

    async def _heed_silence(self, bearer: Bearer, now_us: int) -> None:
        silent_s = bearer.measure.silent_s(bearer.lines.values())
        quiet = silent_s is not None and silent_s > bearer.measure.patience_s()
        others = any(other.usable for other in self._bearers if other is not bearer)
        if quiet and not bearer.stalled and others:
            bearer.stalled = True
            self._exchange.stalled(bearer.name, now_us)
            self._changed()
        elif not quiet and bearer.stalled:
            bearer.stalled = False
            self._exchange.recovered(bearer.name)
            self._changed()
        if silent_s is not None and silent_s > _STALL_CLOSE_S + bearer.measure.patience_s():
            await bearer.drop("nothing comes through any more")
        elif self._exchange.deaf:
            await bearer.drop("the centre does not answer; see whether it is running there")

    def _changed(self) -> None:
        """What each may carry, now that something is different."""
        self._admitted_s = time.monotonic()
        for bearer in self._bearers:
            bearer.measure.add_wire_bytes(0, self._clock())  # an hour or a month may be over
        admitted = self._admits(self.facts())
        for bearer in self._bearers:
            admits = admitted.get(bearer.name)
            if admits != bearer.admits:
                bearer.admits = admits
                bearer.look()
        self._listen()
        self._wake.set()

    def _listen(self) -> None:
        """Those that carry everything hear the answers; without such, all that are up."""
        main = [b for b in self._bearers if b.usable and b.admits is Precedence.ROUTINE]
        heard = any(bearer.hears for bearer in main)
        for bearer in self._bearers:
            bearer.hear(not main or bearer in main)
        if main and not heard:
            self._exchange.unheard()

    def _ask(self, now_us: int) -> None:
        hearing = [bearer for bearer in self._bearers if bearer.usable and bearer.hears]
        hearing.sort(key=delay_us)
        if not hearing or hearing[0].control is None:
            return
        for ask in [*self._exchange.asks(now_us), *self._centre_time.asks()]:
            self._send(hearing[0], hearing[0].control, "ask", ask)

    async def _send_some(self, now_us: int) -> bool:
        """Send a batch; whether there may be more to send at once."""
        loads: list[Load] = []
        for usable in sorted((b for b in self._bearers if b.usable), key=delay_us):
            loads += choose(usable, self._exchange, now_us, self._clock())
        if not loads:
            return False
        frames = await asyncio.to_thread(self._loader.load, loads)
        for load, frame in frames:
            bundle = load.item.order.candidate.bundle
            if frame is None:
                self._exchange.gone(bundle)
                continue
            if load.item.first:
                self._journal.note(bundle)
                self._settler.sent(bundle, load.bearer, self._clock())
            if (bearer := self._bearers.get(load.bearer)) is not None:
                self._send(bearer, load.line, "chunk", frame, load.item.number)
                if load.line is bearer.control:
                    load.line.nudge_in((bearer.measure.pace.base_us or 0) / 4e6)
        return True

    def _send(
        self, bearer: Bearer, line: Line, kind: str, frame: Any, number: int | None = None
    ) -> None:
        try:
            line.send(kind, frame, number)
        except LinkError as error:  # its task hears of it too, and the exchange by that
            bearer.reason = bearer.reason or str(error)

    # --- what comes ------------------------------------------------------------------------------

    def _take(self, bearer: Bearer, frame: Down) -> None:
        """A frame came; on the network's thread."""
        self._inbox.append((bearer, frame))
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)

    def _take_frames(self) -> None:
        while self._inbox:
            bearer, frame = self._inbox.popleft()
            if isinstance(frame, Welcome) and bearer.welcomed:
                self._exchange.unheard()  # the centre itself was away
            bearer.heard(frame)
            self._centre_time.heard(frame)
            if isinstance(frame, Orders):
                self._on_orders(frame)
                continue
            if isinstance(frame, Welcome):
                self._centre = frame.centre
            self._settle(bearer, frame)

    def _settle(self, bearer: Bearer, frame: Ack | Welcome) -> None:
        now_us = self._clock()
        for outcome in self._exchange.received(frame, _steady_us()):
            match outcome:
                case Custody(bundle):
                    bearer.last_custody_us = now_us
                    self._settler.custody(bundle, now_us)
                    self._on_custody(bundle)
                case Refused(bundle, reason):
                    self._settler.refused(bundle, reason, now_us)

    # --- lines and reports -----------------------------------------------------------------------

    def _line_up(self, bearer: Bearer, line: Line) -> None:
        if line is bearer.control:
            if len(self._bearers.up) == 1:
                self._exchange.unheard()
            bearer.measure.pace.begin()
            self._greet(bearer)
        self._exchange.line_up(line.number, bearer.name)
        self._changed()

    def _line_down(self, bearer: Bearer, line: Line) -> None:
        self._exchange.line_down(line.number, _steady_us())
        if bearer.stalled and not bearer.lines:
            bearer.stalled = False
            self._exchange.recovered(bearer.name)
        self._changed()

    async def _report_state(self) -> None:
        """By one bearer, the cheapest: it is the kit's state, not the bearer's."""
        usable = sorted((b for b in self._bearers if b.usable), key=price)
        if not usable or time.monotonic() - self._reported_s < usable[0].settings.state_every:
            return
        if usable[0].control is not None and usable[0].control.age_s < _FIRST_S:
            return  # pictures and alarms go first on a new connection
        self._reported_s = time.monotonic()
        report = await self._facts.report()
        for bearer in usable:
            if not bearer.welcomed:  # the centre was not there the first time
                self._greet(bearer)
        if usable[0].control is not None:
            self._send(usable[0], usable[0].control, "state", State(self._clock(), report))

    def _greet(self, bearer: Bearer) -> None:
        if bearer.control is not None:
            hello = self._facts.hello(bearer.name, self._clock())
            self._send(bearer, bearer.control, "hello", hello)


def _steady_us() -> int:
    # The exchange's time: a step of the wall clock must not look like hours of silence.
    return time.monotonic_ns() // 1000
