"""What the writers write, read back by programs that are not ours."""

import csv
import io

from pyarrow import BufferReader
from pyarrow.parquet import ParquetFile

from fieldlink.codecs.telemetry import Column, Flag
from fieldlink.relay.export.csv_file import csv_file
from fieldlink.relay.export.parquet import parquet
from fieldlink.relay.export.rows import Line, Table

T0_US = 1_795_000_000_123_000


def _table() -> Table:
    columns = (
        Column("heart_rate", "/min"),
        Column("temperature", "Cel", 2),
        Column("t", "", 0, True),
    )
    lines = [
        Line(T0_US, "kit-a", "a", 7, 1, 0, 500, (71, 36.61, "=HYPERLINK(1)")),
        Line(
            T0_US + 1, "kit-a", "b", 7, 2, Flag.CLOCK | Flag.JUMP, None, (None, None, "\uff1d1+1")
        ),
    ]
    return Table("vitals", columns, lines)


def test_csv_is_what_a_spreadsheet_reads_and_runs_nothing() -> None:
    text = "".join(csv_file(_table()))
    assert text.startswith("\ufeff")
    head, first, second = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    assert head[-3:] == ["heart_rate [/min]", "temperature [Cel]", "t"]
    assert first[-4:] == ["500", "71", "36.61", "'=HYPERLINK(1)"]
    assert second[-5:] == ["jump clock", "", "", "", "'\uff1d1+1"]


def test_parquet_is_read_back_by_pyarrow_with_units_and_nothing_for_unknown() -> None:
    file = ParquetFile(BufferReader(b"".join(parquet(_table()))))
    read = file.read()
    assert read.column("temperature").to_pylist() == [36.61, None]
    assert read.column("error_us").to_pylist() == [500, None]
    assert read.column("marks").to_pylist() == ["", "jump clock"]
    assert read.column("device").to_pylist() == ["a", "b"]
    assert read.schema.field("temperature").metadata[b"unit"] == b"Cel"
    assert read.column("time").cast("int64").to_pylist() == [T0_US, T0_US + 1]
