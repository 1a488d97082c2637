"""Updates over MQTT for another system: the latest of each device as it changes, and alarms.

TOPIC/KIT/DEVICE has what GET /api/telemetry/latest says of a device, at QoS 0: the next one makes
up for a lost one. TOPIC/KIT/DEVICE/alarm has an alarm as GET /api/alarms has it, at QoS 1, each
change until that broker has taken it.
"""

import asyncio
import json
import logging
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from fieldlink.codecs.fault import ArchiveError, LinkError
from fieldlink.relay.catalogue import Catalogue
from fieldlink.relay.outlets.settings import MqttOutSettings, read_secret, split_url
from fieldlink.relay.telemetry.alarm_row import alarm_row
from fieldlink.systemd.mqtt import MqttConnection
from fieldlink.systemd.tls import TlsPeer

__all__ = ["MqttOut"]

_log = logging.getLogger(__name__)
_WAIT = wait_random_exponential(1.0, max=30.0)
_CURSOR = "mqtt-out"
_AT_ONCE = 100
_PUBACK_S = 20.0
_MOST_QUEUED_BYTES = 1_000_000

Note = Callable[[str, str | None, str], None]


class Latest(Protocol):
    """The latest state of every device, as JSON."""

    def answer(self, now_us: int, since: int | None = None) -> bytes:
        """Of every device, or of those that changed after revision `since`."""


class MqttOut:
    """Publishes to the broker in `settings`, which has a URL; give `run` to the service."""

    def __init__(
        self,
        settings: MqttOutSettings,
        catalogue: Catalogue,
        latest: Latest,
        *,
        clock: Callable[[], int],
        note: Note,
    ) -> None:
        self._settings = settings
        self._catalogue = catalogue
        self._latest = latest
        self._client_id = f"fieldlink-out-{secrets.token_hex(5)}"
        self._clock = clock
        self._note = note
        self._beat: Callable[[], None] = lambda: None
        self._sent = asyncio.Event()

    async def run(self, beat: Callable[[], None]) -> None:
        """Publish until cancelled; a broker that is away is waited for."""
        self._beat = beat
        retrying = AsyncRetrying(
            retry=retry_if_exception_type((LinkError, ArchiveError)),
            wait=_WAIT,
            before_sleep=self._say_why,
            sleep=self._sleep,
        )
        while True:
            connection: MqttConnection = await retrying(self._open)
            try:
                await self._publish(connection)
            except (LinkError, ArchiveError) as error:
                self._note("mqtt-out", None, f"updates over MQTT stopped: {error}")
                await self._sleep(1.0)
            finally:
                await connection.close()

    async def _publish(self, connection: MqttConnection) -> None:
        since: int | None = None
        while True:
            self._beat()
            await self._alarms(connection)
            since = await self._states(connection, since)
            await asyncio.sleep(self._settings.every)

    async def _states(self, connection: MqttConnection, since: int | None) -> int:
        body = await asyncio.to_thread(self._latest.answer, self._clock(), since)
        revision, messages = await asyncio.to_thread(self._messages, body)
        for topic, payload in messages:
            # A broker slower than the devices gets less often what is newest, not a queue.
            if connection.queued_bytes > _MOST_QUEUED_BYTES:
                await self._taken(connection, "update")
            connection.publish(topic, payload)
        return revision

    def _messages(self, body: bytes) -> tuple[int, list[tuple[str, bytes]]]:
        page = json.loads(body)
        return page["revision"], [self._message(each, "", each) for each in page["devices"]]

    async def _alarms(self, connection: MqttConnection) -> None:
        after = await asyncio.to_thread(self._catalogue.cursor, _CURSOR)
        fresh = await asyncio.to_thread(self._catalogue.alarms_after, after - 1, _AT_ONCE)
        if not fresh:
            return
        for alarm in fresh:
            row = alarm_row(alarm)
            connection.publish(*self._message(row, "/alarm", row), qos=1)
        await self._taken(connection, "alarm")
        await asyncio.to_thread(self._catalogue.put_cursor, _CURSOR, fresh[-1].revision + 1)

    async def _begin(self) -> None:
        """One that is new begins with the alarms from now on. The cursor is one more than the
        revision: 0 means that there is none.
        """
        if not await asyncio.to_thread(self._catalogue.cursor, _CURSOR):
            newest = await asyncio.to_thread(self._catalogue.alarm_revision)
            await asyncio.to_thread(self._catalogue.put_cursor, _CURSOR, newest + 1)

    async def _taken(self, connection: MqttConnection, what: str) -> None:
        """Wait until the broker has taken everything."""
        try:
            async with asyncio.timeout(_PUBACK_S):
                while connection.queued_bytes:
                    self._sent.clear()
                    await self._sent.wait()
        except TimeoutError as error:
            raise LinkError(f"the broker took no {what} within {_PUBACK_S:g} s") from error
        self._beat()

    def _message(self, named: Mapping[str, Any], tail: str, data: Any) -> tuple[str, bytes]:
        topic = f"{self._settings.topic}/{named['kit']}/{named['device']}{tail}"
        return topic, json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()

    async def _open(self) -> MqttConnection:
        self._beat()
        await self._begin()
        loop = asyncio.get_running_loop()

        def sent() -> None:
            loop.call_soon_threadsafe(self._sent.set)

        settings = self._settings
        secure, host, port = split_url(settings.url or "")
        password = ""
        if settings.password_file is not None:
            try:
                password = read_secret(settings.password_file).decode()
            except (OSError, ValueError) as error:
                raise LinkError(f"its password_file cannot be used: {error}") from error
        return await MqttConnection.open(
            host,
            port,
            client_id=self._client_id,
            tls=TlsPeer(ca=settings.ca_file) if secure else None,
            login=(settings.user, password) if settings.user else None,
            subscriptions=[],
            on_message=lambda _topic, _payload: None,
            on_sent=sent,
        )

    async def _sleep(self, length_s: float) -> None:
        while length_s > 0:
            await asyncio.sleep(min(1.0, length_s))
            self._beat()
            length_s -= 1.0

    def _say_why(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        self._note("mqtt-out", None, f"updates over MQTT: the broker is not reached: {error}")
        _log.warning("mqtt_out: %s (try %d)", error, state.attempt_number)
