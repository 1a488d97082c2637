"""Keeps the lines of one bearer: dials, opens, waits for the end, and begins again, for ever."""

import asyncio
import contextlib
import random
import socket
import time
from collections.abc import Callable

from fieldlink.codecs.bundle import Precedence
from fieldlink.codecs.fault import ConfigError, LinkError
from fieldlink.codecs.wire import down_topic
from fieldlink.edge.bearer.bearer import Bearer
from fieldlink.edge.bearer.dial import SYN_WIRE_BYTES, Dialer, Route
from fieldlink.edge.bearer.line import Line
from fieldlink.edge.bearer.options import prepare_socket, set_role
from fieldlink.edge.identity import Identity
from fieldlink.edge.planner import Role
from fieldlink.systemd.mqtt import MqttConnection

__all__ = ["Keeper"]

_IDENTITY_S = 1.0
_HANDSHAKE_S = 6.0
_AGAIN_S = 0.3
_MOST_AGAIN_S = 15.0
_STEADY_S = 10.0


class Keeper:
    """Makes and remakes the lines of `bearer` while `run` runs: line 0 is for control."""

    def __init__(self, bearer: Bearer) -> None:
        self._bearer = bearer
        self._dialer = Dialer(self._prepare, bearer.rtt_s, bearer.shared.places)
        self._kit: Identity | None = None
        self._failures = 0
        self._most = 1  # lines that the path was seen to need; fewer are no reason to close some

    async def run(self) -> None:
        """Keep the lines up until cancelled."""
        name, most = self._bearer.name, self._bearer.settings.connections
        async with asyncio.TaskGroup() as group:
            group.create_task(self._dialer.run(self._route), name=f"{name} dial")
            for slot in range(1 + most):
                group.create_task(self._keep(slot), name=f"{name} line {slot}")

    def _wanted(self, slot: int) -> bool:
        """Whether there should be a line in that place."""
        bearer = self._bearer
        if bearer.stopped:
            return False
        if slot == 0:
            return True
        bulk = bearer.admits is Precedence.ROUTINE
        self._most = max(self._most, bearer.measure.pace.lines)
        return bearer.up and bulk and slot <= self._most

    def _kept(self, slot: int, line: Line) -> bool:
        """Whether a line that is there stays; one that is needed no more finishes its work."""
        bearer = self._bearer
        if bearer.stopped:
            return False
        return slot == 0 or bearer.admits is Precedence.ROUTINE or line.outstanding_bytes > 0

    async def _until(self, done: Callable[[], bool], slot: int) -> None:
        while not done():
            if slot == 0:
                self._bearer.say_why_stopped()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._bearer.changed.wait()
            self._bearer.changed.clear()

    async def _keep(self, slot: int) -> None:
        while True:
            await self._until(lambda: self._wanted(slot), slot)
            kit = await self._joined() if slot == 0 else self._kit
            if kit is not None:
                await self._once(slot, kit)

    async def _once(self, slot: int, kit: Identity) -> None:
        """One line from beginning to end."""
        sock = await self._dial(slot)
        if sock is None:
            return
        try:
            line = await self._open(slot, kit, sock)
        except LinkError as error:
            await self._failed(slot, _with_clock(error))
        else:
            await self._live(slot, line)

    async def _dial(self, slot: int) -> socket.socket | None:
        """A connection to the centre; None when it is not wanted any more."""
        dialling = asyncio.create_task(self._dialer.get(slot))
        made: socket.socket | None = None
        unwanted = asyncio.create_task(self._until(lambda: not self._wanted(slot), slot))
        try:
            while not dialling.done() and not unwanted.done():
                doing = {dialling, unwanted}
                await asyncio.wait(doing, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
                if slot == 0 and not dialling.done():
                    self._bearer.down(self._dialer.reason or self._bearer.reason)
            made = dialling.result() if dialling.done() else None
            return made
        finally:
            unwanted.cancel()
            if not dialling.cancel() and made is None and not dialling.exception():
                dialling.result().close()  # it came in the moment in which this was cancelled

    async def _open(self, slot: int, kit: Identity, sock: socket.socket) -> Line:
        role = Role.URGENT if slot == 0 else Role.BULK
        set_role(sock, role)
        bearer = self._bearer
        line = Line(bearer.shared.number(), kit.kit, role)
        wake = asyncio.get_running_loop().call_soon_threadsafe

        def left() -> None:
            line.written()
            with contextlib.suppress(RuntimeError):  # the loop is closed
                wake(bearer.shared.wake)

        line.hears = bearer.hears and slot == 0
        kinds = ("welcome", "orders", "ack")[: 2 + line.hears] if slot == 0 else ()
        line.connection = await MqttConnection.open(
            kit.broker_host,
            kit.broker_port,
            client_id=kit.client_id(bearer.name),
            tls=kit.tls,
            subscriptions=[down_topic(kit.kit, kind) for kind in kinds],
            on_message=lambda topic, payload: bearer.take(kit.kit, topic, payload),
            keepalive_s=round(bearer.settings.keepalive),
            timeout_s=_HANDSHAKE_S + 4 * (bearer.rtt_s() or 0),
            on_sent=left,
            sock=sock,
            wait=False,
        )
        return line

    async def _live(self, slot: int, line: Line) -> None:
        bearer, connection = self._bearer, line.connection
        if connection is None:
            return
        bearer.lines[slot] = line
        if slot == 0:
            bearer.since_us, bearer.reason, bearer.welcomed = bearer.shared.clock(), "", False
            self._most = 1
        bearer.shared.line_up(bearer, line)
        bearer.look()
        ended = asyncio.create_task(connection.closed())
        unwanted = asyncio.create_task(self._until(lambda: not self._kept(slot, line), slot))
        reason = ""
        try:
            await asyncio.wait({ended, unwanted}, return_when=asyncio.FIRST_COMPLETED)
            reason = ended.result() if ended.done() else ""
        finally:
            unwanted.cancel()
            heard = bearer.welcomed
            bearer.measure.gone(line)
            del bearer.lines[slot]
            bearer.shared.line_down(bearer, line)
            if slot == 0:
                bearer.down(reason)
            await connection.close()
            ended.cancel()
        if reason:
            worked = heard or line.age_s > _STEADY_S
            await self._failed(slot, LinkError(reason), worked=worked)

    async def _failed(self, slot: int, error: LinkError, *, worked: bool = False) -> None:
        """A line ended. One that never worked is tried again less often each time: the centre's
        end is there and does not want us.
        """
        self._failures = 0 if worked else self._failures + (slot == 0)
        if slot == 0 and not worked:
            self._bearer.down(str(error))
        pause_s = min(_AGAIN_S * 2 ** min(self._failures, 6), _MOST_AGAIN_S)
        await asyncio.sleep(pause_s * random.uniform(0.3, 1.0))  # noqa: S311

    async def _joined(self) -> Identity:
        while True:
            try:
                self._kit = self._bearer.shared.identity()
            except ConfigError as error:
                self._bearer.down(str(error), "identity")
                await asyncio.sleep(_IDENTITY_S)
            else:
                return self._kit

    def _route(self) -> Route:
        kit, settings = self._kit, self._bearer.settings
        host, port = (kit.broker_host, kit.broker_port) if kit is not None else ("", 0)
        source = str(settings.source) if settings.source else None
        return Route(host, port, settings.interface, source)

    def _prepare(self, sock: socket.socket) -> None:
        prepare_socket(sock, self._bearer.congestion)
        self._bearer.measure.add_wire_bytes(SYN_WIRE_BYTES, self._bearer.shared.clock())


def _with_clock(error: LinkError) -> LinkError:
    """A box whose clock battery is dead takes every certificate for one of another year's."""
    said = str(error)
    if "not yet valid" in said or "expired" in said:
        today = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
        return LinkError(f"{said}; this kit's clock says {today}: set it if that is wrong")
    return error
