"""ArduPilot's dataflash: A3 95, the kind, the values. Kind 128 (FMT) says what the others are.

Source: ArduPilot, libraries/AP_Logger/LogStructure.h and README.md. There is no checksum: a record
is damaged when what follows it is no record of a known kind.
"""

from struct import Struct
from typing import Any, NamedTuple

from fieldlink.codecs.fault import CodecError

from .entry import LogEntry

__all__ = ["DataflashReader"]

_HEAD = b"\xa3\x95"
_FMT, _FMT_BYTES = 128, 89
_DESCRIPTION = Struct("<BB4s16s64s")
# A letter of a format: how it is stored, and what its value is divided by; 0 for text.
_FORMS = {
    **{letter: (letter, 1.0) for letter in "bBhHiIfdqQ"},
    "M": ("B", 1.0),
    "c": ("h", 100.0),
    "C": ("H", 100.0),
    "e": ("i", 100.0),
    "E": ("I", 100.0),
    "L": ("i", 1e7),
    "n": ("4s", 0.0),
    "N": ("16s", 0.0),
    "Z": ("64s", 0.0),
    "a": ("64s", 0.0),
}


class _Kind(NamedTuple):
    name: str
    size: int
    form: Struct
    columns: tuple[tuple[str, float], ...]


class DataflashReader:
    """Gives the records whose names are in `wanted`, among them "FMT" never."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self._wanted = wanted
        self._sizes: dict[int, int] = {_FMT: _FMT_BYTES}
        self._kinds: dict[int, _Kind] = {}
        self._rest = b""
        self._offset = 0

    def feed(self, data: bytes, *, final: bool = False) -> tuple[list[LogEntry], CodecError | None]:
        """The records that `data` completes, and what is wrong behind them; after that, nothing
        more can be read. `final` says that the file ends here.
        """
        buffer = self._rest + data
        entries: list[LogEntry] = []
        wrong: CodecError | None = None
        pos, size = 0, len(buffer)
        while size - pos >= 3:
            kind = buffer[pos + 2]
            length = self._sizes.get(kind)
            if length is None or buffer[pos : pos + 2] != _HEAD:
                wrong = self._no_record(buffer, pos, final=final)
                break
            if pos + length > size:
                break
            if kind == _FMT:
                wrong = self._describe(buffer, pos)
                if wrong is not None:
                    break
            elif kind in self._kinds:
                entries.append(self._entry(self._kinds[kind], buffer, pos))
            pos += length
        self._rest = buffer[pos:]
        self._offset += pos
        if final and wrong is None and self._rest.strip(b"\0\xff"):
            wrong = CodecError("truncated", f"it ends inside of the record at byte {self._offset}")
        return entries, wrong

    def _no_record(self, buffer: bytes, pos: int, *, final: bool) -> CodecError | None:
        # A card's block that was never written is all ones or all zeros, up to the end.
        if not buffer[pos:].strip(b"\0\xff") and (final or len(buffer) - pos < 1 << 20):
            return None
        at = self._offset + pos
        return CodecError("damaged", f"what begins at byte {at} is no record of a known kind")

    def _describe(self, buffer: bytes, pos: int) -> CodecError | None:
        kind, size, raw_name, raw_form, raw_columns = _DESCRIPTION.unpack_from(buffer, pos + 3)
        name, letters, labels = (
            part.partition(b"\0")[0].decode("ascii", "replace")
            for part in (raw_name, raw_form, raw_columns)
        )
        known = all(letter in _FORMS for letter in letters)
        form = Struct("<" + "".join(_FORMS[letter][0] for letter in letters if known))
        columns = tuple(labels.split(","))
        if size < 3 or (kind == _FMT and size != _FMT_BYTES):
            at = self._offset + pos
            return CodecError("damaged", f"the description at byte {at} cannot be right")
        self._sizes[kind] = size
        self._kinds.pop(kind, None)
        # A form that is not known yet, or does not fit, is passed over by its size.
        fits = known and form.size + 3 <= size and len(columns) == len(letters)
        if fits and kind != _FMT and name in self._wanted:
            scales = (_FORMS[letter][1] for letter in letters)
            pairs = tuple(zip(columns, scales, strict=True))
            self._kinds[kind] = _Kind(name, size, form, pairs)
        return None

    def _entry(self, kind: _Kind, buffer: bytes, pos: int) -> LogEntry:
        values: dict[str, Any] = {}
        for (column, scale), value in zip(
            kind.columns, kind.form.unpack_from(buffer, pos + 3), strict=True
        ):
            if scale == 1.0:
                values[column] = value
            elif scale:
                values[column] = value / scale
            else:
                values[column] = value.partition(b"\0")[0].decode("utf-8", "replace")
        instance = values.get("I", values.get("Instance", values.get("Inst", 0)))
        return LogEntry(
            self._offset + pos, kind.name, instance if isinstance(instance, int) else 0, values
        )
