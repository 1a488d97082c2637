"""A gap: a span that a stream does not have, with its reason. Gaps travel as report bundles."""

from dataclasses import dataclass

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.packing import Fields, pack, unpack

from .names import check_name

GAP_MEDIA_TYPE = "application/vnd.fieldlink.gap+msgpack"
_GAP_VERSION = 1
_MAX_REASON_CHARS = 256
_MAX_GAP_BYTES = 2048


@dataclass(frozen=True, slots=True)
class Gap:
    """`device`'s `stream` has nothing (of `layer`, or of any layer if empty) from `start_us` to
    `end_us` (UTC microseconds), because of `reason`: a short stable word, a colon, and a
    sentence for people ("source: connection refused").
    """

    device: str
    stream: str
    start_us: int
    end_us: int
    reason: str
    layer: str = ""

    def __post_init__(self) -> None:
        check_name("device", self.device)
        check_name("stream", self.stream)
        if not 0 <= self.start_us <= self.end_us:
            raise CodecError("span", f"a gap from {self.start_us} to {self.end_us} us")


def encode_gap(gap: Gap) -> bytes:
    """`gap` as the content of a bundle."""
    reason = "".join(c if c.isprintable() else " " for c in gap.reason)[:_MAX_REASON_CHARS]
    fields = [gap.device, gap.stream, gap.start_us, gap.end_us, reason, gap.layer]
    return pack([_GAP_VERSION, *fields])


def decode_gap(data: bytes | memoryview) -> Gap:
    """The gap in `data`.

    Raises:
        CodecError: not a gap record.
    """
    fields = Fields(unpack(data, "gap", max_bytes=_MAX_GAP_BYTES), "gap")
    version = fields.integer(0, 255)
    if version != _GAP_VERSION:
        raise CodecError("version", f"gap version {version}; this end speaks 1, update it")
    return Gap(
        device=fields.text(32),
        stream=fields.text(32),
        start_us=fields.integer(),
        end_us=fields.integer(),
        reason=fields.text(_MAX_REASON_CHARS),
        layer=fields.text(16),
    )
