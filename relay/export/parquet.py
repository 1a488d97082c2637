"""Apache Parquet with zstd: what pandas, DuckDB, Spark and QGIS read. Needs pyarrow, which is an
extra: it is larger than all of the rest together.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from fieldlink.codecs.fault import ConfigError
from fieldlink.codecs.telemetry import Column
from fieldlink.relay.export.rows import FIXED, Line, Table, marks_of

__all__ = ["parquet"]

_GROUP = 50_000


def parquet(table: Table) -> Iterator[bytes]:
    """The file, a row group at a time.

    Times are timestamps in UTC microseconds; values are doubles, the nearest to the decimal that
    was measured; a column's unit stands in its field's metadata under "unit".

    Raises:
        ConfigError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter
    except ImportError as error:
        raise ConfigError(
            "Parquet needs pyarrow: run pip install 'fieldlink[parquet]', or ask for CSV"
        ) from error
    schema = _schema(pa, table)
    return _pieces(pa, ParquetWriter, schema, table)


def _pieces(pa: Any, writer_of: Any, schema: Any, table: Table) -> Iterator[bytes]:
    sink = _Sink()
    lines = iter(table.lines)
    with writer_of(sink, schema, compression="zstd") as writer:
        while group := list(islice(lines, _GROUP)):
            writer.write_batch(pa.record_batch(_arrays(pa, schema, group), schema=schema))
            yield sink.taken()
    yield sink.taken()


def _schema(pa: Any, table: Table) -> Any:
    kinds = {
        "time": pa.timestamp("us", tz="UTC"),
        **dict.fromkeys(("kit", "device"), pa.dictionary(pa.int32(), pa.string())),
        **dict.fromkeys(("epoch", "sequence", "error_us"), pa.int64()),
        "marks": pa.string(),
    }
    fixed = [pa.field(name, kinds[name]) for name in FIXED]
    return pa.schema([*fixed, *(_field(pa, column) for column in table.columns)])


def _field(pa: Any, column: Column) -> Any:
    kind = pa.string() if column.is_text else pa.float64()
    # A column of a device's own could have the name of one that every table has.
    name = f"{column.name}_" if column.name in FIXED else column.name
    return pa.field(name, kind, metadata={"unit": column.unit} if column.unit else None)


def _arrays(pa: Any, schema: Any, group: list[Line]) -> list[Any]:
    fixed: list[list[Any]] = [
        [line.time_us for line in group],
        [line.kit for line in group],
        [line.device for line in group],
        [line.epoch for line in group],
        [line.sequence for line in group],
        [marks_of(line.flags) for line in group],
        [line.error_us for line in group],
    ]
    width = len(schema) - len(fixed)
    values: list[list[Any]] = [[line.values[at] for line in group] for at in range(width)]
    arrays = []
    for column, field in zip(fixed + values, schema, strict=True):
        if pa.types.is_float64(field.type):
            column = [None if value is None else float(value) for value in column]
        arrays.append(pa.array(column, type=field.type))
    return arrays


class _Sink:
    """A file whose bytes are taken as they come."""

    closed = False

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._at = 0

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._pieces.append(piece)
        self._at += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """What was written stays to be taken."""

    def taken(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken
