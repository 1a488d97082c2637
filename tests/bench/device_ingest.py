"""Two hundred devices that each speak ten times a second: what that takes of the kit.

The real agent as a process with its device API (nats-server is a process of its own and not
counted), a generator of MQTT messages as another; each message one reading, each answered by a
receipt when it is synced to the disk. Beside it, in this process, the intake alone: readings
handed over by a loop, through judging, numbering and sheaves into a real spool.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from fieldlab.agentkit import open_kit
from fieldlab.figure import Figure
from fieldlab.model_centre import BrokerProcess, ModelCentre
from fieldlink.codecs.telemetry import POSITION
from fieldlink.edge.clock.clock import KitClock
from fieldlink.edge.config import load_edge_settings
from fieldlink.edge.device_api.beside import add_device
from fieldlink.edge.planner import SpoolState
from fieldlink.edge.spool import RetentionPolicy, Spool
from fieldlink.edge.telemetry.ports import Reading, Source
from fieldlink.edge.telemetry.service import Telemetry
from fieldlink.edge.telemetry.settings import TelemetrySettings

_DEVICES = 200
_RATE = 10
_SECONDS = 30.0
_ALONE_S = 15.0
_MOST_CORES, _MOST_MB, _MOST_US = 1.0, 300.0, 50.0


def measure() -> Sequence[Figure]:
    """Processor and memory of the agent, and of the intake alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        alone_us, alone_cores = _alone(folder / "alone")
        cores, resident_mb, answered = asyncio.run(_through_mqtt(folder))
    print(
        f"agent {cores:.2f} cores, {resident_mb:.0f} MB, {answered:.4f} answered; the intake alone"
        f" {alone_us:.1f} us a reading, {alone_cores:.2f} cores with its disk",
        file=sys.stderr,
    )
    whole = ("every message answered after it was synced", answered == 1.0)
    return [
        Figure(name="device_ingest", value=cores, unit="cores", limit=_MOST_CORES, better="less",
               also=(whole,)),
        Figure(name="device_ingest_memory", value=resident_mb, unit="MB", limit=_MOST_MB,
               better="less"),
        Figure(name="device_ingest_reading", value=alone_us, unit="us", limit=_MOST_US,
               better="less"),
    ]  # fmt: skip


async def _through_mqtt(folder: Path) -> tuple[float, float, float]:
    broker = BrokerProcess("nats-server", folder)
    broker.start()
    serving = asyncio.create_task(ModelCentre(broker).run())
    try:
        with open_kit(folder / "site", broker) as kit:
            logins = folder / "logins"
            await asyncio.to_thread(_register, kit.config, logins)
            agent = psutil.Process(kit.process.pid)
            command = [sys.executable, "-m", "fieldlab.deviceload", str(logins)]
            speaking = await asyncio.create_subprocess_exec(
                *command, str(_RATE), str(_SECONDS), stdout=subprocess.PIPE
            )
            await asyncio.sleep(8.0)
            cores, resident_mb = await _watch(agent, _SECONDS - 8.0)
            said = json.loads((await speaking.communicate())[0])
    finally:
        serving.cancel()
        broker.kill()
    good = said["receipts"] - said["refused"]
    return cores, resident_mb, good / said["sent"]


def _register(config: Path, logins: Path) -> None:
    """All devices, through the running agent's control socket."""
    settings = load_edge_settings(config)
    names = [f"soldier-{number}" for number in range(_DEVICES)]
    made = [add_device(settings, name, "soldier", "127.0.0.1")[0] for name in names]
    logins.write_text("\n".join(str(device["uri"]) for device in made))


async def _watch(agent: psutil.Process, seconds: float) -> tuple[float, float]:
    """Cores and megabytes of the agent alone."""
    before, began_s = agent.cpu_times(), time.monotonic()
    most = 0
    while time.monotonic() < began_s + seconds:
        await asyncio.sleep(0.5)
        most = max(most, agent.memory_info().rss)
    after, passed_s = agent.cpu_times(), time.monotonic() - began_s
    used_s = after.user + after.system - before.user - before.system
    return used_s / passed_s, most / 1e6


def _alone(folder: Path) -> tuple[float, float]:
    """Microseconds of `record` a reading, and cores of this process in all."""
    folder.mkdir()
    clock = KitClock()
    spool = Spool.open(
        folder / "spool", kit="kit-a", policy=RetentionPolicy(quota_bytes=10**9), clock=clock.now_us
    )
    telemetry = Telemetry(
        TelemetrySettings(), spool=spool, state=SpoolState(), link=lambda: None, time_=clock,
        folder=folder,
    )  # fmt: skip
    recorded_s: list[float] = []

    async def speak() -> None:
        row = asyncio.create_task(telemetry.run(lambda: None))
        sources = [Source(f"soldier-{at}", "soldier", "mqtt", epoch=7) for at in range(_DEVICES)]
        began_s = time.monotonic()
        for number in range(round(_ALONE_S * _RATE)):
            began = time.thread_time()
            for source in sources:
                values = {"lat": 34.23 + number * 1e-5, "lon": 108.95, "alt": 512.25, "speed": 1.4,
                          "heading": 90.0, "satellites": 12, "fix": 1}  # fmt: skip
                reading = Reading(values, clock.now_us(), number)
                telemetry.intake.record(source, POSITION, (reading,), _nothing)
            recorded_s.append(time.thread_time() - began)
            await asyncio.sleep(max(0.0, began_s + (number + 1) / _RATE - time.monotonic()))
        row.cancel()
        await asyncio.wait([row])

    cpu_s, began_s = time.process_time(), time.monotonic()
    asyncio.run(speak())
    cores = (time.process_time() - cpu_s) / (time.monotonic() - began_s)
    spool.close()
    return sum(recorded_s) / len(recorded_s) / _DEVICES * 1e6, cores


def _nothing(_: str | None) -> None:
    pass
