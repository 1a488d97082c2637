"""Residuals in as few bits as they need: Rice codes, in segments of 256, each with a parameter.

A residual z (zigzagged: not negative) of parameter k is its low k bits, and z >> k in unary: that
many zeros and a one. A segment holds the low bits of all, then the unary of all, so that both are
made and taken apart by whole arrays; over short segments plain Python is faster than numpy.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fieldlink.codecs.fault import CodecError

from .cursor import Cursor, put_varint

__all__ = [
    "ESCAPE",
    "MAX_K",
    "SEGMENT",
    "SHORT",
    "get_rice",
    "pick_k",
    "put_rice",
    "put_rice_large",
]

SEGMENT = 256
SHORT = 40
"""Up to so many values plain Python is faster."""
ESCAPE = 24
"""A quotient of this or more is written as this, and the rest behind the segment as a varint."""
MAX_K = 56
_ESCAPED_BITS = ESCAPE + 17  # about what an escaped one costs

Longs = NDArray[np.uint64]


def pick_k(residuals: Sequence[int]) -> tuple[int, int]:
    """The parameter for a short segment, and how many bits it then takes (escapes estimated)."""
    middle = sorted(residuals)[len(residuals) // 2].bit_length()
    best = (1 << 62, 0)
    for k in range(max(0, middle - 1), min(middle + 2, MAX_K + 1)):
        bits = len(residuals) * (k + 1)
        for residual in residuals:
            quotient = residual >> k
            bits += quotient if quotient < ESCAPE else _ESCAPED_BITS
        best = min(best, (bits, k))
    return best[1], best[0]


def put_rice(out: bytearray, residuals: Sequence[int], k: int) -> None:
    """Append a short segment's bits; the parameter is written by the caller."""
    quotients = [residual >> k for residual in residuals]
    low = ""
    if k:
        mask, form = (1 << k) - 1, f"0{k}b"
        low = "".join([format(residual & mask, form) for residual in residuals])
    unary = "1".join(["0" * min(quotient, ESCAPE) for quotient in quotients])
    bits = f"{low}{unary}1"
    octets = (len(bits) + 7) // 8
    out += (int(bits, 2) << (octets * 8 - len(bits))).to_bytes(octets, "big")
    if max(quotients) >= ESCAPE:
        for quotient in quotients:
            if quotient >= ESCAPE:
                put_varint(out, quotient - ESCAPE)


def get_rice(cursor: Cursor, count: int, k: int) -> list[int] | Longs:
    """A segment's `count` residuals: a list if they are few, an array if not.

    Raises:
        CodecError: the bits end too early, or a code is none.
    """
    if k > MAX_K:
        raise CodecError("coding", f"a Rice parameter of {k}; it may be at most {MAX_K}")
    low_bits = count * k
    most = (low_bits + count * (ESCAPE + 1) + 7) // 8
    window = cursor.data[cursor.at : cursor.at + most]
    if count <= SHORT:
        return _short(cursor, window, count, k)
    return _long(cursor, window, count, k)


def _short(cursor: Cursor, window: bytes, count: int, k: int) -> list[int]:
    bits = format(int.from_bytes(window, "big"), f"0{len(window) * 8}b") if window else ""
    low_bits = count * k
    zeros = bits[low_bits:].split("1", count)
    if len(zeros) <= count:
        raise _broken()
    rest = len(zeros.pop())
    quotients = list(map(len, zeros))
    _after(cursor, len(bits) - rest, window)
    if max(quotients) >= ESCAPE:
        quotients = _escaped(cursor, quotients, k)
    if not k:
        return quotients
    lows = [int(bits[at : at + k], 2) for at in range(0, low_bits, k)]
    return [quotient << k | low for quotient, low in zip(quotients, lows, strict=True)]


def _long(cursor: Cursor, window: bytes, count: int, k: int) -> Longs:
    bits = np.unpackbits(np.frombuffer(window, np.uint8))
    low_bits = count * k
    ends = np.flatnonzero(bits[low_bits:])[:count]
    if len(ends) < count:
        raise _broken()
    quotients = np.diff(ends, prepend=-1) - 1
    _after(cursor, low_bits + int(ends[-1]) + 1, window)
    if int(quotients.max()) >= ESCAPE:
        high = np.array(_escaped(cursor, quotients.tolist(), k), np.uint64)
    else:
        high = quotients.astype(np.uint64)
    if not k:
        return high
    powers = np.left_shift(np.uint64(1), np.arange(k - 1, -1, -1, dtype=np.uint64))
    lows = bits[:low_bits].reshape(count, k) @ powers
    joined: Longs = (high << np.uint64(k)) | lows
    return joined


def _after(cursor: Cursor, bits: int, window: bytes) -> None:
    """Move behind a segment of `bits`; what fills its last byte has to be zeros."""
    octets = (bits + 7) // 8
    if window[octets - 1] & ((1 << (octets * 8 - bits)) - 1):
        raise CodecError("coding", "bits that mean nothing are not zero")
    cursor.at += octets


def _escaped(cursor: Cursor, quotients: list[int], k: int) -> list[int]:
    if max(quotients) > ESCAPE:
        raise _broken()
    whole = [one if one < ESCAPE else ESCAPE + cursor.varint() for one in quotients]
    if max(whole) >> (64 - k):
        raise CodecError("coding", "a residual of more than 64 bits")
    return whole


def _broken() -> CodecError:
    return CodecError("coding", "Rice codes that end too early, or a quotient beyond the escape")


def put_rice_large(out: bytearray, residuals: Longs, first: int, *, zeros: bool) -> None:
    """Append segments of 256 of any number of residuals, each with the best parameter; the first
    one's goes into the byte at `first` of `out`, added to what is there. Without `zeros` that is
    never 0, which stands for a segment of zeros.
    """
    starts = np.arange(0, len(residuals), SEGMENT)
    for number, (start, k) in enumerate(
        zip(starts.tolist(), _best(residuals, starts), strict=True)
    ):
        segment = residuals[start : start + SEGMENT]
        code = k + 1 if segment.any() or not (number or zeros) else 0
        if number:
            out.append(code)
        else:
            out[first] += code
        if code:
            _put_segment(out, segment, k)


def _best(residuals: Longs, starts: NDArray[Any]) -> list[int]:
    top = min(int(residuals.max()).bit_length(), MAX_K)
    costs = []
    for k in range(top + 1):
        quotients = residuals >> np.uint64(k)
        bits = np.where(quotients < ESCAPE, quotients, np.uint64(_ESCAPED_BITS)) + np.uint64(k + 1)
        costs.append(np.add.reduceat(bits, starts))
    best: list[int] = np.argmin(costs, axis=0).tolist()
    return best


def _put_segment(out: bytearray, residuals: Longs, k: int) -> None:
    quotients = residuals >> np.uint64(k)
    written = np.minimum(quotients, np.uint64(ESCAPE)).astype(np.int64)
    ends = np.cumsum(written + 1)
    low_bits = len(residuals) * k
    bits = np.zeros(low_bits + int(ends[-1]), np.uint8)
    if k:
        places = np.arange(k - 1, -1, -1, dtype=np.uint64)
        bits[:low_bits] = ((residuals[:, None] >> places) & np.uint64(1)).ravel()
    bits[low_bits + ends - 1] = 1
    out += np.packbits(bits).tobytes()
    for quotient in quotients[quotients >= ESCAPE].tolist():
        put_varint(out, quotient - ESCAPE)
