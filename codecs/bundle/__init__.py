"""The bundle: the unit of store-and-forward (the word is RFC 9171's).

`manifest` says what a bundle is, `ranges` which of its bytes are held, `gap` what is missing
from a stream and why, `flight_report` what was recorded of a
flight.
"""

from .file import (
    FILE_MEDIA_TYPE,
    FILE_STREAM,
    IMPORTED,
    PART_BYTES,
    PART_MEDIA_TYPE,
    FileIndex,
    FilePart,
)
from .flight import (
    FLIGHT_MEDIA_TYPE,
    KLV_MEDIA_TYPE,
    KLV_STREAM,
    TLOG_MEDIA_TYPE,
    TLOG_STREAM,
    UNSEEN_STREAMS,
)
from .flight_report import (
    MAX_FLIGHT_BYTES,
    MAX_FLIGHT_US,
    MAX_PIECE_NUMBER,
    FlightGap,
    FlightPiece,
    FlightReport,
    check_flight,
    decode_flight,
)
from .gap import GAP_MEDIA_TYPE, Gap, decode_gap, encode_gap
from .manifest import (
    MAX_BUNDLE_BYTES,
    MAX_MANIFEST_BYTES,
    Draft,
    Layer,
    Manifest,
    MetaValue,
    Precedence,
    bundle_id,
    content_hash,
    decode_manifest,
    encode_manifest,
)
from .mark import MARK_MEDIA_TYPE, Mark, decode_mark, encode_mark
from .names import check_name
from .ranges import Ranges

__all__ = [
    "FILE_MEDIA_TYPE",
    "FILE_STREAM",
    "FLIGHT_MEDIA_TYPE",
    "GAP_MEDIA_TYPE",
    "IMPORTED",
    "KLV_MEDIA_TYPE",
    "KLV_STREAM",
    "MARK_MEDIA_TYPE",
    "MAX_BUNDLE_BYTES",
    "MAX_FLIGHT_BYTES",
    "MAX_FLIGHT_US",
    "MAX_MANIFEST_BYTES",
    "MAX_PIECE_NUMBER",
    "PART_BYTES",
    "PART_MEDIA_TYPE",
    "TLOG_MEDIA_TYPE",
    "TLOG_STREAM",
    "UNSEEN_STREAMS",
    "Draft",
    "FileIndex",
    "FilePart",
    "FlightGap",
    "FlightPiece",
    "FlightReport",
    "Gap",
    "Layer",
    "Manifest",
    "Mark",
    "MetaValue",
    "Precedence",
    "Ranges",
    "bundle_id",
    "check_flight",
    "check_name",
    "content_hash",
    "decode_flight",
    "decode_gap",
    "decode_manifest",
    "decode_mark",
    "encode_gap",
    "encode_manifest",
    "encode_mark",
]
