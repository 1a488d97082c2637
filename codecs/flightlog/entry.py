"""A record of either kind of file."""

from typing import Any, NamedTuple

__all__ = ["LogEntry"]


class LogEntry(NamedTuple):
    """`name` is the kind of record, `instance` which of several sensors, `offset` the byte of the
    file at which it begins. `values` are in the units of the file.
    """

    offset: int
    name: str
    instance: int
    values: dict[str, Any]
