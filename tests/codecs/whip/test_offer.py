"""Offers of publishers: what is kept of them, what is refused and why, and the answer."""

import re
from pathlib import Path

import pytest
from aiortc.sdp import SessionDescription
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.whip import finish_answer, read_fragment, read_offer

# What Chromium 156 offers for a canvas and a tone; candidates follow by themselves.
CHROMIUM = Path(__file__).with_name("chromium-156.sdp").read_text(encoding="ascii")

# As libdatachannel 0.20, in OBS 30, writes one: a=group:LS, setup at the top, no candidates.
_PRINT = ":".join(["AB"] * 32)
OBS = f"""v=0
o=rtc 1747834 0 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=group:LS 0 1
a=msid-semantic:WMS *
a=ice-options:ice2,trickle
a=fingerprint:sha-256 {_PRINT}
a=setup:actpass
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:0
a=sendonly
a=ssrc:1234 cname:obs
a=ssrc:1234 msid:obs obs-audio
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;maxaveragebitrate=96000;stereo=1;sprop-stereo=1;useinbandfec=1
a=ice-ufrag:fJ8x
a=ice-pwd:EfkAy7PAGpsVkvEzSSWr8g
m=video 9 UDP/TLS/RTP/SAVPF 96
c=IN IP4 0.0.0.0
a=mid:1
a=sendonly
a=ssrc:1235 cname:obs
a=rtcp-mux
a=rtpmap:96 H264/90000
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtcp-fb:96 goog-remb
a=fmtp:96 profile-level-id=640c1f;packetization-mode=1;level-asymmetry-allowed=1
a=ice-ufrag:fJ8x
a=ice-pwd:EfkAy7PAGpsVkvEzSSWr8g
"""


def _changed(text: str, old: str, new: str) -> bytes:
    assert old in text
    return text.replace(old, new).encode()


def test_h264_is_taken_from_a_browser_that_prefers_vp8() -> None:
    offer = read_offer(CHROMIUM.encode())
    assert (offer.video, offer.profile, offer.mode, offer.audio) == (102, "42001f", "1", "opus")
    assert re.findall("^m=.*", offer.text, re.M) == [
        "m=audio 9 UDP/TLS/RTP/SAVPF 111\r",
        "m=video 9 UDP/TLS/RTP/SAVPF 102 103\r",
    ]
    kept = set(re.findall(r"a=rtpmap:\d+ (\S+)", offer.text))
    assert kept == {"opus/48000/2", "H264/90000", "rtx/90000"}


@pytest.mark.parametrize("text", [CHROMIUM, OBS], ids=["chromium", "obs"])
def test_what_is_kept_is_read_by_the_parser_behind(text: str) -> None:
    offer = read_offer(text.encode())
    read = SessionDescription.parse(offer.text)
    assert [one.kind for one in read.media] == ["audio", "video"]
    assert not any(one.ice_candidates_complete for one in read.media), "more may come"
    assert {one.ice.usernameFragment for one in read.media if one.ice} == {offer.ufrag}


def test_the_answer_is_in_the_profile_that_was_offered() -> None:
    offer = read_offer(OBS.encode())
    assert offer.profile == "640c1f"
    usual = (
        "a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n"
        "a=ice-pwd:x\r\n"
    )
    assert finish_answer(usual, offer) == (
        "a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640c1f\r\n"
        "a=ice-pwd:x\r\na=ice-options:trickle\r\n"
    )


def test_parameter_sets_may_come_in_the_offer() -> None:
    sets = "level-asymmetry-allowed=1;sprop-parameter-sets=Z0LAH9oBQBboQA==,aM4PyA=="
    offer = read_offer(_changed(OBS, "level-asymmetry-allowed=1", sets))
    assert [one[0] & 31 for one in offer.parameter_sets] == [7, 8]


