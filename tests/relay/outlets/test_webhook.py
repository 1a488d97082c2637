"""Webhooks against a real HTTP server, their signatures against the standard's own library."""

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook as StandardWebhook

from fieldlab.broker import now_us
from fieldlink.codecs.telemetry import Alarm, AlarmKind, Flag, Phase
from fieldlink.relay.catalogue import Catalogue
from fieldlink.relay.feed import Feed
from fieldlink.relay.outlets.settings import WebhookSettings
from fieldlink.relay.outlets.webhook import Webhook

SECRET = "whsec_c2VjcmV0LW9mLXRoZS1kdXR5LXBob25l"


class Receiver:
    """Somebody's server: answers with the next of `answers`, then 204, and 422 to what holds
    `refused`; keeps what it got.
    """

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.refused = b""
        self.got: list[tuple[int, dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # as http.server calls it
                body = self.rfile.read(int(self.headers["content-length"]))
                status = receiver.answers.pop(0) if receiver.answers else 204
                if receiver.refused and receiver.refused in body:
                    status = 422
                receiver.got.append((status, dict(self.headers), body))
                self.send_response(status)
                self.send_header("location", "http://127.0.0.1:1/")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?team=3"

    def taken(self) -> list[dict[str, Any]]:
        """What it took, as values."""
        return [json.loads(body) for status, _, body in self.got if status < 300]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A running server."""
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


class Site:
    """A catalogue in which alarms happen, and a webhook that runs beside it."""

    def __init__(self, folder: Path) -> None:
        self.catalogue = Catalogue.open(folder / "catalogue.sqlite", now_us=1)
        self.feed = Feed()
        self.notes: list[str] = []
        self.skew_us = 0
        self.cursor = 0
        self.beats = 0

    def alarm(
        self,
        number: int,
        kind: AlarmKind = AlarmKind.SOS,
        phase: Phase = Phase.RAISED,
        flags: int = 0,
    ) -> None:
        """An alarm is raised or ends."""
        self.cursor += 1
        ident = number.to_bytes(8, "big")
        alarm = Alarm(
            ident=ident,
            device=f"soldier-{number}",
            device_kind="soldier",
            kind=kind,
            phase=phase,
            at_us=5,
            flags=flags,
        )
        self.catalogue.hear_alarms(
            [("kit-a", alarm, 6)], lambda *_: "said", now_us=7, cursor=("alarms", self.cursor)
        )
        self.feed.publish("alarm", {})

    def beat(self) -> None:
        """The webhook lives."""
        self.beats += 1

    @asynccontextmanager
    async def telling(self, settings: WebhookSettings) -> AsyncIterator[None]:
        """While the webhook runs."""
        hook = Webhook(
            settings,
            self.catalogue,
            self.feed,
            centre="xian",
            clock=lambda: now_us() + self.skew_us,
            note=lambda _kind, _kit, text: self.notes.append(text),
            wait=lambda _state: 0.05,
        )
        task = asyncio.create_task(hook.run(self.beat))
        await until(lambda: self.catalogue.cursor(f"hook-{settings.name}") > 0)
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def until(what: Callable[[], object]) -> None:
    """Wait until `what()` is true, for at most ten seconds."""
    async with asyncio.timeout(10):
        while not what():
            await asyncio.sleep(0.02)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site."""
    made = Site(tmp_path)
    yield made
    made.catalogue.close()


def settings(receiver: Receiver, **more: Any) -> WebhookSettings:
    """A webhook to `receiver`."""
    return WebhookSettings(name="pager", url=receiver.url, **more)


def test_each_change_of_an_alarm_is_told_signed_and_nothing_from_before(
    site: Site, receiver: Receiver, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n")

    async def run() -> None:
        site.alarm(1)
        async with site.telling(settings(receiver, secret_file=secret)):
            site.alarm(2)
            await until(lambda: len(receiver.taken()) == 1)
            site.alarm(2, phase=Phase.CLEARED)
            await until(lambda: len(receiver.taken()) == 2)

    asyncio.run(run())
    assert [each["type"] for each in receiver.taken()] == ["alarm.active", "alarm.cleared"]
    data = receiver.taken()[0]["data"]
    assert (data["centre"], data["kit"], data["device"]) == ("xian", "kit-a", "soldier-2")
    for _, headers, body in receiver.got:
        lower = {name.lower(): value for name, value in headers.items()}
        assert StandardWebhook(SECRET).verify(body, lower)
    assert len({headers["webhook-id"] for _, headers, _ in receiver.got}) == 2


def test_a_server_that_fails_is_asked_again_until_it_takes_each_once(
    site: Site, receiver: Receiver
) -> None:
    receiver.answers = [500, 429, 503]

    async def run() -> None:
        async with site.telling(settings(receiver)):
            site.alarm(1)
            site.alarm(2)
            await until(lambda: len(receiver.taken()) == 2)

    asyncio.run(run())
    assert [each["data"]["device"] for each in receiver.taken()] == ["soldier-1", "soldier-2"]
    assert "500" in site.notes[0]
    first = [headers["webhook-id"] for _, headers, _ in receiver.got[:4]]
    assert len(set(first)) == 1  # the same message, so that the server may tell


def test_what_happened_while_the_centre_was_down_is_told_at_the_next_start(
    site: Site, receiver: Receiver
) -> None:
    async def run() -> None:
        async with site.telling(settings(receiver)):
            pass
        site.alarm(1)
        site.alarm(1, phase=Phase.CLEARED)
        async with site.telling(settings(receiver)):
            await until(receiver.taken)

    asyncio.run(run())
    assert [each["type"] for each in receiver.taken()] == ["alarm.cleared"]  # as it is now, once


def test_a_message_that_is_never_taken_keeps_back_no_other_and_is_left_out_at_last(
    site: Site, receiver: Receiver
) -> None:
    async def run() -> None:
        async with site.telling(settings(receiver)):
            receiver.refused = b"soldier-1"
            site.alarm(1)
            await until(lambda: len(receiver.got) == 2)
            site.alarm(2)
            await until(receiver.taken)
            assert site.catalogue.cursor("hook-pager") == 1  # the first is not given up
            site.skew_us = 601_000_000
            await until(lambda: site.catalogue.cursor("hook-pager") == 3)

    asyncio.run(run())
    assert [each["data"]["device"] for each in receiver.taken()] == ["soldier-2"]
    assert any("never took an alarm of soldier-1" in note for note in site.notes)


def test_a_server_that_drips_and_a_secret_that_is_none_are_weather(
    site: Site, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldlink.relay.outlets.webhook._TIMEOUT_S", 0.3)
    secret = tmp_path / "secret"
    secret.write_text("whsec_not/base64\n")

    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError), contextlib.closing(writer):
            while True:  # never as long silent as httpx waits
                writer.write(b"H")
                await writer.drain()
                await asyncio.sleep(0.1)

    async def run() -> None:
        server = await asyncio.start_server(drip, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        slow = WebhookSettings(name="pager", url=f"http://127.0.0.1:{port}/")
        async with server:
            async with site.telling(slow):
                site.alarm(1)
                await until(lambda: len(site.notes) == 1)
            async with site.telling(settings(receiver, secret_file=secret)):
                await until(lambda: len(site.notes) == 2)
                secret.write_text(f"{SECRET}\n")
                await until(receiver.taken)

    asyncio.run(run())
    assert "not reached" in site.notes[0]
    assert "secret" in site.notes[1]


def test_it_shows_that_it_lives_between_any_two_messages(site: Site, receiver: Receiver) -> None:
    async def run() -> None:
        async with site.telling(settings(receiver)):
            pass
        for number in range(20):
            site.alarm(number)
        site.beats = 0
        async with site.telling(settings(receiver)):
            await until(lambda: len(receiver.taken()) == 20)

    asyncio.run(run())
    assert site.beats >= 20


def test_only_what_was_asked_for_is_told(site: Site, receiver: Receiver) -> None:
    async def run() -> None:
        async with site.telling(settings(receiver, kinds=[AlarmKind.GAS])):
            site.alarm(1)
            site.alarm(2, AlarmKind.GAS, flags=Flag.EXERCISE)
            site.alarm(3, AlarmKind.GAS)
            await until(receiver.taken)

    asyncio.run(run())
    assert [each["data"]["device"] for each in receiver.taken()] == ["soldier-3"]


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://x/y", "https://user:pw@x/", "https://", "file:///etc/passwd"),
        *("https://x:port/", "https://x:99999/", "https://[::1/", "https://-.-\u2025/"),
    ],
)
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="write https://host/path"):
        WebhookSettings(name="a", url=url)
