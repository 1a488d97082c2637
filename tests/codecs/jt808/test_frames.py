"""Frames in whatever pieces, between whatever garbage."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.jt808 import (
    MAX_BODY_BYTES,
    MAX_ESCAPED_BYTES,
    Event,
    Frame,
    Framer,
    Header,
    Malformed,
    Part,
    decode_frame,
    encode_frame,
    split_frames,
)

words = st.integers(0, 0xFFFF)
parts = st.none() | st.integers(1, 0xFFFF).flatmap(
    lambda total: st.integers(1, total).map(lambda number: Part(total, number))
)


def digits(count: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=count, max_size=count)


headers = st.builds(Header, words, digits(12), words, st.none(), parts, st.integers(0, 7)) | (
    st.builds(Header, words, digits(20), words, st.integers(0, 255), parts, st.integers(0, 7))
)
# Bytes that need escaping come often.
bodies = st.lists(st.sampled_from(b"\x7d\x7e\x01\x02\x00"), max_size=40).map(bytes) | st.binary(
    max_size=MAX_BODY_BYTES
)
frames = st.builds(Frame, headers, bodies)


def fed(pieces: list[bytes]) -> list[Event]:
    """What a framer says to `pieces`, and holds no more than it may."""
    framer, events = Framer(), list[Event]()
    for piece in pieces:
        events += framer.feed(piece)
        assert len(framer._held) <= MAX_ESCAPED_BYTES
    left = framer.end()
    return events if left is None else [*events, left]


@given(frames)
def test_a_frame_comes_back_as_it_was(frame: Frame) -> None:
    data = encode_frame(frame)
    assert data.count(b"\x7e") == 2
    assert fed([data]) == [frame]


@given(st.lists(frames, max_size=4), st.data())
def test_pieces_of_any_size_give_the_same_frames(sent: list[Frame], data: st.DataObject) -> None:
    stream = b"".join(map(encode_frame, sent))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    edges = [0, *cuts, len(stream)]
    assert fed([stream[a:b] for a, b in pairwise(edges)]) == sent
    assert fed([stream[i : i + 1] for i in range(len(stream))]) == sent


@given(st.lists(st.tuples(frames, st.binary(max_size=60)), min_size=1, max_size=4))
def test_garbage_between_frames_costs_no_frame(sent: list[tuple[Frame, bytes]]) -> None:
    # A delimiter in the garbage may open what swallows the garbage, never a frame: the next
    # delimiter ends it.
    stream = b"".join(garbage + encode_frame(frame) for frame, garbage in sent)
    events = fed([stream])
    assert [event for event in events if isinstance(event, Frame)] == [one for one, _ in sent]


@given(st.lists(st.binary(max_size=3000), max_size=5))
def test_random_bytes_never_raise_nor_grow_the_buffer(pieces: list[bytes]) -> None:
    whole = fed([b"".join(pieces)])
    assert fed(pieces) == whole


def test_two_frames_may_share_a_delimiter() -> None:
    frame = Frame(Header(2, "0" * 12, 7), b"")
    data = encode_frame(frame)
    assert fed([data[:-1] + data]) == [frame, frame]


def test_unescaping_is_one_pass() -> None:
    # 7D 01 02 is 7D 02; replacing the pairs one after the other would make 7E of it.
    frame = Frame(Header(2, "0" * 12, 7), b"\x7d\x02")
    assert b"\x7d\x01\x02" in encode_frame(frame)
    assert fed([encode_frame(frame)]) == [frame]


def test_a_check_that_needs_escaping_is_escaped() -> None:
    for last in range(256):
        frame = Frame(Header(2, "0" * 12, 7), bytes([last]))
        assert fed([encode_frame(frame)]) == [frame]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\x00\x02", "short"),
        (b"\x00\x02\x7d\x03", "escape"),
        (b"\x00\x02\x7d", "escape"),
        (b"\x00\x02\x7d\x7d\x01", "escape"),
        (bytes.fromhex("00020000123456789012000188"), "checksum"),
        (bytes.fromhex("00020001123456789012000188"), "length"),
        (bytes.fromhex("000220001234567890120001000200039" + "8"), "checksum"),
    ],
)
def test_what_is_no_frame_says_why(raw: bytes, reason: str) -> None:
    (event,) = fed([b"\x7e" + raw + b"\x7e"])
    assert isinstance(event, Malformed)
    assert event.reason == reason


def test_a_part_beyond_the_last_is_refused() -> None:
    good = Frame(Header(0x0704, "0" * 12, 7, part=Part(2, 2)), b"x")
    raw = bytearray(encode_frame(good)[1:-1])
    raw[15] ^= 1  # part 3 of 2
    raw[-1] ^= 1
    with pytest.raises(CodecError, match="part 3 of 2"):
        decode_frame(bytes(raw))


def test_what_never_ends_is_counted_once_and_forgotten() -> None:
    frame = Frame(Header(2, "0" * 12, 7), b"")
    framer = Framer()
    for _ in range(100):
        assert framer.feed(b"\x00" * 1000) == []
    assert framer.unfinished
    lost, found = framer.feed(encode_frame(frame))
    assert lost == Malformed("size", "100000 bytes without a delimiter")
    assert found == frame
    assert not framer.unfinished


def test_what_a_peer_leaves_unfinished_is_counted() -> None:
    framer = Framer()
    framer.feed(b"\x7e\x00\x02")
    assert framer.end() == Malformed("truncated", "2 bytes without an end")
    assert framer.end() is None


def test_both_editions_tell_themselves_apart_on_one_line() -> None:
    old = Frame(Header(2, "013800138000", 1), b"")
    new = Frame(Header(2, "00000000013800138000", 2, version=1), b"")
    assert fed([encode_frame(old) + encode_frame(new) + encode_frame(old)]) == [old, new, old]
    assert old.header.terminal == new.header.terminal == "13800138000"


def test_a_body_too_long_for_a_frame_is_split_with_serials_that_count_on() -> None:
    header = Header(0x0704, "0" * 12, 65535)
    with pytest.raises(CodecError, match="split"):
        encode_frame(Frame(header, bytes(MAX_BODY_BYTES + 1)))
    split = list(split_frames(header, bytes(range(256)) * 9, part_bytes=1000))
    assert [frame.header.part for frame in split] == [Part(3, 1), Part(3, 2), Part(3, 3)]
    assert [frame.header.serial for frame in split] == [65535, 0, 1]
    assert b"".join(frame.body for frame in split) == bytes(range(256)) * 9


def test_a_header_is_checked_where_it_is_made() -> None:
    for phone, version in (("1", None), ("0" * 12, 1), ("0" * 11 + "x", None)):
        with pytest.raises(CodecError, match="digits"):
            Header(2, phone, 0, version)
    with pytest.raises(CodecError, match="too large"):
        Header(2, "0" * 12, 65536)
