"""Which samples of a column have a value: unknown is none of the values, so it is kept apart."""

from collections.abc import Sequence
from itertools import groupby

from fieldlink.codecs.fault import CodecError

from .cursor import Cursor, put_varint

__all__ = ["get_presence", "put_presence"]

_NEVER, _RUNS, _BITS = 0, 1, 2


def put_presence(out: bytearray, values: Sequence[object]) -> None:
    """Append which of `values` (two or more, at least one of them None) are not None."""
    runs = bytearray()
    if values[0] is None:
        runs.append(0)
    for _, run in groupby(values, lambda value: value is None):
        put_varint(runs, sum(1 for _ in run))
    octets = (len(values) + 7) // 8
    if values.count(None) == len(values):
        out.append(_NEVER)
    elif len(runs) <= octets:
        out.append(_RUNS)
        out += runs
    else:
        out.append(_BITS)
        bits = "".join(["0" if value is None else "1" for value in values])
        out += (int(bits, 2) << (octets * 8 - len(values))).to_bytes(octets, "big")


def get_presence(cursor: Cursor, count: int) -> list[bool]:
    """Which of `count` values (two or more) are there.

    Raises:
        CodecError: it is no such list.
    """
    kind = cursor.byte()
    if kind == _NEVER:
        return [False] * count
    if kind == _RUNS:
        return _runs(cursor, count)
    if kind != _BITS:
        raise CodecError("coding", f"presence of kind {kind}; this end does not know it")
    octets = (count + 7) // 8
    bits = format(int.from_bytes(cursor.take(octets), "big"), f"0{octets * 8}b")
    if "1" in bits[count:]:
        raise CodecError("coding", "bits that mean nothing are not zero")
    return [bit == "1" for bit in bits[:count]]


def _runs(cursor: Cursor, count: int) -> list[bool]:
    there: list[bool] = []
    present = True
    while len(there) < count:
        # Only the first run may be empty: it says that the column begins with unknown.
        run = cursor.count(1 if there or not present else 0, count - len(there), "in a run")
        there += [present] * run
        present = not present
    return there
