"""Devices that mean harm, at both brokers: none speaks or hears as another; the kit goes on."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from fieldlab.devices import DeviceLab, Peer, device, device_api, mosquitto_api, until
from fieldlab.intake import FakeIntake
from fieldlink.codecs.device_api import MAX_MESSAGE_BYTES
from fieldlink.codecs.fault import LinkError
from fieldlink.edge.device_api.credentials import Credentials

pytestmark = pytest.mark.anyio

Start = Callable[[Path, FakeIntake], AbstractAsyncContextManager[DeviceLab]]
EVIL = b'{"co": 666}'


@pytest.fixture
def intake() -> FakeIntake:
    return FakeIntake()


@pytest.fixture(params=[device_api, mosquitto_api], ids=["nats", "mosquitto"])
async def lab(
    request: pytest.FixtureRequest, tmp_path: Path, intake: FakeIntake
) -> AsyncIterator[DeviceLab]:
    start: Start = request.param
    async with start(tmp_path, intake) as made:
        made.add("good-1")
        made.add("evil-1")
        await made.settle()
        yield made


async def works(peer: Peer) -> bool:
    return bool((await peer.asks("air", {"co": 1}))["ok"])


def strings(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts)


def packet(kind: int, body: bytes) -> bytes:
    length, left = b"", len(body)
    while True:
        length += bytes([left % 128 | (128 if left > 127 else 0)])
        left //= 128
        if not left:
            return bytes([kind]) + length + body


def raw(made: Credentials, *packets: bytes, will: bytes = b"") -> bytes:
    """Connect by hand, with a will on that topic, send `packets` and break off; all answers."""
    flags = 0xC2 | (0x04 if will else 0)
    wills = strings(will, EVIL) if will else b""
    user = strings(made.name.encode(), made.password.encode())
    hello = (
        b"\x00\x04MQTT\x04"
        + bytes([flags])
        + b"\x00\x1e"
        + strings(f"raw-{time.monotonic_ns()}".encode())
        + wills
        + user
    )
    answer = b""
    with socket.create_connection((made.host, made.port), 5) as link:
        link.settimeout(0.2)
        try:
            link.sendall(packet(0x10, hello))
            answer += link.recv(4)
            for one in packets:
                link.sendall(one)
            while part := link.recv(4096):
                answer += part
        except (TimeoutError, ConnectionError):
            pass
    return answer


async def test_no_topic_but_its_own_arrives(lab: DeviceLab, intake: FakeIntake) -> None:
    made, good = lab.logins["evil-1"], lab.logins["good-1"]
    topics = [
        b"fl/dev/good-1/air",
        b"fl/dev/evil-1/air/deeper",
        b"fl/dev//air",
        b"fl/dev/evil-1/receipt",
        b"fl/dev/good-1/receipt",
        b"fl/dev/kit.agent/air",
        b"$SYS/broker/uptime",
        b"$MQTT/msgs/fl/dev/good-1/air",
        b"fl/dev/+/air",
        b"#",
        b"fl/dev/evil-1/a\x00ir",
        b"/".join([b"a"] * 200),
        b"/" * 65_535,
        b"fl/dev/" + b"\xff\xfe" + b"/air",
    ]
    async with device(good) as bystander:
        packets = [packet(0x30, strings(topic) + EVIL) for topic in topics]
        # Each on a connection of its own: some end it.
        tries = [asyncio.to_thread(raw, made, one) for one in packets]
        tries += [asyncio.to_thread(raw, made, will=topic) for topic in topics[:1]]
        await asyncio.gather(*tries)
        assert await works(bystander)
        with pytest.raises(TimeoutError):
            await bystander.heard(0.2)
    assert [reading.values["co"] for reading in intake.readings()] == [1.0]
    assert intake.notices == []


async def test_it_hears_nothing_that_is_for_others(lab: DeviceLab) -> None:
    made, good = lab.logins["evil-1"], lab.logins["good-1"]
    wanted = [
        "fl/dev/good-1/receipt",
        "fl/dev/+/receipt",
        "fl/#",
        "#",
        "fl/dev/good-1/air",
        "$SYS/#",
    ]
    async with device(good) as other:
        for topic in wanted:
            try:
                async with device(made, "", topic) as spy:
                    assert await works(other)
                    with pytest.raises(TimeoutError):
                        await spy.heard(0.15)
            except LinkError:
                pass  # nats-server says no; mosquitto grants and delivers nothing


async def test_what_was_retained_is_no_news_when_the_agent_comes_later(
    lab: DeviceLab, intake: FakeIntake
) -> None:
    made = lab.logins["evil-1"]
    sos = packet(0x31, strings(b"fl/dev/evil-1/sos") + b'{"active": true}')
    await asyncio.to_thread(raw, made, sos)
    before = len(intake.notices)  # nats-server passes it on, once; mosquitto ends the connection
    [adapter] = lab.adapters
    assert adapter._link is not None
    adapter._link.subscribe(["fl/dev/+/sos"])  # as a new connection does
    async with device(lab.logins["good-1"]) as peer:
        assert await works(peer)
    assert len(intake.notices) == before
    assert adapter.report()["retained"] == before


async def test_wrong_and_unknown_logins_are_refused(lab: DeviceLab, intake: FakeIntake) -> None:
    made = lab.logins["evil-1"]
    for name, password in (
        ("evil-1", "wrong"),
        ("nobody-1", made.password),
        ("kit.agent", made.password),
        ("kit.agent", ""),
        ("", ""),
        ("+", made.password),
        ("evil-1\x00", made.password),
    ):
        wrong = Credentials(host=made.host, port=made.port, tls=None, name=name, password=password)
        assert (await asyncio.to_thread(raw, wrong))[3:4] != b"\x00"
    if lab.settings.url is None:
        await until(lambda: intake.refused["127.0.0.1", "not-admitted"] >= 1)


BOMBS = [
    b"\xdd\xff\xff\xff\xff",
    b"\x91" * MAX_MESSAGE_BYTES,
    b"\x81" * MAX_MESSAGE_BYTES,
    b"[" * MAX_MESSAGE_BYTES,
    b"\xa1\x61a\xd8\x1c\x81\xd8\x1d\x00",
    b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff",
    b'{"co": ' + b"9" * 100_000 + b"}",
    b"[" + b'{"co":1},' * 20_000 + b'{"co":1}]',
    b"",
]


async def test_a_bomb_is_one_refusal(lab: DeviceLab, intake: FakeIntake) -> None:
    async with device(lab.logins["evil-1"]) as evil:
        for payload in BOMBS:
            evil.say("air", payload)
            receipt = await evil.receipt()
            assert (receipt["ok"], receipt["again"]) == (False, False)
        assert await works(evil)
    assert [device for device, _ in intake.reasons] == ["evil-1"] * len(BOMBS)


async def test_a_message_over_the_limit_ends_its_connection_and_no_other(
    lab: DeviceLab, intake: FakeIntake
) -> None:
    made, good = lab.logins["evil-1"], lab.logins["good-1"]
    async with device(good) as bystander:
        async with device(made) as evil:
            evil.say("air", b" " * MAX_MESSAGE_BYTES)  # as long as may be
            assert not (await evil.receipt())["ok"]
            with contextlib.suppress(LinkError):  # cut off while it speaks
                evil.say("air", b" " * (MAX_MESSAGE_BYTES + 2048))
            await asyncio.wait_for(evil.link.closed(), 10)
        assert await works(bystander)
