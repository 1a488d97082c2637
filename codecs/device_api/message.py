"""What a device says: a message on one of its topics, read, and the receipt that answers it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from fieldlink.codecs.bundle import check_name
from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.telemetry import SCHEMAS, AlarmKind, Column, Flag, Schema

from .faults import field_fault, shown
from .models import MAX_BATCH, MODELS, STREAMS, Call, Envelope, SeriesList, SeriesMap, Text
from .place import wgs84

__all__ = ["Alarmed", "Echo", "Message", "Run", "Told", "read_message", "read_topic"]

_ALARMS = {"sos": AlarmKind.SOS, "man_down": AlarmKind.MAN_DOWN}
_LATE_S = 1e11  # seconds until the year 5138; more are milliseconds
_MAX_US = 2**63 - 1
_MAX_IGNORED = 8


class Told(NamedTuple):
    """One reading: values by column, the device's time (UTC us), its number, flags."""

    values: dict[str, float | int | str | None]
    time_us: int | None
    seq: int | None
    flags: Flag


class Alarmed(NamedTuple):
    """A call for help that begins or goes on (`active`), or ends. `lat` and `lon` in degrees."""

    kind: AlarmKind
    active: bool
    text: str
    time_us: int | None
    lat: float | None
    lon: float | None
    flags: Flag


@dataclass(frozen=True, slots=True)
class Run:
    """Readings of one schema and one boot, in the order given; boot None: the kit numbers."""

    schema: Schema
    boot: int | None
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """All of a message; `ignored` are keys in it that nobody knows."""

    runs: tuple[Run, ...]
    alarms: tuple[Alarmed, ...]
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Echo:
    """What a receipt says back so that the device knows which message it is for: of a batch, what
    its last message says.
    """

    seq: int | None = None
    boot: int | None = None
    ident: str | int | None = None
    count: int = 1

    @classmethod
    def of(cls, content: Any) -> "Echo":
        """From whatever a message says, right or wrong."""
        count = 1
        if isinstance(content, list | tuple):
            count, content = len(content), content[-1] if content else None
        if not isinstance(content, dict):
            return cls(count=count)
        ident = content.get("id")
        if not (isinstance(ident, str) and len(ident) <= 64 and ident.isprintable()):
            ident = _count(ident)
        return cls(_count(content.get("seq")), _count(content.get("boot")), ident, count)

    def receipt(self, stream: str, error: str | None = None, *, again: bool = False) -> Any:
        """The receipt's map: the kit has it on disk, or why it refused it, and whether to send it
        `again` later.
        """
        said: dict[str, Any] = {"ok": error is None, "stream": stream}
        if self.count != 1:
            said["count"] = self.count
        given = {"seq": self.seq, "boot": self.boot, "id": self.ident}
        said |= {key: value for key, value in given.items() if value is not None}
        if error is not None:
            words = "".join(c if c.isprintable() else "?" for c in error[:300])
            said |= {"error": words, "again": again}
        return said


def _count(value: Any) -> int | None:
    good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**60
    return value if good else None


def read_topic(topic: str) -> tuple[str, str]:
    """Device and stream of "fl/dev/<device>/<stream>".

    Raises:
        CodecError: it is another topic.
    """
    parts = topic.split("/", 4) if len(topic) <= 80 else []
    if len(parts) != 4 or parts[:2] != ["fl", "dev"]:
        raise CodecError("topic", f"{shown(topic)} is not fl/dev/<device>/<stream>")
    device, stream = check_name("device", parts[2]), parts[3]
    if stream not in MODELS:
        raise CodecError("topic", f"{shown(stream)} is no stream; use one of {', '.join(STREAMS)}")
    return device, stream


def read_message(stream: str, content: Any) -> Message:
    """What `content` (`read_content`) says on the topic of `stream`; all of it, or nothing.

    Raises:
        CodecError: a key is missing or wrong; names it, and says what to write.
    """
    batch = isinstance(content, list | tuple)
    items = content if batch else (content,)
    if not 1 <= len(items) <= MAX_BATCH:
        raise CodecError("size", f"a batch of {len(items)}; send 1 to {MAX_BATCH} in one message")
    ignored: dict[str, None] = {}
    told: list[tuple[Schema, int | None, Told]] = []
    alarms = []
    for number, item in enumerate(items):
        prefix = f"[{number}]." if batch else ""
        model = _checked(stream, item, prefix)
        try:
            if isinstance(model, Call):
                alarms.append(_alarmed(_ALARMS[stream], model))
            else:
                told.append(_told(stream, model))
        except CodecError as error:
            raise CodecError(error.reason, prefix + error.detail) from error
        _note_ignored(ignored, model)
    return Message(tuple(_runs(told)), tuple(alarms), tuple(ignored))


def _checked(stream: str, item: Any, prefix: str) -> Envelope:
    if not isinstance(item, dict):
        raise CodecError("shape", f"{prefix or 'the message'} is {shown(item)}; send a map")
    models = MODELS[stream]
    model = models[-1 if isinstance(item.get("values"), list | tuple) else 0]
    if isinstance(item.get("values"), tuple):  # MessagePack's arrays
        item = {**item, "values": list(item["values"])}
    try:
        return model.model_validate(item)
    except ValidationError as error:
        raise field_fault(error, prefix) from error


