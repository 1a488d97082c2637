"""One message, whichever form it has: a datagram, or what `stream` cut out."""

from fieldlink.codecs.fault import CodecError

from .event import Event
from .protobuf import decode_tak_message
from .xml import decode_event

__all__ = ["MESH_HEADER", "decode_message"]

MESH_HEADER = b"\xbf\x01\xbf"
"""Before protobuf in a datagram: magic byte, version 1, magic byte."""


def decode_message(data: bytes) -> Event | None:
    """The event in `data`: XML, or protobuf behind its header; None when that holds none.

    Raises:
        CodecError: it is neither, or a field is out of bounds.
    """
    if data[:1] != b"\xbf":
        return decode_event(data)
    if data[:3] == b"\xbf\x00\xbf":  # version 0: XML behind a header
        return decode_event(data[3:])
    if data[:3] != MESH_HEADER:
        raise CodecError("version", "a TAK message of another version than 1")
    return decode_tak_message(data[3:])
