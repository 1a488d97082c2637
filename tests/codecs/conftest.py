"""One bundle that the golden vectors are about."""

import pytest

from fieldlink.codecs.bundle import Layer, Manifest, Precedence, content_hash

CONTENT = b"hello"


@pytest.fixture
def still() -> Manifest:
    """A still of five bytes: short enough to be read in hexadecimal."""
    return Manifest(
        kit="kit-1",
        spool=bytes.fromhex("0001020304050607"),
        sequence=7,
        device="cam-1",
        stream="video",
        layer=Layer.STILL,
        precedence=Precedence.IMMEDIATE,
        start_us=1_700_000_000_000_000,
        end_us=1_700_000_000_040_000,
        recorded_us=1_700_000_000_100_000,
        deadline_us=None,
        clock_error_us=500,
        media_type="image/webp",
        size=len(CONTENT),
        content_hash=content_hash(CONTENT),
        meta={"width": 640, "height": 360},
    )
