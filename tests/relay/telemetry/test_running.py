"""Telemetry in a running centre: custody, kill -9, and commands beside it."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldlab.centre_process import CentreProcess, Kit, joined
from fieldlab.fleet import Fleet
from fieldlab.receiving import Line


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[CentreProcess]:
    """A running centre."""
    process = CentreProcess(tmp_path)
    process.start()
    yield process
    if process.process is not None and process.process.poll() is None:
        process.process.kill()
        process.process.wait()


def test_telemetry_in_custody_is_taken_in_after_a_kill_and_an_alarm_can_be_acknowledged_beside(
    centre: CentreProcess,
) -> None:
    line = Line()
    fleet = Fleet(line, devices=3, kits=1, start_us=time.time_ns() // 1000 - 60_000_000)
    fleet.tick(30)
    fleet.alarm("kit-1", "soldier-1")
    kit = Kit(joined(centre, "kit-1"))

    async def story() -> None:
        await kit.connect()
        await kit.deliver(line.bundles, 20)
        centre.kill()
        await kit.close()
        centre.start()

    asyncio.run(story())
    until = time.monotonic() + 20
    while len(centre.command("devices")["devices"]) < 3:
        assert time.monotonic() < until
    (alarm,) = centre.command("alarms")["alarms"]
    (seen,) = centre.command("alarms", "ack", alarm["id"], "--note", "on our way")["alarms"]
    assert (seen["state"], seen["note"]) == ("acknowledged", "on our way")
    told = ("kit-1", "soldier-1", "vitals", "--from", "-10m")
    assert len(centre.command("history", *told)["samples"]) == 30
    assert centre.stop() == 0
