"""What Linux tells of a TCP connection: struct tcp_info (linux/tcp.h), as far as it has grown.

An older kernel returns a shorter struct; what it lacks is 0 here.
"""

import fcntl
import socket
import struct
import termios
from dataclasses import dataclass

__all__ = ["TcpInfo", "read_tcp_info", "unacknowledged_bytes"]

# tcpi_state .. flags; tcpi_rto .. tcpi_total_retrans; pacing, acked and received; segments,
# not sent, least round trip; delivery rate and limits; delivered; bytes sent and repeated.
_FIELDS = struct.Struct("=8B24I4Q6I4Q2I2Q")
_READ_BYTES = 256


@dataclass(frozen=True, slots=True)
class TcpInfo:
    """One reading. `unacked`, `sacked`, `lost`, `retrans` and `delivered` are segments
    of `mss_bytes`;
    `rtt_us` and `rttvar_us` are smoothed; `last_ack_ms` is how long ago the last acknowledgement
    came; `bytes_sent` are TCP's payload, `bytes_retrans` the part of it that was sent again;
    `bytes_acked` is one more once the SYN is acknowledged.
    """

    backoff: int
    rto_us: int
    mss_bytes: int
    unacked: int
    sacked: int
    lost: int
    retrans: int
    last_ack_ms: int
    rtt_us: int
    rttvar_us: int
    pacing_bytes_s: int
    bytes_acked: int
    bytes_received: int
    segs_out: int
    segs_in: int
    notsent_bytes: int
    min_rtt_us: int
    delivery_bytes_s: int
    delivered: int
    bytes_sent: int
    bytes_retrans: int
    data_segs_out: int

    @property
    def segment_bytes(self) -> float:
        """How long its segments are on average: many are shorter than they could be."""
        return self.bytes_sent / self.data_segs_out if self.data_segs_out else self.mss_bytes

    @property
    def network_bytes(self) -> int:
        """What is in the network: sent, and neither arrived nor known to be lost."""
        segments = max(self.unacked - self.sacked - self.lost + self.retrans, 0)
        return round(segments * self.segment_bytes)

    @property
    def delivered_bytes(self) -> int:
        """What the other end has, in order or not: it grows evenly, `bytes_acked` in jumps."""
        return round(max(self.delivered - 1, 0) * self.segment_bytes)  # the SYN is one, too

    def wire_bytes(self, header_bytes: int = 52) -> int:
        """What crossed the interface so far, both ways, with `header_bytes` for each segment
        (52: IPv4, TCP with timestamps; 72 for IPv6).
        """
        return self.bytes_sent + self.bytes_received + header_bytes * (self.segs_out + self.segs_in)


def read_tcp_info(sock: socket.socket) -> TcpInfo | None:
    """The kernel's figures for `sock`; None once it is closed."""
    try:
        raw = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _READ_BYTES)
    except OSError:
        return None
    return parse_tcp_info(raw)


def parse_tcp_info(raw: bytes) -> TcpInfo:
    """The figures in a struct tcp_info; a shorter one is taken as far as it goes."""
    values = _FIELDS.unpack(raw[: _FIELDS.size].ljust(_FIELDS.size, b"\0"))
    words, longs, counts = values[8:32], values[32:36], values[36:42]
    return TcpInfo(
        backoff=values[4],
        rto_us=words[0],
        mss_bytes=words[2],
        unacked=words[4],
        sacked=words[5],
        lost=words[6],
        retrans=words[7],
        last_ack_ms=words[12],
        rtt_us=words[15],
        rttvar_us=words[16],
        pacing_bytes_s=longs[0],
        bytes_acked=longs[2],
        bytes_received=longs[3],
        segs_out=counts[0],
        segs_in=counts[1],
        notsent_bytes=counts[2],
        min_rtt_us=counts[3],
        delivery_bytes_s=values[42],
        delivered=values[46],
        bytes_sent=values[48],
        bytes_retrans=values[49],
        data_segs_out=counts[5],
    )


def unacknowledged_bytes(sock: socket.socket) -> int | None:
    """How many bytes in `sock` the peer's TCP has not acknowledged yet; None once it is closed."""
    try:
        raw = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
    except (OSError, ValueError):
        return None
    return int.from_bytes(raw, "little")
