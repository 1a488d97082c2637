"""The envelope of every message, and the topics they travel on (Cloud API, topic definition).

{"tid","bid","timestamp","gateway","method","data"}: `tid` is one pair of request and reply, `bid`
one business that may span several. A reply has both, and the method, of what it answers. Examples
of the vendor leave out the method, and give a version in several ways: neither is relied on.
"""

import json
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fieldlink.codecs.fault import CodecError

from .fields import Reader, parse_json

__all__ = ["Envelope", "Topic", "Way", "is_serial", "read_envelope", "read_topic", "write_envelope"]

_SERIAL = re.compile(r"[A-Za-z0-9]{4,32}")
_ID = 64  # a UUID has 36
_MAX_MS = 4_102_444_800_000  # 2100


class Way(StrEnum):
    """What a topic carries; its value is the end of the topic."""

    STATUS = "status"
    OSD = "osd"
    STATE = "state"
    SERVICES_REPLY = "services_reply"
    EVENTS = "events"
    REQUESTS = "requests"
    SET_REPLY = "property/set_reply"
    STATUS_REPLY = "status_reply"
    SERVICES = "services"
    EVENTS_REPLY = "events_reply"
    REQUESTS_REPLY = "requests_reply"
    SET = "property/set"


@dataclass(frozen=True, slots=True)
class Topic:
    """`sn` is the gateway's serial number; of osd and state also the aircraft's."""

    way: Way
    sn: str

    def __str__(self) -> str:
        root = "sys" if self.way in (Way.STATUS, Way.STATUS_REPLY) else "thing"
        return f"{root}/product/{self.sn}/{self.way.value}"


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message. `timestamp_ms` is Unix time by the sender's clock; None: it gave none."""

    tid: str
    bid: str
    timestamp_ms: int | None
    data: Any = field(default_factory=dict)
    method: str | None = None
    gateway: str | None = None
    need_reply: bool = False  # of events

    def reply(self, data: Any, timestamp_ms: int) -> "Envelope":
        """The answer to this message."""
        return Envelope(self.tid, self.bid, timestamp_ms, data, self.method)


def is_serial(text: str) -> bool:
    """Whether `text` can be a serial number: letters and digits only, so that it fits a topic."""
    return _SERIAL.fullmatch(text) is not None


def read_topic(topic: str) -> Topic:
    """What `topic` is. One page of the vendor prints the status topic below thing/: both are read.

    Raises:
        CodecError: it is none of these.
    """
    parts = topic[:128].split("/", 3)
    if len(parts) != 4 or parts[0] not in ("sys", "thing") or parts[1] != "product":
        raise CodecError("topic", f"{_printable(topic)} is none of a DJI gateway's topics")
    if not is_serial(parts[2]):
        raise CodecError("topic", f"{_printable(parts[2])} is no serial number")
    try:
        return Topic(Way(parts[3]), parts[2])
    except ValueError as error:
        raise CodecError("topic", f"{_printable(topic)} is not read here") from error


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in text[:60])


def read_envelope(payload: bytes) -> Envelope:
    """The message in `payload`; unknown keys are let through unread.

    Raises:
        CodecError: it is none; names the key.
    """
    content = parse_json(payload)
    reader = Reader(content)
    data = content.get("data", {})
    return Envelope(
        tid=reader.text("tid", _ID) or "",
        bid=reader.text("bid", _ID) or "",
        timestamp_ms=reader.integer("timestamp", 0, _MAX_MS),
        data={} if data is None else data,
        method=reader.text("method", _ID),
        gateway=reader.text("gateway", 32),
        need_reply=content.get("need_reply") in (1, "1", True),
    )


def write_envelope(envelope: Envelope) -> bytes:
    """The bytes of a message."""
    said: dict[str, Any] = {"tid": envelope.tid, "bid": envelope.bid}
    if envelope.timestamp_ms is not None:
        said["timestamp"] = envelope.timestamp_ms
    if envelope.gateway is not None:
        said["gateway"] = envelope.gateway
    if envelope.method is not None:
        said["method"] = envelope.method
    if envelope.need_reply:
        said["need_reply"] = 1
    said["data"] = envelope.data
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
