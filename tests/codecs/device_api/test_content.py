"""A device's bytes: three forms told apart, and whatever else comes is one CodecError."""

import contextlib
import json
from typing import Any

import cbor2
import msgpack
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fieldlink.codecs.device_api import Form, read_content, write_content
from fieldlink.codecs.device_api import content as content_module
from fieldlink.codecs.device_api.content import MAX_MESSAGE_BYTES
from fieldlink.codecs.fault import CodecError

_NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
_FLAT = st.none() | st.booleans() | _NUMBERS | st.text(max_size=20)
_INNER = st.recursive(
    _FLAT,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
_MAPS = st.dictionaries(st.text(min_size=1, max_size=8), _FLAT, min_size=1, max_size=20)
_MESSAGES = _MAPS | st.lists(_MAPS, min_size=1, max_size=40)


def lists(value: Any) -> Any:
    """Arrays as lists, whichever reader made them."""
    if isinstance(value, dict):
        return {key: lists(item) for key, item in value.items()}
    return [lists(item) for item in value] if isinstance(value, list | tuple) else value


@given(_MESSAGES, st.sampled_from(Form))
def test_what_is_written_is_read_in_its_form(message: Any, form: Form) -> None:
    content, found = read_content(write_content(message, form))
    assert (lists(content), found) == (message, form)


@given(st.binary(max_size=200))
@example(b"\x81\xa1\x61\x01")  # MessagePack's map, or CBOR's array of a map
@example(b"\xd9\xd9\xf7\xa0")
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    said = ""
    try:
        content, _ = read_content(data)
        assert isinstance(content, dict | list | tuple)
    except CodecError as error:
        said = str(error)
    assert len(said) < 400


@given(_MESSAGES, st.sampled_from(Form), st.data())
def test_a_message_with_one_byte_wrong_raises_nothing_else(
    message: Any, form: Form, data: st.DataObject
) -> None:
    written = bytearray(write_content(message, form))
    written[data.draw(st.integers(0, len(written) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(CodecError):
        read_content(bytes(written))


@given(_INNER)
def test_cbor_of_any_shape_is_read_or_refused_as_json_would_be(value: Any) -> None:
    # The check before the decoder agrees with the decoder about where a value ends.
    message = {"a": value}
    found = []
    for data in (cbor2.dumps(message), json.dumps(message).encode()):
        try:
            found.append(lists(read_content(data)[0]))
        except CodecError as error:
            found.append(error.reason)
    assert found in ([message, message], ["depth", "depth"])


@pytest.mark.parametrize("depth", [6, 1_000, 100_000])
@pytest.mark.parametrize("opening", [b"[", b'{"a":', b"\x91", b"\x81\xa1a", b"\x81", b"\xa1\x61a"])
def test_what_is_nested_too_deep_is_refused(depth: int, opening: bytes) -> None:
    for data in (opening * depth, (b"\xa1\x61a" + opening * depth)[:MAX_MESSAGE_BYTES]):
        with pytest.raises(CodecError):
            read_content(data)


@pytest.mark.parametrize(
    "data",
    [
        b"\xdf\xff\xff\xff\xff",  # MessagePack: a map of 4 billion
        b"\xdd\x7f\xff\xff\xff\x01",
        b"\x81\xa1a\xc6\xff\xff\xff\xff",  # bytes longer than all there is
        b"\xbb\x7f\xff\xff\xff\xff\xff\xff\xff",  # CBOR: a map of 9e18
        b"\x9b\x00\x00\x00\xff\xff\xff\xff\xff",
        b"\xa1\x61a\x5b\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\xa1\x61a\x1c",  # a length that CBOR does not have
        b"\xa1\x61a\xf8\x20",  # an unassigned simple value
        b"\xa1\x61a\x7f\x61a\xff",  # text in pieces
        b"\xbf\x61a\xff",  # a key without its value
        b"\xff",
    ],
)
def test_lengths_that_are_not_there_are_refused_at_once(data: bytes) -> None:
    with pytest.raises(CodecError):
        read_content(data)


@given(st.integers(0, 2**64 - 1))
@example(0)  # a date
@example(2)  # a big number
@example(28)  # shared references: a megabyte of values in ten bytes
@example(35)  # a regular expression
@example(55_799)  # "this is CBOR"
def test_no_tag_is_decoded(tag: int) -> None:
    head = bytes.fromhex("a16161") + b"\xdb" + tag.to_bytes(8, "big")
    with pytest.raises(CodecError, match="tag"):
        read_content(head + b"\x61a")


def test_a_key_twice_among_thousands_costs_no_seconds() -> None:
    compared = 0

    class Key(str):
        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return str(self) == other

        __hash__ = str.__hash__

    keys = [Key(number) for number in (*range(2_000), 1_999)]
    with pytest.raises(CodecError, match="'1999' is given twice"):
        content_module._unique([(key, 1) for key in keys])
    assert compared < 10 * len(keys)


def test_an_extension_type_is_refused() -> None:
    with pytest.raises(CodecError, match="extension"):
        read_content(msgpack.packb({"a": msgpack.ExtType(5, b"x")}))
    with pytest.raises(CodecError, match="extension"):
        read_content(msgpack.packb({"a": msgpack.Timestamp(1)}))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"x" * (MAX_MESSAGE_BYTES + 1), "size"),
        (b"hello", "form"),
        (b"71", "form"),
        (b'"text"', "form"),
        (b'{"a": 1} {"a": 2}', "json"),
        (b'{"a": 1, "a": 2}', "json"),
        (b'{"a": NaN}', "number"),
        (b'{"a": -Infinity}', "number"),
        (b'{"a": ' + b"9" * 5000 + b"}", "json"),
        (b'{"\xff": 1}', "json"),
        (msgpack.packb({"a": float("nan")}), "msgpack"),
        (b"\xa2\x61a\x01\x61a\x02", "cbor"),  # a key twice
        (b"\xa1\x01\x02", "cbor"),  # a key that is no text
        (cbor2.dumps({"a": 1}) * 2, "cbor"),  # a sequence of two
        (b"\xa1\x61a\xf7", "cbor"),  # undefined
    ],
)
def test_the_reason_says_what_is_wrong(data: bytes, reason: str) -> None:
    with pytest.raises(CodecError) as caught:
        read_content(data)
    assert caught.value.reason == reason


def test_json_may_begin_with_a_byte_order_mark_and_spaces() -> None:
    assert read_content(b'\xef\xbb\xbf {"a": 1}') == ({"a": 1}, Form.JSON)
