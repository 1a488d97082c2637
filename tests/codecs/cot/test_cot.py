"""Cursor on Target: events as XML and protobuf, streams of them, and what an enemy may send.

The events are worded as ATAK 5 words them; `takproto` (MIT) is the other end for protobuf.
"""

import pytest
import takproto
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.cot import (
    MAX_EVENT_BYTES,
    Chat,
    Emergency,
    Event,
    Refused,
    Splitter,
    decode_event,
    decode_message,
    encode_event,
)
from fieldlink.codecs.fault import CodecError

US = 1_779_960_445_123_000
TIMES = (
    'time="2026-05-28T09:27:25.123Z" start="2026-05-28T09:27:25.123Z"'
    ' stale="2026-05-28T09:33:40.123Z"'
)
PLI = f"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<event version="2.0" uid="ANDROID-352812070231231" type="a-f-G-U-C" {TIMES} how="m-g">
<point lat="34.2353908" lon="108.9423868" hae="384.2" ce="4.9" le="9999999.0"/>
<detail><takv os="34" version="5.3.0" device="SAMSUNG" platform="ATAK-CIV"/>
<contact endpoint="*:-1:stcp" callsign="鹰-1"/><uid Droid="鹰-1"/>
<__group role="Team Member" name="Cyan"/><status battery="78"/>
<track course="271.5" speed="1.25"/></detail></event>""".encode()
CHAT = f"""<event version="2.0" uid="GeoChat.ANDROID-1.All Chat Rooms.77" type="b-t-f" {TIMES}
 how="h-g-i-g-o"><point lat="34.2" lon="108.9" hae="0" ce="9999999" le="9999999"/><detail>
<__chat parent="RootContactGroup" groupOwner="false" chatroom="All Chat Rooms"
 senderCallsign="鹰-1" id="All Chat Rooms">
<chatgrp uid0="ANDROID-1" uid1="All Chat Rooms"/></__chat>
<link uid="ANDROID-1" type="a-f-G-U-C" relation="p-p"/>
<remarks source="BAO.F.ATAK.ANDROID-1" to="All Chat Rooms">桥断了&amp;水在涨
 need rope</remarks></detail></event>""".encode()
ALERT = f"""<event version="2.0" uid="ANDROID-1-9-1-1" type="b-a-o-tbl" {TIMES} how="m-g">
<point lat="34.2" lon="108.9" hae="384" ce="5" le="5"/><detail><link uid="ANDROID-1"
 type="a-f-G-U-C" relation="p-p"/><contact callsign="鹰-1-Alert"/>
