"""The index of a file that was cut."""

import json
from typing import Any

import pytest

from fieldlink.codecs.bundle import PART_BYTES, FileIndex, FilePart
from fieldlink.codecs.fault import CodecError

PARTS = (FilePart(0, 0, PART_BYTES, "a" * 64), FilePart(1, PART_BYTES, 5, "b" * 64))
INDEX = FileIndex(
    "0123456789abcdef", "drone-1", "DJI_0001.MP4", "video/mp4", PART_BYTES + 5, PARTS,
    taken_us=1, end_us=2, about={"lat": 34.2, "key": "x/y"},
)  # fmt: skip


def test_an_index_reads_as_it_was_written() -> None:
    assert FileIndex.from_dict(json.loads(json.dumps(INDEX.to_dict()))) == INDEX


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"file": "../../etc"},
        {"size": 7},
        {"hash": "c" * 64},
        {"parts": [[1, 0, PART_BYTES + 5, "a" * 64]]},
        {"parts": 5},
        {"about": None},
        {"taken_us": "soon"},
    ],
)
def test_an_index_whose_parts_do_not_make_the_file_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(CodecError):
        FileIndex.from_dict({**INDEX.to_dict(), **change})
