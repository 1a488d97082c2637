"""A disk whose power can be cut: a FUSE mount that forgets what was not synced.

    with PowerCutDisk(seed=7) as disk:
        disk.die_after(120)          # operations from now on; then every write fails
        ... use disk.path until it fails ...
        disk.cut()                   # what is left is a state that a power cut may leave
        ... open the store in disk.path again ...

Close every file of the disk before `cut()`: the mount is replaced by one that knows only what
survived, nothing of it in the kernel's caches. Needs root (or fusermount3) and /dev/fuse.
"""

import errno
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any

from .peers import need_module, need_path, need_program
from .powercut_model import Node

__all__ = ["PowerCutDisk"]

_MOUNT_S = 10.0


class PowerCutDisk:
    """A mounted disk at `path`; `seed` decides what survives each cut."""

    def __init__(self, seed: int) -> None:
        need_module("mfusepy")
        need_path("/dev/fuse", "FUSE")
        need_program("fusermount3")
        self._random = Random(seed)
        self._root = Node(stat.S_IFDIR | 0o700)
        self._server: subprocess.Popen[bytes] | None = None
        self._orders: Connection | None = None
        self._folder = Path(tempfile.mkdtemp(prefix="powercut-"))
        self.path = self._folder / "disk"

    def __enter__(self) -> "PowerCutDisk":
        self.path.mkdir()
        self._mount()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._unmount()
        shutil.rmtree(self._folder)

    def die_after(self, operations: int | None) -> None:
        """Let `operations` more changes and syncs through, then fail all (None: for ever on)."""
        self._order("die_after", operations)

    def fail(self, operation: str, pattern: str, code: int = errno.EIO, times: int = 1) -> None:
        """Make the next `times` calls of `operation` fail with error `code`.

        `operation` is fsync, fsyncdir, write, create, mkdir, rename, unlink or truncate;
        `pattern` (fnmatch) is the path from the disk's root, like "/spool/media/*".
        """
        self._order("fault", operation, pattern, code, times)

    def clear_faults(self) -> None:
        """Forget every `fail`."""
        self._order("clear_faults")

    def limit(self, capacity_bytes: int | None) -> None:
        """Make the disk that large; writes beyond fail with ENOSPC."""
        self._order("capacity", capacity_bytes)

    def read_only(self, on: bool) -> None:
        """Refuse every change with EROFS, as a remount after an error does."""
        self._order("read_only", on)

    @property
    def operations(self) -> int:
        """Changes and syncs since the mount."""
        done, _dead = self._order("operations")
        return int(done)

    @property
    def dead(self) -> bool:
        """Whether `die_after` has come to pass."""
        _done, dead = self._order("operations")
        return bool(dead)

    def cut(self) -> None:
        """Cut the power now and mount again what survived; faults and limits are gone."""
        self._root = self._order("cut", self._random.getrandbits(64))
        self._unmount()
        self._mount()

    def _order(self, *order: object) -> Any:
        assert self._orders is not None, "use PowerCutDisk in a with statement"
        self._orders.send(order)
        if not self._orders.poll(30):
            raise TimeoutError(f"the power-cut disk does not answer {order[0]}")
        return self._orders.recv()

    def _mount(self) -> None:
        ours, theirs = Pipe()
        module = ["-m", "fieldlab.powercut_mount"]
        lab = str(Path(__file__).parent.parent)
        self._server = subprocess.Popen(
            [sys.executable, *module, str(theirs.fileno()), str(self.path)],
            pass_fds=[theirs.fileno()],
            env={**os.environ, "PYTHONPATH": lab},
        )
        theirs.close()
        self._orders = ours
        ours.send(self._root)
        until = time.monotonic() + _MOUNT_S
        while not os.path.ismount(self.path):
            if time.monotonic() > until or self._server.poll() is not None:
                raise RuntimeError("the power-cut disk did not mount")
            time.sleep(0.005)

    def _unmount(self) -> None:
        assert self._server is not None
        assert self._orders is not None
        # Lazily: a test that failed may still hold files open, and must not hang here.
        subprocess.run(["fusermount3", "-u", "-z", str(self.path)], check=True)
        self._orders.close()
        try:
            self._server.wait(1.0)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
