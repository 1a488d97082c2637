"""Checking the archive against the catalogue, file by file, byte by byte."""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fieldlink.codecs.fault import ArchiveError
from fieldlink.relay.archive.store import Archive
from fieldlink.relay.catalogue import Catalogue, FiledBundle

__all__ = ["Checked", "verify"]

_READ_BYTES = 1024 * 1024
_PAGE = 500
_FILING_S = 1.0


@dataclass(frozen=True, slots=True)
class Checked:
    """A file, `path` relative to the archive, and what is wrong with it (None: nothing).

    `bundle_id` is None for a file that the catalogue does not know.
    """

    bundle_id: bytes | None
    path: str
    problem: str | None


def verify(archive: Archive, catalogue: Catalogue) -> Iterator[Checked]:
    """Hash every bundle in custody; files that the catalogue does not know come last."""
    known: set[str] = set()
    after = 0
    while page := catalogue.in_filing_order(after, _PAGE):
        for bundle in page:
            known.add(bundle.path)
            yield Checked(bundle.bundle_id, bundle.path, _problem(archive, bundle))
        after = page[-1].number
    for path in _strangers(archive, catalogue, known):
        yield Checked(None, path, "is not in the catalogue")


def _strangers(archive: Archive, catalogue: Catalogue, known: set[str]) -> list[str]:
    """The files that the catalogue does not know, beside a relay that goes on filing."""
    unknown = [path for path in _files(archive.root) if path not in known]
    for pause_s in (0.0, _FILING_S):
        if not unknown:
            break
        time.sleep(pause_s)  # between a file's last name and its place in the catalogue
        filed: set[str] = set()
        for at in range(0, len(unknown), _PAGE):
            filed |= catalogue.paths_taken(unknown[at : at + _PAGE])
        unknown = [path for path in unknown if path not in filed]
    return unknown


def _problem(archive: Archive, bundle: FiledBundle) -> str | None:
    try:
        file = archive.locate(bundle.path)
        size = file.stat().st_size
        if size != bundle.manifest.size:
            return f"has {size} bytes and should have {bundle.manifest.size}"
        good = hash_file(file) == bundle.manifest.content_hash
        return None if good else "does not hash to what its manifest says"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    except ArchiveError as error:
        return str(error)


def hash_file(file: Path) -> bytes:
    """The BLAKE2b-256 of a file's content.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.blake2b(digest_size=32)
    with file.open("rb", buffering=0) as source:
        while block := source.read(_READ_BYTES):
            digest.update(block)
    return digest.digest()


def _files(root: Path) -> Iterator[str]:
    for folder in sorted(root.iterdir()):
        if folder.is_dir() and not folder.name.startswith("."):
            for file in sorted(folder.rglob("*")):
                if not file.is_dir():
                    yield file.relative_to(root).as_posix()
