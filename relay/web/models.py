"""The shapes of the API's answers. Times are UTC microseconds; `*_at` repeats them as ISO 8601."""

from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "BearerView",
    "BundleView",
    "BundlesPage",
    "CoverageView",
    "EventView",
    "EventsPage",
    "GapView",
    "GapsPage",
    "Health",
    "IncidentStart",
    "IncidentState",
    "IncidentView",
    "IncidentsPage",
    "KitState",
    "KitView",
    "KitsPage",
    "LayerView",
    "Login",
    "PendingScope",
    "PendingView",
    "SessionView",
    "StillView",
    "StreamCoverage",
    "StreamState",
    "StreamSummaryView",
    "StreamView",
    "StreamsPage",
    "SummaryView",
    "iso",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_US = 253_402_300_799_000_000  # the end of year 9999, datetime's last

StreamState = Literal["live", "late", "down"]
IncidentState = Literal["open", "closed", "standing"]
PendingScope = Literal["stream", "kit"]
KitState = Literal["admitted", "joined", "revoked", "unknown"]


def iso(us: int) -> str:
    """UTC microseconds as ISO 8601, bounded to what a calendar knows."""
    return (_EPOCH + timedelta(microseconds=min(max(us, 0), _LATEST_US))).isoformat()


class View(BaseModel):
    """The base of every answer."""

    model_config = ConfigDict(frozen=True)


class Login(BaseModel):
    """A login."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=32)
    password: str = Field(max_length=128)


class SessionView(View):
    """Who is logged in: `user` is null when nobody is."""

    user: str | None
    centre: str
    now_us: int


class Health(View):
    """A sign of life."""

    ok: Literal[True]
    now_us: int


class IncidentStart(BaseModel):
    """An incident to open; T0 is now when `start_us` is left out, `window_s` null is no clock."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=200)
    start_us: int | None = Field(default=None, ge=0, le=_LATEST_US)
    window_s: int | None = Field(default=7200, ge=60, le=30 * 86_400)


class IncidentView(View):
    """An incident and its clock; `remaining_us` is negative when the window is over."""

    id: str
    name: str
    state: IncidentState
    start_us: int
    start_at: str
    window_us: int | None
    due_us: int | None
    closed_us: int | None
    elapsed_us: int
    remaining_us: int | None


class IncidentsPage(View):
    """All incidents, the newest first, the standing one last."""

    now_us: int
    incidents: list[IncidentView]


class DeviceView(View):
    """What a kit last said of one of its devices; `carrier` is the device that carries it."""

    device: str
    kind: str
    state: str | None
    reason: str | None
    carrier: str | None


class PendingView(View):
    """What a kit has not sent yet, by its own last report at `reported_us`; null is unknown.

    `scope` says whether it is of this stream or of all the kit's streams together.
    """

    scope: PendingScope
    bundles: int | None
    size_bytes: int | None
    reported_us: int


class BearerView(View):
    """One of a kit's ways to the centre, by its own last word; null is unknown.

    `heard_us` is when the centre last heard the kit on it, `loss` a share from 0 to 1.
    """

    name: str
    up: bool | None
    held: bool | None
    rate_bps: float | None
    rtt_ms: float | None
    loss: float | None
    in_flight_bytes: int | None
    heard_us: int | None


class KitView(View):
    """A kit: admission, and what was last heard of it."""

    kit: str
    state: KitState
    connected: bool
    admitted_us: int | None
    joined_us: int | None
    revoked_us: int | None
    last_heard_us: int | None
    software: str | None
    bearer: str | None
    clock_offset_us: int | None
    devices: list[DeviceView]
    pending: PendingView | None
    bearers: list[BearerView]


class KitsPage(View):
    """All kits, by name."""

    now_us: int
    kits: list[KitView]


class StillView(View):
    """The newest still of a stream."""

    bundle: str
    start_us: int


class LayerView(View):
    """What the centre holds of one layer."""

    bundles: int
    duration_s: float
    size_bytes: int
    first_start_us: int
    last_end_us: int
    last_custody_us: int


class StreamView(View):
    """A stream as the wall shows it. `down_reason` is the kit's word for it."""

    kit: str
    device: str
    stream: str
    kind: str
    state: StreamState
    down_reason: str | None
    latest_still: StillView | None
    latest_us: int | None
    first_picture_s: float | None
    layers: dict[str, LayerView]
    gaps: int
    gap_open: bool
    pending: PendingView | None


class StreamsPage(View):
    """Every stream of an incident."""

    now_us: int
    incident: str
    streams: list[StreamView]


class JourneyView(View):
    """When a bundle was where; null is unknown."""

    captured_us: int
    first_sent_us: int | None
    first_received_us: int | None
    last_received_us: int | None
    custody_us: int
    bearers: list[str]


class BundleView(View):
    """A bundle in custody; `content` is where its bytes are. `play_from_us` and `play_to_us`
    are set where the best of several bundles was asked for: what to play of this one.
    """

    id: str
    number: int
    incident: str
    kit: str
    device: str
    stream: str
    layer: str
    sequence: int
    precedence: str
    start_us: int
    start_at: str
    end_us: int
    recorded_us: int
    deadline_us: int | None
    clock_error_us: int | None
    media_type: str
    size_bytes: int
    content_hash: str
    meta: dict[str, str | int | float | bool | list[list[float]] | None]
    path: str
    journey: JourneyView
    content: str
    play_from_us: int | None = None
    play_to_us: int | None = None


class BundlesPage(View):
    """Bundles in the order asked for; `next` is the `after` of the next page, null at the end;
    `next_us` its `from` when the best was asked for.
    """

    bundles: list[BundleView]
    next: int | None
    next_us: int | None = None


class GapView(View):
    """A gap; `layer` is empty when nothing at all is there."""

    kit: str
    device: str
    stream: str
    layer: str
    start_us: int
    start_at: str
    end_us: int
    reason: str


class GapsPage(View):
    """The newest gaps, the oldest of them first."""

    gaps: list[GapView]


class StreamCoverage(View):
    """Spans [start_us, end_us] that the centre holds, by layer, and the gaps between. The layer
    "thin" is of proxies that were thinned to keep the window.
    """

    kit: str
    device: str
    stream: str
    layers: dict[str, list[tuple[int, int]]]
    gaps: list[GapView]


class CoverageView(View):
    """What the centre holds of each stream of an incident."""

    now_us: int
    streams: list[StreamCoverage]


class EventView(View):
    """Something that happened; `count` alike within ten seconds are one."""

    number: int
    at_us: int
    at: str
    kind: str
    kit: str | None
    text: str
    count: int


class EventsPage(View):
    """The newest events, the oldest of them first."""

    events: list[EventView]


class StreamSummaryView(View):
    """A stream's figures, as the exercise and programs want them."""

    kit: str
    device: str
    stream: str
    first_picture_s: float | None
    stills: int
    proxy_s: float
    original_s: float
    in_custody_bundles: int
    size_bytes: int
    gaps: int


class SummaryView(View):
    """The figures of an incident."""

    now_us: int
    incident: IncidentView
    streams: list[StreamSummaryView]
