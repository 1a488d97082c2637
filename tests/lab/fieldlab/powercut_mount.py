"""The FUSE side of the power-cut disk: one mount in a process of its own, driven over a socket.

Run by `fieldlab.powercut`. Writes reach `powercut_model` in the order the kernel sends them;
memory-mapped files work (no direct_io), so SQLite runs in its normal locking mode.
"""

import errno
import fnmatch
import os
import stat
import sys
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection
from random import Random
from typing import Any

import mfusepy

from .powercut_model import Node, cut_power, sync_file, sync_names


@dataclass
class Fault:
    """`times` calls of `operation` on paths like `pattern` fail with `code`."""

    operation: str
    pattern: str
    code: int
    times: int


class Disk(mfusepy.Operations):  # type: ignore[misc]
    """The operations of the file system over one tree of nodes."""

    use_ns = True

    def __init__(self, root: Node) -> None:
        self.root = root
        self.guard = threading.Lock()
        self.open_nodes: dict[int, Node] = {}
        self.next_handle = 1
        self.operations_done = 0
        self.dies_after: int | None = None
        self.faults: list[Fault] = []
        self.capacity_bytes: int | None = None
        self.read_only = False

    def init_with_config(self, connection: Any, config: Any) -> None:
        """Unlinked files that are still open go at once, not to a .fuse_hidden name."""
        config.hard_remove = 1
        config.entry_timeout = config.attr_timeout = 0.0
        config.negative_timeout = 0.0

    # --- what may go wrong ---------------------------------------------------------------

    @property
    def dead(self) -> bool:
        """Whether the power is gone: nothing more reaches the disk."""
        return self.dies_after is not None and self.operations_done >= self.dies_after

    def _begin(self, operation: str, path: str | None, grows_bytes: int = 0) -> None:
        if self.dead:
            raise OSError(errno.EIO, "the power is gone")
        self.operations_done += 1
        for fault in self.faults:
            hit = fault.operation == operation and fnmatch.fnmatch(path or "", fault.pattern)
            if hit and fault.times:
                fault.times -= 1
                raise OSError(fault.code, "injected")
        if self.read_only:
            raise OSError(errno.EROFS, "read-only")
        limit = self.capacity_bytes
        if grows_bytes and limit is not None and self._used_bytes() + grows_bytes > limit:
            raise OSError(errno.ENOSPC, "full")

    def _used_bytes(self) -> int:
        nodes, todo = {id(node): node for node in self.open_nodes.values()}, [self.root]
        while todo:
            node = todo.pop()
            nodes[id(node)] = node
            todo.extend(node.names.values())
        return sum(len(node.data) for node in nodes.values())

    # --- names ---------------------------------------------------------------------------

    def _find(self, path: str) -> Node:
        node = self.root
        for part in path.split("/"):
            if part:
                found = node.names.get(part)
                if found is None:
                    raise OSError(errno.ENOENT, "no such name")
                node = found
        return node

    def _split(self, path: str) -> tuple[Node, str]:
        folder, _, name = path.rpartition("/")
        return self._find(folder), name

    def _handle(self, node: Node) -> int:
        handle, self.next_handle = self.next_handle, self.next_handle + 1
        self.open_nodes[handle] = node
        return handle

    def _node(self, path: str | None, handle: int | None) -> Node:
        if handle and handle in self.open_nodes:
            return self.open_nodes[handle]
        return self._find(path or "/")

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        """stat(2)."""
        with self.guard:
            node = self._node(path, fh)
            return {
                "st_mode": node.mode,
                "st_nlink": 2 if node.is_folder else 1,
                "st_size": len(node.data),
                "st_blocks": (len(node.data) + 511) // 512,
                "st_uid": os.getuid(),
                "st_gid": os.getgid(),
            }

    def readdir(self, path: str, fh: int) -> list[str]:
        """Names of a folder."""
        with self.guard:
            return [".", "..", *self._find(path).names]

    def create(self, path: str, mode: int, flags: int = 0) -> int:
        """open(2) of a new file."""
        with self.guard:
            self._begin("create", path)
            folder, name = self._split(path)
            node = Node(stat.S_IFREG | (mode & 0o7777))
            folder.change(put=(name, node))
            return self._handle(node)

    def mkdir(self, path: str, mode: int) -> int:
        """mkdir(2)."""
        with self.guard:
            self._begin("mkdir", path)
            folder, name = self._split(path)
            folder.change(put=(name, Node(stat.S_IFDIR | (mode & 0o7777))))
        return 0

    def unlink(self, path: str) -> int:
        """unlink(2)."""
        with self.guard:
            self._begin("unlink", path)
            folder, name = self._split(path)
            folder.change(drop=name)
        return 0

    def rmdir(self, path: str) -> int:
        """rmdir(2)."""
        with self.guard:
            self._begin("rmdir", path)
            folder, name = self._split(path)
            if folder.names[name].names:
                raise OSError(errno.ENOTEMPTY, "not empty")
            folder.change(drop=name)
        return 0

    def link(self, target: str, source: str) -> int:
        """link(2): a second name for a file."""
        with self.guard:
            self._begin("link", target)
            folder, name = self._split(target)
            folder.change(put=(name, self._find(source)))
        return 0

    def rename(self, old: str, new: str) -> int:
        """rename(2)."""
        with self.guard:
            self._begin("rename", new)
            (source, name), (folder, new_name) = self._split(old), self._split(new)
            node = self._find(old)
            if source is folder:
                folder.change(drop=name, put=(new_name, node))
            else:
                arrival = folder.change(put=(new_name, node))
                source.change(drop=name, other_half=arrival)
        return 0

    def chmod(self, path: str, mode: int) -> int:
        """chmod(2); durable at once."""
        with self.guard:
            node = self._find(path)
            node.mode = stat.S_IFMT(node.mode) | (mode & 0o7777)
        return 0

    def chown(self, path: str, uid: int, gid: int) -> int:
        """chown(2): ignored."""
        return 0

    def utimens(self, path: str, times: Any = None) -> int:
        """utimensat(2): ignored."""
        return 0

    # --- data ----------------------------------------------------------------------------

    def open(self, path: str, flags: int) -> int:
        """open(2) of a file that exists."""
        with self.guard:
            writes = flags & (os.O_WRONLY | os.O_RDWR)
            if writes and self.read_only:
                raise OSError(errno.EROFS, "read-only")
            return self._handle(self._find(path))

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        """pread(2); works without power too, because a failed read of a mapped page kills."""
        with self.guard:
            return bytes(memoryview(self._node(path, fh).data)[offset : offset + size])

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        """pwrite(2)."""
        with self.guard:
            node = self._node(path, fh)
            self._begin("write", path, max(0, offset + len(data) - len(node.data)))
            node.write(offset, data)
        return len(data)

    def truncate(self, path: str, length: int, fh: int | None = None) -> int:
        """ftruncate(2)."""
        with self.guard:
            self._begin("truncate", path)
            self._node(path, fh).truncate(length)
        return 0

    def fsync(self, path: str, datasync: int, fh: int) -> int:
        """fsync(2) and fdatasync(2) of a file."""
        with self.guard:
            self._begin("fsync", path)
            sync_file(self._node(path, fh))
        return 0

    def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
        """fsync(2) of a folder."""
        with self.guard:
            self._begin("fsyncdir", path)
            sync_names(self._find(path))
        return 0

    def release(self, path: str, fh: int) -> int:
        """The last close(2)."""
        with self.guard:
            self.open_nodes.pop(fh, None)
        return 0

    def statfs(self, path: str) -> dict[str, int]:
        """statvfs(3)."""
        with self.guard:
            capacity = self.capacity_bytes or 1 << 32
            blocks, used = capacity // 512, (self._used_bytes() + 511) // 512
            free = max(0, blocks - used)
        sizes = {"f_blocks": blocks, "f_bfree": free, "f_bavail": free}
        return {"f_bsize": 512, "f_frsize": 512, "f_namemax": 255, **sizes}


