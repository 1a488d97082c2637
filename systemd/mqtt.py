"""One MQTT 3.1.1 connection for asyncio: paho-mqtt moves the packets on a thread of its own.

A connection is opened once, lives, and ends once, with its reason; reconnecting is the
caller's policy. Sessions are clean: whatever has to survive a break is the caller's as well.
paho waits in select(2), so that a process with over 1,000 open files cannot open one.

A caller may bring a TCP connection of its own (bound to an interface, with its own options) and
need not wait for the broker: MQTT lets a client publish before it has read the CONNACK (MQTT
3.1.1, 3.1.4), so that the first message goes out right behind the TLS handshake.
"""

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from paho.mqtt.client import MQTT_LOG_ERR, Client, MQTTv311, error_string
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from fieldlink.codecs.fault import LinkError

from .tls import CENTRE_NAME, TlsFiles, TlsPeer, client_context, peer_context, plain_reason

__all__ = ["CENTRE_NAME", "MqttConnection", "TlsFiles", "TlsPeer", "client_context"]

_POLL_S = 0.5
_AT_ONCE = struct.pack("ii", 1, 0)  # struct linger: no time for what was not sent
_GOODBYE_S = 2.0


class _Client(Client):
    """paho's client over a TCP connection that is there already, if `given` is set. paho has no
    public way to bring one: `_create_socket_connection` is its method of 2.2, pinned in
    pyproject.toml and held by a test.
    """

    given: socket.socket | None = None

    def _create_socket_connection(self) -> socket.socket:
        if self.given is None:
            return super()._create_socket_connection()
        self.given.settimeout(self.connect_timeout)
        return self.given


