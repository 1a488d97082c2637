"""The kernel's figures for a connection on loopback, and bytes that are none."""

import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.systemd.tcp_info import parse_tcp_info, read_tcp_info, unacknowledged_bytes


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a connection."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as one,
    ):
        other, _ = server.accept()
        with other:
            yield one, other


def test_what_was_sent_and_has_arrived_is_counted(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    one, other = pair
    one.sendall(b"x" * 30_000)
    got = 0
    while got < 30_000:
        got += len(other.recv(65_536))
    one.sendall(b"y")  # its acknowledgement says that of all before it, too
    assert other.recv(10) == b"y"
    while unacknowledged_bytes(one):
        pass
    info = read_tcp_info(one)
    assert info is not None
    assert info.bytes_sent - info.bytes_retrans == 30_001
    assert 30_001 <= info.bytes_acked <= 30_002  # the SYN counts in some kernels
    assert info.network_bytes == 0
    assert info.notsent_bytes == 0
    assert abs(info.delivered_bytes - 30_001) <= 0.2 * 30_001
    assert info.rtt_us > 0
    assert info.wire_bytes() > 30_001 + 52 * info.segs_out


def test_what_waits_for_a_reader_is_seen(pair: tuple[socket.socket, socket.socket]) -> None:
    one, _ = pair
    one.setblocking(False)
    sent = 0
    try:
        while True:
            sent += one.send(b"x" * 65_536)
    except BlockingIOError:
        pass
    info, waiting = read_tcp_info(one), unacknowledged_bytes(one)
    assert info is not None
    assert waiting is not None
    assert waiting > 0
    assert info.notsent_bytes > 0


def test_a_closed_socket_has_no_figures(pair: tuple[socket.socket, socket.socket]) -> None:
    one, _ = pair
    one.close()
    assert read_tcp_info(one) is None
    assert unacknowledged_bytes(one) is None


@given(st.binary(max_size=300))
def test_a_shorter_struct_of_an_older_kernel_is_taken_as_far_as_it_goes(raw: bytes) -> None:
    info = parse_tcp_info(raw)
    assert info.network_bytes >= 0
    assert parse_tcp_info(raw[:104]).bytes_sent == 0
