"""Bodies: what is encoded decodes to the same; what comes from outside raises one error or none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.jt808 import (
    ALARM_BITS,
    Area,
    AskSomeParameters,
    Authentication,
    Batch,
    Crossing,
    Extra,
    Heartbeat,
    Layout,
    Location,
    LocationReport,
    Media,
    Message,
    Parameter,
    Parameters,
    Passage,
    PlatformAnswer,
    Registration,
    RegistrationAnswer,
    Resend,
    SetParameters,
    Status,
    TerminalAnswer,
    Text,
    alarm_bits,
    decode_location,
    decode_message,
    encode_extra,
    encode_location,
    encode_message,
    from_time,
    read_parameter,
    text_of,
    to_gbk,
    to_time,
    write_parameter,
)

byte, word, long = (st.integers(0, 2**bits - 1) for bits in (8, 16, 32))
extras = st.lists(st.builds(Extra, byte, st.binary(max_size=20)), max_size=4).map(tuple)
locations = st.builds(
    Location, long, long, long, long, word, word, word, st.binary(min_size=6, max_size=6), extras
)
parameters = st.lists(st.builds(Parameter, long, st.binary(max_size=9)), max_size=4).map(tuple)
messages = st.one_of(
    st.builds(TerminalAnswer, word, word, byte),
    st.builds(PlatformAnswer, word, word, byte),
    st.just(Heartbeat()),
    st.builds(
        Registration,
        st.just(Layout.V2013),
        word,
        word,
        st.binary(min_size=5, max_size=5),
        st.binary(min_size=20, max_size=20),
        st.binary(min_size=7, max_size=7),
        byte,
        st.binary(max_size=9),
    ),
    st.builds(RegistrationAnswer, word, byte, st.binary(max_size=30)),
    st.builds(LocationReport, locations),
    st.builds(Batch, byte, st.lists(locations, max_size=4).map(tuple)),
    st.builds(Parameters, word, parameters),
    st.builds(SetParameters, parameters),
    st.builds(AskSomeParameters, st.lists(long, max_size=4).map(tuple)),
    st.builds(Resend, word, st.lists(word, max_size=9).map(tuple)),
    st.builds(Media, long, byte, byte, byte, byte, st.binary(max_size=30)),
)


@given(messages)
def test_a_message_comes_back_as_it_was_said(message: Message) -> None:
    ident, body = encode_message(message)
    assert decode_message(ident, body) == message


@given(
    st.builds(Text, byte, st.binary(max_size=40), byte)
    | st.builds(Resend, word, st.lists(word, max_size=300).map(tuple))
    | st.builds(
        Authentication,
        st.binary(max_size=40),
        st.binary(min_size=15, max_size=15),
        st.binary(max_size=20),
    )
    | st.builds(
        Registration,
        st.just(Layout.V2019),
        word,
        word,
        st.binary(min_size=11, max_size=11),
        st.binary(min_size=30, max_size=30),
        st.binary(min_size=30, max_size=30),
        byte,
        st.binary(max_size=9),
    )
)
def test_what_2019_changed_comes_back_as_well(message: Message) -> None:
    ident, body = encode_message(message, version=1)
    assert decode_message(ident, body, version=1) == message


@given(st.sampled_from([1, 2, 3, 0x100, 0x102, 0x104, 0x200, 0x201, 0x704, 0x801, 0x900, 0x8001,
                        0x8003, 0x8100, 0x8103, 0x8104, 0x8106, 0x8300, 0x1234]),
       st.binary(max_size=120), st.none() | byte)  # fmt: skip
def test_any_body_is_read_or_refused(message: int, body: bytes, version: int | None) -> None:
    try:
        said = decode_message(message, body, version)
    except CodecError:
        return
    assert encode_message(said, version)


@given(st.binary(min_size=28, max_size=120))
def test_any_location_is_kept_to_the_byte(data: bytes) -> None:
    assert encode_location(decode_location(data)) == data


@given(st.binary(min_size=3, max_size=200))
def test_any_batch_keeps_every_byte(body: bytes) -> None:
    batch = decode_message(0x0704, body)
    assert isinstance(batch, Batch)
    assert encode_message(batch) == (0x0704, body)


def test_a_bad_item_of_a_batch_does_not_cost_the_others() -> None:
    good = Location(0, 2, 1, 1, 0, 0, 0, bytes(6))
    batch = Batch(1, (good, b"short", good))
    _, body = encode_message(batch)
    assert decode_message(0x0704, body) == batch
    cut = decode_message(0x0704, body[:-1])
    assert isinstance(cut, Batch)
    assert (cut.items, cut.missing) == ((good, b"short"), 1)


@pytest.mark.parametrize(
    ("ident", "reading", "data"),
    [
        (0x01, 123456.7, "0012d687"),
        (0x02, 55.3, "0229"),
        (0x03, 81.0, "032a"),
        (0x04, 9, "0009"),
        (0x05, tuple([250, None] * 15), "faff" * 15),
        (0x06, 21, "0015"),
        (0x06, -21, "8015"),
        (0x11, Area(0, None), "00"),
        (0x11, Area(2, 7), "0200000007"),
        (0x12, Crossing(1, 7, 1), "010000000701"),
        (0x13, Passage(7, 600, 1), "00000007025801"),
        (0x25, 0x4010, "00004010"),
        (0x2A, 1, "0001"),
        (0x2B, (1, 2), "00020001"),
        (0x30, 31, "1f"),
        (0x31, 12, "0c"),
    ],
)
def test_additional_information_reads_as_it_was_written(
    ident: int, reading: float, data: str
) -> None:
    extra = encode_extra(ident, reading)
    assert (extra.data.hex(), extra.reading) == (data, reading)


def test_additional_information_that_is_unknown_or_odd_stays_bytes() -> None:
    assert Extra(0xEB, b"\x01").reading is None
    assert Extra(0xEB, b"\x01").name == "0xeb"
    assert Extra(0x31, b"\x00\x01").reading is None  # two bytes where the standard has one
    for ident, reading in ((0xEB, 1), (0x31, 256), (0x05, (1,))):
        with pytest.raises(CodecError, match="cannot say"):
            encode_extra(ident, reading)


@given(st.integers(946_656_000, 4_102_415_999))
def test_a_time_comes_back_to_the_second(seconds: int) -> None:
    assert from_time(to_time(seconds * 1_000_000 + 999_999)) == seconds * 1_000_000


@pytest.mark.parametrize("data", ["000000000000", "261332000000", "26010a000000", "260229000000"])
def test_a_time_that_is_none_says_so(data: str) -> None:
    with pytest.raises(CodecError):
        from_time(bytes.fromhex(data))


def test_a_time_beyond_two_digits_is_refused() -> None:
    for utc_us in (0, 4_102_444_800_000_000 + 10**12, 2**70):
        with pytest.raises(CodecError):
            to_time(utc_us)


def test_signs_of_a_location_are_in_its_status() -> None:
    def one(status: int, alt: int = 0) -> Location:
        return Location(0, status, 33_500_000, 70_600_000, alt, 0, 0, bytes(6))

    assert (one(0).lat_deg, one(0).lon_deg, one(0).is_fixed) == (33.5, 70.6, False)
    south_west = one(Status.FIXED | Status.SOUTH | Status.WEST)
    assert (south_west.lat_deg, south_west.lon_deg, south_west.is_fixed) == (-33.5, -70.6, True)
    assert one(0, 4000).alt_m == 4000
    assert one(0, 65536 - 154).alt_m == -154  # the Turpan depression


def test_alarm_bits_have_the_names_of_their_edition() -> None:
    def names(word: int, *, is_2019: bool) -> list[str]:
        return [alarm.name for alarm in alarm_bits(word, is_2019=is_2019)]

    assert names(1, is_2019=False) == names(1, is_2019=True) == ["sos"]
    assert names(1 << 31 | 1 << 15, is_2019=False) == ["door"]
    assert names(1 << 31 | 1 << 15, is_2019=True) == ["violation"]
    for bits in ALARM_BITS.values():
        assert (
            len({alarm.bit for alarm in bits}) == len({alarm.name for alarm in bits}) == len(bits)
        )
        assert all(alarm.chinese and alarm.english for alarm in bits)


def test_texts_are_gbk_without_their_filling() -> None:
    assert text_of(b"\0\0" + "粤A12345".encode("gbk") + b" \0\0") == "粤A12345"
    assert text_of(b"\xff\xfe") == "\ufffd\ufffd"
    assert to_gbk("测试") == bytes.fromhex("b2e2cad4")
    with pytest.raises(CodecError, match="GBK"):
        to_gbk("🚒")


def test_parameters_say_what_they_are() -> None:
    assert read_parameter(write_parameter(0x0029, 30)) == 30
    assert read_parameter(write_parameter(0x0013, "kit.local")) == "kit.local"
    assert read_parameter(Parameter(0x0029, b"\x1e")) is None
    assert read_parameter(Parameter(0xF364, b"\x1e")) is None
    for ident, value in ((0x0029, "often"), (0x0029, 2**32), (0xF364, 1)):
        with pytest.raises(CodecError, match="cannot be"):
            write_parameter(ident, value)


def test_a_field_that_does_not_fit_is_refused_where_it_is_written() -> None:
    with pytest.raises(CodecError, match="too long"):
        encode_message(Registration(Layout.V2011, 1, 1, b"m" * 6, b"", b"", 0, b""))
    for message in (PlatformAnswer(70000, 1, 0), Resend(1, tuple(range(300)))):
        with pytest.raises(CodecError, match="does not fit"):
            encode_message(message)
