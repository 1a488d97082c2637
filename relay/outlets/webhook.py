"""A webhook: each change of an alarm goes to somebody's server, and again until it is taken.

Which changes have gone is a cursor in the catalogue, moved after the answer: a change may go twice
(with the same webhook-id) and is never left out. What changed again while the server was away goes
once, as it is then.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from tenacity import RetryCallState, wait_random_exponential

from fieldlink.codecs.fault import ArchiveError, ConfigError, LinkError
from fieldlink.codecs.telemetry import Flag
from fieldlink.relay.catalogue import Catalogue, StoredAlarm
from fieldlink.relay.feed import Feed
from fieldlink.relay.outlets.settings import WebhookSettings, read_secret
from fieldlink.relay.outlets.signing import key_of, message, signed_headers
from fieldlink.relay.telemetry.alarm_row import alarm_row

__all__ = ["Note", "Webhook"]

_TIMEOUT_S = 10.0
_LOOK_S = 5.0
_WAIT = wait_random_exponential(1.0, max=60.0)
_AT_ONCE = 100
# So long a server may refuse an alarm before it is left out: somebody may put the address or the
# secret right.
_REFUSED_US = 600_000_000
_AGAIN = frozenset({408, 425, 429})

Note = Callable[[str, str | None, str], None]


class _RefusedError(LinkError):
    """The server answered that it does not want this message."""


class Webhook:
    """One webhook; give `run` to the service. `note` takes kind, kit and text of an event."""

    def __init__(
        self,
        settings: WebhookSettings,
        catalogue: Catalogue,
        feed: Feed,
        *,
        centre: str,
        clock: Callable[[], int],
        note: Note,
        wait: Callable[[RetryCallState], float] = _WAIT,
    ) -> None:
        self._settings = settings
        self._catalogue = catalogue
        self._feed = feed
        self._centre = centre
        self._clock = clock
        self._note = note
        self._wait = wait
        self._cursor_name = f"hook-{settings.name}"
        self._woken = asyncio.Event()
        self._tries = 0
        self._refused: dict[int, int] = {}  # revisions, since when
        self._ahead: set[int] = set()  # revisions that went before one that is refused

    async def run(self, beat: Callable[[], None]) -> None:
        """Tell until cancelled."""
        loop = asyncio.get_running_loop()

        def heard(kind: str, _data: Mapping[str, Any]) -> None:
            if kind == "alarm" and not loop.is_closed():
                loop.call_soon_threadsafe(self._woken.set)

        self._feed.listen(heard)
        try:
            await self._begin(beat)
            async with httpx.AsyncClient(
                verify=self._tls(), timeout=_TIMEOUT_S, follow_redirects=False, trust_env=False
            ) as client:
                while True:
                    self._woken.clear()
                    await self._rest(await self._round(client, beat), beat)
        finally:
            self._feed.unlisten(heard)

    async def _begin(self, beat: Callable[[], None]) -> None:
        """A webhook that is new begins with what happens from now on."""
        while True:
            try:
                if not await asyncio.to_thread(self._catalogue.cursor, self._cursor_name):
                    newest = await asyncio.to_thread(self._catalogue.alarm_revision)
                    await self._done(newest)
            except ArchiveError as error:
                self._note("webhook", None, f"webhook {self._settings.name} waits: {error}")
                await self._rest(_LOOK_S, beat)
            else:
                return

    async def _round(self, client: httpx.AsyncClient, beat: Callable[[], None]) -> float:
        """Send what there is; how long to rest then."""
        try:
            after = await asyncio.to_thread(self._catalogue.cursor, self._cursor_name)
            # The cursor is one more than the revision: 0 means that there is none.
            fresh = await asyncio.to_thread(self._catalogue.alarms_after, after - 1, _AT_ONCE)
            refusal: _RefusedError | None = None
            for alarm in fresh:
                beat()  # a server may take its time for each
                refusal = await self._tell(client, alarm) or refusal
                if refusal is None:
                    await self._done(alarm.revision)
            left = {alarm.revision for alarm in fresh}
            self._ahead &= left
            self._refused = {each: us for each, us in self._refused.items() if each in left}
            if refusal is not None:
                raise refusal
            self._tries = 0
        except (LinkError, ArchiveError) as error:
            return self._again_s(error)
        return 0.0 if len(fresh) == _AT_ONCE else _LOOK_S

    def _again_s(self, error: LinkError | ArchiveError) -> float:
        self._tries += 1
        text = f"webhook {self._settings.name}: {error} (try {self._tries})"
        self._note("webhook", None, text)
        state = RetryCallState(retry_object=None, fn=None, args=(), kwargs={})  # type: ignore[arg-type]
        state.attempt_number = self._tries
        return self._wait(state)

    async def _rest(self, rest_s: float, beat: Callable[[], None]) -> None:
        """Wait; a new alarm ends it only while the server is not failing."""
        end = asyncio.get_running_loop().time() + rest_s
        beat()
        while (left := end - asyncio.get_running_loop().time()) > 0:
            if self._tries:
                await asyncio.sleep(min(left, 1.0))
            else:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(left, 1.0)):
                        await self._woken.wait()
                    return
            beat()

    async def _done(self, revision: int) -> None:
        await asyncio.to_thread(self._catalogue.put_cursor, self._cursor_name, revision + 1)

    def _wanted(self, alarm: StoredAlarm) -> bool:
        kinds = {kind.value for kind in self._settings.kinds}
        meant = not kinds or alarm.kind in kinds
        return meant and (self._settings.exercise or not alarm.flags & Flag.EXERCISE)

    async def _tell(self, client: httpx.AsyncClient, alarm: StoredAlarm) -> _RefusedError | None:
        """Send an alarm that has not gone yet; what is refused is tried again, and those behind it
        go ahead of it meanwhile.
        """
        if alarm.revision in self._ahead or not self._wanted(alarm):
            return None
        try:
            await self._send(client, alarm)
        except _RefusedError as error:
            return error
        self._ahead.add(alarm.revision)
        return None

    async def _send(self, client: httpx.AsyncClient, alarm: StoredAlarm) -> None:
        at_us = self._clock()
        body = message(f"alarm.{alarm.state}", at_us, {"centre": self._centre, **alarm_row(alarm)})
        ident = f"{alarm.kit}.{alarm.ident.hex()}.{alarm.revision}"
        headers = signed_headers(ident, at_us, body, self._secret())
        try:
            await self._post(client, body, headers)
        except _RefusedError as error:
            since_us = self._refused.setdefault(alarm.revision, at_us)
            if abs(at_us - since_us) < _REFUSED_US:
                raise
            name = self._settings.name
            text = f"webhook {name} never took an alarm of {alarm.device}: {error}; left out"
            self._note("webhook", alarm.kit, text)

    async def _post(self, client: httpx.AsyncClient, body: bytes, headers: dict[str, str]) -> None:
        try:
            # Its answer is not read: a status says enough, and a body may have no end. Nor may the
            # status come byte by byte: httpx's own limit is one for each of them.
            request = client.build_request(
                "POST", self._settings.url, content=body, headers=headers
            )
            async with asyncio.timeout(_TIMEOUT_S):
                answer = await client.send(request, stream=True)
                await answer.aclose()
        except (httpx.HTTPError, OSError) as error:
            raise LinkError(f"not reached: {error or type(error).__name__}") from error
        status = answer.status_code
        if 300 <= status < 500 and status not in _AGAIN:
            raise _RefusedError(f"the server answered {status}; look at its address and secret")
        if not answer.is_success:
            raise LinkError(f"the server answered {status}")

    def _secret(self) -> bytes | None:
        path = self._settings.secret_file
        if path is None:
            return None
        try:
            return key_of(read_secret(path))
        except (OSError, ValueError) as error:
            raise LinkError(f"its secret {path} cannot be used: {error}") from error

    def _tls(self) -> ssl.SSLContext:
        path = self._settings.ca_file
        try:
            return ssl.create_default_context(cafile=None if path is None else str(path))
        except OSError as error:
            raise ConfigError(
                f"webhook {self._settings.name}: ca_file = {path}: {error}"
            ) from error
