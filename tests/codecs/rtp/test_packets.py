"""RTP payloads and sender reports."""

from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.rtp import RtpSender, aac_payloads, h264_payloads, sender_report


@given(st.binary(min_size=2, max_size=6000).map(lambda b: b"\x65" + b.replace(b"\0", b"\1")))
def test_a_unit_of_any_size_comes_back_from_its_payloads(unit: bytes) -> None:
    payloads = list(h264_payloads(b"\0\0\0\1" + unit, limit=1000))
    assert all(len(payload) <= 1000 for payload in payloads)
    if len(payloads) == 1:
        assert payloads == [unit]
        return
    assert [payload[0] & 0x1F for payload in payloads] == [28] * len(payloads)
    starts = [bool(payload[1] & 0x80) for payload in payloads]
    ends = [bool(payload[1] & 0x40) for payload in payloads]
    assert starts == [True] + [False] * (len(payloads) - 1)
    assert ends == [False] * (len(payloads) - 1) + [True]
    first = bytes([payloads[0][0] & 0xE0 | payloads[0][1] & 0x1F])
    assert first + b"".join(payload[2:] for payload in payloads) == unit


def test_an_aac_frame_stands_behind_its_size() -> None:
    assert list(aac_payloads(b"abc")) == [bytes.fromhex("00100018") + b"abc"]


def test_packets_are_numbered_around_the_clock() -> None:
    sender = RtpSender(96, source=0x01020304, sequence=0xFFFF)
    assert sender.packet(b"x", 2**32 + 5, True).hex() == "80e0ffff0000000501020304" + "78"
    assert sender.packet(b"x", 6, False)[:4].hex() == "80600000"


def test_a_sender_report_ties_the_tracks_clock_to_utc() -> None:
    sender = RtpSender(96, source=9, packets=3, octets=300)
    report = sender_report(sender, 1_500_000, 90_000)
    assert report[:8].hex() == "80c8000600000009"
    assert int.from_bytes(report[8:12]) == 2_208_988_801
    assert int.from_bytes(report[12:16]) == 1 << 31
    assert [int.from_bytes(report[at : at + 4]) for at in (16, 20, 24)] == [90_000, 3, 300]
