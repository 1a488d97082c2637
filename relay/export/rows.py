"""What a table of samples is to every writer. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fieldlink.codecs.telemetry import Column, Flag

__all__ = ["FIXED", "Line", "Table", "heading", "marks_of"]

FIXED = ("time", "kit", "device", "epoch", "sequence", "marks", "error_us")
"""The columns that every table begins with."""


class Line(NamedTuple):
    """A sample: `values` as the table's columns, in natural units; None: unknown."""

    time_us: int
    kit: str
    device: str
    epoch: int
    sequence: int
    flags: int
    error_us: int | None
    values: Sequence[int | float | str | None]


@dataclass(frozen=True, slots=True)
class Table:
    """The samples of one stream of any number of devices; `lines` are read once."""

    stream: str
    columns: tuple[Column, ...]
    lines: Iterable[Line]


def heading(column: Column) -> str:
    """What a column is called: its name, and its unit if it has one."""
    return f"{column.name} [{column.unit}]" if column.unit else column.name


def marks_of(flags: int) -> str:
    """The names of `flags`, with a blank between."""
    return " ".join(flag.name.lower() for flag in Flag if flag & flags and flag.name)