def _note_ignored(ignored: dict[str, None], model: Envelope) -> None:
    if not model.model_extra:
        return
    for name in model.model_extra:
        if len(ignored) < _MAX_IGNORED:
            ignored[shown(name)] = None


def _runs(told: Iterable[tuple[Schema, int | None, Told]]) -> Iterable[Run]:
    """What follows one another in one schema and boot, together."""
    held: list[Told] = []
    key: tuple[Schema, int | None] | None = None
    for schema, boot, one in told:
        if key is not None and ((key[0] is not schema and key[0] != schema) or key[1] != boot):
            yield Run(*key, tuple(held))
            held = []
        key = (schema, boot)
        held.append(one)
    if key is not None:
        yield Run(*key, tuple(held))


# --- one reading ---------------------------------------------------------------------------


def _told(stream: str, model: Envelope) -> tuple[Schema, int | None, Told]:
    flags = _flags(model)
    if isinstance(model, SeriesMap | SeriesList):
        schema, values = _series(model)
    elif isinstance(model, Text):
        schema = SCHEMAS["text"]
        words = {"text": _words("text", model.text), "from": _words("from", model.from_ or "")}
        values = {key: value or None for key, value in words.items()}
    else:
        schema = SCHEMAS[stream]
        values = _columns(schema, model)
        if stream == "position":
            flags |= _located(values, str(getattr(model, "datum", "wgs84")))
    if model.boot is not None and model.seq is None:
        raise CodecError("field", "seq: missing; boot names the run that seq counts in")
    seq = model.seq if model.boot is not None else None
    return schema, model.boot, Told(values, _time_us(model), seq, flags)


def _columns(schema: Schema, model: Envelope) -> dict[str, float | int | str | None]:
    given = model.model_fields_set
    values = {c.name: getattr(model, c.name) for c in schema.columns if c.name in given}
    if not values:
        names = ", ".join(column.name for column in schema.columns)
        raise CodecError("field", f"none of {names} is in it; send at least one")
    return values


def _located(values: dict[str, float | int | str | None], datum: str) -> Flag:
    lat, lon = values.get("lat"), values.get("lon")
    if (lat is None) != (lon is None):
        raise CodecError("field", "lat and lon: one is missing; send both, or null for both")
    if not isinstance(lat, float) or not isinstance(lon, float) or values.get("fix") == 0:
        values["lat"] = values["lon"] = None  # what a receiver without a fix remembers is no place
        return Flag.NO_FIX
    values["lat"], values["lon"], moved = wgs84(datum, lat, lon)
    return Flag.CONVERTED if moved else Flag.NONE


def _series(model: SeriesMap | SeriesList) -> tuple[Schema, dict[str, float | int | str | None]]:
    if isinstance(model, SeriesMap):
        named = list(model.values.items())
    else:
        named = [(sensor.name, sensor) for sensor in model.values]
    columns = []
    for name, sensor in named:
        try:
            columns.append(Column(name, sensor.unit, sensor.decimals))
        except CodecError as error:
            raise CodecError("field", f"values.{shown(name)}: {error.detail}") from error
    schema = Schema("series", tuple(columns))
    return schema, {name: sensor.v for name, sensor in named}


def _alarmed(kind: AlarmKind, call: Call) -> Alarmed:
    lat, lon, flags = call.lat, call.lon, _flags(call)
    if (lat is None) != (lon is None):
        raise CodecError("field", "lat and lon: one is missing; send both, or neither")
    if lat is not None and lon is not None:
        if not (-90 <= lat <= 90 and -180 <= lon <= 180):
            raise CodecError("field", "lat and lon: not on Earth; send degrees")
        lat, lon, moved = wgs84(call.datum, lat, lon)
        flags |= Flag.CONVERTED if moved else Flag.NONE
    return Alarmed(kind, call.active, _words("text", call.text), _time_us(call), lat, lon, flags)


def _flags(model: Envelope) -> Flag:
    stored = Flag.BACKFILL if model.stored else Flag.NONE
    return stored | (Flag.EXERCISE if model.exercise else Flag.NONE)


def _words(key: str, text: str) -> str:
    """`text` on one line."""
    words = " ".join(text.split())
    if not words.isprintable():
        raise CodecError("field", f"{key} = {shown(text)}: write no control characters")
    return words


def _time_us(model: Envelope) -> int | None:
    given = [key for key in ("time", "time_ms", "time_us") if getattr(model, key) is not None]
    if len(given) > 1:
        raise CodecError("field", f"{' and '.join(given)}: send one of them")
    if model.time_ms is not None:
        return _bounded("time_ms", model.time_ms * 1000)
    if model.time is None:
        return model.time_us
    if isinstance(model.time, str):
        return _bounded("time", _iso_us(model.time))
    if abs(model.time) > _LATE_S:
        raise CodecError("field", f"time = {model.time:g}: these are no seconds; use time_ms")
    return _bounded("time", round(model.time * 1e6))


def _bounded(key: str, at_us: int) -> int:
    if not 0 <= at_us <= _MAX_US:
        raise CodecError("field", f"{key}: not after 1970; send UTC")
    return at_us


def _iso_us(text: str) -> int:
    try:
        at = datetime.fromisoformat(text) if len(text) <= 40 else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        rule = 'write text like "2026-05-12T06:28:00Z", with Z or an offset'
        raise CodecError("field", f"time = {shown(text)}: {rule}")
    since = at - datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
