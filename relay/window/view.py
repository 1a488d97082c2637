"""The window view: what it is made of, and what is made of it. Plain frozen values.

Times are UTC microseconds of the centre's clock; None is unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from fieldlink.codecs.bundle import Gap
from fieldlink.relay.catalogue import Incident
from fieldlink.relay.window.plans import Plan
from fieldlink.relay.window.spans import Span

__all__ = [
    "KitFacts",
    "KitWindow",
    "LayerWindow",
    "Minute",
    "Reason",
    "StreamFacts",
    "StreamWindow",
    "Verdict",
    "WindowFacts",
    "WindowView",
]


class Verdict(StrEnum):
    """Whether a window will be kept."""

    KEPT = "kept"
    AT_RISK = "at_risk"
    WILL_MISS = "will_miss"
    UNKNOWN = "unknown"


class Minute(StrEnum):
    """The best that the centre has of a minute of a stream, as one character."""

    ORIGINAL = "o"
    PROXY = "p"
    THIN = "t"
    STILL = "s"
    LATE = "l"
    """Something, but it came after the window."""
    GAP = "g"
    """Nothing was there to be sent; a gap with its reason is on record."""
    NONE = "."
    """Nothing has come."""
    COMING = ">"
    """Nothing has come of it yet; it has only just passed."""
    BEFORE = "-"
    """Before the stream began."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a verdict is what it is: a word that pages translate, figures, a kit's own words."""

    code: str
    text: str = ""
    minutes: int | None = None
    late: int | None = None
    at_us: int | None = None
    size_bytes: int | None = None
    rate_bps: int | None = None


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """What is known of a stream: what came in time and what late, by layer, sorted; its gaps."""

    kit: str
    device: str
    stream: str
    kind: str = ""
    first_picture_us: int | None = None
    held: Mapping[str, list[Span]] = field(default_factory=dict)
    late: Mapping[str, list[Span]] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class KitFacts:
    """What was last heard of a kit. `arrived_bytes` came since `arrived_since_us`, the last of
    it at `arrived_us`; `pending` is what its report says it still has, by layer.
    """

    kit: str
    last_heard_us: int | None = None
    clock_offset_us: int | None = None
    plan: Plan | None = None
    plan_us: int | None = None
    pending: Mapping[str, int] | None = None
    arrived_bytes: int = 0
    arrived_since_us: int | None = None
    arrived_us: int | None = None
    heard_on: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WindowFacts:
    """Everything that the view of a window is made from."""

    incident: Incident
    now_us: int
    streams: tuple[StreamFacts, ...]
    kits: Mapping[str, KitFacts]


@dataclass(frozen=True, slots=True)
class LayerWindow:
    """One layer of a stream: what has come of it, and what its kit promises of the rest.

    `share` is of the elapsed window without the gaps on record.
    """

    layer: str
    spans: list[Span]
    held_us: int
    share: float | None
    pending_bytes: int | None
    verdict: Verdict | None
    done_us: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class StreamWindow:
    """A stream in the window; `minutes` has one character (`Minute`) for each elapsed one.

    `present` of them have a picture, of `wanted` that should have one by now; `late` came late.
    """

    kit: str
    device: str
    stream: str
    kind: str
    minutes: str
    present: int
    late: int
    wanted: int
    share: float | None
    first_picture_s: float | None
    layers: list[LayerWindow]
    verdict: Verdict
    reason: Reason


@dataclass(frozen=True, slots=True)
class KitWindow:
    """A kit in the window: what it promises (at `plan_us`), and the centre's own forecast.

    Both leave originals out: `pending_bytes` is what every minute needs, `pending_all_bytes`
    everything. `arrival_bps` is measured here.
    """

    kit: str
    last_heard_us: int | None
    silent_since_us: int | None
    plan_us: int | None
    plan_age_us: int | None
    fit: int | None
    rate_bps: int | None
    low_bps: int | None
    arrival_bps: int | None
    pending_bytes: int | None
    pending_all_bytes: int | None
    done_us: int | None
    first_picture_s: float | None
    heard_on: Mapping[str, int]
    verdict: Verdict
    reason: Reason


@dataclass(frozen=True, slots=True)
class WindowView:
    """The whole of it, at `now_us`. What is shown begins at `from_us` (T0, or a day before the
    end where that is longer ago); `elapsed_us` from T0 stops at the window's end.
    """

    incident: str
    name: str
    start_us: int
    from_us: int
    due_us: int | None
    closed_us: int | None
    now_us: int
    elapsed_us: int
    over: bool
    verdict: Verdict
    counts: Mapping[str, int]
    streams: list[StreamWindow]
    kits: list[KitWindow]
