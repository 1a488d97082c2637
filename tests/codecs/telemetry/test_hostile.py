"""Blocks and sheaves from an enemy: one CodecError each, in bounded memory; or a value."""

import contextlib
import math
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.telemetry import (
    BATTERY,
    MAX_CELLS,
    MAX_SAMPLES,
    MAX_SHEAF_BYTES,
    MAX_TEXT_BYTES,
    POSITION,
    TEXT,
    Block,
    Column,
    Sample,
    Schema,
    check_text,
    clean_text,
    decode_block,
    decode_sheaf,
    encode_block,
    encode_sheaf,
    iter_sheaf,
)
from fieldlink.codecs.telemetry.body import put_body
from fieldlink.codecs.telemetry.cursor import put_zigzag
from fieldlink.codecs.telemetry.directory import put_directory, survey
from fieldlink.codecs.telemetry.integers import MAX_VALUE

from .series import START_US, blocks, walker

SMALL = b"\x01\x00"


def plain(packed: bytes) -> bytes:
    """A sheaf with its zstd frame opened, so that damage reaches what is inside."""
    return SMALL + zstandard.decompress(packed[2:]) if packed[1] == 1 else packed


def try_sheaf(data: bytes) -> int:
    """How many values are in what may be a sheaf."""
    with contextlib.suppress(CodecError):
        return sum(len(b.samples) * len(b.schema.columns) for b in decode_sheaf(data))
    return 0


def try_block(data: bytes) -> None:
    with contextlib.suppress(CodecError):
        decode_block(data)


def _zigzag(value: int) -> bytes:
    out = bytearray()
    put_zigzag(out, value)
    return bytes(out)


SHEAVES = [
    plain(encode_sheaf([walker("soldier-1"), walker("soldier-2", count=1)])),
    plain(encode_sheaf([walker(count=300)])),
    plain(encode_sheaf([Block("a", "b", TEXT, 1, (Sample(1, 2, ("hello\nyou", None)),) * 3)])),
]


@pytest.mark.parametrize("packed", SHEAVES, ids=["small", "large", "text"])
def test_every_truncation_is_refused(packed: bytes) -> None:
    for length in {*range(min(len(packed), 200)), *range(200, len(packed), 17)} - {2}:
        with pytest.raises(CodecError):
            decode_sheaf(packed[:length])
    with pytest.raises(CodecError):
        decode_sheaf(packed + b"\0")


@pytest.mark.parametrize("packed", SHEAVES, ids=["small", "large", "text"])
def test_every_flipped_bit_is_refused_or_bounded(packed: bytes) -> None:
    for place in range(2, len(packed)):
        for bit in range(8) if place < 150 else (place % 8,):
            damaged = bytearray(packed)
            damaged[place] ^= 1 << bit
            assert try_sheaf(bytes(damaged)) <= MAX_CELLS


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_or_bounded(data: bytes) -> None:
    assert try_sheaf(SMALL + data) <= MAX_CELLS
    try_sheaf(data)
    try_block(data)
    try_block(b"\x01" + data)


@given(blocks(max_count=50), st.data())
@settings(max_examples=80)
def test_a_damaged_block_is_refused_or_bounded(block: Block, data: st.DataObject) -> None:
    good = encode_block(block)
    place = st.integers(0, len(good))
    at, until = sorted(data.draw(st.tuples(place, place)))
    try_block(good[:at] + data.draw(st.binary(max_size=10)) + good[until:])


def bomb(block: Block, count: int) -> bytes:
    """A sheaf that says the same `count` times over."""
    directory = survey([block])
    body = bytearray()
    put_body(body, block, directory.references[0])
    out = bytearray()
    put_directory(out, replace(directory, rows=directory.rows * count), [len(body)] * count)
    return SMALL + bytes(out) + bytes(body) * count


def test_a_sheaf_that_swells_is_refused_before_it_fills_the_memory() -> None:
    still = tuple(Sample(START_US + n, n, ("a", None)) for n in range(MAX_SAMPLES))
    packed = bomb(Block("a", "b", TEXT, 1, still), 4096)
    assert len(packed) < 150_000
    with pytest.raises(CodecError, match="grow"):
        decode_sheaf(packed)
    assert len(next(iter_sheaf(packed)).samples) == MAX_SAMPLES, "one at a time is fine"


