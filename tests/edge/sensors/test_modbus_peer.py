"""Modbus stations on a network as they are met: a pymodbus server, and peers that lie."""

import asyncio
from typing import Any

import pytest

from fieldlab.intake import FakeIntake, FakeTime
from fieldlab.sensing import FAST, beside, play, running, table_of
from fieldlab.stations import (
    registers_of,
    sensor_of,
    station,
    tcp_station,
    text_station,
    until,
)
from fieldlink.codecs.fault import SourceError
from fieldlink.codecs.telemetry import AlarmKind, Flag
from fieldlink.edge.sensors.service import make_sensors


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
        text = FAST + table_of("x", address=100, type=kind, words=words, decimals=3)
        async with beside(device, text, 7) as (_, intake):
            await until(lambda: intake.records)
            assert intake.readings()[0].values == {"x": pytest.approx(number)}

    play(test)


def test_all_tables_are_read_and_a_reading_has_every_column() -> None:
    async def test() -> None:
        bits = [False, True] * 8
        device = station(1, [(0, [0b100, 250])], [(3, [0xFF9C])], bits)
        text = (
            FAST
            + 'stream = "weather"\n'
            + table_of("temp", table="input", address=3, type="s16", scale=0.1, decimals=1)
            + table_of("door", table="coil", address=1, type="bool", decimals=0)
            + table_of("shut", table="discrete", address=2, type="bool", decimals=0)
            + table_of("fault", address=0, type="bool", bit=2, decimals=0)
            + table_of("level", address=1, scale=0.01, offset=100, unit="m")
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
        text = FAST + table_of("a", address=0) + table_of("b", address=2) + table_of("c", address=4)
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

        text = FAST + "".join(table_of(f"v{n}", address=n * 3) for n in range(10))
        device = station(1, [(0, list(range(40)))])
        async with beside(device, text, trace_pdu=trace) as (_, intake):
            await until(lambda: intake.records)
        assert asked[:1] == [28]
        assert intake.readings()[0].values["v9"] == 27

    play(test)


def test_a_change_at_one_station_has_all_on_its_line_begin_anew_and_no_other() -> None:
    def made(*urls: str) -> list[object]:
        sensors = [sensor_of(table_of("x", address=0), url) for url in urls]
        return [one.settings for one in make_sensors(sensors, FakeIntake(), FakeTime())]

    before = made("modbus-tcp://h/1", "modbus-tcp://h/2", "modbus-tcp://g/1")
    assert before == made("modbus-tcp://h/1", "modbus-tcp://h/2", "modbus-tcp://g/1")
    after = made("modbus-tcp://h/1", "modbus-tcp://h/3", "modbus-tcp://g/1")
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, False, True]


def test_a_wrong_unit_behind_a_gateway_is_told_as_such() -> None:
    async def test() -> None:
        device = station(1, [(0, [5])])
        async with beside(device, FAST + table_of("x", address=0), 3) as (made, intake):
            await until(lambda: intake.records)
            assert intake.readings()[0].values == {"x": None}
            assert "no such unit" in made[0][0].report()["values"][0]["reason"]

    play(test)


def test_nothing_listening_is_a_source_error_and_the_next_run_works() -> None:
    async def test() -> None:
        async with tcp_station(station(1, [(0, [5])])) as port:
            pass
        sensor = sensor_of(FAST + table_of("x", address=0), f"modbus-tcp://127.0.0.1:{port}/1")
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

        text = 'timeout = "50ms"\n' + table_of("x", address=0)
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
            FAST
            + "lat = 30.5\nlon = 103.25\nexercise = true\n"
            + table_of("level", address=0, scale=0.01, unit="m", label="水位")
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
