"""Events as XML. What comes is hostile: no DTD, no entities but XML's own five, bounded in size,
depth and number of elements. Expat reads it; nothing is built that a bomb could fill.
"""

from typing import NoReturn
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from fieldlink.codecs.fault import CodecError

from .event import MAX_EVENT_BYTES, Details, Event, clean, instant, instant_text, make_event

__all__ = ["decode_event", "empty_details", "encode_event", "read_details"]

_MAX_DEPTH = 12
_MAX_ELEMENTS = 400
_MAX_TEXT = 4_000
_UNKNOWN = "9999999.0"
# Elements of <detail> and the field of Details that takes their attributes.
_PARTS = {
    "contact": "contact",
    "track": "track",
    "status": "status",
    "__group": "group",
    "takv": "takv",
    "link": "link",
    "__chat": "chat",
}


def empty_details() -> Details:
    """No details yet."""
    return Details({}, {}, {}, {}, {}, {}, {})


class _Reader:
    """What expat finds, while it goes along."""

    def __init__(self, details: Details) -> None:
        self.details = details
        self.base: dict[str, str] | None = None
        self.point: dict[str, str] = {}
        self._path: list[str] = []
        self._count = 0
        self._text: list[str] = []
        self._text_chars = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._path) >= _MAX_DEPTH or self._count > _MAX_ELEMENTS:
            raise CodecError("depth", "an event of too many elements, or too deep")
        self._path.append(name)
        self._text, self._text_chars = [], 0
        match self._path:
            case ["event"]:
                self.base = attributes
            case ["event", "point"]:
                self.point = attributes
            case ["event", "detail", "emergency"] | ["detail", "emergency"]:
                self.details.emergency = attributes
            case ["event", "detail", part] | ["detail", part] if part in _PARTS:
                kept = getattr(self.details, _PARTS[part])
                if not kept:  # the first counts: what follows could say otherwise
                    kept.update(attributes)

    def end(self, name: str) -> None:
        if self._path[-2:] == ["detail", "remarks"]:
            self.details.remarks = self.details.remarks or "".join(self._text)
        elif self._path[-2:] == ["detail", "emergency"]:
            self.details.alert = "".join(self._text)
        self._path.pop()

    def data(self, text: str) -> None:
        if self._text_chars < _MAX_TEXT:
            self._text.append(text)
            self._text_chars += len(text)


def _refuse(*_: object) -> NoReturn:
    raise CodecError("dtd", "an event with a DTD or an entity of its own")


def _parse(data: bytes, details: Details) -> _Reader:
    if len(data) > MAX_EVENT_BYTES:
        raise CodecError("size", f"an event of {len(data)} bytes; {MAX_EVENT_BYTES} is the most")
    if b"\0" in data:  # UTF-16, which expat would find by its byte order mark
        raise CodecError("xml", "an event that is not UTF-8")
    reader = _Reader(details)
    # Always UTF-8, whatever the declaration says: no other is sent, and some hide a second text.
    parser = expat.ParserCreate("UTF-8")
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.ExternalEntityRefHandler = _refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.data
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise CodecError("xml", f"an event that is no XML ({error})") from error
    return reader


def decode_event(data: bytes) -> Event:
    """The event in `data`, one XML document.

    Raises:
        CodecError: it is none, is too large, or a field is out of bounds.
    """
    reader = _parse(data, empty_details())
    base = reader.base
    if base is None:
        raise CodecError("shape", "a document that is no event")
    time_us, start_us, stale_us = (instant(base.get(n, "")) for n in ("time", "start", "stale"))
    return make_event(base, (time_us, start_us, stale_us), reader.point, reader.details)


def read_details(data: bytes, details: Details) -> None:
    """Add what a <detail> element says.

    Raises:
        CodecError: it is no XML.
    """
    _parse(data, details)


def encode_event(event: Event) -> bytes:
    """`event` as XML on one line, as TAK products take it on every transport."""
    e = event
    detail = _element("contact", callsign=e.callsign) if e.callsign else ""
    if e.team or e.role:
        detail += _element("__group", name=e.team, role=e.role)
    if e.course is not None or e.speed is not None:
        detail += _element("track", course=_text(e.course), speed=_text(e.speed))
    if e.battery is not None:
        detail += _element("status", battery=str(round(e.battery)))
    if e.software:
        detail += _element("takv", platform=e.software, version="")
    if e.link:
        detail += _element("link", uid=e.link, relation="p-p")
    if e.emergency is not None:
        cancel = "true" if e.emergency.cancel else "false"
        detail += _element("emergency", type=e.emergency.kind, cancel=cancel)
    if e.chat is not None:
        room = e.chat.room
        detail += _element("__chat", senderCallsign=e.chat.sender, chatroom=room, id=room)
    remarks = e.chat.text if e.chat is not None else e.remarks
    if remarks:
        detail += f"<remarks>{_escaped(remarks)}</remarks>"
    point = _element(
        "point",
        lat=f"{e.lat or 0:.7f}",
        lon=f"{e.lon or 0:.7f}",
        hae=_known(e.hae),
        ce=_known(e.ce) if e.lat is not None else _UNKNOWN,
        le=_known(e.le),
    )
    times = {
        name: instant_text(at_us)
        for name, at_us in (("time", e.time_us), ("start", e.start_us), ("stale", e.stale_us))
    }
    head = _attributes(version="2.0", uid=e.uid, type=e.type, how=e.how, **times)
    return f"<event{head}>{point}<detail>{detail}</detail></event>".encode()


def _element(name: str, /, **attributes: str) -> str:
    return f"<{name}{_attributes(**attributes)}/>"


def _attributes(**attributes: str) -> str:
    return "".join(f" {name}={quoteattr(clean(t, 1000))}" for name, t in attributes.items())


def _escaped(text: str) -> str:
    return clean(text, 1000).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _known(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:.1f}"
