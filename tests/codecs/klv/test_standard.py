"""Sets as the standard writes them.

Golden values are the examples of MISB ST 0601, section 8 (and ST 1201 for IMAPB), each computed
anew from the clause's formula; whole sets are those that klvdata is tested with, when they are
there.
"""

from pathlib import Path

import pytest

from fieldlink.codecs.klv import (
    ITEMS,
    KEY,
    Classification,
    Item,
    KlvError,
    Security,
    Tag,
    checksum,
    decode,
    decode_security,
    encode,
    encode_security,
)
from fieldlink.codecs.klv.ber import put_length, put_tag, read_length, read_tag

DATA = Path(__file__).parents[3].parent / "shared" / "data"

GOLDEN = [
    (Tag.HEADING, 159.9744, "71c2", 360 / 65535),
    (Tag.PITCH, -0.4315251, "fd3d", 40 / 65534),
    (Tag.ROLL, 3.405814, "08b8", 100 / 65534),
    (Tag.AIRSPEED, 159, "9f", 1),
    (Tag.LAT, 60.1768229669783, "5595b66d", 180 / 4294967294),
    (Tag.LON, 128.426759042045, "5b5360c4", 360 / 4294967294),
    (Tag.ALT, 14190.72, "c221", 19900 / 65535),
    (Tag.HFOV, 144.5713, "cd9c", 180 / 65535),
    (Tag.VFOV, 152.6436, "d917", 180 / 65535),
    (Tag.AZIMUTH, 160.719211474396, "724a0a20", 360 / 4294967295),
    (Tag.ELEVATION, -168.792324833941, "87f84b86", 360 / 4294967294),
    (Tag.SENSOR_ROLL, 176.865437690572, "7dc55ece", 360 / 4294967295),
    (Tag.SLANT_RANGE, 68590.98, "03830926", 5e6 / 4294967295),
    (Tag.TARGET_WIDTH, 722.8199, "1281", 10000 / 65535),
    (Tag.CENTRE_LAT, -10.5423886331461, "f101a229", 180 / 4294967294),
    (Tag.CENTRE_LON, 29.157890122923, "14bc082b", 360 / 4294967294),
    (Tag.CENTRE_ALT, 3216.037, "34f3", 19900 / 65535),
    (Tag.TARGET_WIDTH_EXTENDED, 13898.5463, "00d92a", 1 / 4),
    (Tag.HEIGHT_EXTENDED, 23456.24, "2f921e", 1 / 128),
]  # fmt: skip


@pytest.mark.parametrize(("tag", "value", "raw", "step"), GOLDEN)
def test_the_examples_of_the_standard_are_read_and_written(
    tag: Tag, value: float, raw: str, step: float
) -> None:
    form = ITEMS[tag].form
    read = form.read(bytes.fromhex(raw))
    assert isinstance(read, int | float)
    assert abs(read - value) <= max(step, abs(value) * 1e-7)  # as many digits as it has
    # What is read of them is written as them: the quantisation is the standard's.
    assert form.write(read).hex() == raw


@pytest.mark.parametrize(
    "item",
    [one for one in ITEMS.values() if getattr(one.form, "size", 0) == 2],
    ids=lambda one: one.tag.name,
)
def test_numbers_of_two_bytes_come_back_as_themselves(item: Item) -> None:
    for number in range(0, 65536, 257):
        raw = number.to_bytes(2)
        value = item.form.read(raw)
        assert value is None or item.form.write(value) == raw


@pytest.mark.parametrize(
    ("tag", "low", "high"),
    [
        (Tag.HEADING, 0, 360),
        (Tag.PITCH, -20, 20),
        (Tag.ROLL, -50, 50),
        (Tag.LAT, -90, 90),
        (Tag.LON, -180, 180),
        (Tag.ALT, -900, 19000),
        (Tag.HEIGHT, -900, 19000),
        (Tag.CENTRE_HEIGHT, -900, 19000),
        (Tag.ELEVATION, -180, 180),
        (Tag.OFFSET_LAT_1, -0.075, 0.075),
        (Tag.CORNER_LON_4, -180, 180),
        (Tag.PITCH_FULL, -90, 90),
        (Tag.HEIGHT_EXTENDED, -900, 40000),
    ],
)
def test_the_ends_of_a_range_are_values_and_what_is_beyond_is_refused(
    tag: Tag, low: float, high: float
) -> None:
    for end in (low, high):
        value = decode(encode({tag: end})).number(tag)
        assert value == pytest.approx(end, abs=1e-9 if tag != Tag.HEIGHT_EXTENDED else 0.01)
    for beyond in (low - 0.01, high + 0.01, float("nan"), float("inf")):
        with pytest.raises(KlvError, match="range"):
            encode({tag: beyond})


