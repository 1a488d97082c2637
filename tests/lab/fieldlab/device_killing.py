"""A kit under a squad of simulated devices whose processes are killed with SIGKILL, seeded.

Used by the campaign of the device API: whatever the kit acknowledged to a device has to be in its
spool.
"""

import asyncio
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from fieldlab.devices import until
from fieldlink.codecs.telemetry import (
    ALARM_MEDIA_TYPE,
    SHEAF_MEDIA_TYPE,
    Alarm,
    Sample,
    decode_alarm,
    decode_sheaf,
)
from fieldlink.edge.config import load_edge_settings
from fieldlink.edge.control import ask_agent
from fieldlink.edge.device_api.beside import add_device
from fieldlink.edge.device_api.credentials import Credentials
from fieldlink.edge.exercise.actors import fieldlink_argv
from fieldlink.edge.simulate.soldier import SoldierPlan
from fieldlink.edge.simulate.squad import run_squad
from fieldlink.edge.spool import RetentionPolicy, Spool
from fieldlink.edge.starting import wall_clock_us

__all__ = ["DeviceKilling", "Identity"]

Identity = tuple[str, str, int, int]
"""Device, stream, boot, number."""

_CONFIG = """
kit = "kit-1"
state_dir = "state"
[device_api]
enabled = true
host = "127.0.0.1"
tls = false
plain = true
port = 0
[telemetry]
tick = "200ms"
"""


class DeviceKilling:
    """One campaign in `folder`: `run` does it; then `stored` and `alarms` are the spool's."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.seed = folder, seed
        self.config = folder / "edge.toml"
        self.config.write_text(_CONFIG)
        self.settings = load_edge_settings(self.config)
        self.ledger: dict[Identity, dict[str, Any]] = {}
        self.calls: set[str] = set()  # devices whose call for help was acknowledged
        self.kills = {"agent": 0, "broker": 0}
        self._agent: subprocess.Popen[bytes] | None = None

    async def run(self, devices: int, kills: int) -> dict[str, Any]:
        """`kills` kills while so many `devices` speak; what came of the squad."""
        chance = random.Random(self.seed)
        self._start()
        try:
            await until(self._answers, 30)
            logins = [self._register(f"soldier-{number}") for number in range(devices)]
            plan = SoldierPlan(name="", seed=self.seed, every_s=0.1, sos_after_s=1.0, sos_for_s=900)
            squad = asyncio.create_task(run_squad(plan, logins, acknowledged=self._acknowledged))
            for number in range(kills):
                wanted = len(self.ledger) + 20
                async with asyncio.timeout(60):
                    while len(self.ledger) < wanted and not squad.done():
                        await asyncio.sleep(0.01)
                await asyncio.sleep(chance.uniform(0, 0.6))
                self._kill("broker" if number % 3 == 2 else "agent")
            squad.cancel()
            return await squad
        finally:
            self._end()

    def stored(self) -> dict[Identity, list[Sample]]:
        """Every sample that the spool has, by whose it is."""
        found: dict[Identity, list[Sample]] = {}
        for content in self._contents(SHEAF_MEDIA_TYPE):
            for block in decode_sheaf(content):
                for sample in block.samples:
                    key = (block.device, block.schema.stream, block.epoch, sample.sequence)
                    found.setdefault(key, []).append(sample)
        return found

    def alarms(self) -> list[Alarm]:
        """Every alarm that the spool has."""
        return [decode_alarm(content) for content in self._contents(ALARM_MEDIA_TYPE)]

    def _contents(self, media_type: str) -> Iterator[bytes]:
        policy = RetentionPolicy.from_settings(self.settings.spool)
        spool = Spool.open(self.settings.spool_dir, kit="kit-1", policy=policy, clock=wall_clock_us)
        try:
            for item in list(spool.bundles()):
                if item.manifest.media_type == media_type:
                    yield spool.read(item.bundle_id, 0, item.manifest.size)
        finally:
            spool.close()

    def _acknowledged(self, device: str, stream: str, message: dict[str, Any]) -> None:
        if stream == "sos":
            self.calls.add(device)
        else:
            self.ledger[device, stream, message["boot"], message["seq"]] = message

    def _register(self, name: str) -> Credentials:
        made, _ = add_device(self.settings, name, "soldier", "127.0.0.1")
        return Credentials.parse(made["uri"])

    def _answers(self) -> bool:
        assert self._agent is not None
        assert self._agent.poll() is None, (self.folder / "log").read_text()
        answer = ask_agent(self.settings.control_path, "device-list")
        return answer is not None and bool(answer.get("ok"))

    def _start(self) -> None:
        argv = fieldlink_argv("edge", "run", "--config", str(self.config))
        with (self.folder / "log").open("ab") as log:
            self._agent = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(os.environ)
            )

    def _kill(self, victim: str) -> None:
        assert self._agent is not None
        if victim == "agent":
            self._end()
            self._start()
        else:
            children = psutil.Process(self._agent.pid).children(recursive=True)
            for child in children:
                child.kill()
        self.kills[victim] += 1

    def _end(self) -> None:
        if self._agent is not None:
            self._agent.kill()  # at the end too: nothing is written that was not written yet
            self._agent.wait()
