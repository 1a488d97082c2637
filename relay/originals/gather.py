"""Originals by their indexes, and their parts joined again."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from fieldlink.codecs.bundle import FILE_MEDIA_TYPE, FILE_STREAM, FileIndex, Layer, content_hash
from fieldlink.codecs.fault import ArchiveError, CodecError
from fieldlink.codecs.tracks import instant
from fieldlink.relay.archive import Archive
from fieldlink.relay.catalogue import Catalogue, FiledBundle

__all__ = ["Original", "choose", "joined", "original_lines", "originals"]

_PAGE, _MOST = 5_000, 200_000
_MAX_INDEX_BYTES = 4_000_000


@dataclass
class Original:
    """A file of a kit, and those of its parts that are here, by their numbers."""

    kit: str
    index: FileIndex
    here: dict[int, FiledBundle] = field(default_factory=dict)

    @property
    def missing(self) -> list[int]:
        """The parts that have not come."""
        return [part.number for part in self.index.parts if part.number not in self.here]

    def to_dict(self) -> dict[str, Any]:
        """For programs."""
        index = self.index
        return {
            "kit": self.kit,
            "device": index.device,
            "file": index.file,
            "name": index.name,
            "media_type": index.media_type,
            "bytes": index.size,
            "taken_us": index.taken_us,
            "about": dict(index.about),
            "parts": len(index.parts),
            "parts_here": len(index.parts) - len(self.missing),
        }


def originals(
    catalogue: Catalogue,
    archive: Archive,
    *,
    kit: str | None = None,
    device: str | None = None,
    from_us: int | None = None,
    to_us: int | None = None,
) -> list[Original]:
    """What the centre knows of, in the order in which it was taken; an index that cannot be read is
    left out, and stays a file in the archive.
    """
    found: dict[tuple[str, str], Original] = {}
    parts: list[FiledBundle] = []
    wanted = {"kit": kit, "device": device, "from_us": from_us, "to_us": to_us}
    for filed in _filed(catalogue, wanted):
        manifest = filed.manifest
        if manifest.media_type != FILE_MEDIA_TYPE:
            if manifest.layer is Layer.ORIGINAL:
                parts.append(filed)
            continue
        index = _index(archive, filed)
        if index is not None:
            found[manifest.kit, index.file] = Original(manifest.kit, index)  # the last one counts
    for filed in parts:
        _take(found, filed)
    return sorted(found.values(), key=lambda one: (one.index.taken_us or 0, one.index.name))


def _filed(catalogue: Catalogue, wanted: dict[str, Any]) -> Iterable[FiledBundle]:
    rows: list[FiledBundle] = []
    after = None
    while len(rows) < _MOST:
        page = catalogue.bundles(stream=FILE_STREAM, limit=_PAGE, after=after, **wanted)
        rows += page
        if len(page) < _PAGE:
            break
        after = page[-1].number
    return sorted(rows, key=lambda one: one.manifest.sequence)


def _index(archive: Archive, filed: FiledBundle) -> FileIndex | None:
    if filed.manifest.size > _MAX_INDEX_BYTES:
        return None
    try:
        index = FileIndex.from_dict(json.loads(archive.locate(filed.path).read_bytes()))
    except (OSError, CodecError, ValueError, RecursionError):
        return None
    return index if index.device == filed.manifest.device else None


def _take(found: dict[tuple[str, str], Original], filed: FiledBundle) -> None:
    manifest = filed.manifest
    original = found.get((manifest.kit, str(manifest.meta.get("file"))))
    number = manifest.meta.get("part")
    if original is None or not isinstance(number, int):
        return
    if not 0 <= number < len(original.index.parts):
        return
    if original.index.parts[number].hash == manifest.content_hash.hex():
        original.here[number] = filed


def choose(found: Iterable[Original], which: str) -> Original:
    """The one whose ident is, or begins with, `which`, or whose name it is; "last" is the last.

    Raises:
        ArchiveError: there is none, or more than one.
    """
    some = list(found)
    matching = [one for one in some if one.index.file == which or one.index.name == which]
    matching = matching or [one for one in some if one.index.file.startswith(which)]
    if which == "last":
        matching = some[-1:]
    if len(matching) == 1:
        return matching[0]
    if matching:
        few = ", ".join(f"{one.index.file} of {one.index.device}" for one in matching[:5])
        raise ArchiveError(f"{which}: there are {len(matching)} ({few}); give one of these")
    raise ArchiveError(f"{which}: no such original; see fieldlink relay originals list")


def joined(archive: Archive, original: Original) -> Iterator[bytes]:
    """The file, a part at a time, each checked against its hash.

    Raises:
        ArchiveError: a part has not come, or is damaged.
        OSError: a file cannot be read.
    """
    if missing := original.missing:
        few = ", ".join(map(str, missing[:10])) + (", ..." if len(missing) > 10 else "")
        raise ArchiveError(
            f"{original.index.name}: {len(missing)} of {len(original.index.parts)} parts have not"
            f" come ({few}); fieldlink relay want asks for them sooner 尚未传完"
        )
    for part in original.index.parts:
        filed = original.here[part.number]
        data = archive.locate(filed.path).read_bytes()
        if content_hash(data).hex() != part.hash:
            raise ArchiveError(f"{filed.path}: damaged; fieldlink relay catalogue verify 已损坏")
        yield data


def original_lines(found: Iterable[Original]) -> Iterator[str]:
    """One line for each."""
    for one in found:
        index, here = one.index, len(one.index.parts) - len(one.missing)
        when = "-" if index.taken_us is None else instant(index.taken_us)
        state = "here 已到" if not one.missing else f"{here} of {len(index.parts)} parts 部分"
        place = ""
        if isinstance(index.about.get("lat"), float) and isinstance(index.about.get("lon"), float):
            place = f"  {index.about['lat']:.5f},{index.about['lon']:.5f}"
        size = index.size / 1e6
        yield (
            f"{index.file}  {index.name}  {one.kit}/{index.device}  {when}  {size:.1f} MB"
            f"  {state}{place}"
        )