def test_a_hundred_bytes_do_not_become_millions_of_values_and_two_quiet_hours_travel() -> None:
    steady = tuple(Sample(START_US + n, n, (7,)) for n in range(MAX_SAMPLES))
    narrow = Schema("s", (Column("c"),))
    packed = bomb(Block("a", "b", narrow, 1, steady), 11)  # 2 million values, half a second's work
    assert len(packed) < 200
    with pytest.raises(CodecError, match="grow"):
        decode_sheaf(packed)
    with pytest.raises(CodecError, match="almost all the same") as caught:
        encode_sheaf([Block("a", "b", narrow, epoch, steady) for epoch in range(11)])
    assert caught.value.reason == "size"  # whoever binds them makes two sheaves of it
    place = (342_353_910, 1_089_423_870, *(0,) * 6)
    quiet = [
        Block(f"s-{n}", "sensor", POSITION, 1, tuple(Sample(n, n, place) for n in range(7_200)))
        for n in range(2)
    ]
    assert decode_sheaf(encode_sheaf(quiet)) == tuple(quiet)


def test_zstd_bombs_are_refused_by_what_they_say_and_by_what_they_hold() -> None:
    bomb = zstandard.compress(bytes(200_000_000))
    silent = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(1000))
    liar = bytearray(zstandard.compress(bytes(70_000)))  # its header says so in bytes 5 to 8
    liar[5:9] = (60_000).to_bytes(4, "little")
    tracemalloc.start()
    for frame in (bomb, silent, bytes(liar), b"", b"PK", zstandard.compress(b"") * 2):
        with pytest.raises(CodecError):
            decode_sheaf(b"\x01\x01" + frame)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


# Device a, kind b, stream s with one column c, epoch 0, errors unknown.
HEAD = bytes.fromhex("01 01 61 01 62 00 01 73 01 01 63 00 00 00 00")
WRONG = [
    ("0 samples", "00 00"),  # no samples
    ("1000000 samples", "00 c0843d 3f 00"),  # a million samples
    ("body of kind 193", "c1 00 00 00"),  # a head that means nothing
    ("body of kind 97", "61 00 00 00"),  # one sample that is contiguous
    ("end too early", "60 04 3f 00 00 44 00 ff"),  # more samples than bits
    ("parameter of 60", "60 04 3f 00 00 7d 00 " + "00" * 40),  # a Rice parameter of 60
    ("divisor of a divisor", "60 04 3f 00 00 c0 02 c0 02 ff"),
    ("end too early", "60 04 3f 00 00 c1 00 00"),  # a line of order 3
    ("0 as a divisor", "60 04 3f 00 00 c0 00 41 00 ff"),  # a divisor of 0
    ("planes of 9", "60 04 3f 00 00 3e 00 09 00"),  # planes of 9 bytes
    ("zstd", "60 04 3f 00 00 3e 00 01 04 00000000"),  # planes that are no zstd
    ("beyond 2.60", "41 00 00 " + "ff" * 9 + "01"),  # a value beyond 2^60
    ("padded", "41 00 00 80 00"),  # a padded integer
    ("ten bytes", "41 00 00 " + "80" * 10 + "01"),  # an integer of 11 bytes
    ("below 0", "41 01 00 00"),  # a time before 1970
    ("below 0", "41 00 01 00"),  # a sequence below 0
    ("unknown where", "51 01 00 00"),  # an unknown time
    ("unknown where", "51 08 00 00 00"),  # an unknown column that is not there
    ("presence of kind 3", "70 04 04 3f 00 00 03 f0"),  # presence of another kind
    ("0 in a run", "70 04 04 3f 00 00 01 00 00 04"),  # presence in runs of 0
    ("5 in a run", "70 04 04 3f 00 00 01 05"),  # presence in too long runs
    ("not zero", "70 04 04 3f 00 00 02 ff 3f 00"),  # bits behind the presence
    ("not zero", "60 04 3f 00 00 41 00 e1"),  # bits behind the codes
    ("too many", "41 00 00 00 00"),  # something behind it
]


@pytest.mark.parametrize(("words", "body"), WRONG)
def test_a_body_that_does_not_fit_what_it_says_is_refused(words: str, body: str) -> None:
    with pytest.raises(CodecError, match=words):
        decode_block(HEAD + bytes.fromhex(body))


