"""What a kit may do at a broker, with real brokers: nats-server and mosquitto."""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from fieldlab.broker import LabBroker, certify, mosquitto_broker, nats_broker, now_us, wait_until
from fieldlink.codecs.fault import LinkError
from fieldlink.codecs.wire import MAX_FRAME_BYTES
from fieldlink.relay.pki.authority import Authority
from fieldlink.relay.pki.certificates import DAY_US
from fieldlink.systemd.mqtt import MqttConnection, TlsFiles, client_context

pytestmark = pytest.mark.anyio

Start = Callable[..., AbstractContextManager[LabBroker]]
Got = list[tuple[str, bytes]]


@pytest.fixture(params=[nats_broker, mosquitto_broker], ids=["nats", "mosquitto"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LabBroker]:
    start: Start = request.param
    with start(tmp_path, "kit-a", "kit-b") as lab:
        yield lab


@pytest.fixture
def kit_a(broker: LabBroker) -> TlsFiles:
    return files_of(broker, "kit-a")


@pytest.fixture
def kit_b(broker: LabBroker) -> TlsFiles:
    return files_of(broker, "kit-b")


def files_of(broker: LabBroker, kit: str) -> TlsFiles:
    base = broker.folder / f"{kit}-{broker.members[kit].serial[-6:]}"
    return TlsFiles(broker.centre.ca, base.with_suffix(".crt"), base.with_suffix(".key"))


async def connect(
    broker: LabBroker, tls: TlsFiles | None, *topics: str, client_id: str = ""
) -> tuple[MqttConnection, Got]:
    got: Got = []
    made = await MqttConnection.open(
        broker.host,
        broker.port,
        client_id=client_id or f"test-{time.monotonic_ns():x}",
        tls=tls,
        subscriptions=topics,
        on_message=lambda topic, payload: got.append((topic, payload)),
        timeout_s=10,
    )
    return made, got


async def settle(got: Got, last: bytes, limit_s: float = 10) -> Got:
    """Everything that came up to the message `last`, which is sent after what is not to come."""
    end = time.monotonic() + limit_s
    while all(payload != last for _, payload in got):
        assert time.monotonic() < end, f"{last!r} does not arrive"
        await asyncio.sleep(0.02)
    return [message for message in got if message[1] != last]


async def arrives(broker: LabBroker, sender: TlsFiles, topic: str, *, retain: bool = False) -> Got:
    """What the centre gets when `sender`, who is kit-a, publishes on `topic`."""
    centre, got = await connect(broker, broker.centre, "fl/up/+/+")
    kit, _ = await connect(broker, sender)
    try:
        kit._client.publish(topic, b"evil", 0, retain)
        kit.publish("fl/up/kit-a/state", b"last")
        return await settle(got, b"last")
    finally:
        await kit.close()
        await centre.close()


async def test_messages_go_up_and_down_under_the_kits_own_name(
    broker: LabBroker, kit_a: TlsFiles
) -> None:
    centre, up = await connect(broker, broker.centre, "fl/up/+/+")
    kit, down = await connect(broker, kit_a, "fl/down/kit-a/+")
    kit.publish("fl/up/kit-a/chunk", b"x" * MAX_FRAME_BYTES)
    kit.publish("fl/up/kit-a/hello", b"last", 1)
    assert [len(payload) for _, payload in await settle(up, b"last")] == [MAX_FRAME_BYTES]
    centre.publish("fl/down/kit-a/ack", b"answer")
    centre.publish("fl/down/kit-a/ack", b"last", 1)
    assert await settle(down, b"last") == [("fl/down/kit-a/ack", b"answer")]
    await kit.close()
    await centre.close()


@pytest.mark.parametrize(
    "topic",
    [
        "fl/up/kit-b/chunk",
        "fl/up/fieldlink-centre/chunk",
        "fl/up/kit-a",
        "fl/up/kit-a/chunk/deeper",
        "fl/up//chunk",
        "fl/down/kit-a/ack",
        "fl/down/kit-b/ack",
        "$SYS/broker/uptime",
        "$MQTT/msgs/fl/up/kit-b/chunk",
        "$JS/API/INFO",
        "/".join("a" * 200),
    ],
)
async def test_what_a_kit_publishes_elsewhere_does_not_arrive(
    broker: LabBroker, kit_a: TlsFiles, topic: str
) -> None:
    everything, seen = await connect(broker, broker.centre, "fl/up/+/+")
    other, heard = await connect(broker, files_of(broker, "kit-b"), "fl/down/kit-b/+")
    foreign = [m for m in await arrives(broker, kit_a, topic) if "kit-a" not in m[0]]
    assert foreign == []
    assert [message for message in seen + heard if message[1] == b"evil"] == []
    await other.close()
    await everything.close()


@pytest.mark.parametrize(
    "wanted",
    [
        "fl/down/kit-b/+",
        "fl/down/+/ack",
        "fl/up/kit-b/+",
        "fl/#",
        "#",
        "+/+/kit-b/+",
        "$SYS/#",
        "$MQTT/#",
        "$JS/#",
    ],
)
async def test_a_kit_hears_nothing_that_is_for_others(
    broker: LabBroker, kit_a: TlsFiles, kit_b: TlsFiles, wanted: str
) -> None:
    centre, _ = await connect(broker, broker.centre)
    owner, own = await connect(broker, kit_b, "fl/down/kit-b/+")
    try:
        spy, heard = await connect(broker, kit_a, wanted)
    except LinkError:  # nats-server says no; mosquitto grants and delivers nothing
        pass
    else:
        owner.publish("fl/up/kit-b/chunk", b"secret")
        centre.publish("fl/down/kit-b/ack", b"last")
        await settle(own, b"last")
        await asyncio.sleep(0.2)
        assert heard == []
        await spy.close()
    await owner.close()
    await centre.close()


def die_with_will(broker: LabBroker, tls: TlsFiles, topic: str) -> bytes:
    """Connect with a will on `topic` and break off; the broker's CONNACK."""
    strings = [b"will", topic.encode(), b"evil"]
    body = b"\x00\x04MQTT\x04\x06\x00\x1e"  # MQTT 3.1.1, will, clean session, 30 s
    body += b"".join(len(text).to_bytes(2, "big") + text for text in strings)
    with socket.create_connection((broker.host, broker.port), 10) as plain:
        secure = client_context(tls).wrap_socket(plain)
        secure.sendall(b"\x10" + bytes([len(body)]) + body)
        answer = secure.recv(4)
        secure.shutdown(socket.SHUT_RDWR)  # no goodbye: the broker speaks the will
        secure.close()
        return answer


async def test_a_will_under_anothers_name_is_not_spoken(broker: LabBroker, kit_a: TlsFiles) -> None:
    centre, got = await connect(broker, broker.centre, "fl/up/+/+")
    for topic in ("fl/up/kit-b/hello", "fl/up/kit-a/hello"):
        await asyncio.to_thread(die_with_will, broker, kit_a, topic)
    # Brokers may speak a will late; nats-server refuses none but speaks only what is allowed.
    await asyncio.to_thread(wait_until, lambda: got)
    await asyncio.sleep(0.2)
    assert got == [("fl/up/kit-a/hello", b"evil")]
    await centre.close()


async def test_a_certificate_of_another_ca_is_refused(broker: LabBroker, tmp_path: Path) -> None:
    other = Authority.open(tmp_path / "other", now_us=now_us())
    files, _ = certify(other, tmp_path, "kit-a")
    with pytest.raises(LinkError):
        await connect(broker, TlsFiles(broker.centre.ca, files.certificate, files.key))


async def test_an_expired_certificate_is_refused(broker: LabBroker) -> None:
    files, _ = broker.certify("kit-c", at_us=now_us() - 900 * DAY_US)
    with pytest.raises(LinkError, match="expired"):
        await connect(broker, files)


async def test_no_certificate_is_refused(broker: LabBroker) -> None:
    context = ssl.create_default_context(cafile=str(broker.centre.ca))
    reader, writer = await asyncio.open_connection(
        broker.host, broker.port, ssl=context, server_hostname="fieldlink-centre"
    )
    writer.write(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x1e\x00\x04evil")
    try:
        assert await asyncio.wait_for(reader.read(4), 10) != b"\x20\x02\x00\x00"
    except (ssl.SSLError, ConnectionError):
        pass  # the alert came first
    finally:
        writer.transport.abort()


async def test_a_connection_without_tls_is_refused(broker: LabBroker) -> None:
    with pytest.raises(LinkError):
        await connect(broker, None)


async def test_a_revoked_kit_is_refused(broker: LabBroker, kit_b: TlsFiles) -> None:
    broker.revoke("kit-b")
    with pytest.raises(LinkError):
        await connect(broker, kit_b)
    kit, _ = await connect(broker, files_of(broker, "kit-a"))
    await kit.close()


async def test_an_older_certificate_of_a_kit_that_joined_anew_is_refused(
    broker: LabBroker, kit_b: TlsFiles
) -> None:
    again = broker.admit("kit-b")
    with pytest.raises(LinkError):
        await connect(broker, kit_b)
    kit, _ = await connect(broker, again, "fl/down/kit-b/+")
    await kit.close()


async def test_a_kit_cannot_pose_as_the_centre(
    broker: LabBroker, kit_a: TlsFiles, kit_b: TlsFiles
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(kit_a.certificate, kit_a.key)

    async def swallow(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    fake = await asyncio.start_server(swallow, "127.0.0.1", 0, ssl=context)
    address = fake.sockets[0].getsockname()

    def greet() -> None:
        with socket.create_connection(address, 10) as plain:
            client_context(kit_b).wrap_socket(plain).close()

    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncio.to_thread(greet)
    fake.close()
    await fake.wait_closed()


async def test_a_frame_over_the_bound_ends_the_connection(
    broker: LabBroker, kit_a: TlsFiles
) -> None:
    kit, _ = await connect(broker, kit_a)
    with contextlib.suppress(LinkError):  # the broker may hang up while it is being sent
        kit.publish("fl/up/kit-a/chunk", b"x" * 2_000_000)
    await asyncio.wait_for(kit.closed(), 10)
    await kit.close()


async def test_a_client_id_in_use_is_taken_over_so_that_ids_are_random(
    broker: LabBroker, kit_a: TlsFiles, kit_b: TlsFiles
) -> None:
    # Neither broker ties a client id to a certificate: this is why Identity.client_id is random.
    # What the thief does not get are the victim's messages: rights follow the certificate.
    victim, _ = await connect(broker, kit_b, "fl/down/kit-b/+", client_id="kit-b-guessed")
    thief, heard = await connect(broker, kit_a, client_id="kit-b-guessed")
    await asyncio.wait_for(victim.closed(), 10)
    centre, _ = await connect(broker, broker.centre)
    centre.publish("fl/down/kit-b/ack", b"secret")
    await asyncio.sleep(0.3)
    assert heard == []
    for connection in (victim, thief, centre):
        await connection.close()
