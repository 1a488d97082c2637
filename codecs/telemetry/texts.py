"""One column of text: each text once, then which of them, as a column of integers."""

from collections.abc import Sequence

from fieldlink.codecs.fault import CodecError

from .cursor import Cursor, put_text, put_varint
from .integers import get_integers, put_integers
from .squeeze import squeeze, unsqueeze

__all__ = ["MAX_TEXT_BYTES", "check_text", "clean_text", "get_texts", "put_texts"]

MAX_TEXT_BYTES = 4096
_MAX_COLUMN_BYTES = 1024 * 1024
_PLAIN, _ZSTD = 0, 1
_WORTH_BYTES = 64  # below, zstd's own header is more than it saves
_VALUE_BYTES = 16  # text of so many bytes counts as one value


def clean_text(text: str) -> str:
    """`text` as a value may be: without control characters but the line feed, and at most
    MAX_TEXT_BYTES long; what does not fit is cut off.
    """
    shown = "".join(
        one if one.isprintable() or one == "\n" else "\N{REPLACEMENT CHARACTER}" for one in text
    )
    return shown.encode()[:MAX_TEXT_BYTES].decode(errors="ignore")


def check_text(text: str) -> str:
    """`text`, if it may be a value.

    Raises:
        CodecError: it is too long, or holds what is not printable and no line feed either.
    """
    if not (text.isprintable() or text.replace("\n", "").isprintable()):
        raise CodecError("text", "control characters in a text")
    if len(text) * 4 > MAX_TEXT_BYTES and len(text.encode()) > MAX_TEXT_BYTES:
        raise CodecError("text", f"a text of more than {MAX_TEXT_BYTES} bytes")
    return text


def put_texts(out: bytearray, values: Sequence[str]) -> None:
    """Append `values`, one or more, each checked."""
    if len(values) == 1:
        put_text(out, check_text(values[0]))
        return
    places: dict[str, int] = {}
    for value in values:
        places.setdefault(value, len(places))
    raw = bytearray()
    for value in places:
        put_text(raw, check_text(value))
    if len(raw) > _MAX_COLUMN_BYTES:
        raise CodecError("size", f"{len(raw)} bytes of text in one column; make smaller blocks")
    frame = squeeze(bytes(raw)) if len(raw) >= _WORTH_BYTES else bytes(raw)
    packed = len(frame) + 3 < len(raw)
    put_varint(out, len(places))
    out.append(_ZSTD if packed else _PLAIN)
    put_varint(out, len(raw))
    if packed:
        put_varint(out, len(frame))
    out += frame if packed else raw
    put_integers(out, [places[value] for value in values], 0)


def get_texts(cursor: Cursor, count: int) -> list[str]:
    """`count` texts (one or more), as `put_texts` wrote them.

    Raises:
        CodecError: they are not that.
    """
    if count == 1:
        return [check_text(cursor.text(MAX_TEXT_BYTES))]
    different = cursor.count(1, count, "different texts")
    packing = cursor.byte()
    size = cursor.count(1, _MAX_COLUMN_BYTES, "bytes of text")
    cursor.spend(size // _VALUE_BYTES)
    if packing == _ZSTD:
        raw = unsqueeze(cursor.take(cursor.varint()), size)
    elif packing == _PLAIN:
        raw = cursor.take(size)
    else:
        raise CodecError("coding", f"text packed in way {packing}; this end does not know it")
    inner = Cursor(raw, 0)
    texts = [check_text(inner.text(MAX_TEXT_BYTES)) for _ in range(different)]
    inner.end()
    places = get_integers(cursor, count, 0)
    if min(places) < 0 or max(places) >= different:
        raise CodecError("range", "a text that is not there")
    return [texts[place] for place in places]
