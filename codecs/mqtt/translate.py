"""One connection: what a client says in MQTT 5 or 3.1.1, as 3.1.1 with QoS 0 and 1 for the broker.

Properties are dropped: none is needed by a client that is told a Maximum QoS of 1 and no topic
aliases. A will is dropped with them, and sessions are clean. QoS 2 towards the broker ends here:
each message goes on once, and the client gets its PUBREC and PUBCOMP (MQTT 5, 4.3.3).
"""

from collections import OrderedDict

from fieldlink.codecs.fault import CodecError

from .packets import MAX_PACKET_BYTES, Fields, Framer, packet, text

__all__ = ["MAX_PACKET_BYTES", "Translator"]

_CONNECT, _CONNACK, _PUBLISH, _PUBACK, _PUBREC, _PUBREL, _PUBCOMP = range(1, 8)
_SUBSCRIBE, _SUBACK, _UNSUBSCRIBE, _UNSUBACK, _PINGREQ, _PINGRESP, _DISCONNECT = range(8, 15)
_V311, _V5 = 4, 5
_CLEAN, _WILL, _WILL_BITS, _USER, _PASSWORD = 0x02, 0x04, 0x3C, 0x80, 0x40
_MAX_HELD = 1_000
_MAX_TOPICS = 1_000
# CONNACK: what 3.1.1 says, and the reason code of 5 (3.2.2.2).
_REASONS = {0: 0x00, 1: 0x84, 2: 0x85, 3: 0x88, 4: 0x86, 5: 0x87}
_NO_PROPERTIES = b"\x00"
_MAXIMUM_QOS_1 = b"\x02\x24\x01"


class Translator:
    """Feed it with what comes from either end; take what goes to each with `take_*`."""

    def __init__(self) -> None:
        self._client, self._broker = Framer(), Framer()
        self._to_client, self._to_broker = bytearray(), bytearray()
        self._version: int | None = None
        self._held: OrderedDict[bytes, None] = OrderedDict()
        self._unsubscribed: dict[bytes, int] = {}

    @property
    def version(self) -> int | None:
        """What the client speaks: 4 (3.1.1), 5, or what else it said; None: nothing yet."""
        return self._version

    def take_to_client(self) -> bytes:
        """What goes to the client."""
        data = bytes(self._to_client)
        self._to_client.clear()
        return data

    def take_to_broker(self) -> bytes:
        """What goes to the broker."""
        data = bytes(self._to_broker)
        self._to_broker.clear()
        return data

    # --- from the client -----------------------------------------------------------------------

    def from_client(self, data: bytes) -> None:
        """Bytes of the client.

        Raises:
            CodecError: they are no MQTT; close the connection.
        """
        for first, body in self._client.feed(data):
            kind = first >> 4
            if (kind == _CONNECT) != (self._version is None):
                raise CodecError("order", "a connection begins with one CONNECT")
            if kind == _CONNECT:
                self._connect(first, body)
            elif kind == _PUBLISH:
                self._publish(first, body)
            elif kind == _PUBREL:
                self._held.pop(body[:2], None)
                self._to_client += packet(_PUBCOMP << 4, Fields(body).take(2))
            elif kind in (_PUBREC, _PUBCOMP):
                continue  # of QoS 2, which no subscription here has
            elif self._version != _V5:
                self._to_broker += packet(first, body)
            else:
                self._other(kind, first, body)

    def _connect(self, first: int, body: bytes) -> None:
        fields = Fields(body)
        name, level, flags = fields.text(), fields.take(1)[0], fields.take(1)[0]
        self._version = level
        if level != _V5 or name != text(b"MQTT"):
            self._to_broker += packet(first, body)  # the broker has an answer to whatever it is
            return
        keepalive = fields.take(2)
        fields.skip_properties()
        client = fields.text()
        if flags & _WILL:
            fields.skip_properties()
            fields.text()
            fields.text()
        login = (fields.text() if flags & _USER else b"") + (
            fields.text() if flags & _PASSWORD else b""
        )
        kept = (flags & (_USER | _PASSWORD)) | _CLEAN
        head = text(b"MQTT") + bytes([_V311, kept]) + keepalive
        self._to_broker += packet(first, head + client + login)

    def _publish(self, first: int, body: bytes) -> None:
        fields, qos = Fields(body), first >> 1 & 3
        topic = fields.text()
        number = fields.take(2) if qos else b""
        if self._version == _V5:
            fields.skip_properties()
            if len(topic) == 2:
                raise CodecError("topic", "a topic alias, although none is allowed")
        if qos == 3:
            raise CodecError("qos", "QoS 3 does not exist")
        if qos == 2:
            self._hold(number, packet(first & ~0x0E, topic + fields.rest()))
        else:
            self._to_broker += packet(first, topic + number + fields.rest())

    def _hold(self, number: bytes, once: bytes) -> None:
        if number not in self._held:
            self._held[number] = None
            self._to_broker += once
            if len(self._held) > _MAX_HELD:
                self._held.popitem(last=False)
        self._to_client += packet(_PUBREC << 4, number)

    def _other(self, kind: int, first: int, body: bytes) -> None:
        fields = Fields(body)
        if kind == _PUBACK:
            self._to_broker += packet(first, fields.take(2))
        elif kind == _SUBSCRIBE:
            number = fields.take(2)
            fields.skip_properties()
            wanted: list[bytes] = []
            while not fields.is_empty:
                wanted.append(fields.text() + bytes([min(fields.take(1)[0] & 3, 1)]))
                _bounded(wanted)
            self._to_broker += packet(first, number + b"".join(wanted))
        elif kind == _UNSUBSCRIBE:
            number = fields.take(2)
            fields.skip_properties()
            topics: list[bytes] = []
            while not fields.is_empty:
                topics.append(fields.text())
                _bounded(topics)
            if len(self._unsubscribed) < _MAX_HELD:
                self._unsubscribed[number] = len(topics)
            self._to_broker += packet(first, number + b"".join(topics))
        elif kind in (_PINGREQ, _DISCONNECT):
            self._to_broker += packet(kind << 4, b"")
        else:
            raise CodecError("packet", f"a packet of kind {kind} from a client")

    # --- from the broker -----------------------------------------------------------------------

    def from_broker(self, data: bytes) -> None:
        """Bytes of the broker, 3.1.1.

        Raises:
            CodecError: they are no MQTT; close the connection.
        """
        for first, body in self._broker.feed(data):
            if self._version == _V5:
                self._to_client += packet(first, self._newer(first >> 4, first, body))
            else:
                self._to_client += packet(first, body)

    def _newer(self, kind: int, first: int, body: bytes) -> bytes:
        fields = Fields(body)
        if kind == _CONNACK:
            flags, code = fields.take(2)
            properties = _MAXIMUM_QOS_1 if code == 0 else _NO_PROPERTIES
            return bytes([flags & 1, _REASONS.get(code, 0x80)]) + properties
        if kind == _PUBLISH:
            head = fields.text() + (fields.take(2) if first & 0x06 else b"")
            return head + _NO_PROPERTIES + fields.rest()
        if kind == _SUBACK:
            return fields.take(2) + _NO_PROPERTIES + fields.rest()
        if kind == _UNSUBACK:
            number = fields.take(2)
            return number + _NO_PROPERTIES + bytes(self._unsubscribed.pop(number, 1))
        return body


def _bounded(topics: list[bytes]) -> None:
    # A controller has ten; a hundred thousand in one packet would hold up everything else.
    if len(topics) > _MAX_TOPICS:
        raise CodecError("many", f"over {_MAX_TOPICS} topics in one packet")
