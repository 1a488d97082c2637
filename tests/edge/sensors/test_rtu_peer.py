"""Modbus stations on a serial line: a pymodbus server at the other end, and one that is late."""

import asyncio
import os

import pytest
from pymodbus import FramerType
from pymodbus.framer import FramerRTU

from fieldlab.sensing import FAST, play, running, table_of
from fieldlab.stations import (
    rtu_station,
    sensor_of,
    station,
    tcp_station,
    until,
)
from fieldlink.codecs.fault import SourceError
from fieldlink.edge.simulate.pty_pair import PtyPair


def test_units_on_one_serial_line_take_turns_and_a_dead_one_stops_no_other() -> None:
    async def test() -> None:
        pair = PtyPair()
        url = f"modbus-rtu://{pair.near}?baud=9600&unit="
        sensors = [
            sensor_of(FAST + table_of("x", address=0), f"{url}{unit}").model_copy(
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
                FAST + table_of("x", address=0), f"modbus-rtu-tcp://127.0.0.1:{port}/4"
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
            async with running(sensor_of(FAST + table_of("x", address=0), url)) as (_, intake):
                await until(lambda: len(intake.records) > 2)
        finally:
            loop.remove_reader(far)
            os.close(far)
            pair.close()
        assert [reading.values["x"] for reading in intake.readings()][:3] == [2, 3, 4]

    play(test)


def test_a_serial_port_that_is_pulled_out_is_said_and_comes_back() -> None:
    async def test() -> None:
        pair = PtyPair()
        url = f"modbus-rtu://{pair.near}?unit=1"
        sensor = sensor_of(FAST + table_of("x", address=0), url)
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
