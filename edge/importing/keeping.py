"""A file as it is into the spool: in parts, with an index, as originals of cards come."""

from dataclasses import replace

from fieldlink.codecs.fault import SourceError
from fieldlink.codecs.taken import HEAD_BYTES, Taken, read_movie, read_photo
from fieldlink.edge.importing.held import HeldFile
from fieldlink.edge.importing.order import Order, Place
from fieldlink.edge.originals.ledger import Plan
from fieldlink.edge.originals.spooling import (
    file_ident,
    index_draft,
    index_of,
    media_type_of,
    name_of,
    spool_parts,
    taken_dict,
)

__all__ = ["examine_movie", "examine_photo", "keep_file"]

_FIRST_US = 1_262_304_000_000_000  # 2010: earlier is a camera that does not know
_PHOTOS = (b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # JPEG, TIFF and BigTIFF
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
"""What an MP4 or QuickTime file may begin with, also one that was cut off."""
_DAY_US = 86_400_000_000


def keep_file(
    file: HeldFile, device: str, digest: str, place: Place, taken: Taken, about: dict[str, str]
) -> tuple[str, int]:
    """Store all of a file bit by bit; its ident, and how many parts it has.

    Raises:
        FieldlinkError: the spool cannot take it.
        SourceError: it cannot be read.
    """
    name = name_of(file.name)
    plan = Plan(
        etag=digest,
        size=file.size,
        files=[],
        signature="",
        file=file_ident("import", device, digest, file.size),
        name=name,
        media_type=media_type_of(name, "application/octet-stream"),
        taken=taken_dict(taken),
    )
    now_us = place.clock()
    try:
        spool_parts(device, plan, file, place.add, now_us, lambda: None)
    except OSError as error:
        raise SourceError("not-found", f"{file.name}: {error.strerror or error}") from error
    index = index_of(device, plan, {"imported": True, "sha256": digest, **about})
    place.add(*index_draft(index, now_us))
    return plan.file, len(plan.parts)


def examine_photo(file: HeldFile, order: Order, now_us: int) -> Taken:
    """When and where a photo was taken, by what is written in it; `began_us` is of who knows.

    Raises:
        SourceError: it is none.
    """
    head = file.read(0, HEAD_BYTES)
    if not head.startswith(_PHOTOS):
        raise SourceError("format", f"{file.name} is no photo")
    offset = order.zone.utcoffset(None)
    zone_s = 0 if offset is None else round(offset.total_seconds())
    return _dated(read_photo(head, zone_s), order, now_us)


def examine_movie(file: HeldFile, order: Order, now_us: int) -> Taken:
    """The same of a video.

    Raises:
        SourceError: it is none.
    """
    if file.read(4, 4) not in _BOXES:
        raise SourceError("format", f"{file.name} is no MP4 or QuickTime video")
    return _dated(read_movie(file.read, file.size), order, now_us)


def _dated(found: Taken, order: Order, now_us: int) -> Taken:
    if order.began_us is not None:
        return replace(found, at_us=order.began_us)
    if found.at_us is not None and not _FIRST_US < found.at_us < now_us + _DAY_US:
        return replace(found, at_us=None)
    return found
