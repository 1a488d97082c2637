"""Bytes for a record of six fields in blocks of 60, a minute of one a second, each block readable
by itself: what goes while a link is thin. See record_bytes_7200 for resolutions and tracks.
"""

from collections.abc import Sequence

from fieldlab.figure import Figure
from fieldlab.record_bytes import report
from fieldlab.tracks import made, recorded

_SIZE = 60
_COUNT = 7_200


def measure() -> Sequence[Figure]:
    judged = [report(made(name, _COUNT, seed=7), _SIZE, print) for name in ("walker", "vehicle")]
    print("the walker's again, with times of arrival that waver by 4 ms, as the kit stores them:")
    report(made("walker", _COUNT, seed=7, jitter_us=4000), _SIZE, print)
    worst = max(judged, key=lambda found: found["ours"])
    fewest = all(min(found, key=lambda name: found[name]) == "ours" for found in judged)
    figures = [
        Figure(
            name="record_bytes_60",
            value=worst["ours"],
            unit="B a record",
            limit=10,
            better="less",
            also=(("fewer than any peer", fewest),),
        ),
        Figure(
            name="record_bytes_60_pcodec",
            value=sum(found["ours"] for found in judged) / 2,
            unit="B a record",
            peer=sum(found["pcodec"] for found in judged) / 2,
            limit=0.7,
            better="less",
        ),
    ]
    recordings = [(track, report(track, _SIZE, print)) for track in recorded()]
    if recordings:
        bytes_ = sum(found["ours"] * len(track.records) for track, found in recordings)
        records = sum(len(track.records) for track, _ in recordings)
        figures.append(
            Figure(
                name="record_bytes_60_recorded",
                value=bytes_ / records,
                unit="B a record",
                limit=10,
                better="less",
            )
        )
    return figures
