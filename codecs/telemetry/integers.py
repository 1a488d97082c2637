"""One column of integers: differences, then the shortest way to write what is left of them.

Written as: a descriptor byte (order * 64 + coding), the first value, with order 2 the first
difference, and the residuals. A column whose differences have a common divisor (times on a grid,
positions of few decimals) begins with 0xC0 and the divisor, and counts in it.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from fieldlink.codecs.fault import CodecError

from .cursor import Cursor, put_varint, put_zigzag, varint_bytes
from .rice import SEGMENT, SHORT, Longs, get_rice, pick_k, put_rice, put_rice_large
from .squeeze import squeeze, unsqueeze

__all__ = ["MAX_VALUE", "get_integers", "put_integers"]

MAX_VALUE = 2**60
"""No value is farther from 0: the second differences of such still fit 64 bits."""
_DIVISOR = 0xC0
_ZEROS = 0  # a segment of zeros
_PLANES = 62  # bytes of all residuals, zstd
_NOTHING = 63  # all residuals are zero
_ORDER = 64
_SAFE = 2.0**62


def put_integers(out: bytearray, values: Sequence[int], reference: int) -> None:
    """Append `values` (one or more, each within MAX_VALUE), the first as its distance from
    `reference`. A single value is that distance alone.
    """
    first = values[0]
    count = len(values)
    if count == 1:
        put_zigzag(out, first - reference)
    elif values.count(first) == count:
        _head(out, 0, _NOTHING, first - reference, 0)
    elif count <= SHORT:
        _put_few(out, values, reference)
    else:
        _put_many(out, np.array(values, np.int64), reference)


def _put_few(out: bytearray, values: Sequence[int], reference: int) -> None:
    first = values[0]
    steps = [after - before for before, after in pairwise(values)]
    slope = steps[0]
    if steps.count(slope) == len(steps):
        _head(out, 2, _NOTHING, first - reference, slope)
        return
    divisor = math.gcd(*steps)
    if divisor > 1:
        out.append(_DIVISOR)
        put_varint(out, divisor)
        steps = [step // divisor for step in steps]
        slope = steps[0]
    middle = sorted(values)[len(values) // 2]
    plans = [
        (0, middle, _zigzags([(value - middle) // divisor for value in values])),
        (1, first, _zigzags(steps)),
        (2, first, _zigzags([b - a for a, b in pairwise(steps)])),
    ]
    best = min(
        (bits + (varint_bytes(abs(slope) * 2) * 8 if order == 2 else 0), order, k)
        for order, _, residuals in plans
        for k, bits in [pick_k(residuals)]
    )
    order, start, residuals = plans[best[1]]
    k = best[2]
    _head(out, order, k + 1, start - reference, slope)
    put_rice(out, residuals, k)


def _head(out: bytearray, order: int, coding: int, start: int, slope: int) -> None:
    out.append(order * _ORDER + coding)
    put_zigzag(out, start)
    if order == 2:
        put_zigzag(out, slope)


def _zigzags(values: Iterable[int]) -> list[int]:
    return [value << 1 if value >= 0 else ~(value << 1) for value in values]


def _put_many(out: bytearray, values: NDArray[np.int64], reference: int) -> None:
    first = int(values[0])
    steps = np.diff(values)
    if (steps == steps[0]).all():
        _head(out, 2, _NOTHING, first - reference, int(steps[0]))
        return
    divisor = int(np.gcd.reduce(steps))
    if divisor > 1:
        out.append(_DIVISOR)
        put_varint(out, divisor)
        steps //= divisor
    middle = int(np.partition(values, len(values) // 2)[len(values) // 2])
    plans = [
        (middle, _zigzag_array((values - middle) // divisor)),
        (first, _zigzag_array(steps)),
        (first, _zigzag_array(np.diff(steps))),
    ]
    guess = [float(np.log2(residuals.astype(np.float64) + 1).sum()) for _, residuals in plans]
    best = guess.index(min(guess))
    written = []
    for order in {best, 1, 0}:
        start, residuals = plans[order]
        if order == best:
            written.append(_segments(order, start - reference, int(steps[0]), residuals))
        written.append(_planes(order, start - reference, int(steps[0]), residuals))
    out += min(written, key=len)


def _zigzag_array(values: NDArray[np.int64]) -> Longs:
    return ((values << 1) ^ (values >> 63)).view(np.uint64)


def _segments(order: int, start: int, slope: int, residuals: Longs) -> bytearray:
    out = bytearray()
    _head(out, order, 0, start, slope)
    put_rice_large(out, residuals, 0)
    return out


def _planes(order: int, start: int, slope: int, residuals: Longs) -> bytearray:
    out = bytearray()
    _head(out, order, _PLANES, start, slope)
    width = (int(residuals.max()).bit_length() + 7) // 8
    octets = residuals.astype("<u8").view(np.uint8).reshape(len(residuals), 8)
    frame = squeeze(octets[:, :width].T.tobytes())
    out.append(width)
    put_varint(out, len(frame))
    out += frame
    return out


def get_integers(cursor: Cursor, count: int, reference: int) -> list[int]:
    """`count` values (one or more), as `put_integers` wrote them.

    Raises:
        CodecError: they are not that, or one is beyond MAX_VALUE.
    """
    values = [cursor.zigzag() + reference] if count == 1 else _column(cursor, count, reference)
    if max(values) > MAX_VALUE or min(values) < -MAX_VALUE:
        raise CodecError("field", "a value beyond 2^60")
    return values


def _column(cursor: Cursor, count: int, reference: int) -> list[int]:
    divisor = 1
    descriptor = cursor.byte()
    if descriptor == _DIVISOR:
        divisor = cursor.count(2, 2 * MAX_VALUE, "as a divisor")
        descriptor = cursor.byte()
    order, coding = divmod(descriptor, _ORDER)
    if order > 2:
        raise CodecError("coding", f"a column of kind {descriptor}; this end does not know it")
    start = cursor.zigzag() + reference
    slope = cursor.zigzag() if order == 2 else 0
    if coding == _NOTHING:
        step = slope * divisor
        return list(range(start, start + count * step, step)) if step else [start] * count
    if count == order:
        raise CodecError("coding", "residuals of a column that has none")
    if coding == _PLANES:
        left: list[int] | Longs = _get_planes(cursor, count - order)
    else:
        left = _get_segments(cursor, count - order, coding)
    if isinstance(left, list):
        return _summed(left, order, start, slope, divisor)
    return _summed_array(left, order, start, slope, divisor)


def _get_planes(cursor: Cursor, count: int) -> Longs:
    width = cursor.byte()
    if not 1 <= width <= 8:
        raise CodecError("coding", f"planes of {width} bytes; there may be 1 to 8")
    frame = cursor.take(cursor.varint())
    raw = np.frombuffer(unsqueeze(frame, count * width), np.uint8).reshape(width, count)
    octets = np.zeros((count, 8), np.uint8)
    octets[:, :width] = raw.T
    return octets.view("<u8").ravel().astype(np.uint64)


def _get_segments(cursor: Cursor, count: int, coding: int) -> list[int] | Longs:
    if count <= SEGMENT and coding != _ZEROS:
        return get_rice(cursor, count, coding - 1)
    found = np.zeros(count, np.uint64)
    for start in range(0, count, SEGMENT):
        if start:
            coding = cursor.byte()
        if coding != _ZEROS:
            end = min(start + SEGMENT, count)
            found[start:end] = get_rice(cursor, end - start, coding - 1)
    return found


def _summed(residuals: list[int], order: int, start: int, slope: int, divisor: int) -> list[int]:
    signed = [(one >> 1) ^ -(one & 1) for one in residuals]
    if order == 2:
        signed = list(accumulate(signed, initial=slope))
    if divisor > 1:
        signed = [one * divisor for one in signed]
    if order:
        return list(accumulate(signed, initial=start))
    return [start + one for one in signed]


def _summed_array(residuals: Longs, order: int, start: int, slope: int, divisor: int) -> list[int]:
    count = len(residuals)
    # As far as sums can get. What might not fit 64 bits (no honest column) is summed the slow way.
    reach = (float(residuals.max()) * count + abs(slope)) * (count if order == 2 else 1)
    if reach * divisor + abs(start) > _SAFE:
        return _summed(residuals.tolist(), order, start, slope, divisor)
    half = residuals >> np.uint64(1)
    signed = half.view(np.int64) ^ -(residuals & np.uint64(1)).view(np.int64)
    if order == 2:
        signed = np.cumsum(np.concatenate(([slope], signed)))
    signed = signed * divisor
    if order:
        signed = np.cumsum(np.concatenate(([0], signed)))
    summed: list[int] = (signed + start).tolist()
    return summed
