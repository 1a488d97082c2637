"""Telemetry in a running centre: custody, kill -9, and commands beside it."""

import asyncio
import time
from pathlib import Path

from fieldlab.centre_process import CentreProcess, Kit, joined
from fieldlab.fleet import Fleet
from fieldlab.receiving import Line


def test_telemetry_in_custody_is_taken_in_after_a_kill_and_an_alarm_can_be_acknowledged_beside(
    tmp_path: Path,
) -> None:
    centre = CentreProcess(tmp_path)
    centre.start()
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