@pytest.mark.parametrize(
    ("tag", "raw"),
    [
        (Tag.PITCH, "8000"),
        (Tag.ROLL, "8000"),
        (Tag.LAT, "80000000"),
        (Tag.LON, "80000000"),
        (Tag.ELEVATION, "80000000"),
        (Tag.OFFSET_LON_3, "8000"),
        (Tag.CORNER_LAT_2, "80000000"),
        (Tag.ROLL_FULL, "80000000"),
        (Tag.HEIGHT_EXTENDED, "c80000"),  # infinite
        (Tag.HEIGHT_EXTENDED, "d00000"),  # no number
        (Tag.HEADING, ""),  # unknown (ST 0601, 6.3)
        (Tag.MISSION, "0000"),
    ],
)
def test_what_is_out_of_range_is_unknown_and_no_number(tag: Tag, raw: str) -> None:
    found = decode(encode({Tag.TIME: 1}, {tag: bytes.fromhex(raw)}))
    assert tag not in found.values
    assert found.blank == {tag}


def test_what_is_not_understood_is_kept_and_what_does_not_fit_costs_nothing_else() -> None:
    more = {94: b"\x01p\xf5", 128: b"new", 20_000: b"", Tag.HEADING: b"\x01", Tag.MISSION: b"\xff"}
    found = decode(encode({Tag.TIME: 5, Tag.LAT: 1.5}, more))
    assert found.unknown == {94: b"\x01p\xf5", 128: b"new", 20_000: b""}
    assert found.misfits == {Tag.HEADING: b"\x01", Tag.MISSION: b"\xff"}
    assert found.time_us == 5
    assert found.number(Tag.LAT) == pytest.approx(1.5)
    assert found.text(Tag.MISSION) is None


def test_time_is_first_and_the_checksum_last() -> None:
    data = encode({Tag.LAT: 1.0, Tag.MISSION: "灾情 7", Tag.TIME: 1_700_000_000_000_000})
    assert data.startswith(KEY + bytes((len(data) - 17, Tag.TIME, 8)))
    assert data[-4:-2] == bytes((Tag.CHECKSUM, 2))
    assert int.from_bytes(data[-2:]) == checksum(data[:-2])
    assert decode(data).text(Tag.MISSION) == "灾情 7"


def test_a_text_is_cut_where_a_character_ends() -> None:
    found = decode(encode({Tag.MISSION: "灾" * 60})).text(Tag.MISSION)
    assert found == "灾" * 42  # 126 bytes


def test_lengths_and_tags_are_of_the_fewest_bytes() -> None:
    assert [put_length(n).hex() for n in (0, 127, 128, 255, 256, 65536)] == [
        "00", "7f", "8180", "81ff", "820100", "83010000",
    ]  # fmt: skip
    assert [put_tag(n).hex() for n in (1, 127, 128, 144, 16384)] == [
        "01", "7f", "8100", "8110", "818000",
    ]  # fmt: skip
    for number in (0, 1, 127, 128, 300, 70_000):
        for put, read in ((put_length, read_length), (put_tag, read_tag)):
            raw = put(number)
            assert read(raw, 0, len(raw)) == (number, len(raw))
    # Not of the fewest, and read all the same: encoders of aircraft reserve room.
    assert read_length(bytes.fromhex("83000005"), 0, 4) == (5, 4)


def test_the_security_set_comes_back() -> None:
    for said in (Security(), Security(Classification.SECRET, "NLD", "FRA"), Security(None, None)):
        assert decode_security(encode_security(said)) == said


def real(name: str) -> bytes:
    path = DATA / f"misb0601-{name}MISMMSPacketData.bin"
    if not path.exists():
        pytest.skip(f"{path.name} is not there")
    return path.read_bytes()


def test_a_real_set_is_read_and_written_byte_for_byte() -> None:
    data = real("DynamicOnly")
    found = decode(data)
    assert found.time_us == 1_231_798_102_000_000
    assert found.number(Tag.LAT) == pytest.approx(60.176822967, abs=1e-8)
    assert (found.unknown, found.misfits, found.blank) == ({}, {}, frozenset())
    assert encode(found.values, found.unknown) == data


def test_a_real_set_with_a_wrong_checksum_is_refused_and_else_as_written() -> None:
    data = real("DynamicConstant")  # klvdata computes 3e1e as well, and does not look
    with pytest.raises(KlvError, match="checksum is aa43 and should be 3e1e at byte 224"):
        decode(data)
    found = decode(data, verified=False)
    assert found.text(Tag.DESIGNATION) == "Predator"
    security = found.values[Tag.SECURITY]
    assert isinstance(security, bytes)
    assert decode_security(security) == Security(Classification.UNCLASSIFIED, "USA", "USA")
    assert list(found.unknown) == [94]
    assert encode(found.values, found.unknown)[:-2] == data[:-2]
