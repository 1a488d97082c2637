"""Frames in bytes of any kind; the frames are pymavlink's."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymavlink.dialects.v20 import all as dialect

from fieldlink.codecs.mavlink import (
    MAX_FRAME_BYTES,
    Frame,
    Framer,
    compose,
    heartbeat,
    id_of,
    name_of,
    target_of,
)
from fieldlink.codecs.mavlink.framer import checksum
from fieldlink.codecs.mavlink.table import ENTRIES


def said(*, version: int = 2, sysid: int = 1, seq: int = 0) -> list[bytes]:
    """A few frames of a vehicle, as pymavlink writes them."""
    peer = dialect.MAVLink(None, srcSystem=sysid, srcComponent=1)
    peer.seq = seq
    messages: list[Any] = [
        peer.heartbeat_encode(2, 3, 81, 4, 4),
        peer.attitude_encode(1000, 0.1, -0.2, 3.0, 0.0, 0.0, 0.0),
        peer.global_position_int_encode(1000, 473977420, 85455940, 488000, 10, 1, 2, 3, 9000),
        peer.statustext_encode(6, b"Takeoff complete"),
        peer.param_value_encode(b"SYSID_THISMAV", 1.0, 2, 1000, 3),
    ]
    frames = []
    for message in messages:
        frames.append(bytes(message.pack(peer, force_mavlink1=version == 1)))
        peer.seq = (peer.seq + 1) % 256
    return frames


# An unknown id: 60,123 is in no dialect.
UNKNOWN = bytes.fromhex("fd0300000101 01 dbea00 010203 aabb")


def all_of(data: bytes, *cuts: int) -> list[bytes]:
    framer = Framer()
    found: list[Frame] = []
    edges = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    for start, stop in itertools.pairwise(edges):
        found += framer.feed(data[start:stop])
        assert framer.held_bytes <= MAX_FRAME_BYTES
    found += framer.end()
    assert framer.held_bytes == 0
    assert framer.counts.garbage_bytes + sum(len(f.raw) for f in found) == len(data)
    return [frame.raw for frame in found]


def test_the_checksum_is_the_one_of_the_catalogue() -> None:
    # CRC-16/MCRF4XX of "123456789" is 0x6F91 (reveng's catalogue); the seed counts as a byte more.
    assert checksum(b"12345678", ord("9")) == 0x6F91


@pytest.mark.parametrize("version", [1, 2])
def test_frames_of_both_versions_are_found_with_their_headers(version: int) -> None:
    frames = Framer("udp").feed(b"".join(said(version=version, sysid=7, seq=254)), at_us=5)
    assert [frame.raw for frame in frames] == said(version=version, sysid=7, seq=254)
    assert [name_of(frame.msgid) for frame in frames][:2] == ["HEARTBEAT", "ATTITUDE"]
    assert [frame.seq for frame in frames] == [254, 255, 0, 1, 2]
    first = frames[0]
    assert (first.sysid, first.compid, first.version, first.signed) == (7, 1, version, False)
    assert (first.link, first.at_us, first.known) == ("udp", 5, True)
    assert first.payload == heartbeat(type_=2, autopilot=3, base_mode=81, custom_mode=4, state=4)


def test_what_is_composed_here_is_what_pymavlink_composes() -> None:
    theirs = said(seq=9)[0]
    payload = heartbeat(type_=2, autopilot=3, base_mode=81, custom_mode=4, state=4)
    assert compose(0, payload, sysid=1, compid=1, seq=9) == theirs
    assert compose(0, payload, sysid=1, compid=1, seq=9, version=1) == said(version=1, seq=9)[0]


@given(
    parts=st.lists(
        st.one_of(
            st.sampled_from([*said(), *said(version=1), UNKNOWN]),
            st.binary(max_size=12),
            st.sampled_from([b"\xfd", b"\xfe", b"\xfd\xff\x00", b"\xfe\xff", said()[2][:-3]]),
        ),
        max_size=12,
    ),
    cuts=st.lists(st.integers(1, 400), max_size=8),
)
def test_any_chunking_gives_the_same(parts: list[bytes], cuts: list[int]) -> None:
    data = b"".join(parts)
    assert all_of(data, *cuts) == all_of(data) == all_of(data, *range(1, len(data)))


@given(st.binary(max_size=2000))
def test_garbage_never_raises_nor_piles_up(data: bytes) -> None:
    all_of(data, 3, 100, 700)


@given(before=st.binary(max_size=40).filter(lambda b: not set(b) & {0xFD, 0xFE}))
def test_frames_behind_garbage_are_all_found(before: bytes) -> None:
    assert all_of(before + b"".join(said())) == said()


def test_a_frame_inside_of_what_was_taken_for_one_is_found() -> None:
    # A start that says 255 bytes follow: the real frames lie within.
    false = bytes.fromhex("fdff0000000101000000")
    assert all_of(false + b"".join(said()) * 3) == said() * 3
    framer = Framer()
    framer.feed(false + b"".join(said()) * 3)
    assert (framer.counts.bad, framer.counts.garbage_bytes, framer.counts.frames) == (1, 10, 15)


@pytest.mark.parametrize("bit", range(0, 8 * 21, 5))
def test_one_wrong_bit_is_no_frame(bit: int) -> None:
    wrong = bytearray(said()[0])
    wrong[bit // 8] ^= 1 << bit % 8
    framer = Framer()
    found = framer.feed(bytes(wrong) + said()[1]) + framer.end()
    # A bit of the id's high bytes makes an id that nobody knows, which cannot be checked.
    assert [f.raw for f in found if f.known] == [said()[1]]


@pytest.mark.parametrize("length", [0, 1, 8, 10, 255])
def test_a_wrong_length_costs_that_frame_alone(length: int) -> None:
    wrong = bytearray(said()[0])
    wrong[1] = length
    assert all_of(bytes(wrong) + b"".join(said())) == said()


def test_flags_that_nobody_knows_are_no_frame_though_the_checksum_be_right() -> None:
    wrong = bytearray(said()[0])
    wrong[2] = 0x02
    wrong[-2:] = checksum(bytes(wrong[1:-2]), ENTRIES[0].crc_extra).to_bytes(2, "little")
    assert all_of(bytes(wrong) + said()[1]) == [said()[1]]


def test_an_unknown_id_is_a_frame_when_another_follows_or_nothing() -> None:
    framer = Framer()
    assert [f.known for f in framer.feed(UNKNOWN + said()[0])] == [False, True]
    assert framer.feed(UNKNOWN) == []  # the next byte tells
    assert [f.raw for f in framer.end()] == [UNKNOWN]
    assert framer.counts.unknown == 2
    assert all_of(UNKNOWN + b"\x00" + said()[0]) == [said()[0]]


def test_frames_in_datagrams_are_found_however_these_are_cut() -> None:
    data = b"".join(said() * 3)
    for size in (1, 7, 21, 50, 300):
        framer = Framer()
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        found = [frame.raw for piece in pieces for frame in framer.datagram(piece)]
        assert (found, framer.counts.garbage_bytes) == (said() * 3, 0), size


def test_a_datagram_that_stands_alone_does_not_wait_for_the_one_before() -> None:
    framer = Framer()
    assert framer.datagram(said()[1][:-1]) == []  # its end is lost
    assert [f.raw for f in framer.datagram(said()[2])] == [said()[2]]
    assert framer.counts.garbage_bytes == len(said()[1]) - 1
    assert framer.held_bytes == 0
    assert [f.raw for f in framer.datagram(UNKNOWN)] == [UNKNOWN]
    assert framer.counts.frames == 2


def test_every_target_is_where_pymavlink_has_it() -> None:
    peer = dialect.MAVLink(None)
    for msgid, message in dialect.mavlink_map.items():
        names = message.fieldnames
        if "target_system" not in names:
            continue
        entry = ENTRIES[msgid]
        payload = bytearray(message.unpacker.size)
        payload[entry.system_offset] = 77
        expected = 0
        if "target_component" in names:
            payload[entry.component_offset] = expected = 42
        frame = compose(msgid, bytes(payload), sysid=1, compid=1, seq=0)
        read = peer.parse_buffer(frame)[0]
        assert read.target_system == 77, read
        assert getattr(read, "target_component", 0) == expected, read
        assert target_of(msgid, Framer().datagram(frame)[0].payload) == (77, expected)


def test_a_target_cut_off_with_the_zeros_is_everybody() -> None:
    assert target_of(76, bytes(5)) == (0, 0)
    assert target_of(0, bytes(9)) == (0, 0)
    assert target_of(60_123, b"\1" * 40) == (0, 0)


def test_messages_are_named_as_people_name_them() -> None:
    assert (id_of("attitude"), id_of("HEARTBEAT"), id_of("60123")) == (30, 0, 60_123)
    assert name_of(60_123) == "60123"
    with pytest.raises(ValueError, match="no message is called"):
        id_of("ALTITUTE")
