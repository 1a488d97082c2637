"""A station that sends lines of text, by itself or when it is asked."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

from fieldlink.codecs.fault import SourceError
from fieldlink.edge.sensors.lines import LineFramer
from fieldlink.edge.sensors.pattern import compile_pattern
from fieldlink.edge.sensors.settings import SensorSettings
from fieldlink.edge.sensors.station import Station
from fieldlink.edge.sensors.text_port import TextPort, open_text_port
from fieldlink.edge.sensors.values import Converter, Measured, number_in
from fieldlink.systemd.service import Beat

__all__ = ["TextReader", "TextSensor"]

_BEAT_S = 1.0
_SLOW_S = 0.25  # of matching one line; patterns are judged to stay far below
_STALL_PERIODS, _STALL_S = 5, 30.0


class TextReader:
    """Finds a sensor's values in what its station sends."""

    def __init__(self, settings: SensorSettings) -> None:
        self._values = [
            (value, compile_pattern(value.pattern), Converter(value)) for value in settings.value
        ]
        self._framer = LineFramer(settings.encoding)

    def feed(self, now_s: float, data: bytes) -> Iterator[tuple[str, dict[str, Measured], str]]:
        """(line, the values in it, "") for each line; ("", {}, reason) for each that is none.

        Raises:
            SourceError: matching a line took too long, which the settings should have prevented.
        """
        for line, reason in self._framer.feed(data):
            began_s = time.perf_counter()
            found = {} if reason else self._found(now_s, line)
            if time.perf_counter() - began_s > _SLOW_S:
                raise SourceError("slow", "its patterns take too long; begin them with ^")
            yield line, found, reason

    def _found(self, now_s: float, line: str) -> dict[str, Measured]:
        found = {}
        for value, pattern, converter in self._values:
            if match := pattern.search(line):
                said = match[1] or ""
                measured = converter.take(now_s, number_in(said))
                if measured.reason == "number":
                    measured = Measured(None, "number", said[:32])
                found[value.name] = measured
        return found


class TextSensor:
    """The adapter of one station. A reading is complete when every value was said, or when a
    period has passed; at most two go out in a period, with the newest values.
    """

    def __init__(self, station: Station) -> None:
        self.name = f"sensor {station.settings.name}"
        self.settings = station.settings
        self._station = station
        self._fresh: dict[str, Measured] = {}
        self._sent_s = float("-inf")

    async def run(self, beat: Beat) -> None:
        """Listen until cancelled.

        Raises:
            SourceError: the line cannot be opened, has ended, or says nothing.
        """
        loop = asyncio.get_running_loop()
        self._station.begin(loop.time())
        try:
            port = await open_text_port(self.settings.where)
            try:
                await self._listen(port, beat)
            finally:
                port.close()
        except SourceError as error:
            self._station.failed(loop.time(), error)
            raise

    async def _listen(self, port: TextPort, beat: Beat) -> None:
        loop = asyncio.get_running_loop()
        reader = TextReader(self.settings)
        period_s = self.settings.period
        stall_s = max(_STALL_PERIODS * period_s, _STALL_S)
        heard_s, asked_s = loop.time(), float("-inf")
        while True:
            beat()
            if self.settings.ask and loop.time() - asked_s >= period_s:
                asked_s = loop.time()
                await port.write(self.settings.ask.encode(self.settings.encoding))
            data = await _some(port, min(_BEAT_S, period_s / 2))
            now_s = loop.time()
            for _, found, reason in reader.feed(now_s, data):
                heard_s = now_s if found else heard_s
                if reason:
                    self._station.refuse(reason)
                elif found:
                    self._fresh |= found
                    self._station.judge(now_s, found)
            self._station.begin(now_s)
            self._hand_over(now_s)
            if now_s - heard_s > stall_s:
                where = self.settings.where.place
                raise SourceError(
                    "silent", f"{where}: no line with a value; check power, baud and patterns"
                )

    def _hand_over(self, now_s: float) -> None:
        if not self._fresh:
            return
        whole = len(self._fresh) == len(self.settings.value)
        share = 0.5 if whole else 1.0
        if now_s - self._sent_s >= share * self.settings.period:
            self._sent_s = now_s
            self._station.record(self._fresh)
            self._fresh = {}

    def report(self) -> dict[str, Any]:
        """How it is, and each value with its age."""
        return self._station.report()


async def _some(port: TextPort, wait_s: float) -> bytes:
    """What comes within `wait_s`, if anything does."""
    try:
        async with asyncio.timeout(wait_s):
            return await port.read()
    except TimeoutError:
        return b""
