"""The tracks of an MP4 file: number, kind, time scale and the box that configures the codec."""

from dataclasses import dataclass

from fieldlink.codecs.fault import CodecError

from .boxes import Box, children, find, walk

__all__ = ["Track", "config_box", "tracks"]

_VISUAL_FIELDS_BYTES = 78  # VisualSampleEntry (12.1.3)
_AUDIO_FIELDS_BYTES = 28  # AudioSampleEntry (12.2.3)
_MAX_TRACKS = 16


@dataclass(frozen=True, slots=True)
class Track:
    """`number` is the track's id, `kind` "vide" or "soun", `timescale` its ticks in a second.

    `entry` is the sample entry ("avc1", "hvc1", "av01", "Opus", "mp4a") and `config` the payload
    of its codec configuration box, empty if there is none.
    """

    number: int
    kind: str
    timescale: int
    entry: str
    config: bytes


def tracks(data: bytes | memoryview) -> list[Track]:
    """The tracks that the `moov` of `data` describes.

    Raises:
        CodecError: not an MP4 file, or a malformed one.
    """
    moov = find(data, "moov")
    if moov is None:
        raise CodecError("format", "no moov box; this is not a playable MP4 file")
    boxes = [box for box in children(data, moov) if box.kind == "trak"][:_MAX_TRACKS]
    return [_track(data, trak) for trak in boxes]


def _track(data: bytes | memoryview, trak: Box) -> Track:
    tkhd, mdhd = _need(data, "tkhd", trak), _need(data, "mdia/mdhd", trak)
    hdlr, stsd = _need(data, "mdia/hdlr", trak), _need(data, "mdia/minf/stbl/stsd", trak)
    kind = bytes(data[hdlr.body + 8 : hdlr.body + 12]).decode("latin-1")
    entry = next(iter(walk(data, stsd.body + 8, stsd.end)), None)
    if entry is None:
        raise CodecError("format", "a track without a sample entry")
    timescale = _u32(data, mdhd, 12, 20)
    if timescale == 0:
        raise CodecError("field", "a track with a time scale of 0")
    return Track(
        number=_u32(data, tkhd, 12, 20),
        kind=kind,
        timescale=timescale,
        entry=entry.kind,
        config=config_box(data, entry, kind),
    )


def _need(data: bytes | memoryview, path: str, within: Box) -> Box:
    box = find(data, path, within)
    if box is None or box.end - box.body < 8:
        raise CodecError("format", f"a track without a {path} box")
    return box


def _u32(data: bytes | memoryview, box: Box, in_version_0: int, in_version_1: int) -> int:
    offset = box.body + (in_version_1 if data[box.body] == 1 else in_version_0)
    if offset + 4 > box.end:
        raise CodecError("truncated", f"MP4 box {box.kind!r} ends in the middle of a field")
    return int.from_bytes(data[offset : offset + 4])


def config_box(data: bytes | memoryview, entry: Box, kind: str) -> bytes:
    """The payload of the codec configuration inside a sample entry; empty if it has none."""
    skip = {"vide": _VISUAL_FIELDS_BYTES, "soun": _AUDIO_FIELDS_BYTES}.get(kind)
    if skip is None or entry.body + skip > entry.end:
        return b""
    for box in children(data, entry, skip):
        if box.kind in ("avcC", "hvcC", "av1C", "esds", "dOps"):
            return bytes(data[box.body : box.end])
    return b""
