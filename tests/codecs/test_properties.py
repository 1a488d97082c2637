"""Whatever is encoded decodes to itself; whatever arrives decodes or is one CodecError."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.bundle import (
    MAX_BUNDLE_BYTES,
    Draft,
    Gap,
    Layer,
    Manifest,
    Mark,
    Precedence,
    Ranges,
    decode_gap,
    decode_manifest,
    decode_mark,
    encode_gap,
    encode_manifest,
    encode_mark,
)
from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.packing import pack, unpack
from fieldlink.codecs.wire import (
    Ack,
    AckItem,
    Ask,
    Chunk,
    Frame,
    Hello,
    Orders,
    Purpose,
    State,
    Verdict,
    Want,
    Welcome,
    decode_frame,
    encode_frame,
)

names = st.from_regex(r"[a-z0-9]([a-z0-9_-]{0,30}[a-z0-9])?", fullmatch=True)
times = st.integers(0, 2**63 - 1)
maybe = st.none() | times
ids = st.binary(min_size=32, max_size=32)
eights = st.binary(min_size=8, max_size=8)


def text(max_chars: int) -> st.SearchStrategy[str]:
    """What a person can read, Chinese too."""
    return st.text(max_size=max_chars).filter(str.isprintable)


spans = st.tuples(times, times).map(sorted)
meta = st.dictionaries(
    text(12), text(30) | st.booleans() | st.none() | st.integers(-(2**63), 2**63 - 1), max_size=6
)


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    start_us, end_us = draw(spans)
    return Manifest(
        kit=draw(names),
        spool=draw(eights),
        sequence=draw(times),
        device=draw(names),
        stream=draw(names),
        layer=draw(st.sampled_from(Layer)),
        precedence=draw(st.sampled_from(Precedence)),
        start_us=start_us,
        end_us=end_us,
        recorded_us=draw(times),
        deadline_us=draw(maybe),
        clock_error_us=draw(maybe),
        media_type=draw(text(40)),
        size=draw(st.integers(0, MAX_BUNDLE_BYTES)),
        content_hash=draw(ids),
        meta=draw(meta),
    )


@st.composite
def gaps(draw: st.DrawFn) -> Gap:
    start_us, end_us = draw(spans)
    return Gap(draw(names), draw(names), start_us, end_us, draw(text(256)), draw(text(16)))


@st.composite
def marks(draw: st.DrawFn) -> Mark:
    start_us, end_us = draw(spans)
    return Mark(draw(names), draw(names), start_us, end_us, draw(text(256)))


@st.composite
def chunks(draw: st.DrawFn) -> Chunk:
    payload = draw(st.binary(min_size=1, max_size=200))
    offset = draw(st.integers(0, MAX_BUNDLE_BYTES - len(payload)))
    size = draw(st.integers(offset + len(payload), MAX_BUNDLE_BYTES))
    digest = draw(st.binary(min_size=16, max_size=16))
    manifest = draw(st.none() | st.binary(min_size=1, max_size=4096))
    return Chunk(draw(ids), offset, size, digest, draw(text(32)), draw(times), manifest, payload)


held = st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999)).map(sorted), max_size=20)
answers = st.builds(
    AckItem,
    ids,
    st.sampled_from(Verdict),
    times,
    held.map(lambda pairs: Ranges([(low, high) for low, high in pairs])),
    text(200),
)
plain = st.recursive(
    st.none()
    | st.booleans()
    | times
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@st.composite
def wants(draw: st.DrawFn) -> Want:
    start_us, end_us = draw(spans)
    layer = draw(st.sampled_from(["", *(one.value for one in Layer)]))
    device, stream = draw(names | st.just("")), draw(names | st.just(""))
    purpose = draw(st.sampled_from(Purpose))
    return Want(draw(eights), purpose, device, stream, layer, start_us, end_us)


@st.composite
def orders(draw: st.DrawFn) -> Orders:
    start_us, end_us = draw(spans | st.just((None, None)))
    due_us = draw(st.sampled_from([None, end_us]))
    listed = tuple(draw(st.lists(wants(), max_size=9)))
    return Orders(draw(times), draw(times), draw(text(64)), start_us, due_us, listed)


frames: st.SearchStrategy[Frame] = st.one_of(
    chunks(),
    st.builds(Ask, st.lists(ids, max_size=256).map(tuple)),
    st.builds(
        Hello, text(64), eights, times, text(32), st.dictionaries(text(32), text(32), max_size=9)
    ),
    st.builds(State, times, st.dictionaries(text(12), st.none() | times | st.text(), max_size=64)),
    st.builds(Ack, st.lists(answers, max_size=9).map(tuple)),
    st.builds(Welcome, eights, times, text(64)),
    orders(),
)
DECODERS: tuple[Callable[[bytes], object], ...] = (
    decode_frame,
    decode_manifest,
    decode_gap,
    decode_mark,
)


@given(manifests())
def test_a_manifest_decodes_to_itself_and_has_one_packed_form(manifest: Manifest) -> None:
    packed = encode_manifest(manifest)
    assert decode_manifest(packed) == manifest
    assert encode_manifest(decode_manifest(packed)) == packed


@given(gaps())
def test_a_gap_decodes_to_itself(gap: Gap) -> None:
    assert decode_gap(encode_gap(gap)) == gap


@given(marks())
def test_a_mark_decodes_to_itself(mark: Mark) -> None:
    assert decode_mark(encode_mark(mark)) == mark


@given(frames)
def test_a_frame_decodes_to_itself(frame: Frame) -> None:
    assert decode_frame(encode_frame(frame)) == frame


@given(frames)
def test_a_frame_may_arrive_as_any_kind_of_buffer(frame: Frame) -> None:
    packed = encode_frame(frame)
    assert decode_frame(bytearray(packed)) == decode_frame(memoryview(packed)) == frame


@given(st.binary(max_size=300))
def test_random_bytes_are_a_codec_error_or_a_value(data: bytes) -> None:
    for decode in DECODERS:
        with contextlib.suppress(CodecError):
            decode(data)


@given(plain)
def test_any_value_in_any_field_is_a_codec_error_or_a_value(value: Any) -> None:
    header = pack(value)
    framed = b"\xf1\x01" + len(header).to_bytes(4, "big") + header
    for decode, data in zip(DECODERS, (framed, header, header, header), strict=True):
        with contextlib.suppress(CodecError):
            decode(data)


@given(st.integers(1, 7), st.lists(plain, max_size=8))
def test_any_fields_behind_a_kind_are_a_codec_error_or_a_value(kind: int, rest: list[Any]) -> None:
    header = pack([kind, *rest])
    with contextlib.suppress(CodecError):
        decode_frame(b"\xf1\x01" + len(header).to_bytes(4, "big") + header)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[Callable[[bytes], object], bytes]:
    """Something valid with bytes changed, cut off, put in or repeated; and its decoder."""
    what = draw(st.integers(0, 2))
    if what == 0:
        good = encode_frame(draw(frames))
    elif what == 1:
        good = encode_manifest(draw(manifests()))
    else:
        good = encode_gap(draw(gaps()))
    at, until = sorted(draw(st.tuples(st.integers(0, len(good)), st.integers(0, len(good)))))
    return DECODERS[what], good[:at] + draw(st.binary(max_size=8)) + good[until:]


@given(damaged())
def test_a_damaged_message_is_a_codec_error_or_a_value(
    case: tuple[Callable[[bytes], object], bytes],
) -> None:
    decode, data = case
    with contextlib.suppress(CodecError):
        decode(data)


@given(manifests(), st.lists(times | text(9), min_size=1, max_size=3))
def test_fields_that_a_later_version_appends_are_ignored(manifest: Manifest, more: Any) -> None:
    fields = unpack(encode_manifest(manifest), "manifest", max_bytes=4096)
    longer = pack([*fields, *more])
    if len(longer) <= 4096:
        assert decode_manifest(longer) == manifest


def test_what_a_centre_would_refuse_is_refused_where_it_is_made(still: Manifest) -> None:
    def draft(**changed: Any) -> Draft:
        kept = ("device", "stream", "layer", "precedence", "start_us", "end_us", "recorded_us")
        fields = {name: getattr(still, name) for name in kept}
        return Draft(**{**fields, "media_type": "video/mp4", **changed})

    assert draft().media_type == "video/mp4"
    for wrong in (
        {"meta": {"title": "line\nline"}},
        {"meta": {"fps": 12.5}},
        {"meta": {"n": 2**63}},
        {"meta": {str(n): n for n in range(33)}},
        {"media_type": "x" * 129},
        {"device": "../cam"},
        {"end_us": still.start_us - 1},
    ):
        with pytest.raises(CodecError):
            draft(**wrong)
