"""The web server's socket: a flood of silent connections leaves room for everybody else."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest

from fieldlink.systemd.listening import BoundedListener, Idle


@pytest.fixture
def listener() -> Iterator[BoundedListener]:
    with BoundedListener("127.0.0.1", 0, most=5, most_of_one=3) as made:
        made.setblocking(False)
        yield made


def _connect(listener: BoundedListener, source: str) -> socket.socket:
    made = socket.socket()
    made.bind((source, 0))
    made.connect(listener.getsockname())
    made.settimeout(2)
    return made


def _accept_all(listener: BoundedListener) -> list[socket.socket]:
    accepted = []
    while True:
        try:
            accepted.append(listener.accept()[0])
        except BlockingIOError:
            return accepted


def test_one_address_cannot_take_every_connection(listener: BoundedListener) -> None:
    with ExitStack() as stack:
        many = [stack.enter_context(_connect(listener, "127.0.0.1")) for _ in range(6)]
        other = stack.enter_context(_connect(listener, "127.0.0.2"))
        accepted = [stack.enter_context(each) for each in _accept_all(listener)]
        assert len(accepted) == 4
        assert {each.getpeername() for each in accepted} >= {other.getsockname()}
        assert many[-1].recv(1) == b""


def test_all_addresses_together_are_bounded_and_a_closed_one_makes_room(
    listener: BoundedListener,
) -> None:
    with ExitStack() as stack:
        for n in range(8):
            stack.enter_context(_connect(listener, f"127.0.1.{n + 1}"))
        accepted = _accept_all(listener)
        assert len(accepted) == listener.connections == 5
        for each in accepted:
            each.close()
            each.close()
        assert listener.connections == 0
        stack.enter_context(_connect(listener, "127.0.1.1"))
        for each in _accept_all(listener):
            stack.enter_context(each)
        assert listener.connections == 1


def test_connections_without_a_request_are_closed_and_others_are_not() -> None:
    now = [0.0]
    idle = Idle(30.0, lambda: now[0])
    closed: list[str] = []

    def connection(name: str, cycle: Any) -> Any:
        transport = SimpleNamespace(close=lambda: closed.append(name))
        made = SimpleNamespace(cycle=cycle, transport=transport)
        return type("Connection", (), vars(made))()

    silent = connection("silent", None)
    slow = connection("slow", SimpleNamespace(response_complete=True))
    follower = connection("follower", SimpleNamespace(response_complete=False))
    for now_s in (0.0, 20.0, 31.0):
        now[0] = now_s
        idle.look([silent, slow, follower])
    assert sorted(closed) == ["silent", "slow"]
