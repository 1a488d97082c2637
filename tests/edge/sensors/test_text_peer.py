"""Stations that send lines of text: over a serial line and over TCP, good and hostile."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from fieldlab.intake import FakeIntake, FakeTime
from fieldlab.sensing import play
from fieldlab.stations import sensor_of, text_station, until
from fieldlink.codecs.fault import SourceError
from fieldlink.codecs.telemetry import AlarmKind
from fieldlink.edge.sensors.service import make_sensors
from fieldlink.edge.sensors.settings import SensorSettings
from fieldlink.edge.simulate.pty_pair import PtyPair

_WEATHER = r"""
period = "200ms"
stream = "weather"
[[sensor.value]]
name = "wind"
unit = "m/s"
decimals = 1
pattern = 'Sm=([\d.]+)M'
[[sensor.value]]
name = "temp"
unit = "Cel"
decimals = 1
missing = [999]
pattern = 'Ta=([-\d.]+)C'
"""
_LINE = b"0R0,Dm=027D,Sm=3.1M,Ta=-12.4C,Ua=61.0P,Pa=1002.5H\r\n"  # as a WXT520 composes it


@asynccontextmanager
async def listening(
    sensor: SensorSettings,
) -> AsyncIterator[tuple[Any, "asyncio.Task[None]", FakeIntake]]:
    """The adapter of `sensor` at work."""
    intake = FakeIntake()
    [adapter] = make_sensors([sensor], intake, FakeTime())
    task = asyncio.create_task(adapter.run(lambda: None))
    try:
        yield adapter, task, intake
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, SourceError):
            await task


@asynccontextmanager
async def at_station(
    speak: Any, text: str
) -> AsyncIterator[tuple[Any, "asyncio.Task[None]", FakeIntake]]:
    """The adapter of the sensor in `text`, listening to a station that speaks by TCP."""
    async with (
        text_station(speak) as port,
        listening(sensor_of(text, f"tcp://127.0.0.1:{port}")) as found,
    ):
        yield found


@asynccontextmanager
async def serial_line() -> AsyncIterator[tuple[str, Callable[[bytes], object], PtyPair]]:
    """The path of a port, and how the station at its other end speaks."""
    pair = PtyPair()
    station = os.open(pair.far, os.O_RDWR | os.O_NOCTTY)
    try:
        yield pair.near, lambda data: os.write(station, data), pair
    finally:
        os.close(station)
        pair.close()


def test_lines_over_a_serial_port_become_readings() -> None:
    async def test() -> None:
        async with serial_line() as (path, say, _):
            sensor = sensor_of(_WEATHER, f"serial://{path}?baud=9600")
            async with listening(sensor) as (adapter, _, intake):
                await until(lambda: adapter.report()["state"] == "connecting")
                while not intake.records:
                    say(b"noise\r\n" + _LINE)
                    await asyncio.sleep(0.02)
                values = adapter.report()["values"]
        assert intake.records[0].schema.stream == "weather"
        assert intake.readings()[0].values == {"wind": 3.1, "temp": -12.4}
        assert [value["text"] for value in values] == ["wind 3.1 m/s", "temp -12.4 °C"]

    play(test)


def test_a_flood_of_lines_makes_no_more_than_two_readings_a_period() -> None:
    async def test() -> None:
        async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError):
                while True:
                    writer.write(_LINE * 20)
                    await writer.drain()
                    await asyncio.sleep(0.001)

        async with at_station(flood, _WEATHER) as (_, _, intake):
            began_s = asyncio.get_running_loop().time()
            await asyncio.sleep(0.5)
            periods = (asyncio.get_running_loop().time() - began_s) / 0.2
        assert 1 <= len(intake.records) <= 2 * periods + 2

    play(test)


def test_values_in_lines_of_their_own_make_one_reading() -> None:
    async def test() -> None:
        async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"Sm=1.5M\nTa=999C\n")
            await writer.drain()

        async with at_station(speak, _WEATHER) as (made, _, intake):
            await until(lambda: intake.records)
            assert "missing" in made.report()["values"][1]["reason"]
        assert [reading.values for reading in intake.readings()] == [{"wind": 1.5, "temp": None}]

    play(test)


def test_hostile_lines_are_counted_and_the_station_goes_on() -> None:
    async def test() -> None:
        async def attack(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"Sm=9\x00M\n" + b"\xff\xfeSm=9M\n" + b"Sm=9M" + b"A" * 1_000_000 + b"\n")
            writer.write(b"Sm=1_0M Ta=nanC\n" + _LINE)
            await writer.drain()

        async with at_station(attack, _WEATHER) as (_, _, intake):
            await until(lambda: intake.records)
        assert dict(intake.refused) == {
            ("station-1", "control"): 1,
            ("station-1", "encoding"): 1,
            ("station-1", "line"): 1,
        }
        assert intake.readings()[-1].values == {"wind": 3.1, "temp": -12.4}

    play(test)


def test_a_station_that_answers_only_when_asked_is_asked_once_a_period() -> None:
    async def test() -> None:
        asked: list[bytes] = []

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError):
                while question := await reader.readline():
                    asked.append(question)
                    writer.write(_LINE)

        text = 'ask = "0R0!\\r\\n"\n' + _WEATHER
        async with at_station(answer, text) as (_, _, intake):
            await until(lambda: len(intake.records) > 1)
        assert set(asked) == {b"0R0!\r\n"}

    play(test)


def test_an_end_of_the_connection_and_a_pulled_port_are_source_errors() -> None:
    async def test() -> None:
        async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        async with at_station(hang_up, _WEATHER) as (_, task, _):
            await until(task.done)
            with pytest.raises(SourceError, match=r"closed: .*ended the connection"):
                task.result()
        async with serial_line() as (path, say, pair):
            sensor = sensor_of(_WEATHER, f"serial://{path}")
            async with listening(sensor) as (adapter, task, intake):
                while not intake.records:
                    say(_LINE)
                    await asyncio.sleep(0.02)
                pair.close()
                await until(task.done)
                with pytest.raises(SourceError, match=r"closed: .*unplugged"):
                    task.result()
                assert adapter.report()["state"] == "down"

    play(test)


def test_a_port_that_another_program_has_is_said() -> None:
    async def test() -> None:
        async with serial_line() as (path, _, _):
            sensor = sensor_of(_WEATHER, f"serial://{path}")
            async with listening(sensor) as (_, first, _):
                await asyncio.sleep(0.1)
                async with listening(sensor) as (_, second, _):
                    await until(second.done)
                    with pytest.raises(SourceError, match=r"busy: .*another program"):
                        second.result()
                assert not first.done()

    play(test)


def test_a_station_that_falls_silent_is_an_alarm_though_its_line_is_open() -> None:
    async def test() -> None:
        async def speak_once(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(_LINE)

        text = "silence = 2\n" + _WEATHER
        async with at_station(speak_once, text) as (_, _, intake):
            await until(lambda: [n for _, n in intake.notices if n.active])
        [notice] = [n for _, n in intake.notices if n.active]
        assert notice.kind is AlarmKind.SILENCE
        assert "没有读数" in notice.text

    play(test)
