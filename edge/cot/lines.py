"""The connections of Cursor on Target: to TAK servers, and from TAK programs to the kit."""

import asyncio
import contextlib
import socket
import ssl
from typing import Any

from fieldlink.codecs.cot import Event, Refused, Splitter, encode_event
from fieldlink.codecs.fault import SourceError
from fieldlink.edge.cot.names import OWN_PREFIX
from fieldlink.edge.cot.settings import CotSettings, Place
from fieldlink.edge.cot.situation import Situation
from fieldlink.edge.cot.wording import end_words
from fieldlink.edge.telemetry.ports import KitTime
from fieldlink.systemd.service import Beat

__all__ = ["Server", "ServerLine"]

_CONNECT_S = 10.0
_READ_BYTES = 16_384
_MAX_UNSENT_BYTES = 1_000_000
_MAX_CLIENTS = 32
_MAX_REFUSED = 100
_TICK_S = 1.0
_KEEPALIVE = ((socket.TCP_KEEPIDLE, 20), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 4))


class _Conversation:
    """One connection: what it says goes to the situation, the kit's devices go to it."""

    def __init__(
        self, situation: Situation, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._situation, self._reader, self._writer = situation, reader, writer
        peer = writer.get_extra_info("peername") or ("?",)
        self.peer = str(peer[0])
        sock = writer.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in _KEEPALIVE:
                sock.setsockopt(socket.IPPROTO_TCP, option, value)

    async def hear(self) -> None:
        """Take what comes until the other end closes, or says too much that is no event.

        Raises:
            OSError: the connection broke.
        """
        splitter, left = Splitter(), _MAX_REFUSED
        while left > 0 and (data := await self._reader.read(_READ_BYTES)):
            for piece in splitter.feed(data):
                if isinstance(piece, Refused):
                    left -= 1
                    self._situation.refuse(self.peer, f"{piece.reason}: {piece.detail}")
                else:
                    self._situation.take(piece, self.peer)

    def tell(self, events: list[bytes]) -> bool:
        """Send `events`; False when the other end takes nothing any more."""
        if self._writer.transport.get_write_buffer_size() > _MAX_UNSENT_BYTES:
            return False
        for event in events:
            self._writer.write(event + b"\n")
        return True

    def close(self) -> None:
        """At once: what it has not taken is of no use later."""
        self._writer.transport.abort()


class ServerLine:
    """An adapter: a connection to a TAK server. When it breaks, whoever runs this runs it again."""

    def __init__(self, place: Place, situation: Situation, time_: KitTime, kit: str) -> None:
        self.name = f"cot-{place.scheme}-{place.host}-{place.port}"
        self.settings = situation.settings
        self._place, self._situation, self._time, self._kit = place, situation, time_, kit
        self._state, self._reason = "connecting", ""

    def report(self) -> dict[str, Any]:
        """How it is; `said` is for people."""
        known = {"state": self._state, "reason": self._reason, **self._situation.report()}
        return {**known, "said": end_words(known)}

    async def run(self, beat: Beat) -> None:
        """Connect, then hear and speak until cancelled.

        Raises:
            SourceError: the server does not answer, refuses, or went away.
        """
        beat()
        self._state = "connecting"
        try:
            reader, writer = await self._connect()
        except (OSError, TimeoutError) as error:
            raise self._down(error) from error
        talk = _Conversation(self._situation, reader, writer)
        self._state, self._reason = "live", ""
        hearing = asyncio.create_task(talk.hear(), name=self.name)
        try:
            await self._speak(talk, hearing, beat)
        except OSError as error:
            raise self._down(error) from error
        finally:
            hearing.cancel()
            await asyncio.wait([hearing])
            talk.close()
        raise self._down(ConnectionError("the server closed the connection"))

    async def _speak(self, talk: _Conversation, hearing: asyncio.Task[None], beat: Beat) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while not hearing.done():
            beat()
            if loop.time() >= due_s:
                due_s = loop.time() + self.settings.every
                if not talk.tell([*self._situation.batch(), self._ping()]):
                    raise TimeoutError("the server takes nothing any more")
            await asyncio.wait([hearing], timeout=min(_TICK_S, self.settings.every))
        hearing.result()

    def _ping(self) -> bytes:
        """What TAK servers expect of a client now and then, or they close the connection."""
        now_us = self._time.now_us()
        uid = f"{OWN_PREFIX}{self._kit}-ping"
        event = Event(
            uid=uid,
            type="t-x-c-t",
            how="m-g",
            time_us=now_us,
            start_us=now_us,
            stale_us=now_us + 20_000_000,
        )
        return encode_event(event)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        place, context = self._place, None
        if place.scheme == "tls":
            context = await asyncio.to_thread(tls_context, self.settings)
        async with asyncio.timeout(_CONNECT_S):
            return await asyncio.open_connection(
                place.host,
                place.port,
                limit=_READ_BYTES,
                ssl=context,
                server_hostname=place.host if context is not None else None,
            )

    def _down(self, error: Exception) -> SourceError:
        self._state = "down"
        reason, advice = _explained(error)
        said = f"{self._place}: {advice}"
        self._reason = f"{reason}: {said}"
        return SourceError(reason, said)


def _explained(error: Exception) -> tuple[str, str]:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "certificate", f"{error.verify_message}; see cot.ca and cot.check_host"
    if isinstance(error, ssl.SSLError):
        return "tls", f"{error.reason or error}; see cot.certificate and cot.key"
    if isinstance(error, TimeoutError):
        return "timeout", "it does not answer; see its address and the network"
    if isinstance(error, ConnectionRefusedError):
        return "refused", "nothing listens there; see host and port"
    if isinstance(error, FileNotFoundError | PermissionError):
        return "file", f"{error.filename or 'a certificate'}: {error.strerror}"
    return "closed", str(getattr(error, "strerror", None) or error)


def tls_context(settings: CotSettings) -> ssl.SSLContext:
    """What to trust, and who this kit is, for TAK servers.

    Raises:
        OSError: a file is missing or no certificate.
    """
    ca = None if settings.ca is None else str(settings.ca)
    context = ssl.create_default_context(cafile=ca)
    context.check_hostname = settings.check_host
    if settings.certificate is not None and settings.key is not None:
        context.load_cert_chain(str(settings.certificate), str(settings.key))
    return context


class Server:
    """An adapter: TAK programs connect to the kit, as if it were a server. They see the kit's
    devices, not each other.
    """

    def __init__(self, place: Place, situation: Situation) -> None:
        self.name = f"cot-server-{place.host}-{place.port}"
        self.settings = situation.settings
        self._place, self._situation = place, situation
        self._talks: set[_Conversation] = set()
        self._state, self._reason = "connecting", ""
        self.port = place.port
        """The port that it listens on, once it does."""

    def report(self) -> dict[str, Any]:
        """How it is; `said` is for people."""
        known = {
            "state": self._state,
            "reason": self._reason,
            "connected": len(self._talks),
            **self._situation.report(),
        }
        return {**known, "said": end_words(known)}

    async def run(self, beat: Beat) -> None:
        """Serve until cancelled.

        Raises:
            SourceError: the port is taken.
        """
        loop = asyncio.get_running_loop()
        place = self._place
        try:
            server = await asyncio.start_server(
                self._meet, place.host, place.port, limit=_READ_BYTES
            )
        except OSError as error:
            self._state, self._reason = "down", f"port: {error.strerror or error}; see cot.listen"
            raise SourceError("port", f"{place}: {error.strerror or error}") from error
        self.port = server.sockets[0].getsockname()[1]
        self._state, self._reason = "live", ""
        due_s = loop.time()
        try:
            while True:
                beat()
                if loop.time() >= due_s:
                    due_s = loop.time() + self.settings.every
                    self._tell()
                await asyncio.sleep(min(_TICK_S, self.settings.every))
        finally:
            server.close()
            for talk in list(self._talks):
                talk.close()

    def _tell(self) -> None:
        events = self._situation.batch() if self._talks else []
        for talk in list(self._talks):
            if not talk.tell(events):
                talk.close()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = _Conversation(self._situation, reader, writer)
        if len(self._talks) >= _MAX_CLIENTS:
            talk.close()
            return
        self._talks.add(talk)
        talk.tell(self._situation.batch())
        try:
            with contextlib.suppress(OSError):
                await talk.hear()
        finally:
            self._talks.discard(talk)
            talk.close()
