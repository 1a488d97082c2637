"""Where media files are: numbered folders (shards) of a few hundred slots each.

A slot is a file's number, counted up over all folders; the index says which bundle is in which.
"""

from pathlib import Path

__all__ = ["FILES_PER_SHARD", "Shards", "shard_of"]

FILES_PER_SHARD = 512


def shard_of(slot: int) -> int:
    """The folder that `slot` is in."""
    return slot // FILES_PER_SHARD


class Shards:
    """The folders under `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._text = str(folder)

    def existing(self) -> list[int]:
        """The shards that are there, oldest first."""
        return sorted(int(path.name) for path in self._folder.iterdir() if path.name.isdecimal())

    def folder(self, shard: int) -> Path:
        """The folder of `shard`."""
        return self._folder / f"{shard:06d}"

    def path(self, slot: int) -> Path:
        """The file of `slot`."""
        return Path(self.name(slot))

    def name(self, slot: int) -> str:
        """The same as text: every bundle needs it, and a `Path` is slow to make."""
        return f"{self._text}/{shard_of(slot):06d}/{slot:012d}.bundle"

    def slot(self, path: Path) -> int | None:
        """The slot that the file at `path` is; None when the spool gives no file that name."""
        slot = int(path.stem) if path.stem.isascii() and path.stem.isdecimal() else 0
        return slot if self.path(slot) == path else None