@pytest.mark.parametrize(
    ("old", "new", "reason", "said"),
    [
        ("H264/90000", "VP8/90000", "codec", "its video is VP8; set it to H.264"),
        ("opus/48000/2", "multiopus/48000/6", "codec", "its sound is multiopus; set it to Opus"),
        ("packetization-mode=1", "packetization-mode=2", "codec", "set packetization-mode to 1"),
        ("m=audio", "m=video", "media", "it offers video, video; offer one video"),
        ("m=video 9 UDP/TLS/RTP/SAVPF 96", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
         "media", "no data channel"),
        ("a=sendonly", "a=recvonly", "media", "is not to be sent; offer it sendonly"),
        ("a=group:BUNDLE 0 1\n", "", "media", "are not bundled"),
        ("v=0\n", "", "sdp", "it is no SDP"),
        ("a=ice-pwd:EfkAy7PAGpsVkvEzSSWr8g", "a=ice-pwd:short", "sdp", "ice-pwd"),
        (_PRINT, "AB:CD", "sdp", "fingerprint"),
        ("a=mid:1", "a=mid:é", "sdp", "not ASCII"),
        ("profile-level-id=640c1f", "profile-level-id=zz", "sdp", "profile-level-id"),
    ],
)  # fmt: skip
def test_what_cannot_be_recorded_is_refused_with_what_to_do(
    old: str, new: str, reason: str, said: str
) -> None:
    with pytest.raises(CodecError, match=re.escape(said)) as refused:
        read_offer(_changed(OBS, old, new))
    assert refused.value.reason == reason


@given(at=st.integers(0, len(CHROMIUM)), length=st.integers(0, 40), put=st.binary(max_size=30))
def test_a_damaged_offer_is_refused_or_still_fit_for_the_parser(
    at: int, length: int, put: bytes
) -> None:
    damaged = CHROMIUM.encode()[:at] + put + CHROMIUM.encode()[at + length :]
    try:
        offer = read_offer(damaged)
    except CodecError:
        return
    assert len(SessionDescription.parse(offer.text).media) in (1, 2)


@given(st.binary(max_size=400))
def test_rubbish_is_no_offer_and_no_fragment(data: bytes) -> None:
    with pytest.raises(CodecError):
        read_offer(data)
    try:
        fragment = read_fragment(data)
    except CodecError:
        return
    assert fragment.candidates == ()


_NOWHERE = ("127.0.0.1", "::1", "::ffff:127.0.0.1", "::ffff:224.0.0.1", "255.255.255.255")


def test_of_candidates_those_by_udp_and_address_are_kept() -> None:
    good = "a=candidate:1 1 udp 2113937151 192.0.2.9 50000 typ host generation 0"
    lines = [
        "a=ice-ufrag:fJ8x", "a=ice-pwd:EfkAy7PAGpsVkvEzSSWr8g", "m=video 9 RTP/AVP 0", "a=mid:1",
        good,
        good.replace("192.0.2.9", "fd00::9"),
        good.replace("192.0.2.9", "3fc0fb11-5aa1-478a-9c1c-d0b8330f03a7.local"),
        good.replace("192.0.2.9", "239.1.1.1"),
        good.replace("192.0.2.9", "0.0.0.0"),  # noqa: S104 - refused
        good.replace("192.0.2.9", "1:2"),
        *(good.replace("192.0.2.9", to) for to in _NOWHERE),
        good.replace(" 50000 ", " 0 "),
        good.replace(" 50000 ", " 53 "),
        good.replace(" udp ", " tcp ") + " tcptype active",
        "a=end-of-candidates",
    ]  # fmt: skip
    fragment = read_fragment("\r\n".join(lines).encode())
    assert (fragment.ufrag, fragment.mid) == ("fJ8x", "1")
    assert fragment.candidates == (good[2:], good[2:].replace("192.0.2.9", "fd00::9"))
    many = read_fragment("\n".join([good] * 40).encode())
    assert len(many.candidates) == 16
    with pytest.raises(CodecError, match="one ice-ufrag"):
        read_fragment(b"a=ice-ufrag:aaaa\na=ice-ufrag:bbbb\n")
