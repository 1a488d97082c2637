"""Many simulated vehicles at once, each with a connection of its own."""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from fieldlink.edge.simulate.telling import Connected
from fieldlink.edge.simulate.vehicle import Vehicle, VehiclePlan
from fieldlink.edge.simulate.vehicle_terminal import VehicleTerminal

__all__ = ["Driver", "drive", "numbers"]

_TICK_S = 0.05
_PAUSE_S, _LONGEST_S = 0.5, 10.0
_READ_BYTES = 16 * 1024
_CONNECT_S = 10.0


class Driver:
    """One vehicle on TCP or UDP; connects again for ever."""

    def __init__(self, plan: VehiclePlan, host: str, port: int, *, udp: bool = False) -> None:
        self.terminal = VehicleTerminal(Vehicle(plan))
        self._host, self._port, self._udp = host, port, udp
        self._began_s = time.monotonic()
        self.reason = ""

    @property
    def why(self) -> str:
        """Why it may not report at present; nothing while it may."""
        return "" if self.terminal.ready else self.terminal.refused or self.reason

    async def run(self) -> None:
        """Drive until cancelled."""
        pause_s = _PAUSE_S
        while True:
            began_s = time.monotonic()
            try:
                await (self._datagrams() if self._udp else self._stream())
            except ConnectionRefusedError:
                self.reason = (
                    f"nothing listens at {self._host}:{self._port}; set enabled = true in [jt808]"
                    " (fieldlink sim vehicle --settings prints all of it)"
                )
            except (OSError, TimeoutError) as error:
                self.reason = str(error) or "no answer"
            self.terminal.lost()
            lasted = time.monotonic() - began_s > _LONGEST_S
            pause_s = _PAUSE_S if lasted else min(pause_s * 2, _LONGEST_S)
            await self._wait(pause_s * random.uniform(0.5, 1.0))  # noqa: S311  # no secret

    async def _wait(self, pause_s: float) -> None:
        until_s = time.monotonic() + pause_s
        while time.monotonic() < until_s:
            self._tick()  # it drives on, and stores
            await asyncio.sleep(_TICK_S)

    def _tick(self) -> None:
        now_s = time.monotonic()
        self.terminal.tick(now_s - self._began_s, time.time_ns() // 1000, now_s)

    async def _stream(self) -> None:
        async with asyncio.timeout(_CONNECT_S):
            reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            receiving = asyncio.create_task(self._receive(reader))
            try:
                await self._speak(writer.write, receiving)
            finally:
                receiving.cancel()
                with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                    await receiving
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _receive(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(_READ_BYTES):
            self.terminal.receive(data, time.monotonic())
        raise ConnectionResetError("the kit closed the connection")

    async def _datagrams(self) -> None:
        loop = asyncio.get_running_loop()
        refused: asyncio.Future[None] = loop.create_future()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self.terminal, refused), remote_addr=(self._host, self._port)
        )
        try:
            await self._speak(transport.sendto, refused)
        finally:
            transport.close()

    async def _speak(self, send: Callable[[bytes], Any], receiving: "asyncio.Future[None]") -> None:
        self.terminal.connected(time.monotonic())
        while not self.terminal.is_deaf:
            self._tick()
            for frame in self.terminal.take():
                send(frame)
            if self.terminal.ready:
                self.reason = ""
            if receiving.done():
                receiving.result()
            await asyncio.sleep(_TICK_S)
        raise TimeoutError(self.terminal.refused or "the kit does not answer")


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, terminal: VehicleTerminal, refused: "asyncio.Future[None]") -> None:
        self._terminal, self._refused = terminal, refused

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._terminal.receive(data, time.monotonic())

    def error_received(self, exc: Exception) -> None:
        if not self._refused.done():
            self._refused.set_exception(exc)


def numbers(first: str, count: int) -> list[str]:
    """`count` terminal numbers from `first` on."""
    return [str(int(first) + n).zfill(len(first)) for n in range(count)]


async def drive(
    plans: Sequence[VehiclePlan],
    host: str,
    port: int,
    *,
    udp: bool = False,
    seconds: float | None = None,
    on_text: Callable[[str, str], None] = lambda *_: None,
    tell: Callable[[Connected], Awaitable[None]] | None = None,
) -> dict[str, Any]:
    """Everybody in `plans`, some hundred metres apart, until cancelled or for so many `seconds`;
    what came of it. `on_text(number, text)` hears what vehicles are told, `tell` runs beside
    them and may ask who is connected.
    """
    drivers = [
        Driver(replace(plan, lat=plan.lat + 1e-3 * (n % 7 - 3)), host, port, udp=udp)
        for n, plan in enumerate(plans)
    ]
    tasks = [asyncio.create_task(driver.run()) for driver in drivers]
    tasks.append(asyncio.create_task(_read_out(drivers, on_text)))
    if tell is not None:
        tasks.append(asyncio.ensure_future(tell(lambda: _connected(drivers))))
    try:
        done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    except asyncio.CancelledError:
        pass  # Ctrl-C: the summary is still wanted
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    return _summary([driver.terminal for driver in drivers], [one.why for one in drivers])


def _connected(drivers: Sequence[Driver]) -> tuple[int, int, set[str]]:
    away = [one for one in drivers if not one.terminal.ready]
    return len(drivers) - len(away), len(drivers), {one.why for one in away}


async def _read_out(drivers: Sequence[Driver], on_text: Callable[[str, str], None]) -> None:
    while True:
        for driver in drivers:
            while driver.terminal.texts:
                on_text(driver.terminal.vehicle.plan.number, driver.terminal.texts.pop(0))
        await asyncio.sleep(_TICK_S)


def _summary(terminals: Sequence[VehicleTerminal], reasons: Sequence[str]) -> dict[str, Any]:
    counts = ("reported", "answered", "backfilled", "repeated", "given_up", "waiting")
    return {
        "vehicles": len(terminals),
        **{name: sum(getattr(one, name) for one in terminals) for name in counts},
        "confirmed": {"position": sum(one.answered for one in terminals)},
        "down": sorted({reason for reason in reasons if reason}),
    }
