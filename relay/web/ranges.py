"""Byte ranges of HTTP (RFC 9110, section 14): which bytes of a file a request is about."""

import re
from dataclasses import dataclass

__all__ = ["Slice", "Unsatisfiable", "choose_slice"]

_RANGE = re.compile(r"bytes=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Slice:
    """Bytes `[start, end)` of `size`; `partial` says that the answer is 206."""

    start: int
    end: int
    size: int
    partial: bool

    @property
    def content_range(self) -> str:
        """The value of Content-Range."""
        return f"bytes {self.start}-{self.end - 1}/{self.size}"


class Unsatisfiable(Exception):  # noqa: N818  # the name HTTP gives it (416)
    """The range lies outside the file."""


def choose_slice(size: int, etag: str, wanted: str | None, if_range: str | None) -> Slice:
    """The bytes to send for the headers Range (`wanted`) and If-Range.

    A malformed range, another unit and several ranges at once are answered with the whole
    file, as RFC 9110 section 14.2 allows; an If-Range that is not this ETag does the same.

    Raises:
        Unsatisfiable: the range begins at or after the end.
    """
    whole = Slice(0, size, size, partial=False)
    match = _RANGE.fullmatch(wanted) if wanted is not None else None
    if match is None or (if_range is not None and if_range.strip() != etag):
        return whole
    first, last = match[1], match[2]
    if not first:
        return _suffix(size, last) if last else whole
    start, end = int(first), int(last) + 1 if last else size
    if last and end <= start:
        return whole
    if start >= size:
        raise Unsatisfiable
    return Slice(start, min(end, size), size, partial=True)


def _suffix(size: int, last: str) -> Slice:
    length = min(int(last), size)
    if length == 0:
        raise Unsatisfiable
    return Slice(size - length, size, size, partial=True)
