"""One picture as a file, with what it says of where it was taken."""

from typing import Any

import cv2
import numpy as np

from fieldlink.codecs.picture import PictureMetadata, embed_jpeg

__all__ = ["encode_picture"]

_QUALITY = {
    "avif": cv2.IMWRITE_AVIF_QUALITY,
    "webp": cv2.IMWRITE_WEBP_QUALITY,
    "jpeg": cv2.IMWRITE_JPEG_QUALITY,
}
_NOTHING = PictureMetadata()


def encode_picture(
    pixels: Any, kind: str, quality: int, metadata: PictureMetadata = _NOTHING
) -> bytes:
    """`pixels` (rows of blue, green, red bytes) as "avif", "webp" or "jpeg" of `quality` (to 100).

    Without metadata the bytes are those of `cv2.imencode`.

    Raises:
        RuntimeError: this OpenCV cannot.
    """
    options = [_QUALITY[kind], quality]
    if kind == "jpeg" or metadata == _NOTHING:
        good, data = cv2.imencode(f".{kind}", pixels, options)
    else:
        parts = (
            (cv2.IMAGE_METADATA_EXIF, metadata.exif), (cv2.IMAGE_METADATA_XMP, metadata.xmp)
        )  # fmt: skip
        kinds = [number for number, part in parts if part]
        chunks = [np.frombuffer(part, np.uint8) for _, part in parts if part]
        good, data = cv2.imencodeWithMetadata(f".{kind}", pixels, kinds, chunks, options)
    if not good:
        raise RuntimeError(f"OpenCV could not encode a {kind} picture; reinstall OpenCV")
    content: bytes = data.tobytes()
    if kind == "jpeg" and metadata != _NOTHING:  # OpenCV 5.0 puts XMP in without its signature
        return embed_jpeg(content, *metadata)
    return content
