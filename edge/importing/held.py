"""A file that somebody opened, read by place: two readers of it do not disturb each other.

Whoever asks opens the file and hands it over, so that the agent needs no right to its folder.
"""

import io
import os
import stat
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Literal

from fieldlink.codecs.fault import SourceError

__all__ = ["HeldFile", "hold"]

_BUFFER_BYTES = 262_144


class HeldFile:
    """The file behind the descriptor `handle`, which belongs to this. `told` is called with each
    count of bytes that was read; it may raise, to end the work.
    """

    def __init__(
        self, handle: int, name: str, told: Callable[[int], None] = lambda count: None
    ) -> None:
        """Raises:
        SourceError: it is no file.
        """
        self.handle = handle
        self.name = name
        self.told = told
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise SourceError("format", f"{name} is no file")
        self.size = found.st_size

    @property
    def suffix(self) -> str:
        """The ending of its name."""
        return PurePath(self.name).suffix

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`; fewer at the end.

        Raises:
            OSError: it cannot be read.
        """
        data = os.pread(self.handle, length, offset)
        self.told(len(data))
        return data

    def open(self, _: Literal["rb"] = "rb", /) -> io.BufferedReader:
        """A reader of its own, from the beginning."""
        return io.BufferedReader(_Raw(self), _BUFFER_BYTES)

    def close(self) -> None:
        """Let go of it."""
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1


class _Raw(io.RawIOBase):
    """A place in a held file."""

    def __init__(self, held: HeldFile) -> None:
        super().__init__()
        self._held, self._at = held, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int] | bytearray") -> int:  # type: ignore[override]
        data = self._held.read(self._at, len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        base = {0: 0, 1: self._at, 2: self._held.size}[whence]
        self._at = max(0, base + offset)
        return self._at


def hold(path: Path) -> HeldFile:
    """Open `path`, as whoever runs this may.

    Raises:
        SourceError: it cannot be read, or is no file.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise SourceError("not-found", f"{path}: {error.strerror or error}") from error
    try:
        return HeldFile(handle, path.name)
    except SourceError:
        os.close(handle)
        raise
