"""One Modbus line with everything on it: a serial port, or a station or gateway on the network.

Stations on one line share its port; their requests go in turn. Pymodbus speaks the protocol; it
neither repeats requests nor reconnects by itself here, for whoever runs the sensors does that.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from pymodbus import FramerType, ModbusException
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.pdu import ExceptionResponse, ModbusPDU

from fieldlink.codecs.fault import SourceError
from fieldlink.edge.sensors.address import Address
from fieldlink.edge.sensors.registers import Group

__all__ = ["ModbusPort", "Refused", "serial_fault"]

_READS = {
    "holding": "read_holding_registers",
    "input": "read_input_registers",
    "coil": "read_coils",
    "discrete": "read_discrete_inputs",
}
_ABSENT = (10, 11)  # a gateway's: no path, no answer
_SETTLE_S = 0.3
_MAX_FAILURES = 3
_ERROR = 0x80

# It tells every timeout of every station on standard error; the reports say the same.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)


class Refused(Exception):  # noqa: N818 - a station's answer, not a fault of ours
    """The station answered with an exception: `code` of Modbus 1.1b3 section 7."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Modbus exception {code}")
        self.code = code


def serial_fault(path: str, error: BaseException | None) -> SourceError:
    """Why a serial port cannot be used, as far as can be told."""
    place = Path(path)
    if not place.exists():
        return SourceError("not-found", f"{path}: there is no such port; is its adapter in?")
    said = str(error or "")
    if "ermission" in said:
        return SourceError("permission", f"{path}: this user may not open it; see group dialout")
    if "lock" in said or "busy" in said:
        return SourceError("busy", f"{path}: another program has it, perhaps the running agent")
    return SourceError("failed", f"{path}: cannot be opened ({said[:120]}); check the adapter")


class ModbusPort:
    """Opens when it is first asked for something, closes when the last user has left."""

    def __init__(self, address: Address, timeout_s: float) -> None:
        self._address, self._timeout_s = address, timeout_s
        self._client: AsyncModbusTcpClient | AsyncModbusSerialClient | None = None
        self._turn = asyncio.Lock()
        self._users = 0
        self._failures = 0  # requests in a row that nobody answered
        self._garbled = 0
        self._cause: BaseException | None = None

    async def __aenter__(self) -> "ModbusPort":
        self._users += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        self._users -= 1
        if not self._users:
            self._close()

    async def read(self, unit: int, group: Group) -> list[int]:
        """What `unit` answers to `group`.

        Raises:
            Refused: the station answered that it will not.
            SourceError: the line is down, or the station does not answer.
        """
        async with self._turn:
            client = await self._opened()
            garbled = self._garbled
            try:
                answer = await self._ask(client, unit, group)
            except (ModbusException, OSError) as error:
                await self._unanswered(client)
                raise self._silent(unit, garbled != self._garbled) from error
            self._failures = 0
            return _checked(answer, group, f"{self._address.place} unit {unit}")

    async def _ask(self, client: Any, unit: int, group: Group) -> ModbusPDU:
        read: Callable[..., Awaitable[ModbusPDU]] = getattr(client, _READS[group.table])
        return await read(group.address, count=group.count, device_id=unit)

    async def _unanswered(self, client: Any) -> None:
        """After a failure: the network's connection may be dead, and a serial answer be late."""
        self._failures += 1
        if not client.connected or (not self._address.path and self._failures >= _MAX_FAILURES):
            self._close()
        elif "rtu" in self._address.scheme:
            # RTU has no number on a frame: a late answer would be taken for the next one's.
            await asyncio.sleep(min(self._timeout_s, _SETTLE_S))

    def _silent(self, unit: int, garbled: bool) -> SourceError:
        where = f"{self._address.place} unit {unit}"
        if self._client is None and self._address.path and not Path(self._address.path).exists():
            return serial_fault(self._address.path, None)
        if garbled:
            return SourceError(
                "garbled", f"{where}: what comes is no Modbus; check baud, parity and wiring"
            )
        return SourceError(
            "timeout", f"{where}: no answer; check power, wiring (A/B), unit, baud and parity"
        )

    async def _opened(self) -> Any:
        if self._client is not None and self._client.connected:
            return self._client
        self._close()
        self._cause = None
        self._failures = 0
        client = self._client = self._make()
        self._guard(client)
        try:
            connected = await client.connect()
        except (OSError, ValueError) as error:  # ValueError: pyserial does not know such a rate
            connected, self._cause = False, error
        if not connected:
            self._close()
            raise self._closed_fault()
        return client

    def _make(self) -> AsyncModbusTcpClient | AsyncModbusSerialClient:
        at, common = self._address, {"timeout": self._timeout_s, "retries": 0, "reconnect_delay": 0}
        if at.path:
            return AsyncModbusSerialClient(
                at.path,
                framer=FramerType.RTU,
                baudrate=at.baud,
                parity=at.parity,
                bytesize=at.bits,
                stopbits=at.stop,
                **common,  # type: ignore[arg-type]
            )
        framer = FramerType.SOCKET if at.scheme == "modbus-tcp" else FramerType.RTU
        return AsyncModbusTcpClient(
            at.host,
            port=at.port,
            framer=framer,
            **common,  # type: ignore[arg-type]
        )

    def _guard(self, client: Any) -> None:
        """Keep why it could not connect, which pymodbus only logs; and bytes that are no Modbus
        from ending in the event loop's log.
        """
        create, take = client.ctx.call_create, client.ctx.callback_data

        async def create_and_keep() -> Any:
            try:
                return await create()
            except OSError as error:
                self._cause = error
                raise

        def take_calmly(data: bytes, addr: Any = None) -> int:
            try:
                return int(take(data, addr))
            except ModbusException:
                self._garbled += 1
                return len(data)

        client.ctx.call_create = create_and_keep
        client.ctx.callback_data = take_calmly

    def _closed_fault(self) -> SourceError:
        at = self._address
        if at.path:
            return serial_fault(at.path, self._cause)
        if isinstance(self._cause, ConnectionRefusedError):
            return SourceError("refused", f"{at.place}: nothing listens there; check its port")
        if self._cause is None:
            return SourceError("timeout", f"{at.place}: does not answer; check power and cable")
        return SourceError("failed", f"{at.place}: {self._cause}; check the network and its url")

    def _close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()


def _checked(answer: ModbusPDU, group: Group, where: str) -> list[int]:
    if isinstance(answer, ExceptionResponse) or answer.function_code & _ERROR:
        code = int(answer.exception_code)
        if code in _ABSENT:
            raise SourceError("timeout", f"{where}: its gateway says that it does not answer")
        raise Refused(code)
    is_bits = group.table in ("coil", "discrete")
    found = list(answer.bits if is_bits else answer.registers)
    expected = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}[group.table]
    whole = len(found) >= group.count if is_bits else len(found) == group.count
    if answer.function_code != expected or not whole:
        raise SourceError("garbled", f"{where}: it answers something else than was asked")
    return found[: group.count]
