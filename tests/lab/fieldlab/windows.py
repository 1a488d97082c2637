"""What the window view is made from, written in minutes from T0."""

from collections.abc import Mapping, Sequence
from typing import Any

from fieldlink.codecs.bundle import Gap
from fieldlink.relay.catalogue import Incident
from fieldlink.relay.window.core import window_view
from fieldlink.relay.window.plans import checked_plan, plan_of
from fieldlink.relay.window.view import KitFacts, StreamFacts, WindowFacts, WindowView

__all__ = ["MINUTE_US", "T0_US", "at", "gap", "kit", "plan", "stream", "view"]

T0_US = 1_790_000_040_000_000
MINUTE_US = 60_000_000
Minutes = Sequence[tuple[float, float]]


def at(minutes: float) -> int:
    """A time, in minutes from T0."""
    return T0_US + round(minutes * MINUTE_US)


def gap(first: float, last: float, layer: str = "", device: str = "ball-1") -> Gap:
    """A gap."""
    return Gap(device, "video", at(first), at(last), "source: refused", layer)


def stream(device: str = "ball-1", *, kit_name: str = "kit-a", **facts: Any) -> StreamFacts:
    """A stream: `held` and `late` by layer in minutes, `gaps`, `first` picture in minutes."""

    def spans(said: Mapping[str, Minutes]) -> dict[str, list[tuple[int, int]]]:
        return {layer: [(at(a), at(b)) for a, b in found] for layer, found in said.items()}

    first = facts.get("first")
    return StreamFacts(
        kit_name,
        device,
        "video",
        kind="ball",
        first_picture_us=None if first is None else at(first),
        held=spans(facts.get("held", {})),
        late=spans(facts.get("late", {})),
        gaps=tuple(facts.get("gaps", ())),
    )


def plan(*rows: Sequence[Any], **fields: Any) -> dict[str, Any]:
    """A kit's plan as the catalogue keeps it; rows as in a State, done in minutes from T0."""
    told = [
        [*row[:5], None if row[5] is None else at(row[5]), row[6] if len(row) > 6 else ""]
        for row in rows
    ]
    return checked_plan({"at_us": T0_US, "rate_bps": 100_000, "streams": told, **fields})


def kit(now: float, **facts: Any) -> KitFacts:
    """A kit that was heard just now, `arrived` (bytes in the last minutes) and `plan`."""
    values: dict[str, Any] = {"last_heard_us": at(now)}
    said = facts.pop("plan", None)
    if said is not None:
        values |= {"plan": plan_of(said), "plan_us": at(facts.pop("plan_at", now))}
    arrived = facts.pop("arrived", None)
    if arrived is not None:
        values |= {
            "arrived_bytes": arrived,
            "arrived_since_us": at(now - 5),
            "arrived_us": at(now),
        }
    return KitFacts(**{"kit": "kit-a", **values, **facts})


def view(
    now: float,
    streams: Sequence[StreamFacts],
    *kits: KitFacts,
    window: float | None = 120,
    closed: float | None = None,
) -> WindowView:
    """The view at `now`."""
    window_us = None if window is None else round(window * MINUTE_US)
    closed_us = None if closed is None else at(closed)
    incident = Incident("slide", "G544 山体滑坡", T0_US, window_us, closed_us)
    known = {each.kit: each for each in kits}
    return window_view(WindowFacts(incident, at(now), tuple(streams), known))