def _obey(disk: Disk, order: tuple[Any, ...]) -> object:
    """One order of the test's side; its answer."""
    what, *given = order
    with disk.guard:
        if what == "die_after":
            disk.dies_after = None if given[0] is None else disk.operations_done + int(given[0])
        elif what == "fault":
            disk.faults.append(Fault(*given))
        elif what == "clear_faults":
            disk.faults.clear()
        elif what == "capacity":
            disk.capacity_bytes = given[0]
        elif what == "read_only":
            disk.read_only = bool(given[0])
        elif what == "operations":
            return disk.operations_done, disk.dead
        elif what == "cut":
            cut_power(disk.root, Random(given[0]))
            disk.dies_after = disk.operations_done  # whoever still has it open is without power
            return disk.root
    return None


def _listen(disk: Disk, orders: Connection) -> None:
    while True:
        try:
            orders.send(_obey(disk, orders.recv()))
        except (EOFError, OSError):
            return


def main(socket_number: int, mount_point: str) -> None:
    """Serve one mount until it is unmounted; the first message is the tree to begin with."""
    orders = Connection(socket_number)
    disk = Disk(orders.recv())
    threading.Thread(target=_listen, args=(disk, orders), daemon=True).start()
    mfusepy.FUSE(disk, mount_point, foreground=True, nothreads=True, fsname="powercut")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
