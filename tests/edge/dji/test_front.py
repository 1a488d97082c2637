"""Controllers of MQTT 5 and QoS 2 at the kit's own broker, which speaks neither."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from fieldlab.devices import device_api, until
from fieldlab.intake import FakeIntake
from fieldlink.drone.dji.shell import SUBSCRIPTIONS
from fieldlink.edge.device_api.access import AGENT, agent_secret
from fieldlink.edge.dji.front import Front
from fieldlink.systemd.mqtt import MqttConnection
from fieldlink.systemd.nats import free_port

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("collected")]
RC = "9N9CN2J0012CXY"


class Peer:
    """A client of paho's, on a thread of its own."""

    def __init__(self, port: int, version: MQTTProtocolVersion, login: tuple[str, str]) -> None:
        self.connects: list[str] = []
        self.heard: list[bytes] = []
        self.done = 0
        client = self.client = Client(
            CallbackAPIVersion.VERSION2, client_id="pilot", protocol=version
        )
        client.username_pw_set(*login)
        client.on_connect = lambda _c, _d, _f, code, _p: self.connects.append(str(code))
        client.on_message = lambda _c, _d, message: self.heard.append(bytes(message.payload))
        client.on_publish = self._published
        client.connect("127.0.0.1", port, 10)

    def _published(self, *_: Any) -> None:
        self.done += 1


@contextmanager
def peer(port: int, version: MQTTProtocolVersion, login: tuple[str, str]) -> Iterator[Peer]:
    made = Peer(port, version, login)
    stopped = threading.Event()

    def loop() -> None:
        while not stopped.is_set():
            made.client.loop(0.05)

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.client.disconnect()
        stopped.set()
        thread.join(5)


async def test_a_controller_of_version_5_that_publishes_with_qos_2_is_heard_once(
    tmp_path: Path,
) -> None:
    async with device_api(tmp_path / "device-api", FakeIntake()) as lab:
        asked = {"name": "drone-1", "kind": "drone", "host": "127.0.0.1", "dji": RC}
        password = lab.desk.add(asked)["device"]["password"]
        await lab.settle()
        broker: Any = lab.adapters[0]._broker
        front = Front("127.0.0.1", free_port("127.0.0.1"), (broker.host, broker.port))
        serving = asyncio.create_task(front.run(lambda: None))
        heard: list[tuple[str, bytes]] = []
        loop = asyncio.get_running_loop()
        agent = await MqttConnection.open(
            broker.host,
            broker.port,
            client_id="",
            tls=None,
            subscriptions=SUBSCRIPTIONS,
            on_message=lambda *message: _later(loop, heard, message),
            login=(AGENT, agent_secret(lab.registry.folder)),
        )
        try:
            await _scenario(front, password, agent, heard)
        finally:
            await agent.close()
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
    assert front.counts == {"version 5": 2, "version 4": 1}


def _later(loop: asyncio.AbstractEventLoop, heard: list[Any], message: Any) -> None:
    loop.call_soon_threadsafe(heard.append, message)


async def _scenario(
    front: Front, password: str, agent: MqttConnection, heard: list[tuple[str, bytes]]
) -> None:
    port, topic = front._place[1], f"thing/product/{RC}/osd"
    with peer(port, MQTTv5, ("drone-1", "wrong")) as stranger:
        await until(lambda: stranger.connects)
        assert stranger.connects[0] in ("Not authorized", "Bad user name or password")
    for version in (MQTTv5, MQTTv311):
        heard.clear()
        with peer(port, version, ("drone-1", password)) as pilot:
            await until(lambda: pilot.connects)
            assert pilot.connects == ["Success"]
            pilot.client.subscribe(f"thing/product/{RC}/services", 2)
            await asyncio.sleep(0.2)
            for qos in (0, 1, 2) if version is MQTTv311 else (0, 1):
                pilot.client.publish(topic, b"%d" % qos, qos)
            await until(lambda: len(heard) == pilot.done >= 2)
            assert {one[0] for one in heard} == {topic}
            agent.publish(f"thing/product/{RC}/services", b"go")
            await until(lambda: pilot.heard == [b"go"])
