"""What the spool says of a bundle it holds, and of itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from fieldlink.codecs.bundle import Layer, Manifest

__all__ = ["Count", "State", "Stored", "Totals"]


class State(StrEnum):
    """Where a bundle stands between the kit and the centre."""

    PENDING = "pending"
    CUSTODY = "custody"
    REFUSED = "refused"
    GIVEN_UP = "given-up"


@dataclass(frozen=True, slots=True)
class Stored:
    """A bundle in the spool: its manifest, whether the centre has it, and its journey so far.

    `encoded` is the packed manifest that `bundle_id` hashes. Times are UTC microseconds, None
    where it has not happened; `bearers` are those it was sent by; `reason` is why the centre
    refused it.
    """

    bundle_id: bytes
    manifest: Manifest
    encoded: bytes
    state: State
    recorded_us: int
    first_sent_us: int | None = None
    last_sent_us: int | None = None
    custody_us: int | None = None
    bearers: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """How many bundles, and the bytes of their content."""

    bundles: int = 0
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Totals:
    """The spool at a glance; `gaps` counts the gap records in it, whatever their state."""

    pending: Mapping[Layer, Count] = field(default_factory=dict)
    custody: Mapping[Layer, Count] = field(default_factory=dict)
    refused: Count = Count()
    gaps: int = 0
    given_up: int = 0
    used_bytes: int = 0
    quota_bytes: int = 0
    disk_free_bytes: int = 0
    next_sequence: int = 0
