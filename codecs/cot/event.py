"""One event: who, what, where, when, until when, and the details that matter here.

The base is MITRE's "Cursor on Target Message Router User's Guide" (MP090284), the details are
those that TAK products write. Everything that is unknown is None, never the 9999999 of the wire.
"""

import datetime
import math
from dataclasses import dataclass

from fieldlink.codecs.fault import CodecError

__all__ = [
    "MAX_EVENT_BYTES",
    "Chat",
    "Details",
    "Emergency",
    "Event",
    "clean",
    "instant_text",
    "known",
    "make_event",
    "number",
]

MAX_EVENT_BYTES = 64 * 1024
_MAX_ID = 128
_MAX_TEXT = 1000
_UNKNOWN = 999_999.0  # 9999999 in XML, 999999 in ATAK's protobuf
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)
_MAX_US = 2**62


@dataclass(frozen=True, slots=True)
class Chat:
    """A message of GeoChat: `room` is a group's or a person's name."""

    sender: str
    room: str
    text: str


@dataclass(frozen=True, slots=True)
class Emergency:
    """An alert that begins, or (`cancel`) ends; `kind` as ATAK words it ("911 Alert")."""

    kind: str
    cancel: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event. Times are UTC microseconds, degrees WGS-84, m, m/s.

    `hae` is above the ellipsoid, not above the sea; `ce` and `le` the circular and linear error.
    Without a position `lat` and `lon` are None. `link` is the uid of whom it is about.
    """

    uid: str
    type: str
    how: str
    time_us: int
    start_us: int
    stale_us: int
    lat: float | None = None
    lon: float | None = None
    hae: float | None = None
    ce: float | None = None
    le: float | None = None
    callsign: str = ""
    course: float | None = None
    speed: float | None = None
    battery: float | None = None
    team: str = ""
    role: str = ""
    software: str = ""
    remarks: str = ""
    link: str = ""
    chat: Chat | None = None
    emergency: Emergency | None = None


@dataclass(slots=True)
class Details:
    """Attributes of the elements in <detail>, as XML or protobuf gave them, first come."""

    contact: dict[str, str]
    track: dict[str, str]
    status: dict[str, str]
    group: dict[str, str]
    takv: dict[str, str]
    link: dict[str, str]
    chat: dict[str, str]
    emergency: dict[str, str] | None = None
    remarks: str = ""
    alert: str = ""


def make_event(
    base: dict[str, str], times: tuple[int, int, int], point: dict[str, str], details: Details
) -> Event:
    """The event of what was read; the one place where values are judged.

    Raises:
        CodecError: an attribute is missing, too long, or out of its bounds.
    """
    uid, kind = _identity(base, "uid"), _identity(base, "type")
    lat, lon = number(point, "lat", -90, 90), number(point, "lon", -180, 180)
    ce, le = known(number(point, "ce", 0, math.inf)), known(number(point, "le", 0, math.inf))
    if lat is None or lon is None or (lat == 0 and lon == 0):
        lat = lon = None  # 0/0 is what a TAK device without a fix gives
    d = details
    course = number(d.track, "course", -360, 720)
    return Event(
        uid=uid,
        type=kind,
        how=clean(base.get("how", ""), 16),
        time_us=times[0],
        start_us=times[1],
        stale_us=times[2],
        lat=lat,
        lon=lon,
        hae=None if lat is None else known(number(point, "hae", -20_000, math.inf)),
        ce=ce,
        le=le,
        callsign=clean(d.contact.get("callsign", ""), 64),
        course=None if course is None else course % 360,
        speed=known(number(d.track, "speed", -1, math.inf)),
        battery=number(d.status, "battery", 0, 100),
        team=clean(d.group.get("name", ""), 32),
        role=clean(d.group.get("role", ""), 32),
        software=clean(f"{d.takv.get('platform', '')} {d.takv.get('version', '')}".strip(), 64),
        remarks=clean(d.remarks, _MAX_TEXT),
        link=clean(d.link.get("uid", ""), _MAX_ID),
        chat=_chat(kind, d),
        emergency=_emergency(kind, d),
    )


def _chat(kind: str, details: Details) -> Chat | None:
    if not kind.startswith("b-t-f"):
        return None
    said = details.chat
    sender = said.get("senderCallsign") or details.contact.get("callsign", "")
    room = said.get("chatroom") or said.get("id", "")
    return Chat(clean(sender, 64), clean(room, 64), clean(details.remarks, _MAX_TEXT))


def _emergency(kind: str, details: Details) -> Emergency | None:
    said = details.emergency
    if said is None and not kind.startswith("b-a-"):
        return None
    said = said or {}
    cancel = kind == "b-a-o-can" or said.get("cancel", "").lower() in ("true", "1")
    return Emergency(clean(said.get("type", "") or details.alert, 48), cancel)


def _identity(base: dict[str, str], name: str) -> str:
    text = base.get(name, "")
    if not 1 <= len(text) <= _MAX_ID or not text.isprintable():
        raise CodecError("field", f"an event's {name} is 1 to {_MAX_ID} printable characters")
    return text


def clean(text: str, limit: int) -> str:
    """`text` as one line of printable characters."""
    line = " ".join(text[: 4 * limit].split())
    return "".join(one for one in line if one.isprintable())[:limit].strip()


def number(values: dict[str, str], name: str, low: float, high: float) -> float | None:
    """The number called `name`; None when it is not there, or not a number ("NaN").

    Raises:
        CodecError: it is text, or out of bounds.
    """
    text = values.get(name)
    if text is None or not text.strip():
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise CodecError("field", f"{name} of an event is {text[:40]!r}") from error
    if math.isnan(value):
        return None
    if not low <= value <= high:
        raise CodecError("field", f"{name} of an event is {value:g}")
    return value


def known(value: float | None) -> float | None:
    """`value`, unless it is the wire's way to say that it is not known."""
    return None if value is None or value >= _UNKNOWN or value == -1 else value


def instant(text: str) -> int:
    """Microseconds of "2020-02-08T18:10:44.000Z".

    Raises:
        CodecError: it is no instant.
    """
    try:
        at = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise CodecError("field", f"{text[:40]!r} is no time") from error
    if at.tzinfo is None:
        at = at.replace(tzinfo=datetime.UTC)
    try:
        since = (at - _EPOCH) // _MICROSECOND
    except OverflowError as error:
        raise CodecError("field", f"{text[:40]!r} is no time") from error
    if not 0 <= since < _MAX_US:
        raise CodecError("field", f"{text[:40]!r} is before 1970")
    return since


def instant_text(at_us: int) -> str:
    """`at_us` as the wire has it, to the millisecond."""
    at = _EPOCH + datetime.timedelta(microseconds=at_us)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
