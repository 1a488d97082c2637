"""Foreign peers: pytak hears what the kit says, and the kit what pytak says; by multicast, TCP and
TLS, as XML and as the protobuf that takproto makes of it.
"""

import asyncio
import configparser
import contextlib
import errno
import functools
import socket
import ssl
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, ParamSpec
from xml.etree import ElementTree

import pytest

from fieldlab.intake import FakeIntake, FakeTime
from fieldlab.takserver import make_certificates, tak_server
from fieldlink.codecs.cot import decode_event
from fieldlink.codecs.fault import SourceError
from fieldlink.edge.cot.lines import Server, ServerLine
from fieldlink.edge.cot.make import make_cot
from fieldlink.edge.cot.mesh import DatagramPort, Mesh
from fieldlink.edge.cot.placed import Placed
from fieldlink.edge.cot.settings import CotSettings, Place
from fieldlink.edge.cot.situation import Situation

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # that aiohttp is missing
    import pytak

P = ParamSpec("P")
OWN = Placed("soldier-1", "soldier", FakeTime().utc_us, 34.2, 108.9, heading=90.0, speed=1.5)
OWN_UID = "FIELDLINK-kit-1-soldier-1"


def on_a_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """`test` in an event loop of its own, for at most 30 s."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 30))

    return run


def settings(**more: object) -> CotSettings:
    return CotSettings.model_validate({"enabled": True, "every": "1s", **more})


def situation(intake: FakeIntake, **more: object) -> Situation:
    return Situation(settings(**more), intake, FakeTime(), "kit-1", lambda: [OWN])


@contextlib.asynccontextmanager
async def running(adapter: Any) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(adapter.run(lambda: None))
    try:
        while adapter.report()["state"] == "connecting" and not task.done():
            await asyncio.sleep(0.01)
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


class Pytak:
    """A pytak client: its workers, and the queues on either side of them."""

    def __init__(self, **config: str) -> None:
        parser = configparser.ConfigParser()
        parser["tak"] = config
        self.config = parser["tak"]
        self.sent: asyncio.Queue[bytes] = asyncio.Queue()
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def __aenter__(self) -> "Pytak":
        reader, self._writer = await pytak.protocol_factory(self.config)
        self._reader = reader
        self._tasks = [
            asyncio.create_task(pytak.TXWorker(self.sent, self.config, self._writer).run()),
            asyncio.create_task(pytak.RXWorker(self.heard, self.config, reader).run()),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        for end in (self._writer, self._reader):
            with contextlib.suppress(Exception):
                end.close()

    async def say(self) -> None:
        """A position, as pytak makes one."""
        event = pytak.gen_cot_xml(
            lat=34.5, lon=108.5, ce=7, uid="PYTAK-1", stale=60, cot_type="a-f-G-U-C"
        )
        event.set("how", "m-g")
        await self.sent.put(ElementTree.tostring(event))

    async def hear(self, uid: str) -> bytes:
        """What it heard of `uid`."""
        while True:
            heard = await self.heard.get()
            if uid.encode() in heard:
                return heard[heard.index(b"<event") :]


async def both_ways(intake: FakeIntake, peer: Pytak) -> None:
    """What one says, the other hears."""
    while not intake.readings("cot-pytak-1", "position"):
        await peer.say()
        await asyncio.sleep(0.1)
    reading = intake.readings("cot-pytak-1", "position")[0]
    assert (reading.values["lat"], reading.values["lon"]) == (34.5, 108.5)
    assert reading.values["accuracy"] == 7
    event = decode_event(await peer.hear(OWN_UID))
    assert (event.lat, event.lon, event.course, event.speed) == (34.2, 108.9, 90.0, 1.5)
    assert event.callsign == "kit-1/soldier-1"


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@on_a_loop
async def test_by_multicast_on_loopback() -> None:
    port, intake = free_port(socket.SOCK_DGRAM), FakeIntake()
    mesh = Mesh(Place("udp", "239.2.3.1", port), situation(intake, interface="lo"))
    async with running(mesh):
        assert mesh.report()["state"] == "live", mesh.report()
        local = {"PYTAK_MULTICAST_LOCAL_ADDR": "127.0.0.1"}
        async with Pytak(COT_URL=f"udp://239.2.3.1:{port}", **local) as peer:
            await both_ways(intake, peer)
    assert mesh.report()["counts"]["own"] > 0, "its own events come back, and are known as such"
    assert not intake.refused


@on_a_loop
async def test_protobuf_by_multicast() -> None:
    port, intake = free_port(socket.SOCK_DGRAM), FakeIntake()
    cot = situation(intake, interface="127.0.0.1")
    taken: list[bytes] = []
    take = cot.take

    def watched(data: bytes, origin: str) -> None:
        taken.append(data)
        take(data, origin)

    cot.take = watched  # type: ignore[method-assign]
    mesh = Mesh(Place("udp", "239.2.3.1", port), cot)
    local = {"PYTAK_MULTICAST_LOCAL_ADDR": "127.0.0.1"}
    async with running(mesh):
        url = f"udp+wo://239.2.3.1:{port}"
        async with Pytak(COT_URL=url, TAK_PROTO="1", **local) as peer:
            while not intake.readings("cot-pytak-1", "position"):
                await peer.say()
                await asyncio.sleep(0.1)
    assert intake.readings("cot-pytak-1", "position")[0].values["lat"] == 34.5
    assert all(data.startswith(b"\xbf\x01\xbf") for data in taken if b"PYTAK-1" in data)


@on_a_loop
async def test_by_tcp_to_the_kit() -> None:
    intake = FakeIntake()
    server = Server(Place("tcp", "127.0.0.1", 0), situation(intake))
    async with running(server), Pytak(COT_URL=f"tcp://127.0.0.1:{server.port}") as peer:
        await both_ways(intake, peer)
        assert server.report()["connected"] == 1


@pytest.mark.filterwarnings("ignore:ssl:DeprecationWarning")  # of pytak's own options
@on_a_loop
async def test_by_tls_through_a_server(tmp_path: Path) -> None:
    """Both are clients of a server that lets nobody in without a certificate."""
    files = make_certificates(tmp_path)
    async with tak_server(files) as port:
        intake = FakeIntake()
        cot = situation(intake, ca=files.ca, certificate=files.certificate, key=files.key)
        line = ServerLine(Place("tls", "localhost", port), cot, FakeTime(), "kit-1")
        config = {
            "COT_URL": f"tls://localhost:{port}",
            "PYTAK_TLS_CLIENT_CERT": str(files.certificate),
            "PYTAK_TLS_CLIENT_KEY": str(files.key),
            "PYTAK_TLS_CLIENT_CAFILE": str(files.ca),
        }
        async with running(line), Pytak(**config) as peer:
            assert line.report()["state"] == "live", line.report()
            await both_ways(intake, peer)


@on_a_loop
async def test_a_server_that_is_not_trusted_is_not_spoken_to(tmp_path: Path) -> None:
    files = make_certificates(tmp_path)
    async with tak_server(files) as port:
        cot = situation(FakeIntake())
        line = ServerLine(Place("tls", "localhost", port), cot, FakeTime(), "kit-1")
        with pytest.raises(SourceError, match="certificate"):
            await line.run(lambda: None)
        assert "证书不可信" in line.report()["said"]
    with pytest.raises(SourceError, match="refused"):
        await line.run(lambda: None)


@on_a_loop
async def test_a_server_that_goes_away_is_said_to_be_gone() -> None:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    place = Place("tcp", "127.0.0.1", server.sockets[0].getsockname()[1])
    line = ServerLine(place, situation(FakeIntake()), FakeTime(), "kit-1")
    with pytest.raises(SourceError, match="closed"):
        await line.run(lambda: None)
    server.close()


@on_a_loop
async def test_datagrams_to_a_port_are_heard() -> None:
    intake, port = FakeIntake(), free_port(socket.SOCK_DGRAM)
    ear = DatagramPort(Place("udp", "127.0.0.1", port), situation(intake))
    async with running(ear), Pytak(COT_URL=f"udp+wo://127.0.0.1:{port}") as peer:
        while not intake.readings("cot-pytak-1", "position"):
            await peer.say()
            await asyncio.sleep(0.05)


@on_a_loop
async def test_a_port_that_is_taken_and_an_interface_that_is_not_there_are_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = Place("tcp", "127.0.0.1", taken.getsockname()[1])
        with pytest.raises(SourceError, match="port"):
            await Server(place, situation(FakeIntake())).run(lambda: None)
    mesh = Mesh(Place("udp", "239.2.3.1", 6969), situation(FakeIntake(), interface="wlan77"))
    with pytest.raises(SourceError, match=r"cot\.interface"):
        await mesh.run(lambda: None)


@on_a_loop
async def test_a_mesh_that_cannot_send_any_more_is_joined_anew() -> None:
    cot = situation(FakeIntake(), interface="lo")
    cot.settings = cot.settings.model_copy(update={"every": 0.02})
    mesh = Mesh(Place("udp", "239.2.3.1", free_port(socket.SOCK_DGRAM)), cot)
    async with running(mesh) as task:
        while not task.done():
            mesh._protocol.error_received(OSError(101, "Network is unreachable"))
            await asyncio.sleep(0.005)
        with pytest.raises(SourceError, match="unreachable"):
            task.result()
    assert "网络不可用" in mesh.report()["said"]


@on_a_loop
async def test_a_mesh_whose_interface_goes_away_notices_though_it_sends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cot = situation(FakeIntake(), interface="lo", send=False)
    cot.settings = cot.settings.model_copy(update={"every": 0.02})
    mesh = Mesh(Place("udp", "239.2.3.1", free_port(socket.SOCK_DGRAM)), cot)

    def gone(name: str) -> int:
        raise OSError(errno.ENODEV, f"no interface {name}")

    async with running(mesh) as task:
        await asyncio.sleep(0.1)
        assert not task.done()
        monkeypatch.setattr(socket, "if_nametoindex", gone)
        with pytest.raises(SourceError, match=r"cot\.interface"):
            await asyncio.wait_for(task, 5)


@on_a_loop
async def test_one_who_says_nothing_but_rubbish_is_put_out() -> None:
    server = Server(Place("tcp", "127.0.0.1", 0), situation(FakeIntake()))
    async with running(server):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        with contextlib.suppress(ConnectionError):
            for _ in range(200):
                writer.write(b"<event " + b"a" * 70_000)
                await writer.drain()
        with contextlib.suppress(ConnectionError):
            while await reader.read(65536):
                pass
        writer.close()
        while server.report()["connected"]:
            await asyncio.sleep(0.01)
    assert server.report()["counts"]["malformed"] >= 100


def test_ways_are_made_as_configured() -> None:
    cot = settings(
        listen=["tcp://0.0.0.0:8087", "udp://0.0.0.0:4242"], connect=["tls://tak.example:8089"]
    )
    made = make_cot(cot, FakeIntake(), FakeTime(), lambda: "kit-1")
    assert [one.name for one in made] == [
        "cot-mesh",
        "cot-server-0.0.0.0-8087",
        "cot-udp-0.0.0.0-4242",
        "cot-tls-tak.example-8089",
    ]
    assert make_cot(CotSettings(), FakeIntake(), FakeTime(), lambda: "") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"multicast": "192.0.2.1:6969"},
        {"multicast": "239.2.3.1"},
        {"connect": ["udp://h:1"]},
        {"connect": ["tcp://h"]},
        {"listen": ["tls://0.0.0.0:8089"]},
        {"listen": ["tcp://0.0.0.0:1", "tcp://0.0.0.0:1"]},
        {"certificate": "a.pem"},
        {"every": "1min", "stale": "10s"},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"write|remove|both|shorter"):
        CotSettings.model_validate(wrong)


def test_the_context_asks_for_a_certificate(tmp_path: Path) -> None:
    from fieldlink.edge.cot.lines import tls_context

    context = tls_context(settings(check_host=False))
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert not context.check_hostname
    with pytest.raises(FileNotFoundError):
        tls_context(settings(certificate=tmp_path / "a", key=tmp_path / "b"))
