"""Where media files are: numbered folders of a few hundred files each.

Each file being written has a folder to itself until it is settled: fsync of a folder that
somebody else is changing would wait for their files too. Only the newest few folders are
written to, so that after a crash only those are looked through.
"""

import threading
from pathlib import Path

from fieldlink.systemd.durable import make_folder

__all__ = ["Shards"]

_FILES = 512
_LANES = 16  # how far behind the newest folder files may still be created


class Shards:
    """The folders under `folder`; new files go to shard `first` and later ones."""

    def __init__(self, folder: Path, first: int) -> None:
        self._folder = folder
        self._first = self._next = first
        self._files: dict[int, int] = {}  # of the idle and the busy ones
        self._idle: list[int] = []
        self._busy: set[int] = set()
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
            while self._idle:
                shard = self._idle.pop()
                if shard >= self._next - _LANES:
                    self._busy.add(shard)
                    return shard
            shard = self._next
            make_folder(self.folder(shard))
            self._next += 1
            self._busy.add(shard)
            return shard

    def settle(self, shard: int) -> None:
        """The file of `shard` is in the index, or gone."""
        with self._lock:
            self._busy.discard(shard)
            files = self._files[shard] = self._files.pop(shard, 0) + 1
            if files < _FILES:
                self._idle.append(shard)
            else:
                del self._files[shard]

    def first_open(self) -> int:
        """No file without its row is, or will be, in a shard older than this one."""
        with self._lock:
            return max(self._first, min([self._next - _LANES, *self._busy]))
