"""Bundles and a model of the centre for the bearer's tests."""

from collections.abc import Callable

import pytest

from fieldlink.codecs.bundle import (
    Layer,
    Manifest,
    Precedence,
    bundle_id,
    content_hash,
    encode_manifest,
)

MakeBundle = Callable[..., tuple[bytes, Manifest, bytes, bytes]]


@pytest.fixture
def make_bundle() -> MakeBundle:
    """Makes (id, manifest, packed manifest, content)."""

    def make(
        sequence: int, size: int, precedence: Precedence = Precedence.ROUTINE
    ) -> tuple[bytes, Manifest, bytes, bytes]:
        content = (sequence.to_bytes(4, "big") * (size // 4 + 1))[:size]
        manifest = Manifest(
            kit="kit-1",
            spool=b"spool-01",
            sequence=sequence,
            device="ball",
            stream="video",
            layer=Layer.PROXY,
            precedence=precedence,
            start_us=sequence,
            end_us=sequence,
            recorded_us=sequence,
            media_type="video/mp4",
            size=size,
            content_hash=content_hash(content),
        )
        encoded = encode_manifest(manifest)
        return bundle_id(encoded), manifest, encoded, content

    return make
