"""RTSP requests and replies (RFC 2326 4, 6, 7) and media interleaved with them (10.12)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fieldlink.codecs.fault import CodecError

__all__ = ["Request", "RequestReader", "interleaved", "reply"]

_MAX_HEAD_BYTES = 8192
_MAX_BODY_BYTES = 65_536
_REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    461: "Unsupported Transport",
    501: "Not Implemented",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are in lower case."""

    method: str
    url: str
    headers: Mapping[str, str]


class RequestReader:
    """Bytes in any pieces to requests; what a client interleaves (its RTCP) is skipped."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Request]:
        """The requests that `data` completes.

        Raises:
            CodecError: not RTSP, or beyond the size bounds; the connection is of no more use.
        """
        self._buffer += data
        while (taken := self._next()) is not None:
            request, size = taken
            del self._buffer[:size]
            if request is not None:
                yield request

    def _next(self) -> tuple[Request | None, int] | None:
        if self._buffer[:1] == b"$":
            if len(self._buffer) < 4:
                return None
            size = 4 + int.from_bytes(self._buffer[2:4])
            return (None, size) if len(self._buffer) >= size else None
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > _MAX_HEAD_BYTES:
                raise CodecError("size", "an RTSP request head of more than 8 kB")
            return None
        request = _parse(bytes(self._buffer[:end]))
        length = _length(request)
        size = end + 4 + length
        return (request, size) if len(self._buffer) >= size else None


def _length(request: Request) -> int:
    text = request.headers.get("content-length", "0")
    if not text.isascii() or not text.isdigit() or int(text) > _MAX_BODY_BYTES:
        raise CodecError("size", f"an RTSP body of {text[:20]!r} bytes")
    return int(text)


def _parse(head: bytes) -> Request:
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not words[2].startswith("RTSP/1."):
        raise CodecError("format", f"not an RTSP request: {lines[0][:60]!r}")
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise CodecError("format", f"not an RTSP header: {line[:60]!r}")
        headers[name.strip().lower()] = value.strip()
    return Request(words[0], words[1], headers)


def reply(
    request: Request, status: int, headers: Mapping[str, str] | None = None, body: str = ""
) -> bytes:
    """The reply to `request`, with its CSeq."""
    sequence = request.headers.get("cseq", "0")
    lines = [f"RTSP/1.0 {status} {_REASONS.get(status, 'Error')}", f"CSeq: {sequence}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines.append(f"Content-Length: {len(body.encode())}")
    return "\r\n".join([*lines, "", body]).encode()


def interleaved(channel: int, packet: bytes) -> bytes:
    """`packet` as it travels on the RTSP connection itself (10.12)."""
    return b"$" + channel.to_bytes(1) + len(packet).to_bytes(2) + packet
