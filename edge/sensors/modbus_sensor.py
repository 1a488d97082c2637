"""A Modbus station: asked once a period for its registers."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from fieldlink.codecs.fault import SourceError
from fieldlink.edge.sensors.modbus_port import ModbusPort, Refused
from fieldlink.edge.sensors.registers import Group, plan_groups, raw_value, split_group
from fieldlink.edge.sensors.settings import SensorSettings
from fieldlink.edge.sensors.station import Station
from fieldlink.edge.sensors.values import Converter, Measured
from fieldlink.systemd.service import Beat

__all__ = ["ModbusReader", "ModbusSensor"]

_T = TypeVar("_T")
_TRIES = 2  # a noisy line loses a request now and then; a dead station loses all
_SPLITS = (2, 3)  # exceptions that may be about one register of several
_BEAT_S = 1.0


class ModbusReader:
    """Reads a station's values. A request that it refuses for an address is asked in parts from
    then on, so that one register that it does not have costs one value.
    """

    def __init__(self, settings: SensorSettings, port: ModbusPort) -> None:
        self._values = settings.value
        self._unit = settings.where.unit
        self._port = port
        self._groups = plan_groups(settings.value)
        self._converters = [Converter(value) for value in settings.value]

    async def read(self, now_s: float) -> dict[str, Measured]:
        """All values by name; what the station refuses is unknown, with the reason.

        Raises:
            SourceError: it does not answer, or not in Modbus.
        """
        found: dict[str, Measured] = {}
        groups, done = list(self._groups), list[Group]()
        while groups:
            group = groups.pop(0)
            try:
                answer = await self._asked(group)
            except Refused as refused:
                if len(group.values) > 1 and refused.code in _SPLITS:
                    groups = split_group(group, self._values) + groups
                    continue
                for number in group.values:
                    reason = f"refused-{refused.code}"
                    found[self._values[number].name] = Measured(None, reason)
            else:
                for number in group.values:
                    value = self._values[number]
                    raw, registers = raw_value(value, group, answer)
                    found[value.name] = self._converters[number].take(now_s, raw, registers)
            done.append(group)
        self._groups = done
        return found

    async def _asked(self, group: Group) -> list[int]:
        for _ in range(_TRIES - 1):
            with suppress(SourceError):
                return await self._port.read(self._unit, group)
        return await self._port.read(self._unit, group)


class ModbusSensor:
    """The adapter of one station; those on the same line share its port. `settings` are all of
    that line's: when one of them changes, all leave the port, and open it anew.
    """

    def __init__(self, station: Station, port: ModbusPort, line: Sequence[SensorSettings]) -> None:
        self.name = f"sensor {station.settings.name}"
        self.settings = (station.settings, *line)
        self._station, self._port = station, port
        self._reader = ModbusReader(station.settings, port)
        self._period_s = station.settings.period

    async def run(self, beat: Beat) -> None:
        """Ask once a period until cancelled.

        Raises:
            SourceError: the line is down, or this station does not answer.
        """
        loop = asyncio.get_running_loop()
        self._station.begin(loop.time())
        async with self._port:
            due_s = loop.time()
            while True:
                try:
                    measured = await _patiently(self._reader.read(loop.time()), beat)
                except SourceError as error:
                    self._station.failed(loop.time(), error)
                    raise
                self._station.judge(loop.time(), measured)
                self._station.record(measured)
                due_s = max(due_s + self._period_s, loop.time())
                while (left_s := due_s - loop.time()) > 0:
                    beat()
                    await asyncio.sleep(min(left_s, _BEAT_S))
                    self._station.begin(loop.time())

    def report(self) -> dict[str, Any]:
        """How it is, and each value with its age."""
        return self._station.report()


async def _patiently(work: Coroutine[Any, Any, _T], beat: Beat) -> _T:
    """Wait for `work`, which may be waiting for its turn on the line, alive all the while."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            beat()
            await asyncio.wait([task], timeout=_BEAT_S)
        return task.result()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, SourceError):
            await task
