"""The kit's device API running for a test, and devices that speak to it.

async with device_api(tmp_path, intake) as lab:        # nats-server; or mosquitto_api
    login = lab.add("soldier-1")                       # Credentials
    async with device(login) as soldier:
        soldier.say("position", {"lat": 34.2, "lon": 108.9, "seq": 1, "boot": 1})
        receipt = await soldier.receipt()
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from fieldlab.intake import FakeIntake
from fieldlab.peers import need_program
from fieldlink.codecs.fault import LinkError
from fieldlink.edge.device_api.adapter import DeviceApi
from fieldlink.edge.device_api.credentials import Credentials
from fieldlink.edge.device_api.desk import DeviceDesk
from fieldlink.edge.device_api.make import make_device_api
from fieldlink.edge.device_api.registry import Registry
from fieldlink.edge.device_api.settings import DeviceApiSettings
from fieldlink.systemd.mqtt import MqttConnection
from fieldlink.systemd.nats import free_port
from fieldlink.systemd.tls import TlsPeer

__all__ = ["DeviceLab", "Peer", "device", "device_api", "mosquitto_api", "until"]

_DOCS = Path(__file__).parents[3] / "docs"


async def until(what: Callable[[], object], limit_s: float = 10.0) -> None:
    """Wait until `what()` is true while the loop runs; an AssertionError after `limit_s`."""
    async with asyncio.timeout(limit_s):
        while not what():
            await asyncio.sleep(0.01)


class DeviceLab:
    """A running device API: its settings, adapters, and the desk that registers devices."""

    def __init__(self, settings: DeviceApiSettings, folder: Path, intake: FakeIntake) -> None:
        self.settings, self.folder, self.intake = settings, folder, intake
        self.adapters: list[DeviceApi] = make_device_api(settings, folder, intake)
        # As the control socket has it: the registry that the adapters listen to.
        self.registry: Registry = self.adapters[0]._registry
        self.desk = DeviceDesk(settings, self.registry)
        self.logins: dict[str, Credentials] = {}
        self.told: Callable[[], None] = lambda: None

    def add(self, name: str, kind: str = "soldier") -> Credentials:
        """Register a device; it can connect when this returns, on mosquitto after `settle`."""
        told = self.desk.add({"name": name, "kind": kind, "host": "127.0.0.1"})["device"]
        self.told()
        made = self.logins[name] = Credentials.parse(told["uri"])
        return made

    async def settle(self) -> None:
        """Wait until the broker lets the devices in that there are now."""
        for login in self.logins.values():
            async with device(login):
                pass


@contextlib.asynccontextmanager
async def device_api(
    folder: Path, intake: FakeIntake, *, tls: bool = False, **settings: Any
) -> AsyncIterator[DeviceLab]:
    """The kit's own nats-server, without TLS unless asked, and the adapter beside it."""
    made = DeviceApiSettings(
        enabled=True,
        host="127.0.0.1",
        tls=tls,
        tls_port=0,
        plain=not tls,
        port=0,
        **settings,
    )
    async with _running(DeviceLab(made, folder, intake)) as lab:
        yield lab


@contextlib.asynccontextmanager
async def _running(lab: DeviceLab) -> AsyncIterator[DeviceLab]:
    tasks = [
        asyncio.create_task(adapter.run(lambda: None), name=adapter.name)
        for adapter in lab.adapters
    ]
    try:
        await until(
            lambda: (
                any(task.done() for task in tasks)
                or all(adapter.report()["state"] == "up" for adapter in lab.adapters)
            ),
            20,
        )
        for task in tasks:
            assert not task.done(), task.result()
        yield lab
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def mosquitto_api(folder: Path, intake: FakeIntake) -> AsyncIterator[DeviceLab]:
    """Debian's mosquitto with the configuration in docs/, and the adapter connected to it."""
    port = free_port("127.0.0.1")
    settings = DeviceApiSettings(enabled=True, url=f"mqtt://127.0.0.1:{port}")
    lab = DeviceLab(settings, folder / "device-api", intake)
    lab.registry.refresh()
    lab.add("soldier-0")  # writes the files that mosquitto wants to see
    text = (_DOCS / "mosquitto-devices.sample.conf").read_text()
    text = text.replace("/etc/mosquitto/fieldlink-devices", str(lab.registry.folder / "mosquitto"))
    text = text.replace("listener 1883", f"listener {port} 127.0.0.1")
    with _mosquitto(folder, text) as process:
        async with asyncio.timeout(10):
            while not await asyncio.to_thread(_listens, port):
                assert process.poll() is None, (folder / "mosquitto.log").read_text()
        lab.told = lambda: process.send_signal(signal.SIGHUP)
        async with _running(lab):
            yield lab


@contextlib.contextmanager
def _mosquitto(folder: Path, text: str) -> "Iterator[subprocess.Popen[bytes]]":
    program = need_program("mosquitto")
    user = "user root\n" if os.geteuid() == 0 else ""
    (folder / "mosquitto.conf").write_text(f"{user}log_dest stderr\n{text}")
    with (folder / "mosquitto.log").open("wb") as log:
        argv = [program, "-c", str(folder / "mosquitto.conf")]
        process = subprocess.Popen(argv, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(10)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


class Peer:
    """A device at the other end of a connection of its own."""

    def __init__(self, name: str, link: MqttConnection, heard: "asyncio.Queue[Any]") -> None:
        self.name, self.link, self._heard = name, link, heard

    def say(self, stream: str, message: Any, qos: int = 0) -> None:
        """Publish `message` (a value, as JSON; or bytes as they are) on the stream's topic."""
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.link.publish(f"fl/dev/{self.name}/{stream}", data, qos)

    async def heard(self, limit_s: float = 10) -> bytes:
        """The next receipt, as it came."""
        async with asyncio.timeout(limit_s):
            found: bytes = await self._heard.get()
            return found

    async def receipt(self, limit_s: float = 10) -> dict[str, Any]:
        """The next receipt."""
        found: dict[str, Any] = json.loads(await self.heard(limit_s))
        return found

    async def asks(self, stream: str, message: Any) -> dict[str, Any]:
        """Say it, and the receipt for it."""
        self.say(stream, message)
        return await self.receipt()


@contextlib.asynccontextmanager
async def device(login: Credentials, client_id: str = "", *topics: str) -> AsyncIterator[Peer]:
    """A connection as `login`, subscribed to its receipts (or to `topics`)."""
    loop, heard = asyncio.get_running_loop(), asyncio.Queue[Any]()

    def came(_topic: str, data: bytes) -> None:
        loop.call_soon_threadsafe(heard.put_nowait, data)

    link = await _admitted(login, client_id, topics, came)
    try:
        yield Peer(login.name, link, heard)
    finally:
        await link.close()


async def _admitted(
    login: Credentials,
    client_id: str,
    topics: Sequence[str],
    came: Callable[[str, bytes], None],
) -> MqttConnection:
    """A connection, tried until the broker has heard of the device."""
    end = time.monotonic() + 5
    while True:
        try:
            return await MqttConnection.open(
                login.host,
                login.port,
                client_id=client_id,
                tls=TlsPeer(pin=login.pin) if login.pin else None,
                subscriptions=topics or [f"fl/dev/{login.name}/receipt"],
                on_message=came,
                login=(login.name, login.password),
                timeout_s=10,
            )
        except LinkError as error:
            if "refuses this client" not in str(error) or time.monotonic() > end:
                raise
            await asyncio.sleep(0.02)
