"""PX4's ULog: a header, then messages of 16 bits of size, a letter, and what it stands for.

Source: docs.px4.io, ULog file format. There is no checksum: a message is damaged when its letter is
none of the standard's, or its size cannot be.
"""

from struct import Struct, error
from typing import NamedTuple

from fieldlink.codecs.fault import CodecError

from .entry import LogEntry

__all__ = ["UlogReader"]

_MAGIC = b"ULog\x01\x12\x35"
_HEADER_BYTES = 16
_LETTERS = frozenset(b"BFIMPQARDLCSO")
_MAX_BYTES = 1 << 15
_SIZES = {
    "int8_t": "b",
    "uint8_t": "B",
    "bool": "?",
    "char": "c",
    "int16_t": "h",
    "uint16_t": "H",
    "int32_t": "i",
    "uint32_t": "I",
    "int64_t": "q",
    "uint64_t": "Q",
    "float": "f",
    "double": "d",
}
_MAX_FIELDS = 2000


class _Topic(NamedTuple):
    name: str
    instance: int
    form: Struct
    fields: tuple[str, ...]


class UlogReader:
    """Gives the messages of the topics in `wanted`, and what was said in words as "text" with
    `level` (0 is worst), `timestamp` and `text`.
    """

    def __init__(self, wanted: frozenset[str]) -> None:
        self._wanted = wanted
        self._formats: dict[str, str] = {}
        self._topics: dict[int, _Topic] = {}
        self._rest = b""
        self._offset = 0
        self._begun = False

    def feed(self, data: bytes, *, final: bool = False) -> tuple[list[LogEntry], CodecError | None]:
        """The messages that `data` completes, and what is wrong behind them; after that, nothing
        more can be read. `final` says that the file ends here.
        """
        buffer = self._rest + data
        entries: list[LogEntry] = []
        wrong: CodecError | None = None
        pos, size = 0, len(buffer)
        if not self._begun and size >= _HEADER_BYTES:
            if not buffer.startswith(_MAGIC):
                return [], CodecError("damaged", "what begins at byte 0 is no ULog")
            self._begun, pos = True, _HEADER_BYTES
        while self._begun and size - pos >= 3:
            length = buffer[pos] | buffer[pos + 1] << 8
            letter = buffer[pos + 2]
            if letter not in _LETTERS or not 0 < length <= _MAX_BYTES:
                wrong = CodecError(
                    "damaged", f"what begins at byte {self._offset + pos} is no message of a ULog"
                )
                break
            if pos + 3 + length > size:
                break
            body = buffer[pos + 3 : pos + 3 + length]
            entry = self._message(chr(letter), body, self._offset + pos)
            if entry is not None:
                entries.append(entry)
            pos += 3 + length
        self._rest = buffer[pos:]
        self._offset += pos
        if final and wrong is None and (self._rest or not self._begun):
            wrong = CodecError("truncated", f"it ends inside of what begins at byte {self._offset}")
        return entries, wrong

    def _message(self, letter: str, body: bytes, offset: int) -> LogEntry | None:
        match letter:
            case "D" if len(body) >= 2:
                topic = self._topics.get(body[0] | body[1] << 8)
                return self._data(topic, body, offset) if topic else None
            case "F":
                name, _, fields = body.decode("ascii", "replace").partition(":")
                self._formats[name] = fields
            case "A" if len(body) > 3:
                self._subscribe(body)
            case "L" if len(body) > 9:
                return _said(body[0], body[1:9], body[9:], offset)
            case "C" if len(body) > 11:
                return _said(body[0], body[3:11], body[11:], offset)
        return None

    def _subscribe(self, body: bytes) -> None:
        name = body[3:].decode("ascii", "replace")
        number = body[1] | body[2] << 8
        self._topics.pop(number, None)
        if name not in self._wanted or name not in self._formats:
            return
        fields: list[str] = []
        form = "<"
        for field in self._formats[name].split(";"):
            kind, _, label = field.strip().partition(" ")
            plain, _, count = kind.partition("[")
            times = int(count[:-1]) if count[:-1].isdecimal() and len(count) < 5 else 1
            if not field:
                continue
            if plain not in _SIZES or len(fields) + times > _MAX_FIELDS:
                break  # a type of the file's own: what stands before it can be read
            form += _SIZES[plain] * times
            fields += [f"{label}[{at}]" for at in range(times)] if count else [label]
        # The padding at the end is described, and left out of the data.
        while fields and fields[-1].startswith("_padding"):
            fields.pop()
            form = form[:-1]
        self._topics[number] = _Topic(name, body[0], Struct(form), tuple(fields))

    def _data(self, topic: _Topic, body: bytes, offset: int) -> LogEntry | None:
        try:
            values = topic.form.unpack_from(body, 2)
        except error:  # shorter than described: not a message of this topic
            return None
        return LogEntry(
            offset, topic.name, topic.instance, dict(zip(topic.fields, values, strict=True))
        )


def _said(level: int, stamp: bytes, text: bytes, offset: int) -> LogEntry:
    values = {
        "level": level - 0x30 if level >= 0x30 else level,  # written as a digit
        "timestamp": int.from_bytes(stamp, "little"),
        "text": text.decode("utf-8", "replace"),
    }
    return LogEntry(offset, "text", 0, values)
