"""One column of integers: differences, then the shortest way to write what is left of them.

Written as: a descriptor byte (order * 64 + coding), the first value, with order 2 the first
difference, and the residuals. Order 3 are distances from a straight line, for times that waver
around a beat. A column whose differences have a common divisor (times on a grid, positions of few
decimals) begins with 0xC0 and the divisor, and counts in it.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Generic, TypeVar

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
_LINE = 3
_LINE_BITS = 16  # a line's slope is in 65,536ths, so that over two hours it is still true
_LINE_LEAST = 8  # values, for a line to be worth a try
_LINE_REACH = 2**40
_SAFE = 2.0**62
_R = TypeVar("_R", list[int], Longs)


@dataclass(frozen=True, slots=True)
class _Plan(Generic[_R]):
    """One way to write a column: where it starts, its slope (orders 2 and 3), what is left."""

    order: int
    start: int
    slope: int
    residuals: _R

    def head(self, out: bytearray, coding: int, reference: int) -> None:
        """Append what stands before the residuals."""
        out.append(self.order * _ORDER + coding)
        put_zigzag(out, self.start - reference)
        if self.order >= 2:
            put_zigzag(out, self.slope)


def put_integers(
    out: bytearray, values: Sequence[int], reference: int, *, beat: bool = False
) -> None:
    """Append `values` (one or more, each within MAX_VALUE), the first as its distance from
    `reference`. A single value is that distance alone. With `beat` a straight line is tried too.
    """
    first = values[0]
    count = len(values)
    if count == 1:
        put_zigzag(out, first - reference)
    elif values.count(first) == count:
        _Plan(0, first, 0, list[int]()).head(out, _NOTHING, reference)
    elif count <= SHORT:
        _put_few(out, values, reference, beat and count >= _LINE_LEAST)
    else:
        _put_many(out, np.array(values, np.int64), reference, beat)


def _put_few(out: bytearray, values: Sequence[int], reference: int, beat: bool) -> None:
    first = values[0]
    steps = [after - before for before, after in pairwise(values)]
    if steps.count(steps[0]) == len(steps):
        _Plan(2, first, steps[0], list[int]()).head(out, _NOTHING, reference)
        return
    divisor = math.gcd(*steps)
    if divisor > 1:
        out.append(_DIVISOR)
        put_varint(out, divisor)
        steps = [step // divisor for step in steps]
    middle = sorted(values)[len(values) // 2]
    plans = [
        _Plan(0, middle, 0, _zigzags([(value - middle) // divisor for value in values])),
        _Plan(1, first, 0, _zigzags(steps)),
        _Plan(2, first, steps[0], _zigzags([b - a for a, b in pairwise(steps)])),
    ]
    if beat:
        plans.append(_line(values, divisor))
    best = plans[0]
    least, best_k = 1 << 62, 0
    for plan in plans:
        k, bits = pick_k(plan.residuals)
        bits += varint_bytes(abs(plan.slope) * 2) * 8 if plan.order >= 2 else 0
        if bits < least:
            least, best_k, best = bits, k, plan
    best.head(out, best_k + 1, reference)
    put_rice(out, best.residuals, best_k)


def _line(values: Sequence[int], divisor: int) -> _Plan[list[int]]:
    """The line through the middles of both halves."""
    first, count = values[0], len(values)
    half = count // 2
    rise = sum(values[count - half :]) - sum(values[:half])
    slope = (rise << _LINE_BITS) // (divisor * half * (count - half))
    left = [
        (value - first) // divisor - (slope * place >> _LINE_BITS)
        for place, value in enumerate(values)
    ]
    middle = sorted(left)[count // 2]
    return _Plan(_LINE, first + middle * divisor, slope, _zigzags([one - middle for one in left]))


def _zigzags(values: Iterable[int]) -> list[int]:
    return [value << 1 if value >= 0 else ~(value << 1) for value in values]


def _put_many(out: bytearray, values: NDArray[np.int64], reference: int, beat: bool) -> None:
    first = int(values[0])
    steps = np.diff(values)
    slope = int(steps[0])
    if (steps == slope).all():
        _Plan(2, first, slope, list[int]()).head(out, _NOTHING, reference)
        return
    divisor = int(np.gcd.reduce(steps))
    if divisor > 1:
        out.append(_DIVISOR)
        put_varint(out, divisor)
        steps //= divisor
    middle = int(np.partition(values, len(values) // 2)[len(values) // 2])
    plans = [
        _Plan(0, middle, 0, _zigzag_array((values - middle) // divisor)),
        _Plan(1, first, 0, _zigzag_array(steps)),
        _Plan(2, first, slope // divisor, _zigzag_array(np.diff(steps))),
    ]
    if beat and int(values.max()) - int(values.min()) < _LINE_REACH:
        plans.append(_line_array(values, divisor))
    guess = [float(np.log2(plan.residuals.astype(np.float64) + 1).sum()) for plan in plans]
    best = guess.index(min(guess))
    written = [_segments(plans[best], reference)]
    written += [_planes(plans[order], reference) for order in sorted({0, 1, best})]
    out += min(written, key=len)


def _line_array(values: NDArray[np.int64], divisor: int) -> _Plan[Longs]:
    first, half = int(values[0]), len(values) // 2
    counted = (values - first) // divisor
    rise = float(counted[-half:].mean() - counted[:half].mean())
    slope = int(rise * 2**_LINE_BITS / (len(values) - half))
    left = counted - (slope * np.arange(len(values)) >> _LINE_BITS)
    middle = int(np.partition(left, half)[half])
    return _Plan(_LINE, first + middle * divisor, slope, _zigzag_array(left - middle))


def _zigzag_array(values: NDArray[np.int64]) -> Longs:
    return ((values << 1) ^ (values >> 63)).view(np.uint64)


def _segments(plan: _Plan[Longs], reference: int) -> bytearray:
    out = bytearray()
    plan.head(out, 0, reference)
    # 0xC0 would be a divisor: a line's first segment is never written as zeros.
    put_rice_large(out, plan.residuals, 0, zeros=plan.order != _LINE)
    return out


def _planes(plan: _Plan[Longs], reference: int) -> bytearray:
    residuals = plan.residuals
    out = bytearray()
    plan.head(out, _PLANES, reference)
    width = (int(residuals.max()).bit_length() + 7) // 8 or 1
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
        if descriptor == _DIVISOR:
            raise CodecError("coding", "a divisor of a divisor")
    order, coding = divmod(descriptor, _ORDER)
    start = cursor.zigzag() + reference
    slope = cursor.zigzag() if order >= 2 else 0
    if order < _LINE:
        return _values(cursor, count, order, coding, start, slope, divisor)
    beside = _values(cursor, count, 0, coding, start, 0, divisor)
    return [value + (slope * place >> _LINE_BITS) * divisor for place, value in enumerate(beside)]


def _values(
    cursor: Cursor, count: int, order: int, coding: int, start: int, slope: int, divisor: int
) -> list[int]:
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
