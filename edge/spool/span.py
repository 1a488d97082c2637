"""A span of a stream that is given up last, and how the index remembers it."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass

from fieldlink.codecs.bundle import Manifest
from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.packing import Fields, pack, unpack

__all__ = ["Span", "pack_spans", "unpack_spans"]

_MAX_SPANS = 4096
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Span:
    """From `from_us` to `to_us` (UTC) of a stream's layer; an empty name stands for any."""

    device: str
    stream: str
    layer: str
    from_us: int
    to_us: int

    def covers(self, manifest: Manifest) -> bool:
        """Whether any of the bundle lies in it."""
        reaches = manifest.end_us > self.from_us or manifest.start_us >= self.from_us
        return reaches and manifest.start_us <= self.to_us and self.concerns(manifest)

    def concerns(self, manifest: Manifest) -> bool:
        """Whether it is about the bundle's stream and layer."""
        return (
            self.device in ("", manifest.device)
            and self.stream in ("", manifest.stream)
            and self.layer in ("", manifest.layer.value)
        )


def pack_spans(spans: Iterable[Span]) -> bytes:
    """`spans` as a fact of the index."""
    return pack([list(astuple(span)) for span in spans])


def unpack_spans(packed: bytes) -> tuple[Span, ...]:
    """The spans in `packed`; none when that is not what they look like: what is bookmarked is told
    to the spool again, and it must not be kept from recording.
    """
    try:
        rows = Fields((unpack(packed, "spans", max_bytes=_MAX_BYTES),), "spans").array(_MAX_SPANS)
        return tuple(_span(Fields(row, "span")) for row in rows)
    except CodecError:
        return ()


def _span(fields: Fields) -> Span:
    return Span(
        fields.text(32), fields.text(32), fields.text(16), fields.integer(), fields.integer()
    )
