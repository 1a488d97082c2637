"""The shapes of telemetry and alarms. Times are UTC microseconds, values in the units named."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from fieldlink.relay.web.models import View

__all__ = [
    "AlarmNote",
    "AlarmView",
    "AlarmsPage",
    "ColumnView",
    "DeviceStateView",
    "HistoryView",
    "LatestPage",
    "PositionView",
    "SampleGapView",
    "StreamStateView",
    "TrackView",
    "TracksPage",
]

Value = int | float | str | None


class PositionView(View):
    """The last position of a device that has a latitude and a longitude (WGS-84, degrees).

    `marks` are why it is not quite what it looks like: no_fix, jump, clock, backfill, converted,
    frozen, exercise, alarm, ...; `future`: its time is later than its arrival.
    """

    time_us: int
    arrived_us: int
    lat: float
    lon: float
    alt: float | None
    heading: float | None
    speed: float | None
    accuracy: float | None
    satellites: int | None
    fix: int | None
    error_us: int | None
    marks: list[str]


class StreamStateView(View):
    """The latest sample of a stream."""

    time_us: int
    marks: list[str]
    values: dict[str, Value]
    units: dict[str, str]


class DeviceStateView(View):
    """A device as it was last heard. `fix_lost_us`: since when it has no position; `offset_us`:
    its clock minus its kit's; `alarms`: how many are not cleared.
    """

    kit: str
    device: str
    kind: str
    heard_us: int
    offset_us: int | None
    position: PositionView | None
    fix_lost_us: int | None
    streams: dict[str, StreamStateView]
    alarms: int


class LatestPage(View):
    """The latest state of devices; pass `revision` as `since` for those that change after."""

    now_us: int
    revision: int
    devices: list[DeviceStateView]


class ColumnView(View):
    """A column: its unit, and how many decimals it has."""

    name: str
    unit: str
    scale: int


class SampleGapView(View):
    """Nothing of [from_us, to_us]: `missing` samples are numbered and not here yet, `silent`:
    there were none.
    """

    from_us: int
    to_us: int
    why: Literal["silent", "missing"]


class HistoryView(View):
    """Samples: time_us, epoch, sequence, marks as an integer, then a value for each of `columns`.
    Those of an epoch are by sequence, epochs by time. `truncated`: there is more; ask on from
    `next_us`.
    """

    columns: list[ColumnView]
    samples: list[list[Value]]
    gaps: list[SampleGapView]
    truncated: bool
    next_us: int | None


class TrackView(View):
    """Where a device went: points of time_us, longitude, latitude, altitude (null: unknown)."""

    kit: str
    device: str
    kind: str
    points: list[tuple[int, float, float, float | None]]


class TracksPage(View):
    """Tracks of devices; `truncated`: some devices were left out."""

    tracks: list[TrackView]
    truncated: bool


class AlarmNote(BaseModel):
    """Why, in a few words."""

    model_config = ConfigDict(extra="forbid")
    note: str = Field(default="", max_length=256)


class AlarmView(View):
    """An alarm. `cleared_by` is who cleared it at the centre, or its kit when it ended on site
    (`cleared_on_site`). `raise_known` false: only its end has come yet, `raised_us` is when it
    ended. `limit` is what `value` was held against.
    """

    id: str
    kit: str
    device: str
    device_kind: str
    kind: str
    precedence: str
    state: Literal["active", "acknowledged", "cleared"]
    raised_us: int
    raise_known: bool
    arrived_us: int
    cleared_us: int | None
    cleared_by: str | None
    cleared_on_site: bool
    site_cleared_us: int | None
    acknowledged_us: int | None
    acknowledged_by: str | None
    note: str
    subject: str
    value: str
    limit: str
    unit: str
    text: str
    lat: float | None
    lon: float | None
    exercise: bool


class AlarmsPage(View):
    """Alarms, the newest by arrival first."""

    now_us: int
    alarms: list[AlarmView]
