"""CSV (RFC 4180) as spreadsheets read it: UTF-8 with its mark, one line for each sample.

A device's text that begins as a formula does would be run by a spreadsheet: it gets an apostrophe
before it (OWASP, "CSV Injection").
"""

import csv
import io
from collections.abc import Iterator

from fieldlink.codecs.tracks import instant, number
from fieldlink.relay.export.rows import FIXED, Line, Table, heading, marks_of

__all__ = ["csv_file"]

_PIECE = 1000
# Also as wide signs, which spreadsheets in Chinese take for the narrow ones.
_FORMULA = (*"=+-@\t\r\n", *"\uff1d\uff0b\uff0d\uff20")


def csv_file(table: Table) -> Iterator[str]:
    """The file, piece by piece."""
    scales = [column.scale for column in table.columns]
    text = io.StringIO()
    writer = csv.writer(text)
    text.write("\ufeff")
    writer.writerow([*FIXED, *map(heading, table.columns)])
    for count, line in enumerate(table.lines, 1):
        writer.writerow(_cells(line, scales))
        if count % _PIECE == 0:
            yield _taken(text)
    yield _taken(text)


def _taken(text: io.StringIO) -> str:
    taken = text.getvalue()
    text.seek(0)
    text.truncate()
    return taken


def _cells(line: Line, scales: list[int]) -> list[str | int]:
    error = "" if line.error_us is None else line.error_us
    values = [_cell(value, scale) for value, scale in zip(line.values, scales, strict=True)]
    named = (instant(line.time_us), line.kit, line.device)
    return [*named, line.epoch, line.sequence, marks_of(line.flags), error, *values]


def _cell(value: float | str | None, scale: int) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return number(value, scale)
