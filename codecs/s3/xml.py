"""What S3 says and is told in XML: few elements, known beforehand. A DTD is refused."""

from collections.abc import Iterable
from typing import NoReturn
from xml.parsers import expat
from xml.sax.saxutils import escape

from fieldlink.codecs.fault import CodecError

__all__ = ["MAX_COMPLETE_BYTES", "document", "error_document", "read_complete"]

MAX_COMPLETE_BYTES = 4_000_000
_MAX_PARTS, _MAX_DEPTH, _MAX_TEXT = 10_000, 4, 200
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def document(name: str, items: Iterable[tuple[str, str] | str]) -> bytes:
    """An answer: elements of name and text, in order; what is one text is XML already."""
    inner = "".join(
        one if isinstance(one, str) else f"<{one[0]}>{escape(one[1])}</{one[0]}>" for one in items
    )
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} xmlns="{_NAMESPACE}">{inner}</{name}>'
    return text.encode()


def error_document(code: str, message: str, resource: str) -> bytes:
    """A refusal. It has no namespace, as S3's own."""
    shown = "".join(one if one.isprintable() else "?" for one in resource[:300])
    inner = "".join(
        f"<{name}>{escape(text)}</{name}>"
        for name, text in (("Code", code), ("Message", message), ("Resource", shown))
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'.encode()


class _Parts:
    """What expat finds of CompleteMultipartUpload."""

    def __init__(self) -> None:
        self.found: list[tuple[int, str]] = []
        self._path: list[str] = []
        self._text = ""
        self._part: dict[str, str] = {}

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        self._path.append(name.rpartition(":")[2])
        self._text = ""
        if len(self._path) > _MAX_DEPTH or self._path[0] != "CompleteMultipartUpload":
            raise CodecError("xml", "not a CompleteMultipartUpload")
        if self._path[1:] == ["Part"]:
            self._part = {}

    def text(self, text: str) -> None:
        self._text += text
        if len(self._text) > _MAX_TEXT:
            raise CodecError("xml", "a long text")

    def end(self, name: str) -> None:
        if len(self._path) == 3:
            self._part[self._path[2]] = self._text.strip()
        elif self._path[1:] == ["Part"]:
            number, etag = self._part.get("PartNumber", ""), self._part.get("ETag", "")
            if not number.isascii() or not number.isdigit() or len(number) > 5:
                raise CodecError("xml", "a part without a number")
            if len(self.found) >= _MAX_PARTS:
                raise CodecError("size", f"over {_MAX_PARTS} parts")
            self.found.append((int(number), etag.strip('"').lower()))
        self._path.pop()
        self._text = ""


def read_complete(data: bytes) -> list[tuple[int, str]]:
    """Number and ETag of each part of a CompleteMultipartUpload, in order.

    Raises:
        CodecError: it is none, or its parts are not in ascending order.
    """
    if len(data) > MAX_COMPLETE_BYTES:
        raise CodecError("size", f"{len(data)} bytes")
    parts = _Parts()
    parser = expat.ParserCreate()
    parser.StartElementHandler = parts.start
    parser.EndElementHandler = parts.end
    parser.CharacterDataHandler = parts.text
    parser.StartDoctypeDeclHandler = _no_dtd
    parser.EntityDeclHandler = _no_dtd
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError) as error:  # the latter of its encoding
        raise CodecError("xml", "malformed") from error
    numbers = [number for number, _ in parts.found]
    if not numbers or numbers != sorted(set(numbers)):
        raise CodecError("order", "the parts are none, or not in ascending order")
    return parts.found


def _no_dtd(*_: object) -> NoReturn:
    raise CodecError("xml", "no DTD is read")
