"""zstd inside blocks: always with the size stated outside, so that nothing can swell."""

import zstandard

from fieldlink.codecs.fault import CodecError

__all__ = ["squeeze", "stated_size", "unsqueeze"]

_LEVEL = 12
_MAX_WINDOW_BYTES = 8 * 1024 * 1024


def squeeze(raw: bytes) -> bytes:
    """`raw` as one zstd frame (RFC 8878) with its content's size, without a checksum: the bundle
    around it has a hash.
    """
    return zstandard.ZstdCompressor(level=_LEVEL, write_content_size=True).compress(raw)


def stated_size(frame: bytes, most: int) -> int:
    """How many bytes `frame` says that it holds.

    Raises:
        CodecError: it does not say, or more than `most`.
    """
    try:
        stated = zstandard.get_frame_parameters(frame).content_size
    except zstandard.ZstdError as error:
        raise CodecError("zstd", f"no zstd frame ({error})") from error
    if stated > most:  # not stated is 2^64 - 1
        raise CodecError("size", f"a zstd frame of {stated} bytes; there may be {most}")
    return stated


def unsqueeze(frame: bytes, size: int) -> bytes:
    """The `size` bytes in `frame`.

    Raises:
        CodecError: it is no such frame, or of another size.
    """
    # The size is looked at first: the decompressor allocates what the frame's header says.
    if stated_size(frame, size) != size:
        raise CodecError("size", f"a zstd frame of fewer bytes than the {size} that belong there")
    try:
        opener = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES)
        raw = opener.decompress(frame, max_output_size=size, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise CodecError("zstd", f"a zstd frame that cannot be read ({error})") from error
    if len(raw) != size:
        raise CodecError("size", f"a zstd frame of {len(raw)} bytes where {size} belong")
    return raw