def test_bodies_almost_like_those_are_fine() -> None:
    assert decode_block(HEAD + bytes.fromhex("41 00 00 00")).samples == (Sample(0, 0, (0,)),)
    assert len(decode_block(HEAD + bytes.fromhex("60 04 3f 00 00 41 00 e0")).samples) == 4


@pytest.mark.parametrize("first", [0, 2, 0x92, 255])
def test_another_version_is_refused_in_words(first: int) -> None:
    for decode in (decode_sheaf, decode_block):
        with pytest.raises(CodecError, match=f"version {first}; this end speaks 1, update it"):
            decode(bytes([first]) + encode_sheaf([walker()])[1:])


def test_a_schema_of_a_later_version_is_refused_in_words() -> None:
    packed = encode_block(walker(device="a"))
    with pytest.raises(CodecError, match="schema 99"):
        decode_block(packed[:11] + b"\x63" + packed[12:])


@pytest.mark.parametrize(
    "changed",
    [
        {"values": (1, 2)},
        {"values": (1.5, *(None,) * 7)},
        {"values": (math.nan, *(None,) * 7)},
        {"values": (True, *(None,) * 7)},
        {"values": ("text", *(None,) * 7)},
        {"values": (2**60 + 1, *(None,) * 7)},
        {"values": (-(2**70), *(None,) * 7)},
        {"time_us": -1},
        {"time_us": 1.5e15},
        {"time_us": None},
        {"sequence": -1},
        {"sequence": 2**61},
        {"flags": None},
        {"error_us": -1},
    ],
    ids=repr,
)
def test_what_a_reader_would_refuse_is_refused_where_it_is_made(changed: dict[str, Any]) -> None:
    block = walker(count=3)
    samples = (block.samples[0], block.samples[1]._replace(**changed), block.samples[2])
    for spoilt in (replace(block, samples=samples), replace(block, samples=samples[1:2])):
        for encode in (encode_block, lambda one: encode_sheaf([walker("first"), one])):
            with pytest.raises(CodecError):
                encode(spoilt)


@pytest.mark.parametrize("sequence", [MAX_VALUE - 1, MAX_VALUE])
def test_what_was_read_can_be_written_again(sequence: int) -> None:
    two = Block("a", "b", BATTERY, 1, tuple(Sample(1, n, (None,) * 5) for n in (0, 1)))
    content = bytearray(encode_block(two))
    # Numbers that follow each other are their first one: 0, behind times 1, 1.
    place = content.index(b"\x3f\x02\x00") + 2
    content[place : place + 1] = _zigzag(sequence)
    if sequence == MAX_VALUE:
        with pytest.raises(CodecError, match="sequence numbers"):
            decode_block(bytes(content))
    else:
        encode_block(decode_block(bytes(content)))


def test_an_error_of_time_is_bounded() -> None:
    block = encode_block(Block("a", "b", BATTERY, 1, (Sample(1, 2, (None,) * 5),)))
    assert block[5:8] == b"\x03\x01\x00"  # battery, epoch 1, unknown
    with pytest.raises(CodecError, match="us of error"):
        decode_block(block[:7] + b"\xff" * 9 + b"\x01" + block[8:])


def test_text_is_bounded_and_printable_and_can_be_made_so() -> None:
    for wrong in ("\0", "\x1b[2J", "\u202e", "\ud800", "a" * (MAX_TEXT_BYTES + 1), "中" * 1366):
        with pytest.raises(CodecError, match="text"):
            check_text(wrong)
        assert check_text(clean_text(wrong)) == clean_text(wrong)
    assert clean_text("水位 3.2 m\n请求支援") == check_text("水位 3.2 m\n请求支援")


def test_too_much_is_refused_where_it_is_made() -> None:
    many = Block("a", "b", TEXT, 1, tuple(Sample(n, n, ("x", "y")) for n in range(MAX_SAMPLES)))
    with pytest.raises(CodecError, match="fewer"):
        encode_sheaf([many] * (MAX_CELLS // MAX_SAMPLES // 6 + 1))
    with pytest.raises(CodecError, match="fewer"):
        encode_sheaf([walker(count=1)] * 4097)
    with pytest.raises(CodecError, match="size"):
        decode_sheaf(bytes(MAX_SHEAF_BYTES + 3))
    assert decode_sheaf(encode_sheaf([])) == ()
