"""Frames made by other people's terminals and platforms (frames.txt says whose): each is decoded
and encoded to the same bytes, and says what its makers say that it says.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from fieldlink.codecs.jt808 import (
    Area,
    Authentication,
    Batch,
    Crossing,
    Frame,
    Framer,
    Layout,
    Location,
    LocationReport,
    Malformed,
    Media,
    Message,
    Parameters,
    Passage,
    Registration,
    Resend,
    Signals,
    Text,
    decode_message,
    encode_frame,
    encode_message,
    read_parameter,
    text_of,
)

FRAMES = [
    line.strip()
    for line in Path(__file__).with_name("frames.txt").read_text().splitlines()
    if not line.startswith("#")
]


def one_frame(line: str) -> Frame:
    """The only frame in `line`."""
    (event,) = Framer().feed(bytes.fromhex(line))
    assert isinstance(event, Frame), event
    return event


def said(start: str) -> Message:
    """What the frame says whose hexadecimal digits begin with `start`."""
    (line,) = [line for line in FRAMES if line.startswith(start)]
    frame = one_frame(line)
    return decode_message(frame.header.message, frame.body, frame.header.version)


def location(start: str) -> Location:
    """The location in it."""
    message = said(start)
    assert isinstance(message, LocationReport)
    return message.location


@pytest.mark.parametrize("line", FRAMES, ids=lambda line: line[2:24])
def test_a_frame_of_somebody_else_is_the_same_when_encoded_again(line: str) -> None:
    frame = one_frame(line)
    message = decode_message(frame.header.message, frame.body, frame.header.version)
    ident, body = encode_message(message, frame.header.version)
    again = Frame(replace(frame.header, message=ident), body)
    assert encode_frame(again) == bytes.fromhex(line)


def test_the_sheets_location_has_its_escaped_bytes_and_its_figures() -> None:
    one = location("7e02000026123456789012007d02")
    assert (one.lat_deg, one.lon_deg, one.alt_m, one.speed) == (12.222222, 132.444444, 40, 60)
    assert (one.alarms, one.is_fixed) == (1, True)
    assert one.time_us == 1_539_569_410_000_000  # 2018-10-15 10:10:10 GMT+8
    assert (one.reading(0x01), one.reading(0x02)) == (10.0, 12.5)
    assert one_frame(FRAMES[0]).header.serial == 126


def test_emqx_and_we_read_the_same_in_a_location() -> None:
    one = location("7e0200003c0188766389")
    assert (one.lat, one.lon, one.alt, one.speed, one.heading) == (20019815, 110323793, 14, 0, 39)
    assert one.status == 262144
    assert not one.is_fixed
    assert one.time.hex() == "171019193538"
    assert [(extra.name, extra.reading) for extra in one.extras] == [
        ("mileage", 1630.6),
        ("speed", 0.0),
        ("signals", Signals(0)),
        ("io", 0),
        ("analog", (0, 0)),
        ("strength", 31),
        ("satellites", 0),
    ]


def test_emqx_and_we_read_the_same_in_a_batch() -> None:
    batch = said("7e07040139")
    assert isinstance(batch, Batch)
    assert (batch.kind, batch.missing, len(batch.items)) == (1, 0, 5)
    third = batch.items[2]
    assert isinstance(third, Location)
    assert (third.lat, third.lon, third.speed, third.heading) == (20016606, 110223696, 425, 109)
    assert third.time.hex() == "170831105011"
    assert third.reading(0x01) == 1544.9


def test_both_editions_carry_the_same_location_with_every_kind_of_extra() -> None:
    old, new = location("7e0200007c0123456789017fff"), location("7e0200407c01000000000172998417")
    assert old == new
    readings = {extra.name: extra.reading for extra in old.extras}
    assert readings == {
        "mileage": 1.1,
        "fuel": 2.2,
        "speed": 3.3,
        "event": 44,
        "tyres": (55, 55, 55, *[0] * 27),
        "overspeed": Area(66, 66),
        "crossing": Crossing(77, 77, 77),
        "passage": Passage(88, 88, 88),
        "signals": Signals.LOW_BEAM | Signals.HIGH_BEAM | Signals.REVERSE | Signals.FOG_LAMP,
        "io": 10,
        "analog": (20, 0),
        "strength": 30,
        "satellites": 40,
    }


def test_a_registration_of_each_edition_is_read() -> None:
    of_2013 = said("7e0100002d0001234567")
    of_2019 = said("7e010040550112345678")
    of_2011 = said("7e01000021013345678906")
    assert isinstance(of_2011, Registration)
    assert isinstance(of_2013, Registration)
    assert isinstance(of_2019, Registration)
    layouts = (of_2011.layout, of_2013.layout, of_2019.layout)
    assert layouts == (Layout.V2011, Layout.V2013, Layout.V2019)
    assert of_2011.words == {
        "maker": "70111",
        "model": "BSJ-M7B",
        "terminal": "0000000",
        "plate": "粤B88888",
    }
    assert (of_2013.province, of_2013.city, of_2013.plate_colour) == (40, 50, 1)
    assert of_2013.words["plate"] == "粤A12345"
    assert of_2019.words == {
        "maker": "yzh",
        "model": "www.jtt808.cn",
        "terminal": "09876543210987654321",
        "plate": "测A888888",
    }


def test_an_authentication_of_each_edition_is_read() -> None:
    assert said("7e010200090123456789") == Authentication(b"456121111")
    new = said("7e0102405001123456789012")
    assert isinstance(new, Authentication)
    assert new.code == b"pmYGzGukO8K4Z5lpIOTg8dqb3eprYaHBbXSPLtdbyG8="
    assert new.imei == b"123456789012345"
    assert text_of(new.software) == "www.jtt808.cn"


def test_what_a_platform_says_is_read_too() -> None:
    assert said("7e8003001501234567") == Resend(4249, tuple(range(1, 10)))
    assert said("7e8003401601000000") == Resend(4249, tuple(range(1, 10)))
    text = said("7e8300401901000000")
    assert isinstance(text, Text)
    assert (text.flags, text.kind, text_of(text.text)) == (0x3F, 1, "测试123@456#abc!...结束")
    asked = said("7e0104000c")
    assert isinstance(asked, Parameters)
    assert [read_parameter(item) for item in asked.items] == [10]


def test_a_piece_of_media_is_taken_apart_and_no_further() -> None:
    media = said("7e08010029012345")
    assert isinstance(media, Media)
    assert (media.ident, media.kind, media.form, media.event, media.channel) == (123, 1, 2, 1, 2)
    assert media.data.endswith(b"\x0d\x7b\x0d\x7b\x7b")


def test_a_terminal_in_the_south_is_there() -> None:
    one = location("7e0200002e2020001297")
    assert (one.lat_deg, one.lon_deg) == (-27.455656, 153.029616)  # Brisbane


def test_a_public_frame_with_a_wrong_check_is_refused() -> None:
    # An example of traccar's HuabaoProtocolDecoderTest that somebody edited: nobody looks at the
    # check there.
    line = (
        "7E02000032013511221122000700000000000C000301578CC006CA3A5C0047000000001407231720150104"
        "0000000030011631010BD07E"
    )
    (event,) = Framer().feed(bytes.fromhex(line))
    assert isinstance(event, Malformed)
    assert event.reason == "checksum"


def test_a_public_frame_of_another_length_than_it_says_is_refused() -> None:
    line = "7e010000190940278494700012" + "00" * 22 + "094027849470000a7e"  # traccar, edited too
    (event,) = Framer().feed(bytes.fromhex(line))
    assert isinstance(event, Malformed)
    assert event.reason == "length"