<emergency type="911 Alert">鹰-1</emergency></detail></event>""".encode()
CANCEL = ALERT.replace(b"b-a-o-tbl", b"b-a-o-can").replace(
    b'<emergency type="911 Alert">', b'<emergency cancel="true">'
)
VECTORS = [PLI, CHAT, ALERT, CANCEL]


def test_a_position_report_is_read() -> None:
    event = decode_event(PLI)
    assert event == Event(
        uid="ANDROID-352812070231231",
        type="a-f-G-U-C",
        how="m-g",
        time_us=US,
        start_us=US,
        stale_us=US + 375_000_000,
        lat=34.2353908,
        lon=108.9423868,
        hae=384.2,
        ce=4.9,
        le=None,
        callsign="鹰-1",
        course=271.5,
        speed=1.25,
        battery=78,
        team="Cyan",
        role="Team Member",
        software="ATAK-CIV 5.3.0",
    )


def test_a_chat_message_is_read() -> None:
    event = decode_event(CHAT)
    assert event.chat == Chat("鹰-1", "All Chat Rooms", "桥断了&水在涨 need rope")
    assert event.link == "ANDROID-1"


def test_an_emergency_and_its_end_are_read() -> None:
    assert decode_event(ALERT).emergency == Emergency("911 Alert", cancel=False)
    ended = decode_event(CANCEL)
    assert ended.emergency == Emergency("鹰-1", cancel=True)
    assert (ended.link, ended.lat) == ("ANDROID-1", 34.2)


def test_unknown_is_not_zero() -> None:
    bare = PLI.replace(b'lat="34.2353908" lon="108.9423868"', b'lat="0.0" lon="0.0"')
    event = decode_event(bare.replace(b"4.9", b"9999999.0").replace(b'battery="78"', b""))
    assert (event.lat, event.lon, event.hae, event.ce, event.battery) == (None,) * 5


@pytest.mark.parametrize("vector", VECTORS, ids=["pli", "chat", "alert", "cancel"])
def test_what_is_written_is_read_the_same(vector: bytes) -> None:
    event = decode_event(vector)
    assert decode_event(encode_event(event)) == event


TEXT = st.text(max_size=40).map(
    lambda text: " ".join("".join(filter(str.isprintable, text)).split())
)
DEGREES = st.floats(-90, 90).map(lambda degrees: round(degrees, 7)).filter(bool)
KNOWN = st.one_of(st.none(), st.floats(0, 9_000).map(lambda metres: round(metres, 1)))


@given(
    TEXT.filter(bool),
    TEXT,
    TEXT,
    DEGREES,
    KNOWN,
    KNOWN,
    st.integers(10**12, 4 * 10**12),
    st.one_of(st.none(), st.integers(0, 100)),
)
def test_decode_of_encode_is_the_same(
    uid: str,
    callsign: str,
    remarks: str,
    lat: float,
    hae: float | None,
    course: float | None,
    at_ms: int,
    battery: int | None,
) -> None:
    event = Event(
        uid=uid,
        type="a-f-G-U-C",
        how="m-g",
        time_us=at_ms * 1000,
        start_us=at_ms * 1000,
        stale_us=at_ms * 1000 + 60_000_000,
        lat=lat,
        lon=-lat,
        hae=hae,
        callsign=callsign,
        course=None if course is None else course % 360,
        remarks=remarks,
        battery=battery,
    )
    got = decode_event(encode_event(event))
    assert got.course == pytest.approx(event.course, abs=0.01)
    assert got == Event(**{**{n: getattr(event, n) for n in Event.__slots__}, "course": got.course})


# --- protobuf, with another's encoder ------------------------------------------------------------


def test_protobuf_says_the_same_as_xml() -> None:
    for vector in (PLI, ALERT, CANCEL):
        xml = decode_event(vector)
        mesh = decode_message(bytes(takproto.xml2proto(vector, takproto.TAKProtoVer.MESH)))
        assert mesh == xml


def test_a_stream_of_protobuf_is_cut() -> None:
    vectors = (PLI, ALERT, CANCEL)
    stream = b"".join(
        bytes(takproto.xml2proto(vector, takproto.TAKProtoVer.STREAM)) for vector in vectors
    )
    pieces = Splitter().feed(stream)
    assert [decode_message(p) for p in pieces if isinstance(p, bytes)] == [
        decode_event(vector) for vector in vectors
    ]


def test_what_protobuf_has_no_field_for_is_read_from_its_xml() -> None:
    """takproto leaves the details of a chat out, ATAK has them in xmlDetail."""
    message = takproto.parse_proto(bytes(takproto.xml2proto(CHAT, takproto.TAKProtoVer.MESH)))
    detail = CHAT[CHAT.index(b"<detail>") + 8 : CHAT.index(b"</detail>")]
    message.cotEvent.detail.xmlDetail = detail.decode()
    event = decode_message(b"\xbf\x01\xbf" + message.SerializeToString())
    assert event == decode_event(CHAT)


def test_a_message_that_only_negotiates_is_no_event() -> None:
    assert decode_message(b"\xbf\x01\xbf\x0a\x04\x08\x01\x10\x01") is None


# --- streams -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "between", [b"", b"\n", b"\r\n \t", b"\xef\xbb\xbf", b"<?xml version='1.0'?>"]
)
def test_events_back_to_back_are_cut(between: bytes) -> None:
    splitter = Splitter()
    pieces = splitter.feed(between.join([b"", *VECTORS, b""]))
    assert [decode_message(piece) for piece in pieces if isinstance(piece, bytes)] == [
        decode_event(vector) for vector in VECTORS
    ]
    splitter.feed(CHAT)
    assert splitter.stray_bytes == 0


def test_an_event_without_content_ends_where_it_ends() -> None:
    first, second = Splitter().feed(b'<event uid="a>b"/>' + CHAT)
    assert first == b'<event uid="a>b"/>'
    assert second == CHAT


PIECES = st.one_of(
    st.sampled_from(
        [*VECTORS, b"<event", b"</event>", b"\xbf\x01", b"\xbf\xff\xff\xff\x7f", b"<!--"]
    ),
    st.binary(max_size=60),
)


@given(st.lists(PIECES, max_size=8).map(b"".join), st.data())
def test_any_chunking_gives_the_same(raw: bytes, data: st.DataObject) -> None:
    whole = Splitter().feed(raw)
    splitter, pieces, at = Splitter(), list[bytes | Refused](), 0
    while at < len(raw):
        step = data.draw(st.integers(1, 300))
        pieces += splitter.feed(raw[at : at + step])
        at += step
    assert pieces == whole
    assert len(splitter._held) <= MAX_EVENT_BYTES + 2000


def test_an_event_without_end_is_given_up_and_the_next_is_found() -> None:
    splitter, pieces = Splitter(), list[bytes | Refused]()
    for _ in range(40):
        pieces += splitter.feed(b"<event " + b"x" * 2000)
        assert len(splitter._held) <= MAX_EVENT_BYTES + 4000
    pieces += splitter.feed(b"</event>" + CHAT)
    assert any(isinstance(piece, Refused) and piece.reason == "too-long" for piece in pieces)
    assert pieces[-1] == CHAT


def test_a_stream_that_has_lost_its_lengths_is_found_again_by_xml() -> None:
    splitter = Splitter()
    pieces = splitter.feed(b"\xbf" * 5000 + CHAT + b"\xbf\x03abc")
    assert [type(piece) for piece in pieces] == [Refused, bytes, bytes]
    assert pieces[1:] == [CHAT, b"\xbf\x01\xbfabc"]


# --- hostile -------------------------------------------------------------------------------------

BOMB = b"""<?xml version="1.0"?><!DOCTYPE event [<!ENTITY a "aaaaaaaaaa">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>"""


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (BOMB + PLI.partition(b"\n")[2], "dtd"),
        (b'<!DOCTYPE event SYSTEM "file:///etc/passwd"><event/>', "dtd"),
        (b"<event>&xxe;</event>", "xml"),
        (b"<event" + b">" * 3, "xml"),
        (b"", "xml"),
        (b"<events/>", "shape"),
        (b"<event><event>" + b"<a>" * 20 + b"</a>" * 20 + b"</event></event>", "depth"),
        (b"<event>" + b"<a/>" * 500 + b"</event>", "depth"),
        (b"<event>" + b" " * MAX_EVENT_BYTES + b"</event>", "size"),
        (PLI.replace(b"34.2353908", b"91"), "field"),
        (PLI.replace(b"34.2353908", b"north"), "field"),
        (PLI.replace(b"2026-05-28T09:27:25.123Z", b"yesterday"), "field"),
        (PLI.replace(b"2026-05-28T09:27:25.123Z", b"0001-01-01T00:00:00Z"), "field"),
        (PLI.replace(b"ANDROID-352812070231231", b"A" * 200), "field"),
        (PLI.replace(b"ANDROID-352812070231231", b""), "field"),
        (b"\xbf\x01\xbf\x12\xff", "protobuf"),
        (b"\xbf\x01\xbf\x12\x05abc", "protobuf"),
        (b"\xbf\x01\xbf\x12\x02\x0a\x09", "protobuf"),
        (b"\xbf\x01\xbf" + b"\x08\x01" * 2000, "protobuf"),
        (b"\xbf\x02\xbf", "version"),
        ("<?xml version='1.0' encoding='UTF-16'?><event/>".encode("utf-16"), "xml"),
    ],
)
def test_hostile_input_is_one_error(data: bytes, reason: str) -> None:
    with pytest.raises(CodecError) as caught:
        decode_message(data)
    assert caught.value.reason == reason


@given(st.binary(max_size=300))
def test_random_bytes_are_one_error_or_an_event(data: bytes) -> None:
    for message in (
        data,
        b"\xbf\x01\xbf" + data,
        b"\xbf\x01\xbf\x12" + bytes([len(data) % 128]) + data,
    ):
        try:
            decode_message(message)
        except CodecError:
            continue


@given(st.sampled_from([b"34.2353908", b"4.9", b"78", b"1.25", b"384.2"]), st.text(max_size=12))
def test_hostile_attributes_are_one_error_or_unknown(old: bytes, new: str) -> None:
    try:
        event = decode_event(PLI.replace(old, new.encode("utf-8", "replace")))
    except CodecError:
        return
    for value in (event.lat, event.ce, event.battery, event.speed, event.hae):
        assert value is None or -20_000 <= value < 1e6


def test_text_from_outside_is_one_line_without_control_characters() -> None:
    nasty = CHAT.replace("桥断了".encode(), "a\u202eb\u0007c\x9b31m".replace("\u0007", "").encode())
    chat = decode_event(nasty).chat
    assert chat is not None
    assert chat.text.isprintable()
    assert "\u202e" not in chat.text
