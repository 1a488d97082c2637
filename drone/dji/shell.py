"""A cloud on a broker: the connection, the thread's edge, and the clock."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

from fieldlink.codecs.dji import Topic
from fieldlink.codecs.fault import LinkError
from fieldlink.drone.dji.cloud import SAID, Cloud
from fieldlink.systemd.mqtt import MqttConnection
from fieldlink.systemd.service import Beat
from fieldlink.systemd.tls import TlsPeer

__all__ = ["SUBSCRIPTIONS", "Shell"]

SUBSCRIPTIONS = tuple(str(Topic(way, "+")) for way in SAID)
_MAX_WAITING = 2_000


class Shell:
    """Runs `cloud` on the broker at `host`:`port`. `on_tick` is called before each of its ticks."""

    def __init__(
        self,
        cloud: Cloud,
        host: str,
        port: int,
        *,
        tls: TlsPeer | None,
        login: tuple[str, str],
        on_tick: Callable[[], None] = lambda: None,
        steady_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cloud, self._host, self._port = cloud, host, port
        self._tick_s = cloud.pace.tick_s
        self._tls, self._login, self._on_tick = tls, login, on_tick
        self._steady_s = steady_s
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._link: MqttConnection | None = None
        self.dropped = self.retained = self.unsent = 0

    @property
    def is_up(self) -> bool:
        """Whether the broker has let it in."""
        return self._link is not None

    async def run(self, beat: Beat) -> None:
        """Serve until cancelled.

        Raises:
            LinkError: the broker cannot be reached, or is gone.
        """
        beat()
        loop = asyncio.get_running_loop()
        called = asyncio.Event()

        def came(topic: str, payload: bytes) -> None:  # on the network's thread
            if len(self._waiting) >= _MAX_WAITING:
                self.dropped += 1
                return
            self._waiting.append((topic, payload))
            loop.call_soon_threadsafe(called.set)

        link = self._link = await MqttConnection.open(
            self._host,
            self._port,
            client_id="",
            tls=self._tls,
            subscriptions=SUBSCRIPTIONS,
            on_message=came,
            on_retained=self._was_retained,
            login=self._login,
            timeout_s=10,
        )
        closed = asyncio.create_task(link.closed(), name="dji closed")
        try:
            await self._serve(link, closed, called, beat)
            raise LinkError(f"{self._host}:{self._port}: {closed.result()}")
        finally:
            closed.cancel()
            self._link = None
            self._waiting.clear()
            await link.close()

    async def _serve(
        self,
        link: MqttConnection,
        closed: "asyncio.Task[str]",
        called: asyncio.Event,
        beat: Beat,
    ) -> None:
        due_s = self._steady_s()
        while not closed.done():
            beat()
            called.clear()
            if self._waiting:
                self._on_tick()  # a gateway that was registered a moment ago speaks at once
            for _ in range(len(self._waiting)):  # and then others: it may come without end
                topic, payload = self._waiting.popleft()
                self._cloud.receive(topic, payload, self._steady_s())
            if self._steady_s() >= due_s:
                self._on_tick()
                self._cloud.tick(self._steady_s())
                due_s = self._steady_s() + self._tick_s
            self._send(link)
            waiting = asyncio.create_task(called.wait())
            await asyncio.wait(
                [waiting, closed], timeout=self._tick_s, return_when=asyncio.FIRST_COMPLETED
            )
            waiting.cancel()

    def _send(self, link: MqttConnection) -> None:
        for letter in self._cloud.take():
            try:
                link.publish(letter.topic, letter.payload, letter.qos)
            except LinkError:  # it comes again: a call by its timeout, a reply when asked again
                self.unsent += 1

    def _was_retained(self, _topic: str) -> None:
        # Said at another time: an aircraft that is long gone would appear with every start.
        self.retained += 1
