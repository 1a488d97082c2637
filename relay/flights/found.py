"""What a filed bundle says of a flight: a piece of its recording, or its index.

The kit is the manifest's, which its certificate vouches for: whatever a kit says of flights is said
of its own.
"""

from fieldlink.codecs.bundle import (
    FLIGHT_MEDIA_TYPE,
    MAX_FLIGHT_BYTES,
    MAX_FLIGHT_US,
    MAX_PIECE_NUMBER,
    TLOG_MEDIA_TYPE,
    Layer,
    Manifest,
    check_flight,
    decode_flight,
)
from fieldlink.codecs.fault import CodecError
from fieldlink.relay.archive import Archive
from fieldlink.relay.catalogue import FiledBundle, FoundIndex, FoundPiece, StoredPiece

__all__ = ["found_in"]

_MAX_FRAMES = 2**40


def found_in(filed: FiledBundle, archive: Archive) -> FoundPiece | FoundIndex | None:
    """The piece or the index in a bundle; None when it is neither (a gap, say). Reads an index.

    Raises:
        CodecError: it says it is one and is not.
        OSError, ArchiveError: its file cannot be read.
    """
    manifest = filed.manifest
    if manifest.media_type == TLOG_MEDIA_TYPE:
        return _piece(filed)
    if manifest.media_type != FLIGHT_MEDIA_TYPE:
        return None
    if manifest.size > MAX_FLIGHT_BYTES:
        raise CodecError("size", f"a flight's index of {manifest.size} bytes")
    report = decode_flight(archive.locate(filed.path).read_bytes())
    if report.device != manifest.device:
        shown = report.device[:40]
        raise CodecError("field", f"an index of {shown!r} as {manifest.device}'s")
    said = manifest.meta.get("flight", report.flight)
    if said != report.flight:
        raise CodecError("field", f"an index of {report.flight} under the name {said!r}")
    return FoundIndex(manifest.kit, filed.bundle_id, manifest.content_hash, report)


def _piece(filed: FiledBundle) -> FoundPiece:
    manifest = filed.manifest
    if manifest.layer is not Layer.ORIGINAL:
        raise CodecError("field", f"a piece of a flight as {manifest.layer.value}")
    if manifest.end_us > MAX_FLIGHT_US:
        raise CodecError("span", f"a piece of a flight up to {manifest.end_us} us")
    armed = manifest.meta.get("armed")
    if not isinstance(armed, bool):
        raise CodecError("field", "a piece of a flight that does not say whether it was armed")
    closed = manifest.meta.get("closed")
    piece = StoredPiece(
        kit=manifest.kit,
        device=manifest.device,
        flight=check_flight(manifest.meta.get("flight")),
        piece=_count(manifest, "piece", MAX_PIECE_NUMBER),
        bundle_id=filed.bundle_id,
        content_hash=manifest.content_hash,
        start_us=manifest.start_us,
        end_us=manifest.end_us,
        frames=_count(manifest, "frames", _MAX_FRAMES),
        size=manifest.size,
    )
    system = _count(manifest, "system", 255)
    return FoundPiece(piece, system, armed, closed if isinstance(closed, str) else "")


def _count(manifest: Manifest, name: str, most: int) -> int:
    value = manifest.meta.get(name)
    if type(value) is not int or not 0 <= value <= most:
        raise CodecError("field", f"a piece of a flight with {name} {value!r}")
    return value
