"""Bytes for a record of six fields (time, latitude, longitude, altitude, heading, speed) in blocks
of 7,200, two hours of one a second.

Resolutions are those of the position stream: 1e-7 degree (1 cm), 1 cm, 0.1 degree, 1 cm/s, and
microseconds. The tracks that are judged are made, a walker's and a vehicle's, with the noise that
`fieldlab.tracks` states. Recorded ones are shorter (FIELDLINK_RECORDINGS names their folder): each
is one block of what there is. The peer is pcodec, the best known codec for columns of numbers.
"""

from collections.abc import Sequence

from fieldlab.figure import Figure
from fieldlab.record_bytes import report
from fieldlab.tracks import made, recorded

_SIZE = 7_200


def measure() -> Sequence[Figure]:
    judged = [report(made(name, _SIZE, seed=7), _SIZE, print) for name in ("walker", "vehicle")]
    print("the walker's again, with times of arrival that waver by 4 ms, as the kit stores them:")
    report(made("walker", _SIZE, seed=7, jitter_us=4000), _SIZE, print)
    worst = max(judged, key=lambda found: found["ours"])
    fewest = all(min(found, key=lambda name: found[name]) == "ours" for found in judged)
    figures = [
        Figure(
            name="record_bytes_7200",
            value=worst["ours"],
            unit="B a record",
            limit=5,
            better="less",
            also=(("fewer than any peer", fewest),),
        ),
        Figure(
            name="record_bytes_7200_pcodec",
            value=sum(found["ours"] for found in judged) / 2,
            unit="B a record",
            peer=sum(found["pcodec"] for found in judged) / 2,
            limit=1,
            better="less",
        ),
    ]
    for track in recorded():
        report(track, _SIZE, print)
    return figures
