"""Modbus stations as they are met: a pymodbus server on TCP and on a serial line."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from pymodbus import FramerType
from pymodbus.framer import FramerRTU

from fieldlab.intake import FakeIntake, FakeTime
from fieldlab.stations import (
    registers_of,
    rtu_station,
    sensor_of,
    station,
    tcp_station,
    text_station,
    until,
)
from fieldlink.codecs.fault import SourceError
from fieldlink.codecs.telemetry import AlarmKind, Flag
from fieldlink.edge.sensors.service import make_sensors
from fieldlink.edge.sensors.settings import SensorSettings
from fieldlink.edge.simulate.pty_pair import PtyPair

_FAST = 'period = "200ms"\ntimeout = "200ms"\n'


def _value(name: str, **keys: object) -> str:
    lines = [f'[[sensor.value]]\nname = "{name}"']
    lines += [f"{key} = {_toml(value)}" for key, value in keys.items()]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')


@asynccontextmanager
async def running(*sensors: SensorSettings) -> AsyncIterator[tuple[list[Any], FakeIntake]]:
    """The adapters of `sensors` at work, each run once."""
    intake = FakeIntake()
    adapters = make_sensors(sensors, intake, FakeTime())
    tasks = [asyncio.ensure_future(adapter.run(lambda: None)) for adapter in adapters]
    try:
        yield [(adapter, task) for adapter, task in zip(adapters, tasks, strict=True)], intake
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError, SourceError):
                await task


@asynccontextmanager
async def beside(
    device: Any, text: str, unit: int = 1, **options: Any
) -> AsyncIterator[tuple[list[Any], FakeIntake]]:
    """A station on TCP, and the sensor of `text` that reads it."""
    async with (
        tcp_station(device, **options) as port,
        running(sensor_of(text, f"modbus-tcp://127.0.0.1:{port}/{unit}")) as found,
    ):
        yield found


def play(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test's coroutine with a limit."""
    asyncio.run(asyncio.wait_for(test(), 20))


@pytest.mark.parametrize(
    ("form", "kind", "number"),
    [
        ("H", "u16", 65000),
        ("h", "s16", -1234),
        ("I", "u32", 3_000_000_000),
        ("i", "s32", -70_000),
        ("f", "f32", -2.5),
        ("d", "f64", 12345.678),
    ],
)
@pytest.mark.parametrize("little", [False, True])
def test_every_type_and_word_order_is_read_as_the_station_means_it(
    form: str, kind: str, number: float, little: bool
) -> None:
    async def test() -> None:
        device = station(7, [(100, registers_of(form, number, little=little))])
        words = "little" if little else "big"
        text = _FAST + _value("x", address=100, type=kind, words=words, decimals=3)
        async with beside(device, text, 7) as (_, intake):
            await until(lambda: intake.records)
            assert intake.readings()[0].values == {"x": pytest.approx(number)}

    play(test)


def test_all_tables_are_read_and_a_reading_has_every_column() -> None:
    async def test() -> None:
        bits = [False, True] * 8
        device = station(1, [(0, [0b100, 250])], [(3, [0xFF9C])], bits)
        text = (
            _FAST
            + 'stream = "weather"\n'
            + _value("temp", table="input", address=3, type="s16", scale=0.1, decimals=1)
            + _value("door", table="coil", address=1, type="bool", decimals=0)
            + _value("shut", table="discrete", address=2, type="bool", decimals=0)
            + _value("fault", address=0, type="bool", bit=2, decimals=0)
            + _value("level", address=1, scale=0.01, offset=100, unit="m")
        )
        async with beside(device, text) as (_, intake):
            await until(lambda: len(intake.records) > 1)
        record = intake.records[0]
        assert record.source.kind == "sensor"
        assert record.source.via == "sensor"
        assert record.schema.stream == "weather"
        assert [(c.name, c.unit, c.scale) for c in record.schema.columns][4] == ("level", "m", 2)
        expected = {"temp": -10.0, "door": 1, "shut": 0, "fault": 1, "level": 102.5}
        assert record.readings[0].values == expected
        assert record.readings[0].device_us is None

    play(test)


