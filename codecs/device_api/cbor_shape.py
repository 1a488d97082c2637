"""Whether bytes are one CBOR value of a harmless shape, before anything is made of them.

RFC 8949, appendix C, with less allowed: definite or indefinite lengths of maps, arrays, text and
bytes, numbers and the simple values; no tags (dates, big numbers, regular expressions and shared
references are what decoders are attacked by), nothing behind the value.
"""

from fieldlink.codecs.fault import CodecError

__all__ = ["check_cbor"]

_BREAK = 0xFF
_TEXT, _ARRAY, _MAP, _TAG, _OTHER = 3, 4, 5, 6, 7
_MAX_ITEMS = 100_000


def check_cbor(data: bytes, max_depth: int) -> None:
    """Do nothing if `data` is one value nested at most `max_depth` deep.

    Raises:
        CodecError: it is not; says what is wrong where.
    """
    open_: list[int] = []  # what each container still lacks; -1: until a break
    at, items = 0, 0
    while True:
        if at >= len(data):
            raise CodecError("cbor", f"the message ends early, after {len(data)} bytes")
        if open_ and open_[-1] == -1 and data[at] == _BREAK:
            at += 1
        else:
            items += 1
            kind, count, at = _item(data, at)
            if kind is not None:
                if len(open_) == max_depth:
                    raise CodecError("depth", f"nested deeper than {max_depth}")
                if count > len(data) or items > _MAX_ITEMS:
                    raise CodecError("cbor", "a container of more items than the message has bytes")
                open_.append(count * (2 if kind == _MAP else 1) if count >= 0 else -1)
                if open_[-1] != 0:
                    continue
            else:
                open_.append(0)  # a value on its own closes at once, as an empty container does
        at_end = _close(open_)
        if at_end:
            if at != len(data):
                raise CodecError("cbor", f"{len(data) - at} bytes behind the value; send one value")
            return


def _close(open_: list[int]) -> bool:
    """The innermost is complete: count it in what it is part of; whether all is complete."""
    open_.pop()
    while open_ and open_[-1] > 0:
        open_[-1] -= 1
        if open_[-1]:
            return False
        open_.pop()
    return not open_


def _item(data: bytes, at: int) -> tuple[int | None, int, int]:
    """A container's kind and count (-1: until a break), or None; where the next item begins."""
    kind, low = data[at] >> 5, data[at] & 31
    if kind == _TAG:
        raise CodecError("cbor", f"a tag at byte {at}; send values without tags")
    if kind == _OTHER:
        return None, 0, _simple(at, low)
    indefinite = low == 31 and kind >= 2
    size, at = (0, at + 1) if indefinite else _argument(data, at, low)
    if kind in (_ARRAY, _MAP):
        return kind, -1 if indefinite else size, at
    if kind < 2:
        return None, 0, at
    if indefinite:
        raise CodecError("cbor", f"text or bytes in pieces at byte {at - 1}; send it whole")
    if size > len(data) - at:
        raise CodecError("cbor", f"text or bytes at byte {at} are longer than the message")
    return None, 0, at + size


def _simple(at: int, low: int) -> int:
    if low in (20, 21, 22):  # false, true, null
        return at + 1
    if low in (25, 26, 27):  # floats of 2, 4 and 8 bytes
        return at + 1 + (1 << low - 24)
    raise CodecError("cbor", f"a simple value at byte {at} that is not false, true or null")


def _argument(data: bytes, at: int, low: int) -> tuple[int, int]:
    if low < 24:
        return low, at + 1
    if low > 27:
        raise CodecError("cbor", f"a length at byte {at} that CBOR does not have")
    end = at + 1 + (1 << low - 24)
    if end > len(data):
        raise CodecError("cbor", f"the message ends early, after {len(data)} bytes")
    return int.from_bytes(data[at + 1 : end], "big"), end
