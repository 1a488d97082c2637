"""RTSP requests in any pieces, and what is not RTSP."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.rtp import Request, RequestReader, SoundTrack, reply, session_description
from fieldlink.codecs.rtp.requests import interleaved

_STREAM = (
    b"OPTIONS rtsp://h/cam RTSP/1.0\r\nCSeq: 1\r\n\r\n"
    + interleaved(1, b"receiver report")
    + b"SET_PARAMETER rtsp://h/cam RTSP/1.0\r\nCSeq: 2\r\nContent-Length: 4\r\n\r\nbody"
    + b"TEARDOWN rtsp://h/cam RTSP/1.0\r\ncseq:3\r\n\r\n"
)


@given(st.lists(st.integers(1, len(_STREAM) - 1), max_size=8))
def test_any_pieces_give_the_same_requests(cuts: list[int]) -> None:
    reader, requests = RequestReader(), []
    edges = [0, *sorted(cuts), len(_STREAM)]
    for begin, end in pairwise(edges):
        requests += list(reader.feed(_STREAM[begin:end]))
    assert [(r.method, r.headers["cseq"]) for r in requests] == [
        ("OPTIONS", "1"),
        ("SET_PARAMETER", "2"),
        ("TEARDOWN", "3"),
    ]


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"x" * 9000,
        b"OPTIONS a RTSP/1.0\r\nno colon\r\n\r\n",
        b"OPTIONS a RTSP/1.0\r\nContent-Length: 99999999\r\n\r\n",
    ],
)
def test_what_is_not_rtsp_ends_the_connection(garbage: bytes) -> None:
    with pytest.raises(CodecError):
        list(RequestReader().feed(garbage))


def test_a_reply_carries_the_sequence_and_the_length_of_its_body() -> None:
    said = reply(Request("DESCRIBE", "u", {"cseq": "7"}), 200, {"A": "b"}, "v=0").decode()
    assert said == "RTSP/1.0 200 OK\r\nCSeq: 7\r\nA: b\r\nContent-Length: 3\r\n\r\nv=0"


def test_a_description_names_parameter_sets_and_sound() -> None:
    keyframe = bytes.fromhex("00000001674d401f0000000168ee0000000165ff")
    text = session_description("cam", keyframe, SoundTrack(44_100, 1, b"\x12\x08"))
    assert "profile-level-id=4d401f;sprop-parameter-sets=Z01AHw==,aO4=" in text
    assert "mpeg4-generic/44100/1" in text
    assert "config=1208" in text
