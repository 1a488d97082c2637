"""Recordings of flights as bundles: originals, but of no pictures."""

from .file import FILE_STREAM

__all__ = [
    "FLIGHT_MEDIA_TYPE",
    "KLV_MEDIA_TYPE",
    "KLV_STREAM",
    "TLOG_MEDIA_TYPE",
    "TLOG_STREAM",
    "UNSEEN_STREAMS",
]

TLOG_STREAM = "mavlink"
"""The stream of an aircraft's recording. It has no minutes to be seen, and none to be missed."""

TLOG_MEDIA_TYPE = "application/vnd.mavlink.tlog"
"""A piece: frames with their times, as MAVProxy and QGroundControl write them."""

FLIGHT_MEDIA_TYPE = "application/vnd.fieldlink.flight+json"
"""What the pieces of a flight are, and what is missing."""

KLV_STREAM = "klv"
"""The stream of what a camera sends beside its pictures (MISB ST 0601), as it came."""

KLV_MEDIA_TYPE = "application/vnd.fieldlink.klv"
"""A piece of that: packets with their times, as `codecs.klv.records` has them."""

UNSEEN_STREAMS = frozenset({TLOG_STREAM, FILE_STREAM, KLV_STREAM})
"""Streams of originals that have no minutes: neither seen, nor missed, nor made thinner."""
