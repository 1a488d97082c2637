"""Who may say what on the kit's brokers, and how a gateway is registered."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from fieldlab.devices import DeviceLab, device, device_api, mosquitto_api, until
from fieldlab.intake import FakeIntake
from fieldlink.codecs.fault import ConfigError
from fieldlink.drone.dji.shell import SUBSCRIPTIONS
from fieldlink.edge.device_api.access import AGENT, agent_secret
from fieldlink.edge.device_api.credentials import Credentials
from fieldlink.edge.device_api.desk import DeviceDesk
from fieldlink.edge.device_api.registry import Registry
from fieldlink.edge.device_api.settings import DeviceApiSettings
from fieldlink.systemd.mqtt import MqttConnection

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("collected")]
RC, OTHER, CRAFT = "9N9CN2J0012CXY", "4LFCL8J00AAAAA", "1581F5BMD228Q00A82XX"


@pytest.mark.parametrize("broker", [device_api, mosquitto_api])
async def test_a_gateway_speaks_for_itself_and_its_aircraft_and_hears_only_itself(
    tmp_path: Path, broker: Any
) -> None:
    intake = FakeIntake()
    async with broker(tmp_path / "device-api", intake) as lab:
        for name, sn in (("drone-1", RC), ("drone-2", OTHER)):
            lab.desk.add({"name": name, "kind": "drone", "host": "127.0.0.1", "dji": sn})
        login = lab.add("soldier-1")
        gateway = _login(lab, "drone-1", RC)
        lab.told()
        await lab.settle()
        heard: list[str] = []
        agent = await _agent(lab, heard)
        try:
            topics = [f"thing/product/{RC}/services", f"sys/product/{RC}/status_reply"]
            async with device(gateway, "", *topics) as rc, device(login) as soldier:
                for topic in (
                    f"sys/product/{OTHER}/status",
                    f"thing/product/{OTHER}/events",
                    f"thing/product/{OTHER}/osd",
                    f"thing/product/{OTHER}/state",
                    "fl/dev/soldier-1/position",
                ):
                    rc.link.publish(topic, b"{}")
                soldier.link.publish(f"sys/product/{RC}/status", b"{}")
                rc.link.publish(f"thing/product/{CRAFT}/osd", b"{}")
                rc.link.publish(f"sys/product/{RC}/status", b"{}")
                await until(lambda: f"sys/product/{RC}/status" in heard)
                assert sorted(heard) == [f"sys/product/{RC}/status", f"thing/product/{CRAFT}/osd"]
                agent.publish(f"thing/product/{RC}/services", b'{"a":1}')
                assert await rc.heard() == b'{"a":1}'
        finally:
            await agent.close()


def _login(lab: DeviceLab, name: str, sn: str) -> Credentials:
    asked = {"name": name, "kind": "drone", "host": "127.0.0.1", "dji": sn}
    return Credentials.parse(lab.desk.add(asked)["device"]["uri"])


async def _agent(lab: DeviceLab, heard: list[str]) -> MqttConnection:
    loop = asyncio.get_running_loop()
    broker: Any = lab.adapters[0]._broker

    def came(topic: str, _data: bytes) -> None:
        loop.call_soon_threadsafe(heard.append, topic)

    return await MqttConnection.open(
        broker.host,
        broker.port,
        client_id="",
        tls=None,
        subscriptions=SUBSCRIPTIONS,
        on_message=came,
        login=(AGENT, agent_secret(lab.registry.folder)),
        timeout_s=10,
    )


def test_a_gateway_is_registered_with_its_serial_number_once(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    desk = DeviceDesk(DeviceApiSettings(enabled=True, plain=True), registry)
    asked = {"name": "drone-1", "kind": "drone", "host": "192.0.2.1", "dji": RC}
    made = desk.add(asked)["device"]
    assert (made["port"], made["tls"]) == (1883, None)
    assert desk.list({})["devices"][0]["dji"] == RC
    desk.add(asked)  # a new password
    for change, words in (
        ({"name": "drone-2"}, "is 9N9CN2J0012CXY already"),
        ({"dji": "../x"}, "no serial number"),
        ({"name": "a" * 25, "dji": OTHER}, "at most 24"),
    ):
        with pytest.raises(ConfigError, match=words):
            desk.add({**asked, **change})


def test_a_kit_that_only_listens_with_tls_says_what_to_set(tmp_path: Path) -> None:
    desk = DeviceDesk(DeviceApiSettings(enabled=True), Registry(tmp_path))
    with pytest.raises(ConfigError, match="plain = true"):
        desk.add({"name": "drone-1", "kind": "drone", "host": "h", "dji": RC})
