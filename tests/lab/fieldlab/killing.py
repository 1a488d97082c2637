"""A centre and a kit whose processes are killed with SIGKILL at random moments, seeded.

Used by the custody campaign: whatever the kit's spool confirmed has to be in the archive.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from fieldlink.edge.exercise.actors import fieldlink_argv, run_command
from fieldlink.edge.exercise.stage import KIT, Stage
from fieldlink.edge.exercise.watch import kit_spool

__all__ = ["Killing"]

_START_S = 60.0
_DRAIN_S = 180.0
VICTIMS = ("kit", "relay", "broker")


class Killing:
    """One campaign in `folder`; `kill` ends one of its programs and starts it again."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.ledger_path = folder / "ledger"
        self._seed = seed
        self._stage = Stage(folder, 0)
        self._relay = self._start_relay()
        self._kit: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Wait for the centre, join the kit and start it."""
        self.until(self._centre_runs, _START_S, "the centre runs")
        config = str(self._stage.centre_toml)
        code = json.loads(run_command("relay", "admit", KIT, "--config", config, "--json"))["code"]
        run_command("edge", "join", code, "--config", str(self._stage.kit_toml))
        self._kit = self._start_kit()
        self.until(self.ledger, _START_S, "the kit records")

    def ledger(self) -> list[str]:
        """Ids of the bundles that the spool has confirmed so far."""
        if not self.ledger_path.exists():
            return []
        lines = self.ledger_path.read_text().splitlines()
        return [line for line in lines if len(line) == 64]  # a kill may tear the last line

    def kill(self, victim: str) -> bool:
        """SIGKILL to `victim`; whether there was somebody to kill."""
        if victim == "broker":
            return self._kill_broker()
        process = self._kit if victim == "kit" else self._relay
        assert process is not None
        process.send_signal(signal.SIGKILL)
        process.wait()
        if victim == "kit":
            self._kit = self._start_kit()
        else:
            self._relay = self._start_relay()
        return True

    def settle(self) -> None:
        """End the recording, and wait until the kit has nothing left to send."""
        assert self._kit is not None
        self.until(lambda: self._status() is not None, _START_S, "the kit answers")
        self._kit.send_signal(signal.SIGUSR1)
        self.until(self._nothing_pending, _DRAIN_S, "the kit has sent everything")

    def verified(self) -> tuple[list[str], list[dict[str, str]]]:
        """Ids of the bundles the centre re-hashed and found right, and what was not right."""
        argv = fieldlink_argv(
            "relay", "catalogue", "verify", "--config", str(self._stage.centre_toml), "--json"
        )
        said = subprocess.run(argv, capture_output=True, check=False).stdout
        found = json.loads(said)
        return found["good"], found["bad"]

    def stop(self) -> None:
        """End what runs."""
        for process in (self._kit, self._relay):
            if process is not None:
                process.terminate()
        for process in (self._kit, self._relay):
            if process is not None:
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def until(self, done: Callable[[], object], limit_s: float, what: str) -> None:
        """Wait until `done()` is true; fails with the programs' last words after `limit_s`."""
        end = time.monotonic() + limit_s
        while not done():
            if time.monotonic() > end:
                raise AssertionError(f"not within {limit_s:g} s: {what}\n{self._last_words()}")
            time.sleep(0.2)

    def _last_words(self) -> str:
        logs = [self.folder / f"{name}.log" for name in ("relay", "kit")]
        return "\n".join(log.read_text(errors="replace")[-2000:] for log in logs if log.exists())

    def _start_relay(self) -> "subprocess.Popen[bytes]":
        argv = fieldlink_argv("relay", "run", "--config", str(self._stage.centre_toml))
        return self._start("relay", argv)

    def _start_kit(self) -> "subprocess.Popen[bytes]":
        arguments = [str(self._stage.kit_toml), str(self.ledger_path), str(self._seed)]
        return self._start("kit", [sys.executable, "-m", "fieldlab.loadkit", *arguments])

    def _start(self, name: str, argv: list[str]) -> "subprocess.Popen[bytes]":
        lab = str(Path(__file__).parent.parent)
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": lab},
            )

    def _kill_broker(self) -> bool:
        try:
            children = psutil.Process(self._relay.pid).children(recursive=True)
            brokers = [child for child in children if "nats" in child.name()]
            for broker in brokers:
                broker.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            return False
        return bool(brokers)

    def _centre_runs(self) -> bool:
        argv = fieldlink_argv("relay", "status", "--config", str(self._stage.centre_toml), "--json")
        done = subprocess.run(argv, capture_output=True, check=False)
        return done.returncode == 0 and bool(json.loads(done.stdout)["running"])

    def _status(self) -> dict[str, object] | None:
        argv = fieldlink_argv("edge", "status", "--config", str(self._stage.kit_toml), "--json")
        done = subprocess.run(argv, capture_output=True, check=False)
        if done.returncode:
            return None
        status: dict[str, object] = json.loads(done.stdout)
        return status if status.get("running", True) else None

    def _nothing_pending(self) -> bool:
        rows = kit_spool(self._stage.kit_spool)
        return bool(rows) and all(row["state"] != "pending" for row in rows)


def kills(seed: int, count: int) -> list[tuple[float, str]]:
    """`count` kills: seconds to wait before, and who; every victim comes up."""
    source = random.Random(seed)
    order = [VICTIMS[number % len(VICTIMS)] for number in range(count)]
    source.shuffle(order)
    return [(source.uniform(0.2, 3.0), victim) for victim in order]
