"""A bookmark: somebody on site says that a span matters. Marks travel as report bundles."""

from dataclasses import dataclass

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.packing import Fields, pack, unpack

from .names import check_name

MARK_MEDIA_TYPE = "application/vnd.fieldlink.mark+msgpack"
_MARK_VERSION = 1
_MAX_NOTE_CHARS = 256
_MAX_MARK_BYTES = 2048


@dataclass(frozen=True, slots=True)
class Mark:
    """`device`'s `stream` matters from `start_us` to `end_us` (UTC microseconds); `note` says
    why, in the words of whoever set it, and may be empty.
    """

    device: str
    stream: str
    start_us: int
    end_us: int
    note: str = ""

    def __post_init__(self) -> None:
        check_name("device", self.device)
        check_name("stream", self.stream)
        if not 0 <= self.start_us <= self.end_us < 2**63:
            raise CodecError("span", f"a mark from {self.start_us} to {self.end_us} us")
        if len(self.note) > _MAX_NOTE_CHARS or not self.note.isprintable():
            raise CodecError(
                "field", f"a mark's note is at most {_MAX_NOTE_CHARS} printable characters"
            )


def encode_mark(mark: Mark) -> bytes:
    """`mark` as the content of a bundle."""
    return pack([_MARK_VERSION, mark.device, mark.stream, mark.start_us, mark.end_us, mark.note])


def decode_mark(data: bytes | memoryview) -> Mark:
    """The mark in `data`.

    Raises:
        CodecError: not a mark.
    """
    fields = Fields(unpack(data, "mark", max_bytes=_MAX_MARK_BYTES), "mark")
    version = fields.integer(0, 255)
    if version != _MARK_VERSION:
        raise CodecError("version", f"mark version {version}; this end speaks 1, update it")
    return Mark(
        device=fields.text(32),
        stream=fields.text(32),
        start_us=fields.integer(),
        end_us=fields.integer(),
        note=fields.text(_MAX_NOTE_CHARS),
    )
