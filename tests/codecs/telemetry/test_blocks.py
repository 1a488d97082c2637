"""Blocks and sheaves come back as they went, whatever is in them, and small."""

from hypothesis import given, settings
from hypothesis import strategies as st

from fieldlab.tracks import made
from fieldlink.codecs.telemetry import (
    Block,
    decode_block,
    decode_sheaf,
    encode_block,
    encode_sheaf,
    iter_sheaf,
)
from fieldlink.codecs.telemetry.cursor import Cursor
from fieldlink.codecs.telemetry.integers import get_integers, put_integers

from .plain_reader import read_block, read_sheaf
from .series import blocks, series, walker


@given(blocks())
@settings(max_examples=80)
def test_a_block_comes_back_as_it_went(block: Block) -> None:
    packed = encode_block(block)
    assert decode_block(packed) == read_block(packed) == block


@given(st.lists(blocks(max_count=6), max_size=6))
@settings(max_examples=50)
def test_a_sheaf_comes_back_as_it_went_in_its_order(bound: list[Block]) -> None:
    packed = encode_sheaf(bound)
    assert decode_sheaf(packed) == decode_sheaf(memoryview(packed)) == tuple(bound)
    assert list(iter_sheaf(packed)) == read_sheaf(packed) == bound


@given(st.integers(1, 700).flatmap(lambda count: series(count)), st.integers(-(2**40), 2**40))
@settings(max_examples=80)
def test_a_column_of_any_length_and_kind_comes_back(values: list[int], reference: int) -> None:
    out = bytearray()
    put_integers(out, values, reference)
    cursor = Cursor(bytes(out), 0)
    assert get_integers(cursor, len(values), reference) == values
    cursor.end()


def test_a_reader_skips_to_one_device() -> None:
    bound = [walker(f"soldier-{number}") for number in range(9)]
    packed = encode_sheaf(bound)
    assert list(iter_sheaf(packed, "soldier-4")) == [bound[4]]
    assert list(iter_sheaf(packed, "nobody")) == []


def test_two_hundred_devices_with_one_sample_each_take_few_bytes() -> None:
    bound = [walker(f"soldier-{number:03}", count=1, first=9 * number + 1) for number in range(200)]
    assert len(encode_sheaf(bound)) < 200 * 20


def test_two_hours_come_back_by_both_readers_in_under_five_bytes_a_record() -> None:
    (block,) = made("walker", 7200, seed=1, jitter_us=1).blocks(7200)
    packed = encode_block(block)
    assert decode_block(packed) == read_block(packed) == block
    assert len(packed) < 7200 * 5
