"""Alarms: somebody or something needs attention now. They travel as report bundles of their own."""

from dataclasses import dataclass
from enum import StrEnum

from fieldlink.codecs.bundle import Precedence, check_name
from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.packing import Fields, pack, unpack

__all__ = [
    "ALARM_ID_BYTES",
    "ALARM_MEDIA_TYPE",
    "ALARM_STREAM",
    "PRECEDENCE",
    "Alarm",
    "AlarmKind",
    "Phase",
    "decode_alarm",
    "encode_alarm",
]

ALARM_MEDIA_TYPE = "application/vnd.fieldlink.alarm+msgpack"
ALARM_STREAM = "alarm"
ALARM_ID_BYTES = 8
_VERSION = 1
_MAX_BYTES = 2048
_MAX_TEXT = 256
_MAX_SHORT = 48


class AlarmKind(StrEnum):
    """What is wrong."""

    SOS = "sos"
    MAN_DOWN = "man-down"
    GAS = "gas"
    LOW_AIR = "low-air"
    VITALS = "vitals"
    THRESHOLD = "threshold"  # a sensor is over or under its limit
    RATE = "rate"  # a sensor changes too fast
    SILENCE = "silence"  # a device that should speak does not
    LOW_BATTERY = "low-battery"
    GEOFENCE = "geofence"
    FAILSAFE = "failsafe"  # an aircraft acts on its own
    DEVICE = "device"  # the device says so; `text` are its words


PRECEDENCE = {
    **dict.fromkeys(AlarmKind, Precedence.IMMEDIATE),
    **dict.fromkeys(
        (AlarmKind.SOS, AlarmKind.MAN_DOWN, AlarmKind.GAS, AlarmKind.LOW_AIR), Precedence.FLASH
    ),
    AlarmKind.THRESHOLD: Precedence.FLASH,
    AlarmKind.RATE: Precedence.FLASH,
}


class Phase(StrEnum):
    """What happened to an alarm on site."""

    RAISED = "raised"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """An alarm of `device`, at `at_us` (UTC). `ident` (8 random bytes) is the same from when it is
    raised until it is cleared. `subject` names what it is about ("air.pressure"), `value`, `limit`
    and `unit` what was measured, in plain text; `text` are the device's or the person's own words.
    `lat` and `lon` are in 1e-7 degree, None: unknown.
    """

    ident: bytes
    device: str
    device_kind: str
    kind: AlarmKind
    phase: Phase
    at_us: int
    subject: str = ""
    value: str = ""
    limit: str = ""
    unit: str = ""
    text: str = ""
    lat: int | None = None
    lon: int | None = None
    flags: int = 0

    def __post_init__(self) -> None:
        check_name("device", self.device)
        check_name("kind of device", self.device_kind)
        if len(self.ident) != ALARM_ID_BYTES:
            raise CodecError("field", "an alarm's id has 8 bytes")
        if not 0 <= self.at_us < 2**63:
            raise CodecError("span", f"an alarm at {self.at_us} us")
        short = (self.subject, self.value, self.limit, self.unit)
        if any(len(one) > _MAX_SHORT or not one.isprintable() for one in short):
            raise CodecError("field", f"what an alarm is about is at most {_MAX_SHORT} printable")
        if len(self.text) > _MAX_TEXT or not self.text.isprintable():
            raise CodecError(
                "field", f"an alarm's text is at most {_MAX_TEXT} printable characters"
            )
        if (self.lat is None) != (self.lon is None):
            raise CodecError("field", "a position has a latitude and a longitude, or neither")

    @property
    def precedence(self) -> Precedence:
        """How it goes."""
        return PRECEDENCE[self.kind]


def encode_alarm(alarm: Alarm) -> bytes:
    """The content of an alarm's bundle."""
    a = alarm
    return pack(
        [
            _VERSION,
            a.ident,
            a.device,
            a.device_kind,
            a.kind.value,
            a.phase.value,
            a.at_us,
            a.subject,
            a.value,
            a.limit,
            a.unit,
            a.text,
            a.lat,
            a.lon,
            a.flags,
        ]
    )


def decode_alarm(data: bytes | memoryview) -> Alarm:
    """The alarm in a bundle's content.

    Raises:
        CodecError: it is none, or a field is out of bounds.
    """
    fields = Fields(unpack(data, "alarm", max_bytes=_MAX_BYTES), "alarm")
    if (version := fields.integer(0, 255)) != _VERSION:
        raise CodecError("version", f"alarm version {version}; this end speaks 1, update it")
    return Alarm(
        ident=fields.binary(ALARM_ID_BYTES, ALARM_ID_BYTES),
        device=fields.text(32),
        device_kind=fields.text(32),
        kind=fields.member(AlarmKind),
        phase=fields.member(Phase),
        at_us=fields.integer(),
        subject=fields.text(_MAX_SHORT),
        value=fields.text(_MAX_SHORT),
        limit=fields.text(_MAX_SHORT),
        unit=fields.text(_MAX_SHORT),
        text=fields.text(_MAX_TEXT),
        lat=fields.optional_integer(-900_000_000, 900_000_000),
        lon=fields.optional_integer(-1_800_000_000, 1_800_000_000),
        flags=fields.integer(0, 2**31),
    )
