"""What a still says of where it was taken: Exif and XMP in the picture, and meta in its manifest.

Pure values and bytes: `exif` writes TIFF directories, `xmp` one packet, `metadata` makes both of a
`Pose`, `jpeg` puts them into a JPEG picture that somebody else made.
"""

from .exif import Tag, tiff
from .jpeg import embed_jpeg
from .metadata import (
    PictureMetadata,
    fitting_metadata,
    picture_metadata,
    pose_meta,
    pose_of_meta,
    shown_meta,
    with_aspect,
)
from .xmp import xmp_packet

__all__ = [
    "PictureMetadata",
    "Tag",
    "embed_jpeg",
    "fitting_metadata",
    "picture_metadata",
    "pose_meta",
    "pose_of_meta",
    "shown_meta",
    "tiff",
    "with_aspect",
    "xmp_packet",
]
