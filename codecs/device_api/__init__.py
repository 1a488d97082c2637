"""What devices around a kit say over MQTT, and the receipts they get: docs/devices.md.

`content` reads JSON, MessagePack and CBOR, `models` are the messages of each topic, `message` makes
readings and alarms of them.
"""

from .content import MAX_MESSAGE_BYTES, Form, read_content, write_content
from .message import Alarmed, Echo, Message, Run, Told, read_message, read_topic
from .models import MAX_BATCH, STREAMS, json_schema

__all__ = [
    "MAX_BATCH",
    "MAX_MESSAGE_BYTES",
    "STREAMS",
    "Alarmed",
    "Echo",
    "Form",
    "Message",
    "Run",
    "Told",
    "json_schema",
    "read_content",
    "read_message",
    "read_topic",
    "write_content",
]
