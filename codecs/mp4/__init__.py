"""Fragmented MP4 as boxes (ISO/IEC 14496-12): what is in a file, which codecs, at what time."""

from .boxes import Box, children, find, walk
from .codec_names import media_type
from .reference_time import ReferenceTime, add_reference_times, read_reference_times
from .tracks import Track, tracks

__all__ = [
    "Box",
    "ReferenceTime",
    "Track",
    "add_reference_times",
    "children",
    "find",
    "media_type",
    "read_reference_times",
    "tracks",
    "walk",
]
