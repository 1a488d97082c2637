"""A flight as programs and pages read it: plain values."""

from typing import Any

from fieldlink.relay.catalogue import StoredFlight
from fieldlink.relay.flights.detail import Detail

__all__ = ["detail_row", "flight_row"]


def detail_row(detail: Detail) -> dict[str, Any]:
    """A flight with its messages, its pieces, and all its gaps instead of the first."""
    return {
        **flight_row(detail.flight),
        "gaps": detail.gaps,
        "gaps_more": 0,
        "messages": detail.messages,
        "pieces": detail.pieces,
        "pieces_more": detail.pieces_more,
    }


def flight_row(flight: StoredFlight) -> dict[str, Any]:
    """`flight` with times in UTC microseconds; null is unknown. Frames and bytes are those of its
    index when that has come, else of what is here.
    """
    f = flight
    return {
        "kit": f.kit,
        "device": f.device,
        "flight": f.flight,
        "system": f.system,
        "armed": f.armed,
        "start_us": f.start_us,
        "end_us": f.end_us,
        "ended": f.ended or None,
        "frames": f.frames_here if f.frames_known is None else f.frames_known,
        "bytes": f.bytes_here if f.bytes_known is None else f.bytes_known,
        "pieces_here": f.pieces_here,
        "pieces_known": f.pieces_known,
        "gaps": f.gaps,
        "gaps_more": f.gaps_more,
        "video": [
            {"device": device, "stream": stream, "from_us": from_us, "to_us": to_us}
            for device, stream, from_us, to_us in f.video
        ],
        "max_height": f.max_height,
        "distance_m": f.distance_m,
        "exercise": f.exercise,
        "conflicts": f.conflicts,
    }
