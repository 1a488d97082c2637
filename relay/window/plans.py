"""Plans from kits: what each still has to send, and whether it will be in time. Pure.

A plan is the value of the key "plan" in a kit's State, and a kit may be hostile: `checked_plan`
lets nothing pass but what is written here, bounded. It is kept as the same plain values.

    {"at_us", "rate_bps", "low_bps", "fit", "due_us",
     "streams": [[device, stream, layer, pending_bytes, verdict, done_us, reason], ...]}
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from fieldlink.codecs.bundle import Layer, check_name
from fieldlink.codecs.fault import CodecError

__all__ = ["KitVerdict", "Plan", "PlanRow", "checked_plan", "plan_of"]

MAX_ROWS = 64
_MAX_REASON_CHARS = 256
_MAX_BPS = 10**12
_MAX_FIT = 100
_MOST = 2**63 - 1
_LATEST_US = 253_402_300_799_000_000  # the end of year 9999, calendars' last
_ROW_FIELDS = 7


class KitVerdict(IntEnum):
    """A kit's word on whether a layer will be in time."""

    KEPT = 0
    AT_RISK = 1
    WILL_MISS = 2


@dataclass(frozen=True, slots=True)
class PlanRow:
    """What a kit still has of one layer; `done_us` None: not foreseen."""

    device: str
    stream: str
    layer: str
    pending_bytes: int
    verdict: KitVerdict
    done_us: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A kit's plan, made at `at_us` of its own clock; rates in bits a second, None unknown.

    `fit` is how much it thins what is left, 0 not at all.
    """

    at_us: int
    rate_bps: int | None
    low_bps: int | None
    fit: int
    due_us: int | None
    rows: tuple[PlanRow, ...]


def checked_plan(said: object) -> dict[str, Any]:
    """`said` if it is a plan, without what does not belong.

    Raises:
        CodecError: it is none.
    """
    if not isinstance(said, Mapping):
        raise CodecError("plan", "a plan is a map")
    rows = said.get("streams", ())
    if not isinstance(rows, Sequence) or isinstance(rows, str) or len(rows) > MAX_ROWS:
        raise CodecError("plan", f"a plan's streams are a list of at most {MAX_ROWS}")
    return {
        "at_us": _count(said, "at_us", _LATEST_US),
        "rate_bps": _rate(said, "rate_bps"),
        "low_bps": _rate(said, "low_bps"),
        "fit": _count(said, "fit", _MAX_FIT) if said.get("fit") is not None else 0,
        "due_us": _optional(said, "due_us", _LATEST_US),
        "streams": [_checked_row(row) for row in rows],
    }


def plan_of(kept: Mapping[str, Any] | None) -> Plan | None:
    """The plan in what the catalogue kept of `checked_plan`; None when there is none."""
    if kept is None:
        return None
    rows = tuple(
        PlanRow(row[0], row[1], row[2], row[3], KitVerdict(row[4]), row[5], row[6])
        for row in kept["streams"]
    )
    heads = {name: kept[name] for name in ("at_us", "rate_bps", "low_bps", "fit", "due_us")}
    return Plan(**heads, rows=rows)


def _checked_row(row: object) -> list[Any]:
    if not isinstance(row, Sequence) or isinstance(row, str) or len(row) < _ROW_FIELDS:
        raise CodecError("plan", f"a stream in a plan is a list of {_ROW_FIELDS}")
    device, stream, layer, pending, verdict, done_us, reason = row[:_ROW_FIELDS]
    check_name("device", device)
    check_name("stream", stream)
    if layer not in tuple(Layer):
        raise CodecError("plan", f"{str(layer)[:32]!r} is not a layer")
    named = {"pending": pending, "verdict": verdict, "done_us": done_us}
    return [
        device,
        stream,
        str(layer),
        _count(named, "pending"),
        _count(named, "verdict", len(KitVerdict) - 1),
        _optional(named, "done_us", _LATEST_US),
        _text(reason),
    ]


def _text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise CodecError("plan", "a reason in a plan is text")
    return "".join(c if c.isprintable() else " " for c in value)[:_MAX_REASON_CHARS]


def _rate(said: Mapping[str, Any], name: str) -> int | None:
    # A rate may be reckoned as a fraction.
    value = said.get(name)
    if isinstance(value, float) and 0 <= value <= _MAX_BPS:
        return round(value)
    return _optional(said, name, _MAX_BPS)


def _optional(said: Mapping[str, Any], name: str, most: int = _MOST) -> int | None:
    return None if said.get(name) is None else _count(said, name, most)


def _count(said: Mapping[str, Any], name: str, most: int = _MOST) -> int:
    value = said.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise CodecError("plan", f"{name} in a plan is an integer from 0 to {most}")
    return value