def test_a_register_that_the_station_lacks_costs_one_value_not_the_station() -> None:
    async def test() -> None:
        device = station(1, [(0, [11]), (4, [44])])
        text = _FAST + _value("a", address=0) + _value("b", address=2) + _value("c", address=4)
        async with beside(device, text) as (made, intake):
            await until(lambda: len(intake.records) > 1)
            report = made[0][0].report()
        assert intake.readings()[-1].values == {"a": 11, "b": None, "c": 44}
        assert report["state"] == "live"
        assert "refused (2)" in report["values"][1]["reason"]
        assert "没有这个寄存器" in report["values"][1]["reason"]

    play(test)


def test_stations_near_each_other_in_the_table_are_read_with_one_request() -> None:
    async def test() -> None:
        asked: list[int] = []

        def trace(sending: bool, pdu: Any) -> Any:
            if not sending:
                asked.append(pdu.count)
            return pdu

        text = _FAST + "".join(_value(f"v{n}", address=n * 3) for n in range(10))
        device = station(1, [(0, list(range(40)))])
        async with beside(device, text, trace_pdu=trace) as (_, intake):
            await until(lambda: intake.records)
        assert asked[:1] == [28]
        assert intake.readings()[0].values["v9"] == 27

    play(test)


def test_units_on_one_serial_line_take_turns_and_a_dead_one_stops_no_other() -> None:
    async def test() -> None:
        pair = PtyPair()
        url = f"modbus-rtu://{pair.near}?baud=9600&unit="
        sensors = [
            sensor_of(_FAST + _value("x", address=0), f"{url}{unit}").model_copy(
                update={"name": f"unit-{unit}"}
            )
            for unit in (1, 2, 9)
        ]
        devices = station(1, [(0, [101])]), station(2, [(0, [202])])
        try:
            async with rtu_station(pair.far, *devices), running(*sensors) as (made, intake):
                dead = made[2][1]
                await until(dead.done)
                with pytest.raises(SourceError, match=r"timeout: .* unit 9: no answer"):
                    dead.result()
                before = len(intake.records)
                await until(lambda: len(intake.records) > before + 3)
                assert made[2][0].report()["state"] == "down"
        finally:
            pair.close()
        assert {r.values["x"] for r in intake.readings("unit-1")} == {101}
        assert {r.values["x"] for r in intake.readings("unit-2")} == {202}

    play(test)


def test_a_device_server_passes_the_frames_of_a_serial_line_on() -> None:
    async def test() -> None:
        device = station(4, [(0, [77])])
        async with tcp_station(device, framer=FramerType.RTU) as port:
            sensor = sensor_of(
                _FAST + _value("x", address=0), f"modbus-rtu-tcp://127.0.0.1:{port}/4"
            )
            async with running(sensor) as (_, intake):
                await until(lambda: intake.records)
        assert intake.readings()[0].values == {"x": 77}

    play(test)


def test_an_answer_that_comes_too_late_is_not_taken_for_the_next_ones() -> None:
    async def test() -> None:
        pair = PtyPair()
        far = os.open(pair.far, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        loop = asyncio.get_running_loop()
        asked = 0

        def frame(value: int) -> bytes:
            body = bytes((1, 3, 2)) + value.to_bytes(2, "big")
            return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")

        def answer() -> None:
            nonlocal asked
            os.read(far, 256)
            asked += 1
            delay_s = {1: 0.26, 2: 0.12}.get(asked, 0.0)
            loop.call_later(delay_s, os.write, far, frame(asked))

        loop.add_reader(far, answer)
        url = f"modbus-rtu://{pair.near}?unit=1"
        try:
            async with running(sensor_of(_FAST + _value("x", address=0), url)) as (_, intake):
                await until(lambda: len(intake.records) > 2)
        finally:
            loop.remove_reader(far)
            os.close(far)
            pair.close()
        assert [reading.values["x"] for reading in intake.readings()][:3] == [2, 3, 4]

    play(test)


def test_a_change_at_one_station_has_all_on_its_line_begin_anew_and_no_other() -> None:
    def made(*urls: str) -> list[object]:
        sensors = [sensor_of(_value("x", address=0), url) for url in urls]
        return [one.settings for one in make_sensors(sensors, FakeIntake(), FakeTime())]

    before = made("modbus-tcp://h/1", "modbus-tcp://h/2", "modbus-tcp://g/1")
    assert before == made("modbus-tcp://h/1", "modbus-tcp://h/2", "modbus-tcp://g/1")
    after = made("modbus-tcp://h/1", "modbus-tcp://h/3", "modbus-tcp://g/1")
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, False, True]


