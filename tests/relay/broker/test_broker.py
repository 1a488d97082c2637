"""The embedded broker as a service: who it cuts off, what it tells, how it comes back."""

import asyncio
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldlab.broker import LabBroker, mosquitto_broker, nats_broker, now_us, wait_until
from fieldlink.codecs.fault import ConfigError, LinkError
from fieldlink.codecs.settings import load_settings
from fieldlink.relay.broker.broker import Broker, BrokerEvent
from fieldlink.relay.broker.settings import BrokerSettings
from fieldlink.relay.pki.authority import Authority
from fieldlink.relay.pki.certificates import DAY_US
from fieldlink.systemd.mqtt import MqttConnection, TlsFiles

pytestmark = pytest.mark.anyio


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[LabBroker]:
    with nats_broker(tmp_path) as lab:
        yield lab


async def connect(broker: LabBroker, tls: TlsFiles, client_id: str, *topics: str) -> MqttConnection:
    return await MqttConnection.open(
        broker.host,
        broker.port,
        client_id=client_id,
        tls=tls,
        subscriptions=topics,
        on_message=lambda topic, payload: None,
        timeout_s=10,
    )


async def event(broker: LabBroker, kind: str) -> BrokerEvent:
    await asyncio.to_thread(wait_until, lambda: any(e.kind == kind for e in broker.events))
    return next(e for e in broker.events if e.kind == kind)


async def test_revoking_cuts_that_kits_live_connections_and_no_others(broker: LabBroker) -> None:
    a, b = await asyncio.to_thread(lambda: (broker.admit("kit-a"), broker.admit("kit-b")))
    stays, goes = await connect(broker, a, "kit-a-1"), await connect(broker, b, "kit-b-1")
    await asyncio.to_thread(broker.revoke, "kit-b")
    await asyncio.wait_for(goes.closed(), 5)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(stays.closed(), 0.3)
    with pytest.raises(LinkError):
        await connect(broker, b, "kit-b-2")
    assert (await event(broker, "not-admitted")).kit == "kit-b"
    await stays.close()
    await goes.close()


async def test_a_forbidden_publish_is_put_to_the_certificate_not_the_client_id(
    broker: LabBroker,
) -> None:
    files = await asyncio.to_thread(broker.admit, "kit-a")
    kit = await connect(broker, files, "kit-b-1")
    for _ in range(3):
        kit.publish("fl/up/kit-b/chunk", b"evil")
    found = await event(broker, "publish-refused")
    assert (found.kit, "fl.up.kit-b.chunk" in found.text) == ("kit-a", True)
    assert sum(e.count for e in broker.events if e.kind == "publish-refused") == 3
    await kit.close()


async def test_a_forbidden_subscription_and_a_takeover_are_events(broker: LabBroker) -> None:
    a, b = await asyncio.to_thread(lambda: (broker.admit("kit-a"), broker.admit("kit-b")))
    with pytest.raises(LinkError, match="subscription"):
        await connect(broker, a, "kit-a-1", "fl/down/kit-b/+")
    assert (await event(broker, "subscribe-refused")).kit == "kit-a"
    first = await connect(broker, b, "same")
    second = await connect(broker, a, "same")
    assert (await event(broker, "takeover")).kit == "kit-a"
    await first.close()
    await second.close()


async def test_an_expired_certificate_is_an_event_that_says_whose_it_claims_to_be(
    broker: LabBroker,
) -> None:
    files, _ = broker.certify("kit-c", at_us=now_us() - 900 * DAY_US)
    with pytest.raises(LinkError):
        await connect(broker, files, "kit-c-1")
    found = await event(broker, "certificate-refused")
    assert found.kit is None
    assert re.search("in the name of kit-c failed in TLS: .*expired", found.text)


async def test_a_broker_that_was_killed_comes_back_on_its_port(broker: LabBroker) -> None:
    files = await asyncio.to_thread(broker.admit, "kit-a")
    kit = await connect(broker, files, "kit-a-1")
    first = broker.pid()
    broker.kill(signal.SIGKILL)
    await asyncio.wait_for(kit.closed(), 10)
    await asyncio.to_thread(wait_until, lambda: broker.pid() not in (None, first))
    await asyncio.to_thread(wait_until, broker.accepts)
    again = await connect(broker, files, "kit-a-2")
    await again.close()
    await kit.close()


async def test_a_reload_that_fails_restarts_the_broker_rather_than_keep_a_revoked_kit(
    broker: LabBroker,
) -> None:
    first = broker.pid()
    config = broker.folder / "broker" / "nats.conf"
    config.write_text("not { a configuration")
    broker.kill(signal.SIGHUP)
    assert (await event(broker, "reload-failed")).kit is None
    await asyncio.to_thread(wait_until, lambda: broker.pid() not in (None, first), 20)
    await asyncio.to_thread(wait_until, broker.accepts)
    assert "urn:fieldlink" in config.read_text() or "fieldlink-centre" in config.read_text()


def make(folder: Path, settings: BrokerSettings) -> Broker:
    authority = Authority.open(folder / "pki", now_us=now_us())
    return Broker(settings, authority, list, folder=folder / "broker", clock=now_us)


def test_a_free_port_is_chosen_once_and_kept(tmp_path: Path) -> None:
    settings = BrokerSettings(port=0)
    first = make(tmp_path, settings)
    assert first.address == make(tmp_path, settings).address
    assert first.kit_address == ("", first.address[1])
    (tmp_path / "broker" / "port").write_text("many\n")
    with pytest.raises(ConfigError, match="damaged"):
        make(tmp_path, settings)


def test_a_broker_by_url_has_no_child_but_its_revocation_list_is_kept(tmp_path: Path) -> None:
    authority = Authority.open(tmp_path / "pki", now_us=now_us())
    settings = BrokerSettings(url="mqtts://[2001:db8::1]:8884")
    broker = Broker(
        settings, authority, list, folder=tmp_path / "b", clock=now_us, revoked=lambda: ["1f"]
    )
    assert (broker.rows(), broker.address) == ([], ("2001:db8::1", 8884))
    assert broker.kit_address == broker.address
    before = authority.crl.read_bytes()
    broker.reload()
    assert authority.crl.read_bytes() != before


@pytest.mark.parametrize(
    "text",
    [
        'url = "mqtt://host:1883"',
        'url = "mqtts://host:0"',
        'url = "mqtts://host:99999"',
        'url = "mqtts://a b"',
        "port = 65536",
        'host = "everywhere"',
    ],
)
def test_a_bad_setting_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match=rf"^relay.toml: {text.split()[0]} = "):
        load_settings(BrokerSettings, text, "relay.toml")


async def test_mosquitto_refuses_a_revoked_kit_anew_but_cuts_it_only_when_restarted(
    tmp_path: Path,
) -> None:
    # docs/components/broker.md says so; the receiver refuses what such a kit still sends.
    with mosquitto_broker(tmp_path) as broker:
        files = await asyncio.to_thread(broker.admit, "kit-a")
        kit = await connect(broker, files, "kit-a-1")
        await asyncio.to_thread(broker.revoke, "kit-a")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(kit.closed(), 0.5)
        with pytest.raises(LinkError):
            await connect(broker, files, "kit-a-2")
        broker.kill(signal.SIGTERM)
        await asyncio.wait_for(kit.closed(), 10)
        await kit.close()
