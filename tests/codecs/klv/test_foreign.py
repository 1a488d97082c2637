"""klvdata (MIT), a decoder of somebody else's, reads what is written here as it was meant."""

from typing import Any

import klvdata
import pytest

from fieldlink.codecs.geo import Pose
from fieldlink.codecs.klv import Tag, compose, decode

_NESTED = {Tag.SECURITY}
MOMENT = Pose(
    1_700_000_000_500_000, 30.1234567, 103.7654321, 1_488.0, 120.0, 200.0, 12.0, -7.0,
    -50.0, 255.0, 60.0, 40.0,
)  # fmt: skip


def read_by_klvdata(data: bytes) -> list[dict[int, Any]]:
    """Each set's values by tag."""
    return [
        {one.TAG: one.value.value for one in found.items.values() if hasattr(one, "TAG")}
        for found in klvdata.StreamParser(data)
        if isinstance(found, klvdata.misb0601.UASLocalMetadataSet)
    ]


def test_a_foreign_decoder_reads_what_is_written() -> None:
    ours = compose(MOMENT, mission="q7", designation="m300-1", tail_number="B-1", sensor="EO",
                   speed=8, climb=2.5)  # fmt: skip
    mine = decode(ours)
    theirs = read_by_klvdata(ours + ours)
    assert len(theirs) == 2
    assert theirs[0][Tag.TIME].timestamp() == pytest.approx(MOMENT.time_us / 1e6)
    read = 0
    for tag, value in mine.values.items():
        if tag in _NESTED | {Tag.TIME, Tag.CHECKSUM}:
            continue
        expected = value if isinstance(value, str) else pytest.approx(value, abs=1e-6)
        assert theirs[1][tag] == expected, tag
        read += 1
    assert read >= 24
