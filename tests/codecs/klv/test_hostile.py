"""What no aircraft would send: every error is a KlvError and names the byte; sizes are bounded."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldlink.codecs.klv import (
    KEY,
    MAX_SET_BYTES,
    Framer,
    KlvError,
    Record,
    Stray,
    Tag,
    camera_angles,
    checksum,
    corners,
    decode,
    decode_security,
    encode,
    put_record,
    read_records,
)

GOOD = encode({Tag.TIME: 1_700_000_000_000_000, Tag.LAT: 30.5, Tag.LON: 103.5, Tag.MISSION: "m"})


def sealed(body: bytes) -> bytes:
    """`body` as a set whose checksum is right."""
    head = KEY + bytes((0x82,)) + (len(body) + 4).to_bytes(2)
    whole = head + body + b"\x01\x02"
    return whole + checksum(whole).to_bytes(2)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "key: no key of a UAS Datalink Local Set at byte 0"),
        (KEY, "truncated: it ends where a length should be at byte 16"),
        (KEY + b"\x80", "length: a length of 0 bytes at byte 16"),
        (KEY + b"\x85\0\0\0\0\1", "length: a length of 5 bytes at byte 16"),
        (KEY + b"\x82\0", "truncated: it ends in the middle of a length at byte 16"),
        (KEY + b"\x05abc", "length: it says 5 bytes and has 3 at byte 16"),
        (KEY + b"\x02ab", "checksum: no checksum is the last item at byte 17"),
        (sealed(b"\x05\x09ab"), "item 5 of 9 bytes is longer than its set at byte 19"),
        (sealed(b"\xff\xff\xff\xff\xff"), "tag: a tag of more than 4 bytes at byte 19"),
        (sealed(b"\x05\x00" * 1_001), "size: more than 1000 items at byte"),
        (KEY + b"\x83\1\0\0" + bytes(65_536), "size: a set of more than 65536 bytes"),
    ],
)
def test_a_malformed_set_is_an_error_that_names_the_byte(data: bytes, said: str) -> None:
    with pytest.raises(KlvError, match=r"at byte \d+") as found:
        decode(data)
    assert said in str(found.value)


def test_a_bit_that_flips_anywhere_is_found() -> None:
    for place in range(len(GOOD)):
        bad = bytearray(GOOD)
        bad[place] ^= 0x10
        with pytest.raises(KlvError):
            decode(bytes(bad))


def test_keys_of_others_that_promise_much_are_neither_held_nor_gone_through_again() -> None:
    framer, other = Framer(), KEY[:15] + b"\x01\x83\x00\xff\x00"
    for _ in range(3):
        stray = framer.feed(other * 100)[0]
        assert isinstance(stray, Stray)
        assert (stray.size, stray.reason) == (1_980 if not stray.at else 2_000, "other-key")
    assert framer.feed(GOOD) == [Stray(5_980, 20, "truncated"), GOOD]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_raise_anything_but_a_klv_error(body: bytes, whole: bool) -> None:
    with suppress(KlvError):
        found = decode(sealed(body) if whole else KEY + body)
        camera_angles(found)
        corners(found)
        raw = found.values.get(Tag.SECURITY)
        if isinstance(raw, bytes):
            decode_security(raw)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from([GOOD, KEY, KEY[:7], GOOD[:40], b"noise", b"\0\0\x0f\0\x46"])),
    st.lists(st.integers(1, 90)),
)
def test_however_a_stream_is_cut_its_sets_are_the_same(parts: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(parts)
    whole = Framer()
    expected = [one for one in whole.feed(stream) if isinstance(one, bytes)]
    framer, at, found = Framer(), 0, list[bytes | Stray]()
    for cut in [*cuts, len(stream)]:
        found += framer.feed(stream[at : at + cut])
        at += cut
    assert [one for one in found if isinstance(one, bytes)] == expected
    sizes = [len(one) if isinstance(one, bytes) else one.size for one in [*found, *framer.end()]]
    assert sum(sizes) <= len(stream)
    assert expected == [GOOD] * parts.count(GOOD)  # whatever is between


def test_sets_in_one_packet_come_out_each_and_headers_of_cells_are_no_noise() -> None:
    cell = bytes((0, 1, 0xDF)) + len(GOOD).to_bytes(2)  # ISO/IEC 13818-1, 2.12.4.2
    assert Framer().feed(cell + GOOD + cell + GOOD) == [GOOD, GOOD]
    assert Framer().feed(b"\0\1\xdf\0\1" + GOOD) == [Stray(0, 5, "noise"), GOOD]


def test_a_set_that_loses_its_end_costs_no_other() -> None:
    framer = Framer()
    assert framer.feed(GOOD[:40]) == []
    assert framer.feed(GOOD + GOOD[:20]) == [Stray(0, 40, "truncated"), GOOD]
    assert framer.end() == [Stray(40 + len(GOOD), 20, "truncated")]


def test_sets_of_another_kind_are_passed_over_and_said() -> None:
    other = bytes.fromhex("060e2b34020b01010e01030103000000") + b"\x03abc"
    assert Framer().feed(other + GOOD) == [Stray(0, 20, "other-key"), GOOD]


def test_a_megabyte_of_half_keys_is_one_stray_and_holds_nothing() -> None:
    framer = Framer()
    rubbish = (KEY[:4] + b"\xff" * 12 + b"\x8f") * 60_000
    found = framer.feed(rubbish)
    assert len(found) == 1
    assert isinstance(found[0], Stray)
    assert found[0].reason == "length"
    huge = KEY + b"\x84\x7f\xff\xff\xff"
    assert framer.feed(huge + bytes(1_000)) == [Stray(len(rubbish), 1_021, "size")]
    assert framer.end() == []


def test_what_waits_is_never_more_than_a_set() -> None:
    framer = Framer()
    framer.feed(KEY + b"\x82\xff\x00")
    for _ in range(200):
        framer.feed(bytes(1_000))
        assert len(framer._held) <= MAX_SET_BYTES


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2**63 - 1), st.binary(max_size=50))), st.integers(0, 60))
def test_records_come_back_up_to_the_damage(said: list[tuple[int, bytes]], lost: int) -> None:
    records = [Record(*one) for one in said]
    data = b"".join(map(put_record, records))
    assert list(read_records(data)) == records
    found = list[Record]()
    with suppress(KlvError):
        for record in read_records(data[: len(data) - lost]):
            found.append(record)
    assert found == records[: len(found)]
    assert len(records) - len(found) <= -(-lost // 12)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_on_record_raise_anything_but_a_klv_error(data: bytes) -> None:
    with suppress(KlvError):
        list(read_records(data))
