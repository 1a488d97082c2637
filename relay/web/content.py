"""Serving the content of a bundle: safely opened, typed for a browser, by byte ranges."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from fieldlink.codecs.fault import ArchiveError
from fieldlink.relay.catalogue import FiledBundle
from fieldlink.relay.web.ranges import Slice, Unsatisfiable, choose_slice

__all__ = ["FileSlice", "answer_content", "open_within", "served_type"]

_BLOCK_BYTES = 256 * 1024
# A kit says what its content is, and may lie: only what cannot run in a page keeps its type.
_SHOWN = frozenset(
    {
        "image/avif",
        "image/jpeg",
        "image/png",
        "image/webp",
        "audio/mp4",
        "audio/ogg",
        "video/mp2t",
        "video/mp4",
        "video/webm",
    }
)
_CODECS = re.compile(r'\s*codecs\s*=\s*"?([A-Za-z0-9.,\s_-]{1,96})"?\s*')


def served_type(media_type: str) -> tuple[str, bool]:
    """The Content-Type for a bundle's `media_type`, and whether a browser may show it."""
    base, _, parameters = media_type.partition(";")
    base = base.strip().lower()
    if base not in _SHOWN:
        return "application/octet-stream", False
    codecs = _CODECS.fullmatch(parameters)
    return (f'{base}; codecs="{codecs[1].strip()}"' if codecs else base), True


def open_within(root: Path, relative: str) -> int:
    """A file descriptor of the regular file `relative` inside `root`; no link is followed.

    Raises:
        ArchiveError: the path leaves the root, or there is no such file.
    """
    parts = PurePosixPath(relative).parts
    if not parts or relative.startswith("/") or ".." in parts or "\0" in relative:
        raise ArchiveError(f"{relative!r} is not a path inside the archive")
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts[:-1]:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        # Non-blocking, so that a pipe put there cannot hold the thread up.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        file = os.open(parts[-1], flags, dir_fd=folder)
    except OSError as error:
        raise ArchiveError(f"{relative} is not in the archive ({error.strerror})") from error
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise ArchiveError(f"{relative} is not a file")
    return file


def answer_content(
    root: Path, bundle: FiledBundle, headers: dict[str, str | None], *, head: bool
) -> Response:
    """The answer to GET or HEAD of a bundle's content.

    `headers` holds the request's range, if-range and if-none-match. Blocks on the disk.

    Raises:
        ArchiveError: the file is missing or not of the size on record.
    """
    manifest = bundle.manifest
    etag = f'"{manifest.content_hash.hex()}"'
    common = _common(bundle, etag)
    seen = (headers.get("if-none-match") or "").removeprefix("W/")
    if seen in {etag, "*"}:
        return Response(status_code=304, headers=common)
    try:
        part = choose_slice(manifest.size, etag, headers.get("range"), headers.get("if-range"))
    except Unsatisfiable:
        refused = {**common, "content-range": f"bytes */{manifest.size}"}
        return Response(status_code=416, headers=refused)
    file = open_within(root, bundle.path)
    if os.fstat(file).st_size != manifest.size or head:
        found = os.fstat(file).st_size
        os.close(file)
        if found != manifest.size:
            raise ArchiveError(
                f"{bundle.path} has {found} bytes and {manifest.size} on record; "
                "run `fieldlink relay catalogue verify`"
            )
    common["content-length"] = str(part.end - part.start)
    if part.partial:
        common["content-range"] = part.content_range
    status = 206 if part.partial else 200
    if head:
        return Response(status_code=status, headers=common)
    return FileSlice(file, part, status_code=status, headers=common)


class FileSlice(StreamingResponse):
    """Streams a slice of an open file and closes it, whether or not it was ever read."""

    def __init__(
        self, file: int, part: Slice, *, status_code: int, headers: dict[str, str]
    ) -> None:
        """`file` is a descriptor, and this answer's from now on."""
        super().__init__(_blocks(file, part), status_code=status_code, headers=headers)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            os.close(self._file)


def _blocks(file: int, part: Slice) -> Iterator[bytes]:
    at = part.start
    while at < part.end:
        block = os.pread(file, min(_BLOCK_BYTES, part.end - at), at)
        if not block:  # cut short under our hands: end the connection, do not pad
            raise ArchiveError("a file of the archive became shorter while it was read")
        at += len(block)
        yield block


def _common(bundle: FiledBundle, etag: str) -> dict[str, str]:
    manifest = bundle.manifest
    content_type, shown = served_type(manifest.media_type)
    name = f"{manifest.kit}-{manifest.device}-{manifest.stream}-{PurePosixPath(bundle.path).name}"
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", name)[-160:]
    return {
        "content-type": content_type,
        "content-disposition": f'{"inline" if shown else "attachment"}; filename="{safe}"',
        "content-security-policy": "default-src 'none'; media-src 'self'; sandbox",
        "accept-ranges": "bytes",
        "etag": etag,
        "cache-control": "private, max-age=86400, immutable",
    }
