"""One line of a bearer: an MQTT connection, what is on its way through it, and how TCP fares."""

import socket
import time
from collections import deque

from fieldlink.codecs.wire import Frame, encode_frame, up_topic
from fieldlink.edge.planner import Role
from fieldlink.systemd.mqtt import MqttConnection
from fieldlink.systemd.tcp_info import TcpInfo, read_tcp_info, unacknowledged_bytes

__all__ = ["Line"]


class Line:
    """A live connection. `number` was never used before; `info` is the last sample, `hears`
    says whether it is subscribed to the centre's answers.

    A message goes from paho's queue through TLS into the kernel; when TCP has it acknowledged it
    has arrived. Where the kernel stood when a chunk was written tells when that is.
    """

    def __init__(self, number: int, kit: str, role: Role) -> None:
        self.number = number
        self.role = role
        self.hears = False
        self.info: TcpInfo | None = None
        self.busy_since_s: float | None = None
        self.began_s = time.monotonic()
        self.connection: MqttConnection | None = None
        self.kit = kit
        self._nudge_s: float | None = None
        self._known = 0
        self._queue: deque[int | None] = deque()  # chunks not written yet, None for other frames
        self._written: deque[tuple[int, int]] = deque()  # chunk, where TCP's stream stood

    def written(self) -> None:
        """The oldest queued message has gone into the kernel; on the network's thread."""
        number = self._queue.popleft() if self._queue else None
        sock = self.connection.tcp if self.connection is not None else None
        if number is None or sock is None:
            return
        waiting, info = unacknowledged_bytes(sock), read_tcp_info(sock)
        if waiting is not None and info is not None:
            self._written.append((number, info.bytes_acked + waiting))

    def send(self, kind: str, frame: Frame, number: int | None = None) -> None:
        """Publish `frame` on the kit's topic for `kind`; `number` counts a line's chunks.

        Raises:
            LinkError: the connection is down.
        """
        if self.connection is not None:
            payload = encode_frame(frame)
            self._queue.append(number)
            self.connection.publish(up_topic(self.kit, kind), payload)

    def nudge_in(self, wait_s: float) -> None:
        """What was sent just now is urgent and nothing may follow it. If it is lost, TCP finds
        that by its timeout; something small a little later lets it find out by selective
        acknowledgement (RACK, RFC 8985), half a round trip sooner.
        """
        self._nudge_s = time.monotonic() + wait_s

    def nudge(self) -> None:
        """Send that, if it is time."""
        if self._nudge_s is not None and time.monotonic() >= self._nudge_s:
            self._nudge_s = None
            if self.connection is not None:
                self.connection.ping()

    def sample(self) -> TcpInfo | None:
        """TCP's figures now; None when the connection is gone."""
        sock = self.connection.tcp if self.connection is not None else None
        self._known = len(self._written)
        self.info = read_tcp_info(sock) if sock is not None else None
        if self.info is not None:
            busy = self.info.unacked > 0
            since_s = self.busy_since_s if self.busy_since_s is not None else time.monotonic()
            self.busy_since_s = since_s if busy else None
        return self.info

    def arrived(self) -> int | None:
        """The number up to which chunks have arrived; None when there is no news."""
        info, number = self.info, None
        if info is None:
            return None
        idle = not self._queue and not info.unacked and not info.notsent_bytes
        while self._known and (idle or self._written[0][1] <= info.bytes_acked):
            number = self._written.popleft()[0]
            self._known -= 1  # what was written after the sample has to wait for the next
        return number

    @property
    def header_bytes(self) -> int:
        """What IP and TCP (with timestamps) put before each segment."""
        sock = self.connection.tcp if self.connection is not None else None
        return 72 if sock is not None and sock.family == socket.AF_INET6 else 52

    @property
    def age_s(self) -> float:
        """For how long it is there."""
        return time.monotonic() - self.began_s

    @property
    def unsent_bytes(self) -> int:
        """What waits on this machine."""
        queued = self.connection.queued_bytes if self.connection is not None else 0
        return queued + (self.info.notsent_bytes if self.info is not None else 0)

    @property
    def outstanding_bytes(self) -> int:
        """What waits here or is in the network, as of the last sample and what was queued since."""
        return self.unsent_bytes + (self.info.network_bytes if self.info is not None else 0)

    @property
    def silent_s(self) -> float | None:
        """How long something has been under way without any acknowledgement; None if nothing is."""
        if self.info is None or self.busy_since_s is None:
            return None
        return min(self.info.last_ack_ms / 1000, time.monotonic() - self.busy_since_s)
