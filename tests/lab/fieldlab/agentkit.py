"""The real agent with its device API, joined to a broker with a model of the centre behind it.

with open_kit(folder, broker) as kit:                 # a process of its own
    login = kit.add("soldier-1")                      # registered with its device API
    async with device(login) as soldier: ...
"""

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fieldlab.bearer_kit import enrol
from fieldlab.model_centre import BrokerProcess
from fieldlink.edge.device_api.credentials import Credentials

__all__ = ["KitProcess", "open_kit"]

_FIELDLINK = [sys.executable, "-m", "fieldlink.systemd.command"]
_START_S = 40.0
_CONFIG = """
state_dir = "{state}"
[spool]
quota = "2GB"
keep_free = "0B"
[device_api]
enabled = true
host = "127.0.0.1"
address = "127.0.0.1"
tls = false
plain = true
port = 0
{extra}
"""


class KitProcess:
    """A running agent."""

    def __init__(self, config: Path, process: "subprocess.Popen[bytes]") -> None:
        self.config, self.process = config, process

    def ask(self, *arguments: str) -> dict[str, Any]:
        """What a command of `fieldlink edge` answers in JSON."""
        done = subprocess.run(
            [*_FIELDLINK, "edge", *arguments, "--config", str(self.config), "--json"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def add(self, name: str, kind: str = "soldier") -> Credentials:
        """Register a device with the device API."""
        answer = self.ask("device", "add", name, "--kind", kind)
        return Credentials.parse(answer["uri"] if "uri" in answer else answer["device"]["uri"])


@contextlib.contextmanager
def open_kit(folder: Path, broker: BrokerProcess, extra: str = "") -> Iterator[KitProcess]:
    """A kit with its state in `folder`, joined to the centre at `broker`; ended with SIGTERM."""
    state = folder / "kit"
    state.mkdir(parents=True)
    enrol(broker.authority, state / "identity")
    record = {
        "version": 1, "kit": "kit-a", "broker_host": "127.0.0.1", "broker_port": broker.port,
        "centre_url": "https://none", "centre": "centre",
    }  # fmt: skip
    (state / "identity" / "identity.json").write_text(json.dumps(record))
    config = folder / "edge.toml"
    config.write_text(_CONFIG.format(state=state, extra=extra))
    with (folder / "agent.log").open("wb") as log:
        command = [*_FIELDLINK, "edge", "run", "--config", str(config)]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    kit = KitProcess(config, process)
    try:
        _wait(kit)
        yield kit
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _wait(kit: KitProcess) -> None:
    end_s = time.monotonic() + _START_S
    while True:
        assert kit.process.poll() is None, "the agent ended at once"
        assert time.monotonic() < end_s, "the agent does not get ready"
        status = kit.ask("status")
        bearers = status.get("bearers") or [{}]
        attached = status.get("attached") or {}
        states = {one.get("state") for one in attached.values()}
        if status.get("running") and bearers[0].get("up") and states and "down" not in states:
            return
        time.sleep(0.2)
