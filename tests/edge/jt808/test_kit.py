"""A real kit, killed with vehicles on it: what it answered is in its spool."""

import asyncio
import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fieldlink.codecs.telemetry import AlarmKind, Flag, decode_alarm, decode_sheaf
from fieldlink.edge.commands import app
from fieldlink.edge.config import load_edge_settings
from fieldlink.edge.control import ask_agent
from fieldlink.edge.exercise.actors import fieldlink_argv
from fieldlink.edge.simulate.vehicle import VehiclePlan
from fieldlink.edge.simulate.vehicle_fleet import drive
from fieldlink.edge.spool import RetentionPolicy, Spool

NUMBERS = ("13800138000", "13800138001")


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Path, "subprocess.Popen[bytes]"]]:
    """A kit and its settings file; it is killed at the end at the latest."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = tmp_path / "edge.toml"
    terminals = "".join(f'[[jt808.terminal]]\nphone = "{number}"\n' for number in NUMBERS)
    path.write_text(
        'state_dir = "kit"\nkit = "kit-1"\n[spool]\nkeep_free = "0B"\n'
        f'[jt808]\nenabled = true\nhost = "127.0.0.1"\nport = {port}\n{terminals}'
    )
    with (tmp_path / "log").open("wb") as log:
        kit = subprocess.Popen(
            fieldlink_argv("edge", "run", "--config", str(path)), stdout=log, stderr=log
        )
    yield path, kit
    kit.kill()
    kit.wait()


def stored(config: Path) -> tuple[set[tuple[str, int]], set[tuple[str, AlarmKind]]]:
    """The positions in the spool by device and time, and the alarms."""
    settings = load_edge_settings(config)
    policy = RetentionPolicy.from_settings(settings.spool)
    spool = Spool.open(settings.spool_dir, kit="kit-1", policy=policy, clock=lambda: 0)
    positions, alarms = set(), set()
    try:
        for one in spool.pending():
            content = spool.read(one.bundle_id, 0, one.manifest.size)
            if one.manifest.stream == "alarm":
                alarm = decode_alarm(content)
                alarms.add((alarm.device, alarm.kind))
                continue
            for block in decode_sheaf(content):
                assert all(sample.flags & Flag.EXERCISE for sample in block.samples)
                if block.schema.stream == "position":
                    positions |= {(block.device, sample.sequence) for sample in block.samples}
    finally:
        spool.close()
    return positions, alarms


def test_what_a_kit_answered_is_in_its_spool_when_it_is_killed(
    running: tuple[Path, "subprocess.Popen[bytes]"],
) -> None:
    config, kit = running
    settings = load_edge_settings(config)
    told: list[tuple[str, str]] = []
    shown: list[Any] = []

    def look() -> None:
        runner = CliRunner()
        for arguments in (
            ["jt808", "list", "--json"],
            ["jt808", "list"],
            ["jt808", "text", NUMBERS[0], "撤离", "--urgent"],
            ["jt808", "text", "nobody", "撤离"],
        ):
            done = runner.invoke(app, [*arguments, "--config", str(config)])
            shown.append((done.exit_code, done.output))

    async def ride() -> dict[str, Any]:
        while not (ask_agent(settings.control_path, "jt808-list") or {}).get("port"):
            await asyncio.sleep(0.1)
        plans = [VehiclePlan(number=number, every_s=1.0, sos_after_s=1.5) for number in NUMBERS]
        driving = asyncio.ensure_future(
            drive(
                plans,
                "127.0.0.1",
                settings.jt808.port,
                on_text=lambda number, text: told.append((number, text)),
            )
        )
        await asyncio.sleep(3.5)
        await asyncio.to_thread(look)
        kit.kill()
        await asyncio.sleep(0.2)
        driving.cancel()
        return await driving

    found = asyncio.run(asyncio.wait_for(ride(), 30))
    kit.wait()
    positions, alarms = stored(config)
    assert found["answered"] >= 5
    assert len(positions) >= found["answered"]
    assert {device for device, kind in alarms if kind is AlarmKind.SOS} == {
        f"t808-{number}" for number in NUMBERS
    }
    (_, listed), (_, lines), (sent, said), (unsent, why) = shown
    assert json.loads(listed)["terminals"].keys() == {f"t808-{number}" for number in NUMBERS}
    assert "EXERCISE 演练" in lines
    assert (sent, told) == (0, [(NUMBERS[0], "撤离")]), said
    assert unsent == 2
    assert "no such terminal" in why
