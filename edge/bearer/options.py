"""The options of a bearer's sockets, set before they connect."""

import contextlib
import socket

from fieldlink.edge.planner import Role

__all__ = ["Congestion", "prepare_socket", "set_lowat", "set_role"]

_TCP_NOTSENT_LOWAT = 25  # these are Linux's, and not in the socket module
_TCP_RTO_MAX_MS = 44
_USER_TIMEOUT_MS = 60_000
_RTO_MAX_MS = 2_000
_KEEPALIVE_S = 20
_FIRST_LOWAT_BYTES = 16_000
_DSCP = {Role.URGENT: 26 << 2, Role.ALL: 26 << 2, Role.BULK: 10 << 2}  # AF31, AF11 (RFC 2597)


class Congestion:
    """Which congestion control is in use: what was asked for, or the system's if that is not
    allowed to this user (net.ipv4.tcp_allowed_congestion_control).
    """

    def __init__(self, wanted: str) -> None:
        self.wanted = wanted
        self.used = wanted

    def set(self, sock: socket.socket) -> None:
        """Set it on `sock`."""
        if self.wanted == "system":
            return
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, self.wanted.encode())
            self.used = self.wanted
        except OSError:
            self.used = "system"


def prepare_socket(sock: socket.socket, congestion: Congestion) -> None:
    """What holds for every line, before it connects."""
    tcp = socket.IPPROTO_TCP
    # An outage of hours ends in a clean break; one of seconds is over a second or two after the
    # link is back: TCP would wait up to two minutes.
    sock.setsockopt(tcp, socket.TCP_USER_TIMEOUT, _USER_TIMEOUT_MS)
    with contextlib.suppress(OSError):  # since Linux 6.15
        sock.setsockopt(tcp, _TCP_RTO_MAX_MS, _RTO_MAX_MS)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(tcp, socket.TCP_KEEPIDLE, _KEEPALIVE_S)
    sock.setsockopt(tcp, socket.TCP_KEEPINTVL, _KEEPALIVE_S)
    set_lowat(sock, _FIRST_LOWAT_BYTES)
    congestion.set(sock)


def set_role(sock: socket.socket, role: Role) -> None:
    """What depends on the line's role. Its packets are marked, for routers that look; and where it
    is not urgent, the last bytes of a chunk may wait a round trip to fill a packet.
    """
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, role is not Role.BULK)
    with contextlib.suppress(OSError):
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, _DSCP[role])
        else:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _DSCP[role])


def set_lowat(sock: socket.socket, size_bytes: int) -> None:
    """Let no more than about `size_bytes` wait unsent in the kernel."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, size_bytes)
