"""Reading and writing the small pieces of which blocks are made: varints, zigzag, short text."""

from fieldlink.codecs.fault import CodecError

__all__ = ["Cursor", "put_text", "put_varint", "put_zigzag", "varint_bytes"]

_MAX_VARINT = 2**64


class Cursor:
    """Takes pieces from the front of `data`, and keeps count of what they grow into.

    `left` is how many more values may be made of these bytes: a constant column of 36,000 samples
    is three bytes long, so that the length of the input bounds nothing.
    """

    __slots__ = ("at", "data", "left")

    def __init__(self, data: bytes, left: int) -> None:
        self.data = data
        self.at = 0
        self.left = left

    def varint(self) -> int:
        """An unsigned integer below 2^64: seven bits a byte, the lowest first, bit 7: more follow.

        Raises:
            CodecError: the end comes first, it is too large, or longer than it has to be.
        """
        data, at = self.data, self.at
        try:
            byte = data[at]
            if byte < 128:
                self.at = at + 1
                return byte
            value = byte & 127
            shift = 7
            while True:
                at += 1
                byte = data[at]
                value |= (byte & 127) << shift
                if byte < 128:
                    break
                shift += 7
                if shift > 63:
                    raise CodecError("field", "an integer of more than ten bytes")
        except IndexError:
            raise _truncated() from None
        if byte == 0 or value >= _MAX_VARINT:
            raise CodecError("field", "an integer that is over 64 bits, or padded")
        self.at = at + 1
        return value

    def zigzag(self) -> int:
        """A signed integer: 0, -1, 1, -2, ... as the unsigned 0, 1, 2, 3, ..."""
        value = self.varint()
        return (value >> 1) ^ -(value & 1)

    def count(self, low: int, high: int, what: str) -> int:
        """A varint from `low` to `high`."""
        value = self.varint()
        if not low <= value <= high:
            raise CodecError("field", f"{value} {what}; there may be {low} to {high}")
        return value

    def byte(self) -> int:
        """The next byte."""
        if self.at >= len(self.data):
            raise _truncated()
        self.at += 1
        return self.data[self.at - 1]

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        taken = self.data[self.at : self.at + count]
        if len(taken) != count:
            raise _truncated()
        self.at += count
        return taken

    def text(self, max_bytes: int) -> str:
        """UTF-8 behind its length in bytes. What it may hold is for the caller to judge."""
        raw = self.take(self.count(0, max_bytes, "bytes of text"))
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            raise CodecError("text", f"text that is not UTF-8 ({error.reason})") from None

    def spend(self, amount: int) -> None:
        """Count `amount` values that are about to be made.

        Raises:
            CodecError: more than is allowed.
        """
        self.left -= amount
        if self.left < 0:
            raise CodecError("size", "it would grow beyond what is allowed; bind fewer samples")

    def end(self) -> None:
        """Nothing may follow."""
        if self.at != len(self.data):
            raise CodecError("trailing", f"{len(self.data) - self.at} bytes too many")


def _truncated() -> CodecError:
    return CodecError("truncated", "the bytes end too early")


def put_varint(out: bytearray, value: int) -> None:
    """Append `value`, 0 to 2^64 - 1."""
    while value > 127:
        out.append((value & 127) | 128)
        value >>= 7
    out.append(value)


def put_zigzag(out: bytearray, value: int) -> None:
    """Append `value`, -2^63 to 2^63 - 1."""
    put_varint(out, (value << 1) if value >= 0 else ~(value << 1))


def put_text(out: bytearray, text: str) -> None:
    """Append `text` as UTF-8 behind its length."""
    raw = text.encode()
    put_varint(out, len(raw))
    out += raw


def varint_bytes(value: int) -> int:
    """How long `value` is as a varint."""
    return (value.bit_length() + 6) // 7 or 1