class MqttConnection:
    """A live connection; make one with `open`."""

    def __init__(self, client: _Client, on_message: Callable[[str, bytes], None]) -> None:
        self._client = client
        self._on_message = on_message
        self._on_sent: Callable[[], None] = lambda: None
        self._on_retained: Callable[[str], None] | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._unsent: dict[int, int] = {}
        self._sent_early: set[int] = set()
        self._queued_bytes = 0
        self._reason = ""
        self._fault = ""
        self._socket: Any = None
        self._wrapped: list[ssl.SSLSocket] = []
        self._end: Future[str] = Future()
        self._begun: Future[None] = Future()
        self._connected: Future[None] = Future()
        self._subscribed: Future[None] = Future()

    @classmethod
    async def open(
        cls,
        host: str,
        port: int,
        *,
        client_id: str,
        tls: TlsFiles | TlsPeer | None,
        subscriptions: Sequence[str],
        on_message: Callable[[str, bytes], None],
        keepalive_s: int = 30,
        prepare_socket: Callable[[socket.socket], None] | None = None,
        timeout_s: float = 20,
        on_sent: Callable[[], None] | None = None,
        sock: socket.socket | None = None,
        wait: bool = True,
        login: tuple[str, str] | None = None,
        on_retained: Callable[[str], None] | None = None,
    ) -> "MqttConnection":
        """Connect, and return once the broker has accepted the client and its subscriptions; with
        `wait` false, as soon as something can be sent: a refusal then comes out of `closed`.

        `on_message(topic, payload)` and `on_sent()` (a message has left the queue for the
        socket) run on the network thread; what `on_message` raises comes out of `closed`. A message
        that the broker had retained goes to `on_retained(topic)` instead, if that is set. `login`
        is a user's name and password. `prepare_socket` gets the connected socket before the first
        MQTT packet. `sock` is a TCP connection to use instead of making one; it belongs to this
        object from now on.

        Raises:
            LinkError: unreachable, not who it should be, refused or too slow; says which.
        """
        client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=True,
            protocol=MQTTv311,
            reconnect_on_failure=False,
        )
        client.connect_timeout = timeout_s
        client.given = sock
        self = cls(client, on_message)
        if on_sent is not None:
            self._on_sent = on_sent
        self._on_retained = on_retained
        if login is not None:
            client.username_pw_set(*login)
        self._hook(client, prepare_socket)
        where = f"{host}:{port}"
        try:
            async with asyncio.timeout(timeout_s):
                if isinstance(tls, TlsFiles):
                    client.tls_set_context(client_context(tls, self._wrapped))
                elif tls is not None:
                    client.tls_set_context(peer_context(tls, self._wrapped))
                self._start(host, port, keepalive_s)
                await self._wait(self._connected if wait else self._begun)
                if subscriptions:
                    client.subscribe([(topic, 0) for topic in subscriptions])
                if subscriptions and wait:
                    await self._wait(self._subscribed)
        except TimeoutError as error:
            await self.close()
            raise LinkError(f"{where} does not answer within {timeout_s:g} s") from error
        except OSError as error:
            await self.close()
            whose = "the one expected" if isinstance(tls, TlsPeer) else "the centre's"
            raise LinkError(f"{where}: {plain_reason(error, whose)}") from error
        except LinkError as error:
            await self.close()
            raise LinkError(f"{where}: {error}") from error
        except BaseException:
            await self.close()
            raise
        return self

    @property
    def queued_bytes(self) -> int:
        """Payload bytes that were published and have not yet gone into the socket."""
        return self._queued_bytes

    @property
    def tcp(self) -> socket.socket | None:
        """The socket, to be looked at; None until there is one."""
        found: socket.socket | None = self._socket
        return found

    def publish(self, topic: str, payload: bytes, qos: int = 0) -> None:
        """Queue one message; on any thread.

        Raises:
            LinkError: the connection is down.
        """
        if self._end.done() or self._stop.is_set():
            raise LinkError(self._reason or "the connection is closed")
        try:
            info = self._client.publish(topic, payload, qos)
        except OSError as error:  # the network thread has just closed it
            raise LinkError(self._reason or "the connection was lost") from error
        if info.rc not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_AGAIN):
            raise LinkError(error_string(info.rc).rstrip(".").lower())
        with self._lock:
            if info.mid in self._sent_early:
                self._sent_early.discard(info.mid)
            else:
                self._unsent[info.mid] = len(payload)
                self._queued_bytes += len(payload)

    def subscribe(self, topics: Sequence[str], *, on: bool = True) -> None:
        """Subscribe to `topics`, or end that; does not wait for the broker."""
        if not (self._end.done() or self._stop.is_set()):
            with contextlib.suppress(OSError):
                if on:
                    self._client.subscribe([(topic, 0) for topic in topics])
                else:
                    self._client.unsubscribe(list(topics))

    def ping(self) -> None:
        """Send the smallest packet there is. Behind a lost one it lets TCP find the loss."""
        if not (self._end.done() or self._stop.is_set()):
            with contextlib.suppress(OSError):
                self._client._send_pingreq()  # of paho 2.2, pinned; it has no public one

    async def closed(self) -> str:
        """Wait for the end; the reason in plain words.

        Raises:
            Exception: whatever `on_message` raised.
        """
        return await asyncio.shield(asyncio.wrap_future(self._end))

    async def close(self) -> None:
        """Say goodbye, for at most two seconds, and end; a second time does nothing."""
        if not self._end.done():
            self._reason = self._reason or "closed by this end"
            if self._socket is not None:
                with contextlib.suppress(OSError):  # the network thread was quicker
                    self._client.disconnect()
                await asyncio.wait([self._ending()], timeout=_GOODBYE_S)
            self._stop.set()
            if self._thread is None and self._client.given is not None:
                self._client.given.close()
            # A thread that still hangs in connect() is left to its timeout and ends then.
            if self._thread is not None:
                await asyncio.wait([self._ending()], timeout=2 * _POLL_S)

    async def abort(self, reason: str) -> None:
        """End at once, for `reason`; the kernel throws away what it has not sent."""
        if not self._end.done():
            self._reason = self._reason or reason
            self._stop.set()
            for sock in (self._socket, *self._wrapped[-1:], self._client.given):
                with contextlib.suppress(OSError):
                    if sock is not None:
                        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
                        # Not SSLSocket's own, which takes its state from under the other thread.
                        socket.socket.shutdown(sock, socket.SHUT_RDWR)
            await asyncio.wait([self._ending()], timeout=2 * _POLL_S)

    def _hook(
        self, client: _Client, prepare_socket: Callable[[socket.socket], None] | None
    ) -> None:
        def opened(_client: Client, _data: Any, sock: Any) -> None:
            self._socket = sock
            if client.given is None:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if prepare_socket is not None:
                prepare_socket(sock)

        client.on_socket_open = opened
        client.on_socket_register_write = lambda *_: None  # only the network thread writes
        client.on_connect = self._answered
        client.on_subscribe = self._granted
        client.on_message = self._came
        client.on_publish = lambda _c, _d, mid, *_: self._left(mid)
        client.on_log = self._logged

    def _release(self) -> None:
        """Close every socket now, not when the garbage collector comes by."""
        for sock in (self._socket, *self._wrapped, self._client.given):
            if sock is not None:
                sock.close()
        client = self._client
        client.on_socket_open = client.on_socket_register_write = None
        client.on_connect = client.on_subscribe = client.on_message = None
        client.on_publish = client.on_log = None
        client.__del__()  # paho has no other way of closing its wake-up sockets

    def _start(self, host: str, port: int, keepalive_s: int) -> None:
        def work() -> None:
            try:
                reason = self._run(host, port, keepalive_s)
            except Exception as error:  # noqa: BLE001  # it comes out of `open` or `closed`
                self._end.set_exception(error)
            else:
                self._end.set_result(reason)

        self._thread = threading.Thread(target=work, name="mqtt", daemon=True)
        self._thread.start()

    def _run(self, host: str, port: int, keepalive_s: int) -> str:
        try:
            self._client.connect(host, port, keepalive_s)
            self._begun.set_result(None)
            code = MQTTErrorCode.MQTT_ERR_SUCCESS
            while code == MQTTErrorCode.MQTT_ERR_SUCCESS and not self._stop.is_set():
                code = self._client.loop(_POLL_S)
        finally:
            self._release()
        self._reason = self._reason or self._fault or error_string(code).rstrip(".").lower()
        return self._reason

    def _ending(self) -> "asyncio.Future[str]":
        """The end, for whoever waits a while; an exception in it is no news to asyncio's log."""
        ending = asyncio.wrap_future(self._end)
        ending.add_done_callback(lambda done: done.cancelled() or done.exception())
        return ending

    async def _wait(self, answer: "Future[None]") -> None:
        ended = self._ending()
        wanted: asyncio.Future[Any] = asyncio.wrap_future(answer)
        await asyncio.wait([ended, wanted], return_when=asyncio.FIRST_COMPLETED)
        if not wanted.done():
            raise LinkError(ended.result())
        wanted.result()

    def _came(self, _c: Client, _d: Any, message: Any) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            self._fault = "the broker sends a topic that is no text"
            self._stop.set()
        else:
            if message.retain and self._on_retained is not None:
                self._on_retained(topic)
            else:
                self._on_message(topic, bytes(message.payload))

    def _answered(self, _c: Client, _d: Any, _flags: Any, code: Any, _props: Any) -> None:
        if self._connected.done():
            return
        if code.is_failure:
            self._fault = f"the broker refuses this client: {code}"
            self._connected.set_exception(LinkError(self._fault))
        else:
            self._connected.set_result(None)

    def _granted(self, _c: Client, _d: Any, _mid: int, codes: list[Any], _props: Any) -> None:
        if self._subscribed.done():
            return
        if any(code.is_failure for code in codes):
            self._fault = "the broker refuses a subscription: not this client's topic"
            self._subscribed.set_exception(LinkError(self._fault))
            self._stop.set()
        else:
            self._subscribed.set_result(None)

    def _left(self, mid: int) -> None:
        with self._lock:
            size = self._unsent.pop(mid, None)
            if size is None:
                self._sent_early.add(mid)
            else:
                self._queued_bytes -= size
        self._on_sent()

    def _logged(self, _c: Client, _d: Any, level: int, text: str) -> None:
        if level == MQTT_LOG_ERR:
            self._fault = text.removeprefix("failed to receive on socket: ")