def test_a_serial_port_that_is_pulled_out_is_said_and_comes_back() -> None:
    async def test() -> None:
        pair = PtyPair()
        url = f"modbus-rtu://{pair.near}?unit=1"
        sensor = sensor_of(_FAST + _value("x", address=0), url)
        async with (
            rtu_station(pair.far, station(1, [(0, [5])])),
            running(sensor) as (made, intake),
        ):
            await until(lambda: intake.records)
            adapter, task = made[0]
            pair.close()
            await until(task.done)
            with pytest.raises(SourceError, match=r"not-found|closed|timeout"):
                task.result()
            with pytest.raises(SourceError, match=r"not-found: .* is its adapter in"):
                await adapter.run(lambda: None)

    play(test)


def test_a_wrong_unit_behind_a_gateway_is_told_as_such() -> None:
    async def test() -> None:
        device = station(1, [(0, [5])])
        async with beside(device, _FAST + _value("x", address=0), 3) as (made, intake):
            await until(lambda: intake.records)
            assert intake.readings()[0].values == {"x": None}
            assert "no such unit" in made[0][0].report()["values"][0]["reason"]

    play(test)


def test_nothing_listening_is_a_source_error_and_the_next_run_works() -> None:
    async def test() -> None:
        async with tcp_station(station(1, [(0, [5])])) as port:
            pass
        sensor = sensor_of(_FAST + _value("x", address=0), f"modbus-tcp://127.0.0.1:{port}/1")
        async with running(sensor) as (made, intake):
            adapter, task = made[0]
            await until(task.done)
            with pytest.raises(SourceError, match=r"refused: .*nothing listens"):
                task.result()
            async with tcp_station(station(1, [(0, [6])])) as other:
                again = sensor.model_copy(update={"url": f"modbus-tcp://127.0.0.1:{other}/1"})
                async with running(again) as (_, heard):
                    await until(lambda: heard.records)
        assert adapter.report()["state"] == "down"
        assert not intake.records

    play(test)


@pytest.mark.parametrize(
    "answer",
    [
        b"\x00" * 300,
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x00\x01\x00\x00\x00\x03\x01\x03\x02",  # says two bytes, has none
        b"\x00\x01\x00\x00\x00\x05\x01\x03\x04\x00\x01",  # fewer registers than it says
        b"\x00\x01\x00\x00\x00\x07\x01\x03\x04\x00\x01\x00\x02",  # more than was asked
        b"\x00\x01\x00\x00\x00\x04\x01\x01\x01\x01",  # another function
    ],
)
def test_an_answer_that_is_no_modbus_is_a_source_error(answer: bytes) -> None:
    async def test() -> None:
        async def lie(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.read(260):
                writer.write(answer)

        text = 'timeout = "50ms"\n' + _value("x", address=0)
        loops: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, found: loops.append(found))
        async with (
            text_station(lie) as port,
            running(sensor_of(text, f"modbus-tcp://127.0.0.1:{port}/1")) as (made, intake),
        ):
            await until(made[0][1].done)
            with pytest.raises(SourceError, match=r"garbled|timeout"):
                made[0][1].result()
        assert not intake.records
        assert not loops

    play(test)


def test_a_limit_passed_at_a_station_is_an_alarm_with_value_limit_and_unit() -> None:
    async def test() -> None:
        text = (
            _FAST
            + "lat = 30.5\nlon = 103.25\nexercise = true\n"
            + _value("level", address=0, scale=0.01, unit="m", label="水位")
            + '[[sensor.value.limit]]\nhigh = 3.5\ntext = "danger"\n'
        )
        async with beside(station(1, [(0, [362])]), text) as (_, intake):
            await until(lambda: len(intake.records) > 2)
        [notice] = [notice for _, notice in intake.notices if notice.active]
        assert notice.kind is AlarmKind.THRESHOLD
        assert (notice.subject, notice.value, notice.limit, notice.unit) == (
            "level.high", "3.62", "3.50", "m",
        )  # fmt: skip
        assert notice.text == (
            "danger: level 3.62 m is at or over 3.50 m 水位 3.62 m，达到或超过 3.50 m"
        )
        assert (notice.lat, notice.lon) == (30.5, 103.25)
        first = intake.readings(stream="sensor")[0]
        assert first.flags == Flag.ALARM | Flag.EXERCISE
        place = intake.readings(stream="position")
        assert place[0].values == {"lat": 30.5, "lon": 103.25, "fix": 7}

    play(test)
