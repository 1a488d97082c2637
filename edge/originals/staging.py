"""Bodies of uploads on their way to the spool, in files whose names nobody outside chooses."""

import base64
import hashlib
import os
import secrets
import zlib
from collections.abc import Sequence
from pathlib import Path

__all__ = ["Joined", "Staged"]

_BUFFER_BYTES = 1 << 20


class Staged:
    """A body that is being written below `folder`; blocks on the disk. Nothing of it counts before
    `finish`.
    """

    def __init__(self, folder: Path) -> None:
        self.name = f"{secrets.token_hex(12)}.part"
        self.path = folder / self.name
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._handle: int | None = os.open(self.path, flags, 0o600)
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self._crc = 0
        self._buffer = bytearray()
        self.size = 0

    def write(self, data: bytes) -> bool:
        """Take in `data`; True when enough is buffered for `flush` to be called."""
        self._buffer += data
        self.size += len(data)
        return len(self._buffer) >= _BUFFER_BYTES

    def flush(self) -> None:
        """Hash and write what is buffered.

        Raises:
            OSError: the disk is full or broken.
        """
        data = self._buffer
        self._md5.update(data)
        self._sha1.update(data)
        self._sha256.update(data)
        self._crc = zlib.crc32(data, self._crc)
        view = memoryview(data)
        while view and self._handle is not None:
            view = view[os.write(self._handle, view) :]
        self._buffer = bytearray()

    def finish(self) -> None:
        """Make its content durable; its name is when the folder is synced.

        Raises:
            OSError: the disk is full or broken.
        """
        self.flush()
        if self._handle is not None:
            os.fsync(self._handle)
        self._close()

    def drop(self) -> None:
        """It is not wanted."""
        self._close()
        self.path.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    @property
    def md5(self) -> str:
        """In hex."""
        return self._md5.hexdigest()

    @property
    def sha256(self) -> str:
        """In hex."""
        return self._sha256.hexdigest()

    def check(self, name: str) -> str | None:
        """A checksum as S3's headers have it, in base64; None for a kind that is not kept."""
        made = {
            "content-md5": self._md5.digest(),
            "x-amz-checksum-sha1": self._sha1.digest(),
            "x-amz-checksum-sha256": self._sha256.digest(),
            "x-amz-checksum-crc32": self._crc.to_bytes(4),
        }.get(name)
        return None if made is None else base64.b64encode(made).decode()


class Joined:
    """Several files as one: pairs of a path and its size, in order. A file that is gone already
    may not be read, and nothing before it is.
    """

    def __init__(self, files: Sequence[tuple[Path, int]]) -> None:
        self._files = files
        self.size = sum(size for _, size in files)

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`; fewer at the end.

        Raises:
            OSError: a file cannot be read, or is shorter than it was.
        """
        made = bytearray()
        begin = 0
        for path, size in self._files:
            first = max(offset + len(made), begin)
            count = min(offset + length, begin + size) - first
            if count > 0:
                with path.open("rb", buffering=0) as file:
                    file.seek(first - begin)
                    piece = file.read(count)
                if len(piece) != count:
                    raise OSError(f"{path}: shorter than it was when it was taken in")
                made += piece
            begin += size
        return bytes(made)

    def before(self, offset: int) -> list[Path]:
        """The files that lie wholly before `offset`."""
        found, end = [], 0
        for path, size in self._files:
            end += size
            if end <= offset:
                found.append(path)
        return found
