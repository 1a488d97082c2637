"""Connections over one interface: made until there is one, with a plain reason until then."""

import asyncio
import socket
import threading
from collections.abc import Callable

import pytest

from fieldlink.edge.bearer.dial import Dialer, Places, Route

_NOBODY = "10.99.99.99"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _with(dialer: Dialer, route: Route, what: Callable[[], object], limit_s: float) -> None:
    """Run `dialer` on `route` until `what()` is true."""
    running = asyncio.create_task(dialer.run(lambda: route))
    getting = asyncio.create_task(dialer.get(0))
    try:
        async with asyncio.timeout(limit_s):
            while not what() and not getting.done():
                await asyncio.sleep(0.02)
        if getting.done():
            getting.result().close()
    finally:
        for task in (running, getting):
            task.cancel()
        await asyncio.wait({running, getting})


def _dialer() -> Dialer:
    return Dialer(lambda _: None, lambda: None)


@pytest.mark.parametrize(
    ("route", "reason"),
    [
        (Route("127.0.0.1", 1, interface="wwan7"), "there is no interface wwan7; see modem"),
        (Route("127.0.0.1", 1, source="192.0.2.77"), "no interface has the address 192.0.2.77"),
        (Route("127.0.0.1", 1), "127.0.0.1:1: connection refused"),
        (Route("no-such-host.invalid", 1), "no-such-host.invalid:1: "),
        (Route("a..b", 1), "a..b:1: no host can be called so"),
    ],
)
def test_why_there_is_no_connection_is_said_in_plain_words(route: Route, reason: str) -> None:
    dialer = _dialer()
    asyncio.run(_with(dialer, route, lambda: dialer.reason, 20))
    assert dialer.reason.startswith(reason)


def test_an_interface_that_is_there_is_used() -> None:
    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            route = Route("127.0.0.1", server.getsockname()[1], interface="lo", source="127.0.0.1")
            dialer = _dialer()
            running = asyncio.create_task(dialer.run(lambda: route))
            one, two = await asyncio.gather(dialer.get(0), dialer.get(1))
            for sock in (one, two):
                assert sock.getsockname()[0] == "127.0.0.1"
                assert sock.getpeername()[1] == route.port
                sock.close()
            running.cancel()
            await asyncio.wait({running})

    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_a_centre_that_refuses_is_tried_again_until_it_listens() -> None:
    async def scenario() -> None:
        port = _free_port()
        dialer = _dialer()
        running = asyncio.create_task(dialer.run(lambda: Route("127.0.0.1", port)))
        getting = asyncio.create_task(dialer.get(0))
        while "refused" not in dialer.reason:
            await asyncio.sleep(0.01)
        with socket.create_server(("127.0.0.1", port)):
            (await getting).close()
        assert dialer.reason == ""
        running.cancel()
        await asyncio.wait({running})

    asyncio.run(asyncio.wait_for(scenario(), 30))


def test_who_does_not_want_a_connection_any_more_leaves_none_behind() -> None:
    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            route = Route("127.0.0.1", server.getsockname()[1])
            dialer = _dialer()
            running = asyncio.create_task(dialer.run(lambda: route))
            for _ in range(20):
                getting = asyncio.create_task(dialer.get(0))
                await asyncio.sleep(0.001)
                getting.cancel()
                await asyncio.wait({getting})
                if not getting.cancelled():
                    getting.result().close()
            running.cancel()
            await asyncio.wait({running})

    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_bearers_that_share_what_the_centre_is_called_look_it_up_once_while_that_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = threading.Event()
    asked: list[str] = []

    def hanging(host: str, *_: object, **__: object) -> list[object]:
        asked.append(host)
        answer.wait(20)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")

    monkeypatch.setattr(socket, "getaddrinfo", hanging)

    async def scenario() -> None:
        places = Places()
        route = Route("centre.example", 1)
        dialers = [Dialer(lambda _: None, lambda: None, places) for _ in range(4)]
        running = [asyncio.create_task(dialer.run(lambda: route)) for dialer in dialers]
        getting = [asyncio.create_task(dialer.get(0)) for dialer in dialers]
        await asyncio.sleep(0.6)
        assert asked == ["centre.example"]
        answer.set()
        while not all(dialer.reason for dialer in dialers):
            await asyncio.sleep(0.02)
        for task in (*running, *getting):
            task.cancel()
        await asyncio.wait({*running, *getting})

    asyncio.run(asyncio.wait_for(scenario(), 30))
