"""The centre as a process of its own, and a kit as simple as can be that speaks to it."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from fieldlab.receiving import Bundle
from fieldlink.codecs.fault import LinkError
from fieldlink.codecs.wire import (
    Ack,
    AckItem,
    Ask,
    Frame,
    Orders,
    Verdict,
    Welcome,
    decode_frame,
    down_filter,
    encode_frame,
    up_topic,
)
from fieldlink.edge.identity import Identity
from fieldlink.edge.join import join
from fieldlink.systemd.mqtt import MqttConnection

__all__ = ["COMMAND", "CentreProcess", "Kit", "joined"]

COMMAND = [sys.executable, "-m", "fieldlink.systemd.command", "relay"]
_CHUNK = 48 * 1024


class CentreProcess:
    """`fieldlink relay run` in a folder of its own, and the commands beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "relay.toml"
        self.config.write_text(
            f'state_dir = "{folder}/centre"\n[broker]\nhost = "127.0.0.1"\nport = 0\n'
            '[web]\nhost = "127.0.0.1"\nport = 0\naddresses = ["127.0.0.1"]\n'
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it says that it runs."""
        with (self.folder / "centre.log").open("ab") as log:
            argv = [*COMMAND, "run", "--config", str(self.config)]
            self.process = subprocess.Popen(argv, stdout=log, stderr=log)
        until = time.monotonic() + 30
        while b"the centre is up" not in (self.folder / "centre.log").read_bytes():
            assert self.process.poll() is None, (self.folder / "centre.log").read_text()
            assert time.monotonic() < until, (self.folder / "centre.log").read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        """kill -9; the next start is a new log."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        (self.folder / "centre.log").unlink()

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def command(self, *arguments: str, status: int = 0) -> Any:
        """Run a command beside it and return its JSON."""
        argv = [*COMMAND, *arguments, "--config", str(self.config), "--json"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == status, done.stderr
        return json.loads(done.stdout) if done.stdout else done.stderr


class Kit:
    """A kit as simple as can be: asks, sends what is missing, until custody."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.answers: dict[bytes, AckItem] = {}
        self.custody: set[bytes] = set()
        self.runs: set[bytes] = set()
        self.orders: list[Orders] = []
        self._connection: MqttConnection | None = None

    async def connect(self, patience_s: float = 10.0) -> None:
        """Connect; as a real kit does, again while the broker does not know of it yet."""
        end_s = time.monotonic() + patience_s
        while True:
            try:
                self._connection = await self._open()
            except LinkError:
                if time.monotonic() > end_s:
                    raise
                await asyncio.sleep(0.1)
            else:
                return

    async def _open(self) -> MqttConnection:
        who = self.identity
        return await MqttConnection.open(
            who.broker_host,
            who.broker_port,
            client_id=who.kit,
            tls=who.tls,
            subscriptions=[down_filter(who.kit)],
            on_message=self._on_message,
        )

    async def close(self) -> None:
        assert self._connection is not None
        await self._connection.close()

    def _on_message(self, _topic: str, payload: bytes) -> None:
        frame = decode_frame(payload)
        if isinstance(frame, Welcome):
            self.runs.add(frame.run)
        if isinstance(frame, Orders):
            self.orders.append(frame)
        for item in frame.items if isinstance(frame, Ack) else ():
            self.answers[item.bundle] = item
            if item.verdict is Verdict.CUSTODY:
                self.custody.add(item.bundle)

    def publish(self, kind: str, frame: Frame, kit: str | None = None) -> None:
        assert self._connection is not None
        self._connection.publish(up_topic(kit or self.identity.kit, kind), encode_frame(frame))

    async def deliver(self, bundles: list[Bundle], seconds: float) -> None:
        """Send until everything is in custody, or `seconds` are over."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            left = [bundle for bundle in bundles if bundle.id not in self.custody]
            if not left:
                return
            self.answers.clear()
            for at in range(0, len(left), 200):
                self.publish("ask", Ask(tuple(bundle.id for bundle in left[at : at + 200])))
            await asyncio.sleep(0.2)
            for bundle in left:
                self._send_missing(bundle)
                await asyncio.sleep(0)
            await asyncio.sleep(0.1)

    def _send_missing(self, bundle: Bundle) -> None:
        answer = self.answers.get(bundle.id)
        if answer is None or answer.verdict is not Verdict.HAVE:
            return
        for start, end in answer.ranges.missing(bundle.manifest.size):
            for at in range(start, end, _CHUNK):
                self.publish("chunk", bundle.chunk(at, min(at + _CHUNK, end)))


def joined(centre: CentreProcess, name: str = "kit-a") -> Identity:
    """A kit that has joined."""
    return join(centre.command("admit", name)["code"], centre.folder / name)
