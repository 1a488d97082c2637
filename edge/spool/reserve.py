"""A file kept for the day the disk is full: giving up bundles needs the index to grow first."""

import os
from pathlib import Path

from fieldlink.systemd.durable import write_durably

__all__ = ["Reserve"]

_RESERVE_BYTES = 512 * 1024


class Reserve:
    """Half a mebibyte in `folder` that can be let go when not a byte is left."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "reserve"
        self.refill()

    def refill(self) -> None:
        """Set the bytes aside again if they are not, and the disk has them."""
        if self._path.exists():
            return
        try:
            write_durably(self._path, bytes(_RESERVE_BYTES))
        except OSError:
            # No room yet: that is what this file is about; the next call tries again.
            return

    def let_go(self) -> None:
        """Give the bytes back to the disk.

        Raises:
            OSError: the disk refuses.
        """
        self._path.unlink(missing_ok=True)

    def disk_is_read_only(self) -> bool:
        """Whether the disk refuses writes now."""
        try:
            os.close(os.open(self._folder / "lock", os.O_RDWR | os.O_CLOEXEC))
        except OSError:
            return True
        return False
