"""A device's message as plain values: JSON, MessagePack or CBOR, told apart by their first bytes.

A message is a map or an array of maps. JSON begins with "{" or "[", MessagePack with 0x80 to 0x9f
or 0xdc to 0xdf, CBOR (RFC 8949) with 0x80 to 0x9f or 0xa0 to 0xbf. Where MessagePack and CBOR
overlap, the second byte decides, or which of the two the bytes are as a whole.
"""

import json
from collections import Counter
from enum import StrEnum
from typing import Any

import cbor2

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.packing import pack, unpack

from .cbor_shape import check_cbor

__all__ = ["MAX_DEPTH", "MAX_MESSAGE_BYTES", "Form", "read_content", "write_content"]

MAX_MESSAGE_BYTES = 256 * 1024
MAX_DEPTH = 5  # batch, reading, values, sensor, and one more for what is not known
_BOM = b"\xef\xbb\xbf"
_JSON_STARTS = b"{[ \t\r\n"


class Form(StrEnum):
    """How a message is written."""

    JSON = "json"
    MSGPACK = "msgpack"
    CBOR = "cbor"


def read_content(data: bytes) -> tuple[Any, Form]:
    """The values in `data`, and how they were written.

    Raises:
        CodecError: empty, too long, none of the three, nested too deep, a key twice, a number that
            is none, or more than one value.
    """
    if len(data) > MAX_MESSAGE_BYTES:
        raise CodecError(
            "size", f"{len(data)} bytes in one message; send at most {MAX_MESSAGE_BYTES}"
        )
    data = data.removeprefix(_BOM)
    if not data:
        raise CodecError("empty", "the message is empty; send a map")
    first = data[0]
    if first in _JSON_STARTS:
        return _json(data), Form.JSON
    if 0xA0 <= first <= 0xBF:
        return _cbor(data), Form.CBOR
    if 0xDC <= first <= 0xDF:
        return _msgpack(data), Form.MSGPACK
    if 0x80 <= first <= 0x9F:
        return _msgpack_or_cbor(data)
    raise CodecError("form", "this is not a map in JSON, MessagePack or CBOR; send one of these")


def write_content(value: Any, form: Form) -> bytes:
    """`value` in `form`."""
    if form is Form.MSGPACK:
        return pack(value)
    if form is Form.CBOR:
        return cbor2.dumps(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _msgpack_or_cbor(data: bytes) -> tuple[Any, Form]:
    # An array of maps: in CBOR a map begins with 0xa0 to 0xbf, in MessagePack it does not.
    if data[0] >= 0x90 and data[1:2] and 0xA0 <= data[1] <= 0xBF:
        return _cbor(data), Form.CBOR
    try:
        return _msgpack(data), Form.MSGPACK
    except CodecError as error:
        try:
            return _cbor(data), Form.CBOR
        except CodecError:
            raise error from None


def _msgpack(data: bytes) -> Any:
    value = unpack(data, "message", max_bytes=MAX_MESSAGE_BYTES)
    _check_depth(value, MAX_DEPTH)
    return value


def _cbor(data: bytes) -> Any:
    check_cbor(data, MAX_DEPTH)
    try:
        value = cbor2.loads(data, allow_duplicate_keys=False, strict_hashable_types=True)
    except (cbor2.CBORError, ValueError, TypeError, RecursionError) as error:
        raise CodecError("cbor", f"not one CBOR value ({_brief(error)})") from error
    return value


def _json(data: bytes) -> Any:
    try:
        value = json.loads(data, parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except CodecError:
        raise
    except UnicodeDecodeError as error:
        raise CodecError("json", "not UTF-8; send JSON as UTF-8") from error
    except (ValueError, RecursionError) as error:  # over 4,300 digits is a ValueError too
        raise CodecError("json", f"not one JSON value ({_brief(error)})") from error
    _check_depth(value, MAX_DEPTH)
    return value


def _refuse_constant(text: str) -> Any:
    raise CodecError("number", f"{text} is not a number; send null for what is not known")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Two readers of one key given twice could take different values for the truth.
    made = dict(pairs)
    if len(made) != len(pairs):
        # Counted at once: looking each up among all takes seconds in a map of tens of thousands.
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise CodecError("json", f"the key {twice[:40]!r} is given twice")
    return made


def _check_depth(value: Any, left: int) -> None:
    if not isinstance(value, dict | list | tuple):
        return
    if left == 0:
        raise CodecError("depth", f"nested deeper than {MAX_DEPTH}")
    for item in value.values() if isinstance(value, dict) else value:
        _check_depth(item, left - 1)


def _brief(error: Exception) -> str:
    return str(error)[:120] or type(error).__name__
