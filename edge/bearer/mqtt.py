"""The MQTT end of a bearer: the socket's options, the kit's topics, frames in and out."""

import socket
import time
from collections.abc import Callable

from fieldlink.codecs.fault import CodecError, LinkError
from fieldlink.codecs.wire import (
    Ack,
    Frame,
    Welcome,
    decode_frame,
    down_filter,
    down_topic,
    encode_frame,
    up_topic,
)
from fieldlink.edge.bearer.settings import BearerSettings
from fieldlink.edge.identity import Identity
from fieldlink.systemd.mqtt import MqttConnection

__all__ = ["Link"]

_LOWAT_BYTES = 64_000
_USER_TIMEOUT_MS = 60_000
_TCP_NOTSENT_LOWAT = 25  # Linux; not in the socket module


class Link:
    """One live connection to the centre. What the centre says goes to `on_frame`, bytes that
    are no frame for a kit are counted in `malformed`; both happen on the network thread.
    """

    def __init__(self, kit: str, on_frame: Callable[[Ack | Welcome], None]) -> None:
        self.malformed = 0
        self.congestion = "system"
        self._kit = kit
        self._on_frame = on_frame
        self._connection: MqttConnection | None = None

    async def open(self, identity: Identity, settings: BearerSettings) -> MqttConnection:
        """Connect as `identity`.

        Raises:
            LinkError: it cannot, with the reason.
        """
        try:
            self._connection = await MqttConnection.open(
                identity.broker_host,
                identity.broker_port,
                client_id=identity.client_id(settings.name),
                tls=identity.tls,
                subscriptions=[down_filter(identity.kit)],
                on_message=self._take,
                keepalive_s=round(settings.keepalive),
                prepare_socket=lambda sock: self._prepare(sock, settings),
            )
        except LinkError as error:
            raise _with_clock(error) from error
        return self._connection

    def send(self, connection: MqttConnection, kind: str, frame: Frame) -> None:
        """Publish `frame` on the kit's topic for `kind`.

        Raises:
            LinkError: the connection is down.
        """
        connection.publish(up_topic(self._kit, kind), encode_frame(frame))

    def _take(self, topic: str, payload: bytes) -> None:
        try:
            frame = decode_frame(payload)
        except CodecError:
            self.malformed += 1
            return
        kind = type(frame).__name__.lower()
        if isinstance(frame, Ack | Welcome) and topic == down_topic(self._kit, kind):
            self._on_frame(frame)
        else:
            self.malformed += 1

    def _prepare(self, sock: socket.socket, settings: BearerSettings) -> None:
        # An outage of hours ends in a clean break; an alarm does not queue behind megabytes.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _USER_TIMEOUT_MS)
        sock.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, _LOWAT_BYTES)
        if settings.congestion == "system":
            return
        try:
            name = settings.congestion.encode()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name)
            self.congestion = settings.congestion
        except OSError:
            # Not in net.ipv4.tcp_allowed_congestion_control: slower, not broken; status says so.
            self.congestion = "system"


def _with_clock(error: LinkError) -> LinkError:
    """A box whose clock battery is dead takes every certificate for one of another year's."""
    said = str(error)
    if "not yet valid" in said or "expired" in said:
        today = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
        return LinkError(f"{said}; this kit's clock says {today}: set it if that is wrong")
    return error
