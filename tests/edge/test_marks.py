"""Bookmarks set on the kit: checked, kept, and told to the centre."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fieldlink.codecs.bundle import MARK_MEDIA_TYPE, Layer, decode_mark
from fieldlink.codecs.fault import ConfigError
from fieldlink.codecs.wire import MAX_WANTS, Purpose, Want
from fieldlink.edge.beside import mark_fields
from fieldlink.edge.marks import Marks, asked_mark, kept_spans, mark_bundle
from fieldlink.edge.spool import Span


def _mark(number: int) -> Want:
    return Want(bytes(8), Purpose.KEEP, "ball", "", "", number, number + 1)


def test_bookmarks_outlive_a_restart_and_the_newest_comes_first(tmp_path: Path) -> None:
    marks = Marks(tmp_path / "marks.json")
    for number in range(MAX_WANTS + 5):
        marks.add(_mark(number))
    again = Marks(tmp_path / "marks.json")
    spans = [(one.from_us, one.to_us) for one in again.wants]
    assert spans == [(number, number + 1) for number in range(MAX_WANTS + 4, 4, -1)]
    assert all(one.purpose is Purpose.KEEP for one in again.wants)
    assert not again.findings


def test_bookmarks_set_at_once_on_several_threads_are_all_kept(tmp_path: Path) -> None:
    marks = Marks(tmp_path / "marks.json")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(marks.add, map(_mark, range(40))))
    assert {one.from_us for one in marks.wants} == set(range(40))
    assert Marks(tmp_path / "marks.json").wants != ()


@pytest.mark.parametrize(
    "text", ["", "[[1]]", '[["../x", "", "", 1, 2]]', '{"a": 1}', "[" * 60_000, "[" * 70_000]
)
def test_a_damaged_file_of_bookmarks_is_a_finding_and_no_crash(tmp_path: Path, text: str) -> None:
    path = tmp_path / "marks.json"
    path.write_text(text)
    marks = Marks(path)
    assert marks.wants == ()
    assert "bookmarks cannot be read" in marks.findings[0]
    marks.add(_mark(1))
    assert len(Marks(path).wants) == 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"device": "gate", "from_us": 1, "to_us": 2}, "no device of this kit; it has ball"),
        ({"device": 7}, "a device's name"),
        ({"device": "ball"}, "a bookmark has a span"),
        ({"from_us": 1.5, "to_us": 2}, "a bookmark has a span"),
        ({"from_us": 2, "to_us": 1}, "cannot be a bookmark"),
        ({"from_us": 1, "to_us": 2**63}, "cannot be a bookmark"),
        ({"from_us": 1, "to_us": 2, "note": "a\nb"}, "printable"),
        ({"from_us": 1, "to_us": 2, "note": "x" * 257}, "at most 256"),
    ],
)
def test_what_cannot_be_a_bookmark_says_why(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        asked_mark(asked, ["ball"])


def test_a_bookmark_tells_the_centre_what_and_why_and_the_spool_what_to_keep() -> None:
    want, note = asked_mark({"from_us": 1, "to_us": 2, "note": "溃口"}, ["ball"])
    draft, content = mark_bundle("ball", want, note, 3)
    assert (draft.layer, draft.media_type) == (Layer.REPORT, MARK_MEDIA_TYPE)
    mark = decode_mark(content)
    assert (mark.device, mark.start_us, mark.end_us, mark.note) == ("ball", 1, 2, "溃口")
    asked_for = Want(bytes(8), Purpose.SEND, "ball", "", "", 5, 6)
    assert kept_spans([asked_for, want]) == [Span("", "", "", 1, 2)]


def test_a_bookmark_of_now_reaches_back_and_ahead() -> None:
    fields = mark_fields("ball", "why", "90s", "10s")
    assert fields["to_us"] - fields["from_us"] == 100_000_000
    with pytest.raises(ConfigError, match="before"):
        mark_fields("", "", "soon", "10s")
