"""Byte ranges, clause by clause of RFC 9110 section 14."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.relay.web.ranges import Slice, Unsatisfiable, choose_slice

_ETAG = '"e"'


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=10-19", 10, 20),
        ("bytes=99-", 99, 100),
        ("bytes=0-500", 0, 100),
        ("bytes=-1", 99, 100),
        ("bytes=-500", 0, 100),
        ("BYTES= 5 - 6 ", 5, 7),
    ],
)
def test_a_range_inside_the_file_is_partial(wanted: str, start: int, end: int) -> None:
    assert choose_slice(100, _ETAG, wanted, None) == Slice(start, end, 100, partial=True)


@pytest.mark.parametrize(
    "wanted",
    [None, "", "bytes=", "bytes=-", "bytes=5-4", "bytes=a-b", "items=0-5", "bytes=0-1,5-6"],
)
def test_what_is_no_single_range_of_bytes_gets_the_whole_file(wanted: str | None) -> None:
    assert choose_slice(100, _ETAG, wanted, None) == Slice(0, 100, 100, partial=False)


@pytest.mark.parametrize("wanted", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_outside_the_file_is_unsatisfiable(wanted: str) -> None:
    with pytest.raises(Unsatisfiable):
        choose_slice(100, _ETAG, wanted, None)


def test_nothing_of_an_empty_file_is_satisfiable() -> None:
    with pytest.raises(Unsatisfiable):
        choose_slice(0, _ETAG, "bytes=0-", None)
    with pytest.raises(Unsatisfiable):
        choose_slice(0, _ETAG, "bytes=-5", None)


def test_if_range_of_another_content_gets_the_whole_file() -> None:
    assert choose_slice(100, _ETAG, "bytes=5-6", _ETAG).partial
    assert not choose_slice(100, _ETAG, "bytes=5-6", '"other"').partial
    assert not choose_slice(100, _ETAG, "bytes=5-6", 'W/"e"').partial


@given(st.integers(0, 10**12), st.text(max_size=40))
def test_any_text_gives_a_slice_inside_the_file_or_unsatisfiable(size: int, text: str) -> None:
    try:
        part = choose_slice(size, _ETAG, f"bytes={text}", None)
    except Unsatisfiable:
        return
    assert 0 <= part.start <= part.end <= size
    assert part.partial or (part.start, part.end) == (0, size)
