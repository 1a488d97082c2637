"""Boxes, and what hostile bytes do to them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.mp4 import find, media_type, read_reference_times, tracks, walk
from fieldlink.codecs.mp4.boxes import make_box


def test_boxes_side_by_side_are_walked_in_order() -> None:
    data = make_box("ftyp", b"isom") + make_box("free", b"")
    assert [(box.kind, box.end - box.body) for box in walk(data)] == [("ftyp", 4), ("free", 0)]


def test_a_box_may_have_a_64_bit_size_or_reach_to_the_end() -> None:
    large = (1).to_bytes(4) + b"mdat" + (20).to_bytes(8) + b"four"
    open_ended = (0).to_bytes(4) + b"mdat" + b"rest"
    assert [box.end for box in walk(large + open_ended)] == [20, 32]


def test_a_nested_box_is_found_by_its_path() -> None:
    data = make_box("moov", make_box("trak", make_box("tkhd", b"12345678")))
    box = find(data, "moov/trak/tkhd")
    assert box is not None
    assert data[box.body : box.end] == b"12345678"
    assert find(data, "moov/trak/mdia") is None


@pytest.mark.parametrize("size", [0, 4, 7, 400])
def test_a_box_that_does_not_fit_is_refused(size: int) -> None:
    data = make_box("moov", size.to_bytes(4) + b"trak") if size else b"\0\0\0\x05moov"
    with pytest.raises(CodecError):
        list(walk(data)) if not size else find(data, "moov/trak/tkhd")


@given(st.binary(max_size=400), st.integers(0, 60))
def test_random_bytes_raise_nothing_but_codec_errors(noise: bytes, depth: int) -> None:
    wrapped = make_box("moov", make_box("trak", noise)) if depth % 2 else noise
    for read in (tracks, media_type, read_reference_times):
        try:
            read(wrapped)
        except CodecError:
            continue
