"""Bytes made to hurt: each is one CodecError with a stable reason, at little cost."""

import struct
import time
from typing import Any

import pytest

from fieldlink.codecs.bundle import Manifest, check_name, decode_gap, decode_manifest
from fieldlink.codecs.bundle import encode_manifest as packed_manifest
from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.packing import pack, unpack
from fieldlink.codecs.wire import (
    MAX_CHUNK_BYTES,
    MAX_FRAME_BYTES,
    Chunk,
    decode_frame,
    encode_frame,
    parse_topic,
    up_topic,
)

HASH = bytes(32)
DIGEST = bytes(16)


def frame(header: Any, payload: bytes = b"") -> bytes:
    """A frame around `header`, packed unless it is bytes already."""
    packed = header if isinstance(header, bytes) else pack(header)
    return b"\xf1\x01" + len(packed).to_bytes(4, "big") + packed + payload


def chunk(**changed: Any) -> list[Any]:
    """The header of a chunk of 5 bytes, with fields changed."""
    fields: dict[str, Any] = {
        "kind": 1,
        "bundle": HASH,
        "offset": 0,
        "size": 5,
        "digest": DIGEST,
        "bearer": "eth0",
        "sent_us": 1,
        "manifest": None,
    }
    return list((fields | changed).values())


@pytest.mark.parametrize(
    ("why", "data"),
    [
        ("a bomb of arrays in arrays", b"\x91" * 60_000),
        ("a bomb of maps in maps", b"\x81\xa1a" * 20_000),
        ("just too deep", b"\x91" * 9 + b"\x01"),
        ("an array of four billion", b"\xdd\xff\xff\xff\xff"),
        ("a map of four billion", b"\xdf\xff\xff\xff\xff"),
        ("text of four billion bytes", b"\xdb\xff\xff\xff\xff"),
        ("binary of four billion bytes", b"\xc6\xff\xff\xff\xff"),
        ("an extension of four billion bytes", b"\xc9\xff\xff\xff\xff\x01"),
        ("an extension type", b"\x91\xd4\x05\x00"),
        ("a timestamp, which is an extension too", b"\x91\xd6\xff\x00\x00\x00\x00"),
        ("a timestamp of a wrong length", b"\x91\xd4\xff\x00"),
        ("the byte that msgpack never uses", b"\xc1"),
        ("a key twice", b"\x91\x82\xa1a\x01\xa1a\x02"),
        ("a key that is a number", b"\x91\x81\x01\x02"),
        ("a key that is binary", b"\x91\x81\xc4\x01a\x02"),
        ("a key that is an array", b"\x91\x81\x90\x02"),
        ("not a number", b"\x91\xcb" + struct.pack(">d", float("nan"))),
        ("infinity", b"\x91\xcb" + struct.pack(">d", float("-inf"))),
        ("text that is not UTF-8", b"\x91\xa2\xc0\xaf"),
        ("a surrogate in UTF-8", b"\x91\xa3\xed\xa0\x80"),
        ("two values", b"\x01\x02"),
        ("half a value", b"\x92\x01"),
        ("nothing", b""),
        ("a pickle", b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00cos\nsystem\n"),
    ],
    ids=lambda case: case if isinstance(case, str) else "",
)
def test_hostile_msgpack_is_one_codec_error_and_costs_little(why: str, data: bytes) -> None:
    started = time.perf_counter()
    with pytest.raises(CodecError):
        unpack(data, "frame", max_bytes=65_536)
    for decode in (decode_manifest, decode_gap, lambda data: decode_frame(frame(data))):
        with pytest.raises(CodecError):
            decode(data)
    assert time.perf_counter() - started < 2, why


@pytest.mark.parametrize(
    ("reason", "data"),
    [
        ("truncated", b""),
        ("truncated", b"\xf1\x01\x00\x00\x00"),
        ("truncated", b"\xf1\x01\x00\x00\x00\x05\x91"),
        ("truncated", b"\xf1\x01\xff\xff\xff\xff" + bytes(100)),
        ("magic", b"\x00\x01\x00\x00\x00\x01\x90"),
        ("magic", b"GET / HTTP/1.1\r\n\r\n"),
        ("version", b"\xf1\x02\x00\x00\x00\x01\x90"),
        ("shape", frame([])),
        ("shape", frame({"kind": 1})),
        ("shape", frame([1])),
        ("field", frame([0])),
        ("field", frame([8])),
        ("field", frame([True, [HASH]])),
        ("field", frame([2.0, [HASH]])),
        ("field", frame(["1"])),
        ("trailing", frame([2, [HASH]], b"x")),
        ("field", frame([2, [HASH] * 257])),
        ("field", frame([2, [b"short"]])),
        ("field", frame([3, "s", bytes(7), 1, "eth0", {}])),
        ("field", frame([3, "\x1b[2J", bytes(8), 1, "eth0", {}])),
        ("field", frame([3, "s", bytes(8), 1, "eth0", {"cam": 7}])),
        ("field", frame([4, 1, {"a": [b"bytes"]}])),
        ("field", frame([4, -1, {}])),
        ("field", frame([4, 1, {str(n): n for n in range(65)}])),
        ("shape", frame([5, [1]])),
        ("range", frame([5, [[HASH, 0, 1, [0], ""]]])),
        ("range", frame([5, [[HASH, 0, 1, [5, 1], ""]]])),
        ("range", frame([5, [[HASH, 0, 1, [-1, 1], ""]]])),
        ("range", frame([5, [[HASH, 0, 1, ["0", "1"], ""]]])),
        ("field", frame([5, [[HASH, 3, 1, [], ""]]])),
        ("field", frame([5, [[HASH, 0, 1, [0, 1] * 65, ""]]])),
        ("field", frame([5, [[HASH, 0, 1, [], "x" * 201]]])),
        ("field", frame([6, bytes(8), 1, "\u202eertnec"])),
        ("field", frame([7, 1, 1, "x" * 65, None, None, []])),
        ("span", frame([7, 1, 1, "flood", 5, 4, []])),
        ("span", frame([7, 1, 1, "flood", None, 4, []])),
        ("field", frame([7, 1, 1, "", None, None, [[bytes(7), 0, "", "", "", 0, 1]]])),
        ("field", frame([7, 1, 1, "", None, None, [[bytes(8), 2, "", "", "", 0, 1]]])),
        ("name", frame([7, 1, 1, "", None, None, [[bytes(8), 0, "../x", "", "", 0, 1]]])),
        ("field", frame([7, 1, 1, "", None, None, [[bytes(8), 0, "", "", "raw", 0, 1]]])),
        ("span", frame([7, 1, 1, "", None, None, [[bytes(8), 0, "", "", "", 2, 1]]])),
        ("field", frame([7, 1, 1, "", None, None, [[bytes(8), 0, "", "", "", 0, 1]] * 65])),
        ("range", frame(chunk(offset=1), b"hello")),
        ("range", frame(chunk(size=4), b"hello")),
        ("range", frame(chunk())),
        ("field", frame(chunk(offset=-1), b"hello")),
        ("field", frame(chunk(size=2**28 + 1), b"hello")),
        ("field", frame(chunk(bundle=bytes(31)), b"hello")),
        ("field", frame(chunk(digest=bytes(15)), b"hello")),
        ("field", frame(chunk(manifest=bytes(4097)), b"hello")),
        ("field", frame(chunk(manifest=b""), b"hello")),
        ("field", frame(chunk(bearer="a\nb"), b"hello")),
        ("size", frame(chunk(size=2**28), bytes(MAX_CHUNK_BYTES + 1))),
    ],
)
def test_a_frame_outside_the_bounds_says_which(reason: str, data: bytes) -> None:
    with pytest.raises(CodecError) as caught:
        decode_frame(data)
    assert caught.value.reason == reason
    assert len(str(caught.value)) < 400, "a message that grows with what a peer sends"


def test_the_largest_frame_fits_and_one_byte_more_does_not() -> None:
    whole = Chunk(HASH, 0, 2**28, DIGEST, "eth0", 1, bytes(4096), bytes(MAX_CHUNK_BYTES))
    assert len(encode_frame(whole)) <= MAX_FRAME_BYTES
    assert decode_frame(encode_frame(whole)) == whole
    over = Chunk(HASH, 0, 2**28, DIGEST, "eth0", 1, None, bytes(MAX_CHUNK_BYTES + 1))
    with pytest.raises(CodecError, match="too large"):
        encode_frame(over)


def test_an_empty_bundle_has_one_empty_chunk() -> None:
    empty = Chunk(HASH, 0, 0, DIGEST, "eth0", 1, None, b"")
    assert decode_frame(encode_frame(empty)) == empty


HOSTILE_NAMES = [
    *("", ".", "..", "../etc", "..\\etc", "/etc", "a/b", "a\\b", "%2e%2e", "a%00", "a\0b"),
    *("#", "+", "a+", "$SYS", "$share", ">", "*", "a.b", "a:b", "a@b", "a b", " a", "a\n", "a\t"),
    *("-a", "a-", "_a", "a_", "A", "Kit", "é", "相机", "\u202ea", "a\u0301", "\uff41", "٣"),
    *("a" * 33, "a" * 300, "CON", "fieldlink centre", "<script>", "'; drop table kits--", "\ud800"),
    *(None, 1, b"kit", ["kit"], {"kit": 1}, True),
]


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=repr)
def test_a_name_that_could_leave_its_topic_or_folder_is_refused(name: Any, still: Manifest) -> None:
    with pytest.raises(CodecError) as caught:
        check_name("kit", name)
    assert caught.value.reason == "name"
    assert str(caught.value).isprintable()
    with pytest.raises(CodecError):
        up_topic(name, "hello")
    fields = list(unpack(packed_manifest(still), "manifest", max_bytes=4096))
    for place in (1, 4, 5):  # kit, device, stream
        try:
            packed = pack([*fields[:place], name, *fields[place + 1 :]])
        except UnicodeEncodeError:  # a lone surrogate cannot even be written
            continue
        with pytest.raises(CodecError):
            decode_manifest(packed)


