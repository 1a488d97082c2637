"""One bearer: its lines to the centre, kept up for ever, and what they measure.

The first line is for control: the only one that hears the centre, and the way of all that is
urgent. The others carry the rest, as many as the path needs. A bearer is up while its control
line is.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fieldlink.codecs.bundle import Precedence
from fieldlink.codecs.fault import CodecError, ConfigError, LinkError
from fieldlink.codecs.wire import Ack, Orders, Welcome, decode_frame, down_filter, down_topic
from fieldlink.edge.bearer.dial import Dialer, Route
from fieldlink.edge.bearer.line import Line
from fieldlink.edge.bearer.measure import Measure
from fieldlink.edge.bearer.options import Congestion, prepare_socket, set_role
from fieldlink.edge.bearer.settings import BearerSettings
from fieldlink.edge.identity import Identity
from fieldlink.edge.planner import BearerState, Role
from fieldlink.edge.planner.budget import BearerFacts, longest_chunk_bytes
from fieldlink.edge.updown import UpDown
from fieldlink.systemd.mqtt import MqttConnection

__all__ = ["Bearer", "Down", "Shared"]

Down = Ack | Welcome | Orders
_IDENTITY_S = 1.0
_HANDSHAKE_S = 6.0
_AGAIN_S = 0.3
_MOST_AGAIN_S = 15.0
_STEADY_S = 10.0


@dataclass
class Shared:
    """What a bearer has from its fleet: who the kit is, where frames go, who hears of lines."""

    identity: Callable[[], Identity]
    clock: Callable[[], int]
    number: Callable[[], int]
    take: Callable[["Bearer", Down], None]
    wake: Callable[[], None]
    line_up: Callable[["Bearer", Line], None]
    line_down: Callable[["Bearer", Line], None]


@dataclass
class Bearer:
    """Keeps its lines up while `run` runs; everything else may be asked at any time."""

    settings: BearerSettings
    shared: Shared
    measure: Measure
    held: bool = False
    admits: Precedence | None = Precedence.ROUTINE
    stalled: bool = False
    lines: dict[int, Line] = field(default_factory=dict)
    since_us: int | None = None
    reason: str = "not connected yet; what is on the disk is being counted"
    down_by: str = "link"
    malformed: int = 0
    welcomed: bool = False
    last_custody_us: int | None = None

    def __post_init__(self) -> None:
        self.congestion = Congestion(self.settings.congestion)
        self._dialer = Dialer(self._prepare, self._rtt_s)
        self._said = UpDown(f"link {self.settings.name}")
        self._kit: Identity | None = None
        self._changed = asyncio.Event()
        self._failures = 0

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def control(self) -> Line | None:
        """The line that hears the centre; None while the bearer is down."""
        return self.lines.get(0)

    @property
    def up(self) -> bool:
        return 0 in self.lines

    @property
    def usable(self) -> bool:
        """Whether something may be sent by it now."""
        return self.up and not self.stalled and self.admits is not None

    def facts(self) -> BearerFacts:
        """What the price order has to know. A bearer that may not be used counts as up: whether
        it would come up shows only when it may.
        """
        return BearerFacts(
            name=self.name,
            up=self.up and not self.stalled,
            held=self.held or self.settings.held,
            price=self.settings.price,
            used_bytes=self.measure.used_bytes,
            budget_bytes=self.settings.budget,
            reserve=self.settings.reserve,
            rate_bps=self.measure.pace.rate_bps,
        )

    def state(self, line: Line, room_bytes: int) -> BearerState:
        """`line` as the planner sees it."""
        alone = line.role is Role.URGENT and len(self.lines) == 1
        pace, longest = self.measure.pace, longest_chunk_bytes(self.facts())
        return BearerState(
            name=self.name,
            chunk_bytes=min(pace.chunk_bytes, longest or pace.chunk_bytes),
            room_bytes=room_bytes,
            role=Role.ALL if alone else line.role,
            admits=self.admits,
            rate_bps=pace.rate_bps,
            rtt_s=None if pace.rtt_us is None else pace.rtt_us / 1e6,
        )

    async def run(self) -> None:
        """Keep the lines up until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._dialer.run(self._route), name=f"{self.name} dial")
                for slot in range(1 + self.settings.connections):
                    group.create_task(self._keep(slot), name=f"{self.name} line {slot}")
        finally:
            self.since_us = None

    def look(self) -> None:
        """Conditions may have changed: lines come and go."""
        self._changed.set()

    async def drop(self, reason: str) -> None:
        """End every line at once; they are made anew."""
        self.down(reason)
        doomed = [line.connection for line in self.lines.values()]
        await asyncio.gather(*(one.abort(reason) for one in doomed if one is not None))

    def heard(self, frame: Down) -> None:
        """The centre spoke by this bearer."""
        if isinstance(frame, Welcome):
            self.welcomed = True
            self._said.up(f"the centre {frame.centre} answers")

    def down(self, reason: str, kind: str = "link") -> None:
        """It is not usable, for `reason`; without one the service is being stopped."""
        self.down_by = kind
        if reason:
            self._said.down(reason, kind)
        self.since_us, self.reason = None, reason

    # --- lines -----------------------------------------------------------------------------

    def _wanted(self, slot: int) -> bool:
        if self.held or self.settings.held or self.measure.spent:
            return False
        if slot == 0:
            return True
        bulk = self.admits is Precedence.ROUTINE
        return self.up and bulk and slot <= min(self.measure.pace.lines, self.settings.connections)

    async def _until(self, slot: int, wanted: bool) -> None:
        while self._wanted(slot) != wanted:
            if slot == 0:
                self._say_why_not()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), 1.0)
            self._changed.clear()

    def _say_why_not(self) -> None:
        if self.held or self.settings.held:
            self.down("held by hand", "held")
        elif self.measure.spent:
            self.down(f"its budget for this {self.settings.budget_per} is used up", "budget")

    async def _keep(self, slot: int) -> None:
        while True:
            await self._until(slot, True)
            kit = await self._joined() if slot == 0 else self._kit
            if kit is not None:
                await self._once(slot, kit)

    async def _once(self, slot: int, kit: Identity) -> None:
        """One line from beginning to end."""
        dialling = asyncio.create_task(self._dialer.get(slot))
        doing = {dialling, asyncio.create_task(self._until(slot, False))}
        try:
            while not dialling.done():
                await asyncio.wait(doing, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
                if slot == 0 and not dialling.done():
                    self.down(self._dialer.reason or self.reason)
                if any(task.done() for task in doing - {dialling}):
                    return
            line = await self._open(slot, kit, dialling.result())
        except LinkError as error:
            await self._failed(slot, _with_clock(error))
        else:
            await self._live(slot, line)
        finally:
            for task in doing:
                task.cancel()

    async def _open(self, slot: int, kit: Identity, sock: Any) -> Line:
        role = Role.URGENT if slot == 0 else Role.BULK
        set_role(sock, role)
        line = Line(self.shared.number(), kit.kit, role)
        wake = asyncio.get_running_loop().call_soon_threadsafe

        def left() -> None:
            line.written()
            with contextlib.suppress(RuntimeError):  # the loop is closed
                wake(self.shared.wake)

        line.connection = await MqttConnection.open(
            kit.broker_host,
            kit.broker_port,
            client_id=kit.client_id(self.name),
            tls=kit.tls,
            subscriptions=[down_filter(kit.kit)] if slot == 0 else [],
            on_message=lambda topic, payload: self._take(kit.kit, topic, payload),
            keepalive_s=round(self.settings.keepalive),
            timeout_s=_HANDSHAKE_S + 4 * (self._rtt_s() or 0),
            on_sent=left,
            sock=sock,
            wait=False,
        )
        return line

    async def _live(self, slot: int, line: Line) -> None:
        connection = line.connection
        if connection is None:
            return
        self.lines[slot] = line
        if slot == 0:
            self.since_us, self.reason, self.welcomed = self.shared.clock(), "", False
        self.shared.line_up(self, line)
        self.look()
        ended = asyncio.create_task(connection.closed())
        unwanted = asyncio.create_task(self._until(slot, False))
        reason = ""
        try:
            await asyncio.wait({ended, unwanted}, return_when=asyncio.FIRST_COMPLETED)
            reason = ended.result() if ended.done() else ""
        finally:
            unwanted.cancel()
            heard = self.welcomed
            self.measure.gone(line)
            del self.lines[slot]
            self.shared.line_down(self, line)
            if slot == 0:
                self.down(reason)
            await connection.close()
            ended.cancel()
        if reason:
            worked = heard or time.monotonic() - line.began_s > _STEADY_S
            await self._failed(slot, LinkError(reason), worked=worked)

    async def _failed(self, slot: int, error: LinkError, *, worked: bool = False) -> None:
        """A line ended. One that never worked is tried again less often each time: the centre's
        end is there and does not want us.
        """
        self._failures = 0 if worked else self._failures + (slot == 0)
        if slot == 0 and not worked:
            self.down(str(error))
        pause_s = min(_AGAIN_S * 2 ** min(self._failures, 6), _MOST_AGAIN_S)
        await asyncio.sleep(pause_s * random.uniform(0.3, 1.0))  # noqa: S311

    async def _joined(self) -> Identity:
        while True:
            try:
                self._kit = self.shared.identity()
            except ConfigError as error:
                self.down(str(error), "identity")
                await asyncio.sleep(_IDENTITY_S)
            else:
                return self._kit

    # --- from the network's threads ----------------------------------------------------------

    def _take(self, kit: str, topic: str, payload: bytes) -> None:
        try:
            frame = decode_frame(payload)
        except CodecError:
            self.malformed += 1
            return
        kind = type(frame).__name__.lower()
        if isinstance(frame, Ack | Welcome | Orders) and topic == down_topic(kit, kind):
            self.shared.take(self, frame)
        else:
            self.malformed += 1

    def _route(self) -> Route:
        kit, source = self._kit, self.settings.source
        host, port = (kit.broker_host, kit.broker_port) if kit is not None else ("", 0)
        return Route(host, port, self.settings.interface, str(source) if source else None)

    def _prepare(self, sock: Any) -> None:
        prepare_socket(sock, self.congestion)

    def _rtt_s(self) -> float | None:
        base_us = self.measure.pace.base_us
        return None if base_us is None else base_us / 1e6


def _with_clock(error: LinkError) -> LinkError:
    """A box whose clock battery is dead takes every certificate for one of another year's."""
    said = str(error)
    if "not yet valid" in said or "expired" in said:
        today = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
        return LinkError(f"{said}; this kit's clock says {today}: set it if that is wrong")
    return error
