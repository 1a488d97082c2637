"""MQTT 5 in, 3.1.1 out: packets as in the standard's own figures, and no bytes that harm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.mqtt import MAX_PACKET_BYTES, Translator


def _connect(body: str) -> bytes:
    made = bytes.fromhex(body)
    return bytes([0x10, len(made)]) + made


# Clean start off, a will, name and password, keep alive 10; session expiry 10 (MQTT 5, 3.1).
CONNECT_5 = _connect(
    "0004 4d515454 05 ec 000a 05 11 0000000a 0003 646a69 05 18 0000000a 0001 77 0002 6f6e"
    "0007 64726f6e652d31 0004 70617373"
)
CONNECT_311 = _connect("0004 4d515454 04 c2 000a 0003 646a69 0007 64726f6e652d31 0004 70617373")
CONNACK_311 = bytes.fromhex("20020000")


def connected() -> Translator:
    made = Translator()
    made.from_client(CONNECT_5)
    made.from_broker(CONNACK_311)
    made.take_to_broker()
    made.take_to_client()
    return made


def test_a_connect_of_version_5_is_one_of_version_3_1_1_clean_and_without_its_will() -> None:
    made = Translator()
    made.from_client(CONNECT_5)
    assert made.take_to_broker() == CONNECT_311
    assert made.version == 5
    made.from_broker(CONNACK_311)
    assert made.take_to_client() == bytes.fromhex("2005 00 00 02 24 01")  # Maximum QoS 1


@pytest.mark.parametrize(("code", "reason"), [(1, "84"), (4, "86"), (5, "87"), (9, "80")])
def test_a_refusal_keeps_its_reason(code: int, reason: str) -> None:
    made = Translator()
    made.from_client(CONNECT_5)
    made.from_broker(bytes([0x20, 2, 0, code]))
    assert made.take_to_client() == bytes.fromhex(f"200300{reason}00")


@pytest.mark.parametrize(
    ("client", "broker"),
    [
        ("3008 0001 61 02 0101 7879", "3005 0001 61 7879"),  # payload format indicator
        ("3207 0001 61 0005 00 78", "3206 0001 61 0005 78"),
        ("8208 0007 00 0001 61 2e 0001"[:-5], "8206 0007 0001 61 01"),  # QoS 2, no local
        ("a206 0009 00 0001 61", "a205 0009 0001 61"),
        ("c000", "c000"),
        ("e002 04 00", "e000"),
        ("4004 0003 00 00", "4002 0003"),
    ],
)
def test_what_a_client_says_loses_its_properties(client: str, broker: str) -> None:
    made = connected()
    data = bytearray.fromhex(client)
    data[1] = len(data) - 2
    made.from_client(bytes(data))
    assert made.take_to_broker() == bytes.fromhex(broker)


@pytest.mark.parametrize(
    ("broker", "client"),
    [
        ("3005 0001 61 7879", "3006 0001 61 00 7879"),
        ("3206 0001 61 0005 78", "3207 0001 61 0005 00 78"),
        ("9003 0007 01", "9004 0007 00 01"),
        ("d000", "d000"),
        ("4002 0003", "4002 0003"),
    ],
)
def test_what_the_broker_says_gets_properties(broker: str, client: str) -> None:
    made = connected()
    made.from_broker(bytes.fromhex(broker))
    assert made.take_to_client() == bytes.fromhex(client)


def test_an_unsubscription_is_answered_for_each_of_its_topics() -> None:
    made = connected()
    made.from_client(bytes.fromhex("a209 0009 00 0001 61 0001 62"))
    made.from_broker(bytes.fromhex("b002 0009"))
    assert made.take_to_client() == bytes.fromhex("b005 0009 00 0000")


@pytest.mark.parametrize("old", [False, True])
def test_qos_2_goes_on_once_and_is_answered_here(old: bool) -> None:
    made = Translator()
    made.from_client(CONNECT_311 if old else CONNECT_5)
    made.take_to_broker()
    publish = "3406 0001 61 0005 78" if old else "3407 0001 61 0005 00 78"
    for _ in range(2):  # sent again, as its PUBREC was lost
        made.from_client(bytes.fromhex(publish))
    assert made.take_to_broker() == bytes.fromhex("3004 0001 61 78")
    assert made.take_to_client() == bytes.fromhex("5002 0005 5002 0005")
    made.from_client(bytes.fromhex("6202 0005"))
    assert made.take_to_client() == bytes.fromhex("7002 0005")


def test_version_3_1_1_goes_through_as_it_is() -> None:
    made = Translator()
    rest = bytes.fromhex("8206 0007 0001 61 02 c000 3005 0001 61 7879")
    made.from_client(CONNECT_311 + rest)
    assert made.take_to_broker() == CONNECT_311 + rest
    made.from_broker(CONNACK_311)
    assert made.take_to_client() == CONNACK_311


@pytest.mark.parametrize(
    "data",
    [
        b"\xc0\x00",  # before CONNECT
        CONNECT_5 + CONNECT_5,
        CONNECT_5 + b"\xf0\x00",  # AUTH
        CONNECT_5 + b"\x30\x03\x00\x00\x00",  # a topic alias
        CONNECT_5 + b"\x36\x07\x00\x01a\x00\x05\x00x",  # QoS 3
        CONNECT_5 + b"\x30\xff\xff\xff\xff",
        CONNECT_5 + b"\x30\xff\xff\xff\x7f",
        CONNECT_5 + b"\x30\x02\x00\x09",
        b"\x10\x02\x00\x09",
    ],
)
def test_what_is_no_mqtt_is_one_error(data: bytes) -> None:
    with pytest.raises(CodecError):
        Translator().from_client(data)


@given(st.binary(max_size=80), st.integers(1, 9))
def test_no_bytes_in_any_pieces_are_anything_but_taken_or_refused(data: bytes, size: int) -> None:
    made = connected()
    try:
        for at in range(0, len(data), size):
            made.from_client(data[at : at + size])
            made.from_broker(data[at : at + size])
    except CodecError:
        return
    assert len(made.take_to_client()) <= len(data) * 5 + MAX_PACKET_BYTES


@pytest.mark.parametrize("first", [0x82, 0xA2])
def test_more_topics_than_a_controller_has_are_refused(first: int) -> None:
    topics = 1001 * (b"\0\0\0" if first == 0x82 else b"\0\0")
    body = b"\0\1\0" + topics
    length = bytes([len(body) & 0x7F | 0x80, len(body) >> 7])
    with pytest.raises(CodecError, match="over 1000 topics"):
        connected().from_client(bytes([first]) + length + body)
