"""The server on real sockets: many terminals, bad ones among them, and none stops another."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from fieldlab.intake import FakeIntake, FakeTime
from fieldlab.jt808 import NOON_US, Talker, where
from fieldlink.codecs.jt808 import (
    AskParameters,
    Batch,
    Heartbeat,
    Message,
    TerminalAnswer,
    Text,
)
from fieldlink.edge.jt808 import server
from fieldlink.edge.jt808.adapter import Jt808Adapter, make_jt808
from fieldlink.edge.jt808.session import MAX_PENDING
from fieldlink.edge.jt808.settings import Enrolment, Jt808Settings


class Rig:
    """The adapter at work, and an intake behind it."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.intake, self.time = FakeIntake(), FakeTime(NOON_US)
        given: dict[str, Any] = {"enrolment": Enrolment.OPEN, "host": "127.0.0.1", **settings}
        made = Jt808Settings(enabled=True, port=0, **given)
        self.wires: list[Wire] = []
        (self.adapter,) = make_jt808(made, folder, self.intake, self.time)

    async def open(self) -> "Wire":
        """A connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.adapter.port)
        self.wires.append(Wire(Talker(), reader, writer))
        return self.wires[-1]


class Wire:
    """A terminal on TCP."""

    def __init__(
        self, talker: Talker, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.talker, self.reader, self.writer = talker, reader, writer

    def say(self, *messages: Message) -> None:
        """Send them."""
        self.writer.write(self.talker.says(*messages))

    async def hear(self, count: int = 1) -> list[Message]:
        """The next so many messages, or more."""
        heard: list[Message] = []
        while len(heard) < count:
            data = await self.reader.read(4096)
            assert data, f"the server closed the connection; heard {heard}"
            heard += self.talker.hears(data)
        return heard

    async def enter(self) -> "Wire":
        """Register and authenticate."""
        self.say(self.talker.registration())
        await self.hear()
        self.say(self.talker.authentication())
        await self.hear()
        self.talker.answers.clear()
        return self

    async def is_closed(self) -> bool:
        """Read to the end, whichever way it comes."""
        with suppress(ConnectionError):
            while await self.reader.read(4096):
                pass
        return True


@asynccontextmanager
async def running(folder: Path, **settings: Any) -> AsyncIterator[Rig]:
    """A rig whose adapter runs."""
    rig = Rig(folder, **settings)
    task = asyncio.ensure_future(rig.adapter.run(lambda: None))
    try:
        await until(lambda: bool(rig.adapter.port) or task.done())
        yield rig
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        for wire in rig.wires:
            wire.writer.close()
            with suppress(ConnectionError):
                await wire.writer.wait_closed()
        await asyncio.sleep(0.01)  # for the server's ends to close


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until it is."""
    while not is_so():
        await asyncio.sleep(0.005)


def play(test: Callable[[], Coroutine[Any, Any, None]] | Awaitable[None]) -> None:
    """Run a test's coroutine with a limit."""

    async def limited() -> None:
        await asyncio.wait_for(test() if callable(test) else test, 8)

    asyncio.run(limited())


def test_terminals_of_both_editions_speak_on_one_port(tmp_path: Path) -> None:
    async def test() -> None:
        async with running(tmp_path) as rig:
            wires = [await rig.open(), await rig.open()]
            wires[1].talker = Talker("13900000000", version=1)
            for wire in wires:
                await wire.enter()
                wire.say(wire.talker.at(1), Heartbeat())
            for wire in wires:
                await until(lambda: len(rig.intake.readings(stream="position")) == 2)
                while len(wire.talker.results()) < 2:
                    await wire.hear()
                assert [result for _, result in wire.talker.results()] == [0, 0]
            report = rig.adapter.report()
            assert report["state"] == "ok"
            assert report["connections"] == {"tcp": 2, "udp": 0}
            assert set(report["terminals"]) == {"t808-13800138000", "t808-13900000000"}
            assert report["terminals"]["t808-13900000000"]["connected"]

    play(test)


def test_udp_serves_as_tcp_does_and_follows_a_terminal_to_another_port(tmp_path: Path) -> None:
    async def test() -> None:
        async with running(tmp_path) as rig:
            talker = Talker()
            async with datagrams(rig.adapter.port) as ask:
                talker.hears(await ask(talker.says(talker.registration())))
                talker.hears(await ask(talker.says(talker.authentication())))
                talker.hears(await ask(talker.says(talker.at(1))))
            async with datagrams(rig.adapter.port) as ask:  # its network gave it another port
                talker.hears(await ask(talker.says(talker.at(2)) + talker.says(talker.at(3))))
                await until(lambda: len(rig.intake.readings(stream="position")) == 3)
                talker.hears(await ask(b"\x7e\x00\x02\x7e\x7e"))
            assert {result for _, result in talker.results()} == {0}
            assert rig.intake.refused["t808-13800138000", "short"] == 1

    play(test)


@asynccontextmanager
async def datagrams(port: int) -> AsyncIterator[Callable[[bytes], Coroutine[Any, Any, bytes]]]:
    """Send a datagram, and take the answers that come within a moment."""
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    class Socket(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: Any) -> None:
            heard.put_nowait(data)

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        Socket, remote_addr=("127.0.0.1", port)
    )

    async def ask(data: bytes) -> bytes:
        transport.sendto(data)
        answers = b""
        with suppress(TimeoutError):
            while True:
                answers += await asyncio.wait_for(heard.get(), 0.1)
        return answers

    try:
        yield ask
    finally:
        transport.close()


