"""Lengths and tags of SMPTE ST 336: BER (6.3) and BER-OID (6.2), and the error of this package."""

from fieldlink.codecs.fault import CodecError

__all__ = ["KlvError", "put_length", "put_tag", "read_length", "read_tag"]

_MAX_LENGTH_BYTES = 4
_MAX_TAG_BYTES = 4


class KlvError(CodecError):
    """A set is not what it should be; `at` is the byte of it where that shows."""

    def __init__(self, reason: str, detail: str, at: int) -> None:
        super().__init__(reason, f"{detail} at byte {at}")
        self.at = at


def read_length(data: bytes, at: int, end: int) -> tuple[int, int]:
    """The length at `at` and where what it counts begins; short form, or long of 1 to 4 bytes.

    Raises:
        KlvError: it ends in the middle, is indefinite or of more bytes.
    """
    if at >= end:
        raise KlvError("truncated", "it ends where a length should be", at)
    first = data[at]
    if first < 0x80:
        return first, at + 1
    count = first & 0x7F
    if not 1 <= count <= _MAX_LENGTH_BYTES:
        raise KlvError("length", f"a length of {count} bytes", at)
    if at + 1 + count > end:
        raise KlvError("truncated", "it ends in the middle of a length", at)
    return int.from_bytes(data[at + 1 : at + 1 + count]), at + 1 + count


def put_length(length: int) -> bytes:
    """`length` in the fewest bytes."""
    if length < 0x80:
        return bytes((length,))
    size = (length.bit_length() + 7) // 8
    return bytes((0x80 | size,)) + length.to_bytes(size)


def read_tag(data: bytes, at: int, end: int) -> tuple[int, int]:
    """The tag at `at` and where its length begins.

    Raises:
        KlvError: it ends in the middle, or is of more than 4 bytes.
    """
    tag = 0
    for place in range(at, at + _MAX_TAG_BYTES):
        if place >= end:
            raise KlvError("truncated", "it ends in the middle of a tag", at)
        tag = tag << 7 | data[place] & 0x7F
        if not data[place] & 0x80:
            return tag, place + 1
    raise KlvError("tag", f"a tag of more than {_MAX_TAG_BYTES} bytes", at)


def put_tag(tag: int) -> bytes:
    """`tag` in the fewest bytes."""
    out = [tag & 0x7F]
    while tag := tag >> 7:
        out.append(0x80 | tag & 0x7F)
    return bytes(reversed(out))
