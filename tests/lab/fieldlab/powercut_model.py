"""What a disk still holds after a power cut: pure memory, no I/O, randomness as an argument.

File data: what was written since the file's last fsync may survive, vanish or be torn at a
sector's edge, each write on its own. Names: what changed in a folder since its last fsync
survives as a prefix in order. Harsher than ext4 on one point: fsync of a new file does not make
its name durable. A rename within one folder is atomic; one across folders may leave both names,
never none.
"""

import stat
from dataclasses import dataclass, field
from random import Random

__all__ = ["SECTOR_BYTES", "Node", "cut_power", "sync_file", "sync_names"]

SECTOR_BYTES = 512


@dataclass(eq=False)
class NameChange:
    """One change of a folder's names, not durable yet."""

    folder: "Node"
    drop: str | None = None
    put: tuple[str, "Node"] | None = None
    other_half: "NameChange | None" = None  # a rename out of this folder: where it went
    done: bool = False

    def apply(self) -> None:
        """Make the change durable; a rename's arrival always before its departure."""
        if self.done:
            return
        self.done = True
        if self.other_half is not None:
            self.other_half.apply()
        if self.drop is not None:
            self.folder.durable_names.pop(self.drop, None)
        if self.put is not None:
            self.folder.durable_names[self.put[0]] = self.put[1]


@dataclass(eq=False)
class Node:
    """A file or a folder: as programs see it now, as it would be read after a cut, and between."""

    mode: int
    data: bytearray = field(default_factory=bytearray)
    durable_data: bytearray = field(default_factory=bytearray)
    writes: list[tuple[int, bytes | None]] = field(default_factory=list)
    names: "dict[str, Node]" = field(default_factory=dict)
    durable_names: "dict[str, Node]" = field(default_factory=dict)
    changes: list[NameChange] = field(default_factory=list)

    @property
    def is_folder(self) -> bool:
        """Whether it holds names rather than data."""
        return stat.S_ISDIR(self.mode)

    def write(self, offset: int, data: bytes) -> None:
        """Write `data` at `offset`, not durable until `sync_file`."""
        _put(self.data, offset, data)
        self.writes.append((offset, data))

    def truncate(self, length: int) -> None:
        """Cut or extend to `length` bytes, not durable until `sync_file`."""
        _resize(self.data, length)
        self.writes.append((length, None))

    def change(
        self,
        *,
        drop: str | None = None,
        put: "tuple[str, Node] | None" = None,
        other_half: NameChange | None = None,
    ) -> NameChange:
        """Take a name out, put one in, or both at once, not durable until `sync_names`."""
        change = NameChange(self, drop, put, other_half)
        if drop is not None:
            self.names.pop(drop)
        if put is not None:
            self.names[put[0]] = put[1]
        self.changes.append(change)
        return change


def _put(data: bytearray, offset: int, piece: bytes) -> None:
    if len(data) < offset:
        data.extend(bytes(offset - len(data)))
    data[offset : offset + len(piece)] = piece


def _resize(data: bytearray, length: int) -> None:
    if len(data) > length:
        del data[length:]
    else:
        data.extend(bytes(length - len(data)))


def _apply(data: bytearray, offset: int, piece: bytes | None) -> None:
    if piece is None:
        _resize(data, offset)
    else:
        _put(data, offset, piece)


def sync_file(node: Node) -> None:
    """fsync of a file: its data and length are durable, its name is not."""
    for offset, piece in node.writes:
        _apply(node.durable_data, offset, piece)
    node.writes.clear()


def sync_names(folder: Node) -> None:
    """fsync of a folder: its names are durable."""
    for change in folder.changes:
        change.apply()
    folder.changes.clear()


def cut_power(root: Node, rng: Random) -> None:
    """Turn the tree under `root` into one that a power cut at this moment may leave."""
    for folder in [node for node in _reach(root) if node.is_folder]:
        for change in folder.changes[: rng.randint(0, len(folder.changes))]:
            change.apply()
    for node in _reach(root, durable_only=True):
        for offset, piece in node.writes:
            _survive(node.durable_data, offset, piece, rng)
        node.writes.clear()
        node.changes.clear()
        node.data = bytearray(node.durable_data)
        node.names = dict(node.durable_names)


def _survive(data: bytearray, offset: int, piece: bytes | None, rng: Random) -> None:
    fate = rng.random()
    if fate < 0.4:
        return
    if fate < 0.7 or piece is None:
        _apply(data, offset, piece)
        return
    at = 0
    while at < len(piece):  # torn: each sector on its own
        end = min(len(piece), at + SECTOR_BYTES - (offset + at) % SECTOR_BYTES)
        if rng.random() < 0.5:
            _put(data, offset + at, piece[at:end])
        at = end


def _reach(root: Node, *, durable_only: bool = False) -> list[Node]:
    seen: dict[int, Node] = {}
    todo = [root]
    while todo:
        node = todo.pop()
        if id(node) in seen:
            continue
        seen[id(node)] = node
        todo.extend(node.durable_names.values())
        if not durable_only:
            todo.extend(node.names.values())
    return list(seen.values())