def test_one_bad_terminal_stops_nobody(tmp_path: Path) -> None:
    async def test() -> None:
        async with running(tmp_path) as rig:
            bad, good = await rig.open(), await rig.open()
            await good.enter()
            bad.writer.write(b"GET / HTTP/1.1\r\n\r\n" + b"\x7e\x00" * 100 + b"\x7e")
            assert await bad.is_closed()
            good.say(good.talker.at())
            await good.hear()
            assert [result for _, result in good.talker.results()] == [0]
            assert rig.intake.refused["127.0.0.1", "garbage"] == 1

    play(test)


def test_a_connection_that_never_says_who_it_is_or_never_ends_a_frame_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "STRANGER_S", 0.3)
    monkeypatch.setattr(server, "UNFINISHED_S", 0.2)

    async def test() -> None:
        async with running(tmp_path) as rig:
            silent, slow = await rig.open(), await rig.open()
            await slow.enter()
            data = slow.talker.says(slow.talker.at())
            closed = asyncio.ensure_future(slow.is_closed())
            for byte in data[:-1]:  # byte by byte, for longer than a frame may take
                if closed.done():
                    break
                slow.writer.write(bytes([byte]))
                await asyncio.sleep(0.02)
            assert await closed
            assert await silent.is_closed()
            assert rig.intake.refused["t808-13800138000", "slow"] == 1
            assert rig.intake.refused["127.0.0.1", "silent"] == 1
            assert rig.intake.records == []

    play(test)


def test_connections_are_bounded_in_all_and_from_one_address(tmp_path: Path) -> None:
    async def test() -> None:
        async with running(tmp_path, max_connections=3, max_per_address=2) as rig:
            first, second = await rig.open(), await rig.open()
            await first.enter()
            third = await rig.open()
            assert await third.is_closed()
            assert rig.intake.refused["127.0.0.1", "limit"] == 1
            second.writer.close()
            await until(lambda: rig.adapter.report()["connections"]["tcp"] == 1)
            again = await rig.open()
            again.talker = Talker("13900000000")
            await again.enter()

    play(test)


def test_the_newest_connection_of_a_terminal_counts(tmp_path: Path) -> None:
    async def test() -> None:
        async with running(tmp_path) as rig:
            old = await (await rig.open()).enter()
            new = await rig.open()
            new.talker.code = old.talker.code
            new.say(new.talker.authentication())
            await new.hear()
            assert await old.is_closed()  # though it may never say anything again
            new.say(new.talker.at())
            await new.hear()
            assert rig.adapter.report()["connections"]["tcp"] == 1
            assert rig.adapter.report()["terminals"]["t808-13800138000"]["connected"]

    play(test)


def test_who_brings_more_than_the_spool_takes_has_to_wait(tmp_path: Path) -> None:
    async def test() -> None:
        async with running(tmp_path) as rig:
            wire = await (await rig.open()).enter()
            rig.intake.held = True
            for number in range(60):
                wire.say(Batch(1, tuple(where(number * 10 + n) for n in range(10))))
                await wire.writer.drain()
                await asyncio.sleep(0)
            await until(lambda: len(rig.intake.waiting) >= MAX_PENDING)
            while len(wire.talker.results()) < 60:
                await asyncio.sleep(0.01)
                rig.intake.settle()
                with suppress(TimeoutError):
                    await asyncio.wait_for(wire.hear(), 0.1)
            assert len(rig.intake.readings(stream="position")) == 600

    play(test)


def test_a_text_goes_to_a_terminal_by_its_name(tmp_path: Path) -> None:
    async def test() -> None:
        async with running(tmp_path) as rig:
            wire = await (await rig.open()).enter()
            ask = rig.adapter.commands["jt808-text"]
            asked = asyncio.ensure_future(ask({"name": "t808-13800138000", "text": "撤离"}))
            heard: list[Message] = []
            while not (texts := [one for one in heard if isinstance(one, Text)]):
                heard += await wire.hear()
            assert texts[0].text == "撤离".encode("gbk")
            asked_before = [one for one in wire.talker.answers if isinstance(one, AskParameters)]
            wire.say(TerminalAnswer(2 + 1, Text.ID, 0))
            answer = await asked
            assert answer["ok"], (answer, asked_before)
            for name, text, why in (
                ("nobody", "x", "no such terminal"),
                ("13800138000", "🚒", "GBK"),
                ("13800138000", "", "1 to"),
            ):
                answer = await ask({"name": name, "text": text})
                assert not answer["ok"]
                assert why in answer["said"]
            wire.writer.close()
            await until(lambda: rig.adapter.report()["connections"]["tcp"] == 0)
            answer = await ask({"name": "13800138000", "text": "x"})
            assert "not connected" in answer["said"]
            assert not (await ask({"name": "13800138000"}))["ok"]
            listed = await rig.adapter.commands["jt808-list"]({})
            assert "t808-13800138000" in listed["terminals"]

    play(test)


def test_a_port_that_is_taken_is_weather(tmp_path: Path) -> None:
    async def test() -> None:
        async with running(tmp_path) as rig:
            settings = Jt808Settings(
                enabled=True,
                enrolment=Enrolment.OPEN,
                host="127.0.0.1",
                port=rig.adapter.port,
            )
            other = Jt808Adapter(settings, tmp_path / "jt808.key", rig.intake, rig.time)
            with pytest.raises(OSError, match="in use"):
                await other.run(lambda: None)
            assert other.report()["state"] == "down"

    play(test)


def test_nothing_is_opened_unless_it_is_wanted(tmp_path: Path) -> None:
    assert make_jt808(Jt808Settings(), tmp_path, FakeIntake(), FakeTime()) == []
