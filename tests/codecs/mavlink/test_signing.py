"""Signatures, with pymavlink on the other side."""

from typing import Any

import pytest
from pymavlink.dialects.v20 import all as dialect

from fieldlink.codecs.mavlink import Framer, Verifier, compose, heartbeat, sign, signature_time

KEY = bytes(range(32))
NOW = signature_time(1_800_000_000_000_000)
MINUTE = 6_000_000


def theirs(*, key: bytes = KEY, link_id: int = 3, timestamp: int = NOW) -> Any:
    peer = dialect.MAVLink(None, srcSystem=1, srcComponent=1)
    peer.signing.secret_key = key
    peer.signing.link_id = link_id
    peer.signing.timestamp = timestamp
    peer.signing.sign_outgoing = True
    return peer


def said(peer: Any) -> bytes:
    return bytes(peer.heartbeat_encode(2, 3, 0, 0, 4).pack(peer))


def judged(verifier: Verifier, raw: bytes) -> str | None:
    (frame,) = Framer().datagram(raw)
    return verifier.refusal(frame)


def ours(timestamp: int, *, sysid: int = 1, link_id: int = 0, key: bytes = KEY) -> bytes:
    made = compose(0, heartbeat(), sysid=sysid, compid=1, seq=0)
    return sign(made, key, link_id, timestamp)


def test_what_pymavlink_signs_is_right() -> None:
    verifier, peer = Verifier(KEY), theirs()
    (frame,) = Framer().datagram(said(peer))
    assert (frame.signed, len(frame.signature)) == (True, 13)
    assert verifier.refusal(frame) is None
    assert verifier.timestamp == NOW
    assert judged(verifier, said(peer)) is None


def test_pymavlink_believes_what_is_signed_here() -> None:
    peer = theirs(timestamp=NOW - 5)
    peer.signing.allow_unsigned_callback = None
    (message,) = peer.parse_buffer(ours(NOW, sysid=9))
    assert (message.get_type(), message.get_srcSystem()) == ("HEARTBEAT", 9)
    assert peer.signing.reject_count == 0


def test_signing_later_is_the_same_as_composing_signed() -> None:
    direct = compose(0, heartbeat(), sysid=1, compid=1, seq=0, key=KEY, link_id=2, timestamp=NOW)
    assert ours(NOW, link_id=2) == direct
    with pytest.raises(ValueError, match="unsigned"):
        sign(direct, KEY, 2, NOW)


def test_unsigned_and_forged_frames_are_refused() -> None:
    verifier = Verifier(KEY)
    assert judged(verifier, compose(0, heartbeat(), sysid=1, compid=1, seq=0)) == "unsigned"
    assert judged(verifier, ours(NOW, key=bytes(32))) == "forged"
    for at in range(-13, 0):
        forged = bytearray(ours(NOW))
        forged[at] ^= 1
        assert judged(verifier, bytes(forged)) == "forged"
    assert verifier.timestamp == 0


def test_a_frame_said_again_is_refused() -> None:
    verifier = Verifier(KEY)
    assert judged(verifier, ours(NOW)) is None
    assert judged(verifier, ours(NOW)) == "replayed"
    assert judged(verifier, ours(NOW - 1)) == "replayed"
    assert judged(verifier, ours(NOW + 1)) is None
    assert judged(verifier, ours(NOW, link_id=1)) is None  # another stream


def test_a_new_stream_more_than_a_minute_behind_is_refused_also_after_a_restart() -> None:
    before = Verifier(KEY)
    assert judged(before, ours(NOW)) is None
    after = Verifier(KEY, before.timestamp)
    assert judged(after, ours(NOW - MINUTE - 1)) == "old"
    assert judged(after, ours(NOW - MINUTE)) is None


def test_streams_are_bounded_and_the_one_silent_longest_goes() -> None:
    verifier = Verifier(KEY)
    for count in range(1100):
        assert judged(verifier, ours(NOW, sysid=count % 200 + 1, link_id=count // 200)) is None
    assert len(verifier._streams) == 1024
    assert judged(verifier, ours(NOW, sysid=1, link_id=5)) == "replayed"


def test_a_key_of_another_size_is_no_key() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Verifier(b"short")


def test_times_before_2015_are_the_earliest() -> None:
    assert signature_time(0) == 0
    assert signature_time(1_420_070_400_000_010) == 1
