"""Simulated stations: read by the kit's own sensors, and what an exercise sees of them."""

import asyncio
import json
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from fieldlab.sensing import play
from fieldlink.codecs.settings import load_settings
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.sensors.limits import Watch
from fieldlink.edge.sensors.trial import Trial, try_sensors
from fieldlink.edge.sensors.values import Converter
from fieldlink.edge.simulate.sensor import SensorPlan, play_sensors
from fieldlink.edge.simulate.sensor_kinds import (
    KINDS,
    encode_registers,
    settings_text,
    station_settings,
)
from fieldlink.edge.simulate.sensor_series import SensorFault, SensorFaults, Series

_FAULTLESS = SensorFaults()


async def trials(plan: SensorPlan) -> list[Trial]:
    """What one reading of every station of `plan` gives."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[list[tuple[str, str]]] = loop.create_future()
    task = asyncio.create_task(play_sensors(plan, ready.set_result))
    both: list[asyncio.Future[Any]] = [task, ready]
    done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    if task in done:
        task.result()
    found = []
    for number, (kind, url) in enumerate(ready.result()):
        found += [one async for one in try_sensors([station_settings(kind, f"s{number}", url)])]
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return found


@pytest.mark.parametrize("transport", ["modbus-tcp", "modbus-rtu", "text-tcp", "text-serial"])
def test_every_station_can_be_read_with_the_settings_that_it_prints(transport: str) -> None:
    async def test() -> None:
        plan = SensorPlan(tuple(KINDS), transport, every_s=0.05)
        found = await trials(plan)
        assert [one.sensor.stream for one in found] == list(KINDS)
        assert [str(one.fault) for one in found if not one.ok] == []
        water = next(one for one in found if one.sensor.stream == "water")
        assert water.values["level"].value == pytest.approx(2.1, abs=0.05)

    play(test)


def test_a_silent_station_does_not_answer() -> None:
    async def test() -> None:
        plan = SensorPlan(["gas"], faults=SensorFaults(SensorFault.SILENCE))
        [trial] = await trials(plan)
        assert trial.fault is not None
        assert trial.fault.reason == "timeout"

    play(test)


def test_printed_settings_load() -> None:
    text = "".join(
        settings_text(kind, f"{kind}-{number}", url)
        for kind in KINDS
        for number, url in enumerate(("modbus-tcp://h/1", f"tcp://{kind}:1"))
    )
    assert len(load_settings(EdgeSettings, text, "test").sensor) == 2 * len(KINDS)


def test_the_same_seed_plays_the_same() -> None:
    one, again, other = (Series("water", seed, _FAULTLESS) for seed in (1, 1, 2))
    assert one.at(100.0) == again.at(100.0)
    assert one.at(100.0) != other.at(100.0)


def alarms(kind: str, fault: SensorFault | None = None, hours: float = 3.0) -> list[str]:
    """The alarms that three hours of a station raise, read every 10 s through its registers."""
    series = Series(kind, 1, SensorFaults(fault))
    sensor = station_settings(kind, "s", "modbus-tcp://h/1")
    converters = {value.name: Converter(value) for value in sensor.value}
    watch, raised = Watch(sensor), []
    for at_s in range(0, round(hours * 3600), 10):
        found = series.at(float(at_s))
        values: dict[str, float | None] = {}
        for value in sensor.value:
            number = found["total"] if value.counter else found[value.name]
            if kind == "rain" and value.name != "battery" and number is not None:
                number = round(number / value.scale) % 65536  # the gauge's own counter
                values[value.name] = converters[value.name].take(float(at_s), number).value
            elif number is None:
                values[value.name] = None
            else:
                registers = encode_registers(value, number)
                assert all(0 <= register < 65536 for register in registers)
                values[value.name] = number
        told = [*watch.feed(float(at_s), values), *watch.tick(float(at_s))]
        raised += [verdict.subject for verdict in told if verdict.active]
    return raised


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("rain", ["intensity.high", "intensity.high"]),  # two storms, the counter goes round
        ("water", ["level.rise", "level.warning", "level.danger"]),
        ("displacement", ["crack.creep", "crack.slip"]),
        ("dam", ["pore.high", "freeboard.low"]),
        ("weather", ["wind.high"]),
    ],
)
def test_an_exercise_raises_the_alarms_that_belong_to_it(kind: str, expected: list[str]) -> None:
    assert sorted(set(alarms(kind))) == sorted(set(expected))
    if kind == "rain":
        assert alarms(kind) == expected


def test_a_gas_leak_raises_every_gas() -> None:
    found = set(alarms("gas", hours=1.0))
    assert found == {"ch4.warning", "ch4.danger", "o2.low", "co.high", "h2s.high"}


def test_spikes_raise_no_rate_and_no_confirmed_limit() -> None:
    assert "crack.slip" not in alarms("displacement", SensorFault.SPIKE, hours=1.0)
    assert alarms("water", SensorFault.SPIKE, hours=0.5) == []


def test_a_frozen_station_says_the_same_for_ever_and_a_missing_one_says_so() -> None:
    frozen = Series("gas", 1, SensorFaults(SensorFault.FROZEN, 600.0))
    assert frozen.at(599.0) != frozen.at(700.0) == frozen.at(5000.0)
    missing = Series("gas", 1, SensorFaults(SensorFault.MISSING))
    values = [missing.at(float(at_s))["co"] for at_s in range(100)]
    assert 20 < values.count(None) < 80


def test_a_burst_is_silence_and_speech_by_turns() -> None:
    series = Series("gas", 1, SensorFaults(SensorFault.BURST, 5.0))
    assert [series.silent(float(at_s)) for at_s in (4, 6, 14, 16, 24, 26)] == [
        False, True, True, False, False, True,
    ]  # fmt: skip


def test_the_command_prints_a_url_and_the_kit_tries_it(tmp_path: Path) -> None:
    fieldlink = str(Path(sys.executable).with_name("fieldlink"))
    command = [fieldlink, "sim", "sensor", "gas", "water", "--json"]
    config = tmp_path / "edge.toml"
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        assert said["stations"][1]["url"].endswith("/2")
        config.write_text(said["settings"], encoding="utf-8")
        tried = subprocess.run(
            [fieldlink, "edge", "sensor", "try", "--all", "--json", "--config", str(config)],
            capture_output=True,
            text=True,
            timeout=30,
        )
        found = json.loads(tried.stdout)
        assert tried.returncode == 0
        assert found["ok"] is True
        assert found["sensors"][0]["values"][1]["registers"] == [pytest.approx(209, abs=3)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
