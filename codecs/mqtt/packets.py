"""MQTT packets: where one ends, and the fields in it (MQTT 3.1.1 and 5, chapter 2)."""

from fieldlink.codecs.fault import CodecError

__all__ = ["MAX_PACKET_BYTES", "Fields", "Framer", "packet", "text"]

MAX_PACKET_BYTES = 300 * 1024


class Framer:
    """Bytes in, whole packets out: the first byte and the body of each."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The packets that are now whole.

        Raises:
            CodecError: one is too long, or its length is none.
        """
        self._buffer += data
        found = []
        while (size := self._size()) is not None:
            begin, end = size
            found.append((self._buffer[0], bytes(self._buffer[begin:end])))
            del self._buffer[:end]
        return found

    def _size(self) -> tuple[int, int] | None:
        length = 0
        for at in range(1, 5):
            if at >= len(self._buffer):
                return None
            byte = self._buffer[at]
            length |= (byte & 0x7F) << 7 * (at - 1)
            if byte < 0x80:
                break
        else:
            raise CodecError("length", "a packet's length has more than four bytes")
        if length > MAX_PACKET_BYTES:
            raise CodecError("size", f"a packet of {length} bytes, at most {MAX_PACKET_BYTES}")
        end = at + 1 + length
        return (at + 1, end) if end <= len(self._buffer) else None


class Fields:
    """The fields of a packet's body, one after the other; too short is a CodecError."""

    def __init__(self, body: bytes) -> None:
        self._body, self._at = body, 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left."""
        return self._at >= len(self._body)

    def take(self, count: int) -> bytes:
        """So many bytes."""
        end = self._at + count
        if end > len(self._body):
            raise CodecError("truncated", "a packet ends in the middle of a field")
        taken = self._body[self._at : end]
        self._at = end
        return taken

    def text(self) -> bytes:
        """A text or binary field, with the two bytes of length before it."""
        size = self.take(2)
        return size + self.take(int.from_bytes(size, "big"))

    def skip_properties(self) -> None:
        """The properties of version 5: a varint of length, and that many bytes."""
        length = 0
        for shift in (0, 7, 14, 21):
            byte = self.take(1)[0]
            length |= (byte & 0x7F) << shift
            if byte < 0x80:
                self.take(length)
                return
        raise CodecError("length", "the length of properties has more than four bytes")

    def rest(self) -> bytes:
        """Everything that is left."""
        return self.take(len(self._body) - self._at)


def packet(first: int, body: bytes) -> bytes:
    """A whole packet."""
    made, length = bytearray([first]), len(body)
    while True:
        byte, length = length & 0x7F, length >> 7
        made.append(byte | (0x80 if length else 0))
        if not length:
            return bytes(made) + body


def text(value: bytes) -> bytes:
    """A field with its length before it."""
    return len(value).to_bytes(2, "big") + value
