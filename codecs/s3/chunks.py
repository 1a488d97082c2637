"""Bodies in chunks (aws-chunked): signed each for itself, or only framed, with or without trailers.

<size in hex>[;chunk-signature=<hex>] CRLF <data> CRLF ... 0[;chunk-signature=<hex>] CRLF
[<name>:<value> CRLF ...] CRLF
"""

import hashlib
import hmac
import re
from collections.abc import Iterator

from fieldlink.codecs.fault import CodecError

from .sigv4 import Seal

__all__ = ["Chunked", "write_chunks"]

_MAX_LINE, _MAX_TRAILERS = 1_000, 16
_HEAD = re.compile(rb"([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?")
_TRAILER_SIGNATURE = "x-amz-trailer-signature"


class Chunked:
    """Takes a body as it comes and gives its content. With a `seal` every chunk is checked; what
    was given before is not good until `finish` has returned.
    """

    def __init__(self, seal: Seal | None, *, trailer: bool) -> None:
        self._seal, self._has_trailer = seal, trailer
        self._buffer = bytearray()
        self._left = -1  # of the chunk; -1: its head comes next, -2: the line end behind it
        self._digest = hashlib.sha256()
        self._given = ""
        self._ended = self._done = False
        self._lines = b""
        self.trailers: dict[str, str] = {}

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What of the content is in `data`, which continues what came before.

        Raises:
            CodecError: not such a body, or a signature is wrong.
        """
        self._buffer += data
        while not self._done:
            if self._left > 0:
                if not self._buffer:
                    return
                piece = bytes(self._buffer[: self._left])
                del self._buffer[: len(piece)]
                self._left -= len(piece)
                self._digest.update(piece)
                if self._left == 0:
                    self._left = -2
                    self._check_chunk()
                yield piece
            elif not self._take_line():
                return
        if self._buffer:
            raise CodecError("chunk", "there is something behind the last chunk")

    def finish(self) -> None:
        """The body has ended.

        Raises:
            CodecError: in the middle.
        """
        if not self._done:
            raise CodecError("truncated", "the body ends before its last chunk")

    def _take_line(self) -> bool:
        at = self._buffer.find(b"\r\n", 0, _MAX_LINE + 2)
        if at < 0:
            if len(self._buffer) > _MAX_LINE:
                raise CodecError("chunk", "a head that does not end")
            return False
        line = bytes(self._buffer[:at])
        del self._buffer[: at + 2]
        if self._left == -2:
            if line:
                raise CodecError("chunk", "a chunk is longer than it says")
            self._left = -1
        elif self._ended:
            self._take_trailer(line)
        else:
            self._take_head(line)
        return True

    def _take_head(self, line: bytes) -> None:
        found = _HEAD.fullmatch(line)
        if found is None or (self._seal is not None) != (found[2] is not None):
            raise CodecError("chunk", "not the head of a chunk")
        self._left = int(found[1], 16)
        self._given = (found[2] or b"").decode()
        self._digest = hashlib.sha256()
        if self._left == 0:
            self._ended, self._left = True, -1
            self._check_chunk()

    def _check_chunk(self) -> None:
        if self._seal is not None:
            _compare(self._seal.chunk(self._digest.hexdigest()), self._given)

    def _take_trailer(self, line: bytes) -> None:
        if line:
            name, _, value = line.decode("latin-1").partition(":")
            name = name.strip().lower()
            if not self._has_trailer or len(self.trailers) >= _MAX_TRAILERS:
                raise CodecError("trailer", "it was not announced")
            self.trailers[name] = value.strip()
            if name != _TRAILER_SIGNATURE:
                self._lines += f"{name}:{value.strip()}\n".encode("latin-1")
            return
        self._done = True
        if self._seal is not None and self._has_trailer:
            given = self.trailers.get(_TRAILER_SIGNATURE, "")
            _compare(self._seal.trailer(self._lines), given)


def _compare(wanted: str, given: str) -> None:
    if not hmac.compare_digest(wanted.encode(), given.encode()):
        raise CodecError("signature", "the signature of a chunk does not match")


def write_chunks(content: bytes, size: int, seal: Seal) -> Iterator[bytes]:
    """`content` in signed chunks of `size` bytes, and the last, empty one."""
    for at in range(0, len(content) + size, size):
        piece = content[at : at + size]
        signature = seal.chunk(hashlib.sha256(piece).hexdigest())
        yield f"{len(piece):x};chunk-signature={signature}\r\n".encode() + piece + b"\r\n"
        if not piece:
            return