@pytest.mark.parametrize("name", ["a", "0", "kit-1", "cam_left", "a--b", "a" * 32])
def test_a_good_name_passes(name: str) -> None:
    assert check_name("kit", name) == name


@pytest.mark.parametrize(
    "topic",
    [
        *("", "fl", "fl/up/kit", "fl/up/kit/hello/more", "FL/up/kit/hello", "fl/side/kit/hello"),
        *("fl/up/#/hello", "fl/up/+/hello", "fl/up/../hello", "$SYS/up/kit/hello", "fl/up//hello"),
        *("fl/up/kit/ack", "fl/up/kit/welcome", "fl/down/kit/chunk", "fl/up/kit/nothing"),
        *("fl/up/kit/hello\0", "fl/up/ki\0t/hello", "/fl/up/kit/hello", "a/" * 30_000),
        *("fl.up.kit.hello", "fl/up/" + "k" * 65_000 + "/hello"),
    ],
    ids=lambda topic: topic[:24],
)
def test_a_topic_that_is_not_ours_is_refused(topic: str) -> None:
    with pytest.raises(CodecError):
        parse_topic(topic)


def test_our_topics_are_read_back() -> None:
    for way, kinds in (("up", ("hello", "chunk", "ask", "state")), ("down", ("ack", "welcome"))):
        for kind in kinds:
            topic = parse_topic(f"fl/{way}/kit-1/{kind}")
            assert (topic.way, topic.kit, topic.kind) == (way, "kit-1", kind)
