"""Where media files are: numbered folders of a few hundred files each.

Files are created in the newest folder only. Those folders in which a file may still be without
its row in the index are "open": after a crash only they are looked through.
"""

import threading
from collections import Counter
from pathlib import Path

from fieldlink.systemd.durable import make_folder

__all__ = ["Shards"]

_FILES = 512


class Shards:
    """The folders under `folder`; new files go to shard `first` and later ones."""

    def __init__(self, folder: Path, first: int) -> None:
        self._folder = folder
        self._current = first
        self._files = 0
        self._unsettled: Counter[int] = Counter()
        self._lock = threading.Lock()

    @staticmethod
    def existing(folder: Path) -> list[int]:
        """The shards that are there, oldest first."""
        return sorted(int(path.name) for path in folder.iterdir() if path.name.isdecimal())

    def folder(self, shard: int) -> Path:
        """The folder of `shard`."""
        return self._folder / f"{shard:06d}"

    def path(self, shard: int, sequence: int) -> Path:
        """The file of bundle `sequence` in `shard`."""
        return self.folder(shard) / f"{sequence:012d}.bundle"

    def take(self) -> int:
        """A shard for one more file; `settle` it once the file has its row, or is gone.

        Raises:
            OSError: its folder cannot be made.
        """
        with self._lock:
            if self._files >= _FILES:
                self._current, self._files = self._current + 1, 0
            if self._files == 0:
                make_folder(self.folder(self._current))
            self._files += 1
            self._unsettled[self._current] += 1
            return self._current

    def settle(self, shard: int) -> None:
        """One file of `shard` is in the index, or gone."""
        with self._lock:
            self._unsettled[shard] -= 1
            if not self._unsettled[shard]:
                del self._unsettled[shard]

    def first_open(self) -> int:
        """The oldest shard in which a file may be without its row."""
        with self._lock:
            return min([self._current, *self._unsettled])
