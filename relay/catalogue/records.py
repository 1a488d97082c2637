"""What the catalogue takes and gives: plain frozen values. Times are UTC microseconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fieldlink.codecs.bundle import Gap, Manifest, Mark
from fieldlink.codecs.wire import Purpose

STANDING = "standing"
"""The incident that always exists, for whatever belongs to no other."""


@dataclass(frozen=True, slots=True)
class Incident:
    """An emergency being worked; `window_us` None has no clock, `closed_us` None is open."""

    id: str
    name: str
    start_us: int
    window_us: int | None
    closed_us: int | None = None

    @property
    def due_us(self) -> int | None:
        """When its window ends; None without a window."""
        return None if self.window_us is None else self.start_us + self.window_us

    def spans(self, at_us: int) -> bool:
        """Whether something captured at `at_us` belongs to it."""
        return self.start_us <= at_us and (self.closed_us is None or at_us < self.closed_us)


@dataclass(frozen=True, slots=True)
class Journey:
    """When a bundle was captured, sent, received, in custody, and by which bearers; None is
    unknown (a bundle filed again from the archive's ledger knows only what the ledger knew)."""

    captured_us: int
    custody_us: int
    first_sent_us: int | None = None
    first_received_us: int | None = None
    last_received_us: int | None = None
    bearers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Filing:
    """A bundle to be filed: `path` is relative to the archive; `gap` or `mark` when it carries
    one.
    """

    bundle_id: bytes
    manifest: Manifest
    encoded: bytes
    incident: str
    path: str
    journey: Journey
    gap: Gap | None = None
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class FiledBundle:
    """A bundle in custody. `number` counts up in the order of filing."""

    number: int
    bundle_id: bytes
    incident: str
    manifest: Manifest
    path: str
    journey: Journey


@dataclass(frozen=True, slots=True)
class LayerSummary:
    """What is in custody of one layer of a stream."""

    bundles: int
    size: int
    duration_us: int
    first_start_us: int
    last_end_us: int
    first_custody_us: int
    last_custody_us: int
    latest_start_us: int
    latest_bundle: bytes


@dataclass(frozen=True, slots=True)
class StreamSummary:
    """A stream of an incident as a wall shows it; `kind` is the device's, "" when unknown."""

    kit: str
    device: str
    kind: str
    stream: str
    first_picture_us: int | None
    first_picture_delay_us: int | None
    layers: Mapping[str, LayerSummary]

    @property
    def latest_still(self) -> LayerSummary | None:
        """The layer of stills, whose `latest_bundle` is the newest one; None without any."""
        return self.layers.get("still")


@dataclass(frozen=True, slots=True)
class FiledGap:
    """A gap on record: `layer` is empty when nothing at all is there."""

    number: int
    bundle_id: bytes
    incident: str
    kit: str
    gap: Gap


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at the centre; `count` such within ten seconds are one."""

    number: int
    at_us: int
    kind: str
    kit: str | None
    text: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class KitNews:
    """What a kit was heard saying; None leaves what is known.

    `plan` is what it means to send by when, as `fieldlink.relay.window.plans` lets it pass;
    `heard_on` the bearers on which it was heard, with when.
    """

    kit: str
    heard_us: int
    software: str | None = None
    bearer: str | None = None
    devices: Mapping[str, str] | None = None
    report: Mapping[str, Any] | None = None
    clock_offset_us: int | None = None
    plan: Mapping[str, Any] | None = None
    heard_on: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Kit:
    """A kit: its admission and what was last heard of it (None: never, or unknown)."""

    kit: str
    admitted_us: int | None = None
    expires_us: int | None = None
    joined_us: int | None = None
    revoked_us: int | None = None
    cert_serial: str | None = None
    last_heard_us: int | None = None
    software: str | None = None
    bearer: str | None = None
    devices: Mapping[str, str] = field(default_factory=dict)
    report: Mapping[str, Any] | None = None
    report_us: int | None = None
    clock_offset_us: int | None = None
    plan: Mapping[str, Any] | None = None
    plan_us: int | None = None
    heard_on: Mapping[str, int] | None = None

    @property
    def active(self) -> bool:
        """Whether it has joined and is not revoked: the broker lets it in."""
        return self.joined_us is not None and self.revoked_us is None

    def connected(self, now_us: int, within_us: int = 30_000_000) -> bool:
        """Whether it was heard within the last `within_us` microseconds."""
        # Heard in the future: the centre's clock was set back since.
        heard_us = self.last_heard_us
        return heard_us is not None and abs(now_us - heard_us) <= within_us


@dataclass(frozen=True, slots=True)
class StoredWant:
    """What somebody asked of a kit: `purpose` SEND a span, or KEEP it (a bookmark).

    An empty `device`, `stream` or `layer` stands for any. `position` orders them, the least
    first. `fulfilled_us`: since when the archive has all of it that there is.
    """

    ident: bytes
    purpose: Purpose
    kit: str
    device: str
    stream: str
    layer: str
    from_us: int
    to_us: int
    who: str
    note: str
    created_us: int
    position: int = 0
    cancelled_us: int | None = None
    fulfilled_us: int | None = None

    @property
    def open(self) -> bool:
        """Whether its kit is still told of it."""
        return self.cancelled_us is None and self.fulfilled_us is None


@dataclass(frozen=True, slots=True)
class SpanRow:
    """The span of a bundle, without its manifest; `thin` is None when it was not thinned."""

    number: int
    kit: str
    device: str
    stream: str
    layer: str
    start_us: int
    end_us: int
    custody_us: int
    thin: int | None


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What came into custody from a kit since some time, and when the first and last of it did."""

    size: int
    first_us: int
    last_us: int


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may log in."""

    name: str
    password_hash: str
    created_us: int


@dataclass(frozen=True, slots=True)
class Token:
    """A program's way in; the token itself is never stored, only its hash."""

    token_hash: bytes
    name: str
    created_us: int
    revoked_us: int | None


@dataclass(frozen=True, slots=True)
class Service:
    """The last sign of life of a running relay."""

    name: str
    started_us: int
    beat_us: int
    report: Mapping[str, Any]
