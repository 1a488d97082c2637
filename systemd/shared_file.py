"""A small file that several processes change and read: one changes it at a time, and a reader knows
whether it is still the one that it has read.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from fieldlink.codecs.fault import ConfigError
from fieldlink.systemd.durable import make_folder

__all__ = ["Seen", "locked", "seen"]

Seen = tuple[int, int, int] | None
"""What tells a file from the one that was there before; None where there is none."""


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of `folder`, which is made if it is missing, while the block runs.

    Raises:
        OSError: the disk is full, read-only or broken.
    """
    make_folder(folder)
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def seen(path: Path) -> Seen:
    """Which file is at `path` now.

    Raises:
        ConfigError: this user may not look.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; run as the kit's own user") from error
    return found.st_ino, found.st_mtime_ns, found.st_size
