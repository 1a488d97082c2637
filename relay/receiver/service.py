"""The receiver as a service: its connection to the broker, kept up for ever."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    wait_random_exponential,
)

from fieldlink.codecs.fault import LinkError
from fieldlink.codecs.wire import Frame, down_topic, encode_frame, up_filter
from fieldlink.relay.archive import Archive
from fieldlink.relay.catalogue import Catalogue
from fieldlink.relay.feed import Feed
from fieldlink.relay.receiver.engine import Engine
from fieldlink.relay.receiver.settings import ReceiverSettings
from fieldlink.relay.receiver.tally import Tally
from fieldlink.systemd.mqtt import MqttConnection, TlsFiles

__all__ = ["ReceiverService"]

_log = logging.getLogger(__name__)
_LOOK_S = 1.0
_READY_ANYWAY_S = 10.0
_AFTER_BREAK_S = 0.2
_BROKER_UP_S = 5.0
_WAIT = wait_random_exponential(0.5, max=10.0)


async def _at_once() -> None:
    """There is nothing to wait for."""


class ReceiverService:
    """Receives from the broker at `address()` with the centre's certificate `tls`.

    `broker_up` waits for a broker that starts just now; after some seconds it is tried anyway.
    """

    def __init__(
        self,
        archive: Archive,
        catalogue: Catalogue,
        feed: Feed,
        settings: ReceiverSettings,
        *,
        name: str,
        address: Callable[[], tuple[str, int]],
        tls: TlsFiles | None,
        clock: Callable[[], int],
        tally: Tally,
        broker_up: Callable[[], Awaitable[None]] = _at_once,
    ) -> None:
        self.engine = Engine(
            archive,
            catalogue,
            feed,
            settings,
            name=name,
            send=self._send,
            clock=clock,
            tally=tally,
        )
        self._address = address
        self._tls = tls
        self._broker_up = broker_up
        self._connection: MqttConnection | None = None

    @property
    def connected(self) -> bool:
        """Whether the broker is reached."""
        return self._connection is not None

    async def run(self, beat: Callable[[], None]) -> None:
        """Receive until cancelled; first beats once the broker is reached, or after ten
        seconds without it.

        Raises:
            Exception: whatever ended one of the receiver's threads.
        """
        self.engine.start()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._stay_connected(beat), name="receiver-link")
                group.create_task(self._watch(beat), name="receiver-watch")
                await asyncio.wrap_future(self.engine.failure)
        finally:
            await asyncio.shield(asyncio.to_thread(self.engine.stop))

    async def _watch(self, beat: Callable[[], None]) -> None:
        # A broker that is away is weather: after a moment the centre is ready without it.
        await asyncio.sleep(_READY_ANYWAY_S)
        while True:
            if self.engine.healthy:
                beat()
            await asyncio.sleep(_LOOK_S)

    async def _stay_connected(self, beat: Callable[[], None]) -> None:
        while True:
            connection = await self._connect()
            self._connection = connection
            try:
                self.engine.welcome()
                beat()
                _log.info("receiving from %s:%d", *self._address())
                reason = await connection.closed()
            finally:
                self._connection = None
                await connection.close()
            _log.warning("the connection to the broker ended: %s", reason)
            await asyncio.sleep(_AFTER_BREAK_S)

    async def _connect(self) -> MqttConnection:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_BROKER_UP_S):
                await self._broker_up()
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(LinkError), wait=_WAIT, before_sleep=_say_why
        )
        return await retrying(self._open)

    async def _open(self) -> MqttConnection:
        host, port = self._address()
        return await MqttConnection.open(
            host,
            port,
            client_id=f"fieldlink-centre-{self.engine.run_id.hex()}",
            tls=self._tls,
            subscriptions=[up_filter()],
            on_message=self.engine.receive,
        )

    def _send(self, kit: str, kind: str, frame: Frame) -> None:
        connection = self._connection
        if connection is None:
            return
        try:
            connection.publish(down_topic(kit, kind), encode_frame(frame))
        except LinkError as error:
            _log.info("an answer to %s was lost, it will ask again: %s", kit, error)


def _say_why(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    _log.warning("the broker is not reached (try %d): %s", state.attempt_number, error)
