"""Cursor on Target, version 2.0: what ATAK, WinTAK and iTAK tell each other.

`event` is one event as a value, `xml` reads and writes it, `protobuf` reads the form that ATAK
multicasts (TAK protocol, version 1), `stream` cuts a TCP stream into events.
"""

from .event import MAX_EVENT_BYTES, Chat, Emergency, Event
from .message import decode_message
from .protobuf import decode_tak_message
from .stream import Refused, Splitter
from .xml import decode_event, encode_event

__all__ = [
    "MAX_EVENT_BYTES",
    "Chat",
    "Emergency",
    "Event",
    "Refused",
    "Splitter",
    "decode_event",
    "decode_message",
    "decode_tak_message",
    "encode_event",
]
