"""The plan in plain values: in full for `fieldlink edge plan`, in brief for the centre."""

from collections.abc import Mapping
from typing import Any

from fieldlink.codecs.bundle import Layer
from fieldlink.edge.planner.forecast import Forecast, TrackForecast, Verdict

__all__ = ["brief_plan", "plan_report"]

_MOST_STREAMS = 64
_MAX_REASON_CHARS = 120
_WORDS = {Verdict.KEPT: "kept", Verdict.AT_RISK: "at-risk", Verdict.WILL_MISS: "will-miss"}


def plan_report(
    seen: Forecast, window: tuple[str, int | None, int | None], fit: Mapping[str, Any]
) -> dict[str, Any]:
    """`seen` for people and programs; `window` is the incident, its T0 and its end.

    Times are UTC microseconds, rates bits of payload a second, None where unknown; `verdict` is
    kept, at-risk or will-miss, over all of it the worst of all but originals: they may follow.
    """
    incident, start_us, due_us = window
    return {
        "at_us": seen.at_us,
        "incident": incident,
        "start_us": start_us,
        "due_us": due_us,
        "rate_bps": _rounded(seen.rate_bps),
        "low_bps": _rounded(seen.low_bps),
        "verdict": _WORDS[_overall(seen)],
        "fit": dict(fit),
        "streams": [
            {
                "device": track.device,
                "stream": track.stream,
                "layer": track.layer.value,
                "pending_bytes": track.pending_bytes,
                "verdict": _WORDS[track.verdict],
                "done_us": track.done_us,
                "reason": track.reason,
            }
            for track in seen.tracks
        ],
    }


def brief_plan(seen: Forecast, fit_level: int) -> dict[str, Any]:
    """`seen` as it goes in a State frame (docs/protocol.md), the worst streams first if there are
    more than fit.
    """
    worst = sorted(seen.tracks, key=lambda track: -track.verdict)[:_MOST_STREAMS]
    return {
        "at_us": seen.at_us,
        "rate_bps": _rounded(seen.rate_bps),
        "low_bps": _rounded(seen.low_bps),
        "fit": fit_level,
        "due_us": seen.due_us,
        "streams": [_brief(track) for track in worst],
    }


def _overall(seen: Forecast) -> Verdict:
    due = (track.verdict for track in seen.tracks if track.layer is not Layer.ORIGINAL)
    return max(due, default=Verdict.KEPT)


def _brief(track: TrackForecast) -> list[Any]:
    # A reason that says that all is well is left out: the thinnest link carries this, too.
    reason = "" if track.verdict is Verdict.KEPT else track.reason[:_MAX_REASON_CHARS]
    names = [track.device, track.stream, track.layer.value]
    return [*names, track.pending_bytes, track.verdict.value, track.done_us, reason]


def _rounded(rate_bps: float | None) -> int | None:
    return None if rate_bps is None else round(rate_bps)
