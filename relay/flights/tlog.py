"""A flight's recording as one file, joined from its pieces in the archive as it is sent.

The pieces are as their kit stored them: records of frames with their times, one behind the other,
so that joining them is the file that MAVProxy and QGroundControl would have written. What has not
come, or is gone from the archive, is a hole, and said.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fieldlink.codecs.fault import ArchiveError
from fieldlink.relay.archive.names import check_path
from fieldlink.relay.catalogue import Catalogue, StoredFlight, StoredPiece
from fieldlink.relay.flights.detail import Detail

__all__ = ["Recording", "recording_of"]

_BLOCK_BYTES = 256 * 1024
_MAX_SAID = 200


@dataclass(frozen=True, slots=True)
class Recording:
    """The pieces that are here, in their order, with their files; the numbers of those that are
    not.
    """

    root: Path
    pieces: Sequence[tuple[StoredPiece, str]]
    missing: Sequence[int]

    @property
    def size(self) -> int:
        """Of the whole file."""
        return sum(piece.size for piece, _ in self.pieces)

    @property
    def etag(self) -> str:
        """Another one for each set of pieces."""
        digest = hashlib.blake2b(digest_size=16)
        for piece, _ in self.pieces:
            digest.update(piece.content_hash)
        return f'"{digest.hexdigest()}"'

    @property
    def holes(self) -> str:
        """The numbers of missing pieces as 3,7-9; empty when there are none."""
        said = ",".join(_runs(self.missing))
        return said if len(said) <= _MAX_SAID else said[: said.rindex(",", 0, _MAX_SAID)] + ",..."

    def read(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes [start, end) of the file; one piece is open at a time.

        Raises:
            ArchiveError: a piece is no longer as it was when this began.
        """
        at = 0
        for piece, path in self.pieces:
            first, last = max(start - at, 0), min(end - at, piece.size)
            at += piece.size
            if first < last:
                yield from _read(self.root, path, first, last)


def recording_of(catalogue: Catalogue, root: Path, detail: Detail) -> Recording:
    """What is here of a flight's recording. Looks at each piece's file.

    Raises:
        ArchiveError: nothing of it is here.
    """
    here = [
        (piece, path)
        for piece, path in catalogue.flight_pieces(detail.flight.key)
        if _has(root, path, piece.size)
    ]
    if not here:
        raise ArchiveError(_nothing(detail.flight))
    held = {piece.piece for piece, _ in here}
    named = {row[0] for row in detail.pieces}
    known = detail.flight.pieces_known
    # Numbers count up without holes: one that is left out has not come yet.
    last = max(known - 1 if known is not None else 0, *held, *named)
    return Recording(root, here, [number for number in range(last + 1) if number not in held])


def _nothing(flight: StoredFlight) -> str:
    if flight.pieces_known == 0:
        return "this flight has no MAVLink recording; its telemetry is in .kml, .gpx and .geojson"
    return "nothing of this recording is in the archive yet"


def _has(root: Path, path: str, size: int) -> bool:
    try:
        return (root / check_path(path)).lstat().st_size == size
    except OSError:
        return False


def _read(root: Path, path: str, start: int, end: int) -> Iterator[bytes]:
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        handle = os.open(root / check_path(path), flags)
    except OSError as error:
        raise ArchiveError(f"{path} is not in the archive ({error.strerror})") from error
    try:
        at = start
        while at < end:
            block = os.pread(handle, min(_BLOCK_BYTES, end - at), at)
            if not block:  # cut short under our hands: end the connection, do not pad
                raise ArchiveError(f"{path} became shorter while it was read")
            at += len(block)
            yield block
    finally:
        os.close(handle)


def _runs(numbers: Sequence[int]) -> Iterator[str]:
    """Ascending numbers, neighbours together."""
    first = last = None
    for number in [*numbers, None]:
        if first is not None and last is not None and (number is None or number != last + 1):
            yield str(first) if first == last else f"{first}-{last}"
            first = number
        first = number if first is None else first
        last = number
