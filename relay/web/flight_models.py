"""The shapes of flights. Times are UTC microseconds; null is unknown."""

from fieldlink.relay.web.models import View
from fieldlink.relay.web.telemetry_models import AlarmView

__all__ = ["FlightDetailView", "FlightView", "FlightsPage", "ReplayView", "VideoSpanView"]


class VideoSpanView(View):
    """Video of a camera in the time of a flight, from when to when there is some."""

    device: str
    stream: str
    from_us: int
    to_us: int


class FlightView(View):
    """A recording of an aircraft: a flight when `armed`, else the time between two. `ended`
    (disarmed, lost, stopped, imported; armed: an idle one) is null while it goes on. `frames` and
    `bytes` are those of its index when that has come, else of what is here; `pieces_known` is how
    many pieces there are, null until the last or the index has come, 0 for aircraft that have no
    MAVLink recording. `gaps` are the first 20 ([from_us, to_us, why]), `gaps_more` how many there
    are besides. `max_height` is metres above home; `distance_m` what was seen of its way over
    ground. `conflicts`: pieces or indexes that came again with other content; the first counts.
    """

    kit: str
    device: str
    flight: str
    system: int
    armed: bool
    start_us: int
    end_us: int
    ended: str | None
    frames: int
    bytes: int
    pieces_here: int
    pieces_known: int | None
    gaps: list[tuple[int, int, str]]
    gaps_more: int
    video: list[VideoSpanView]
    max_height: float | None
    distance_m: float | None
    exercise: bool
    conflicts: int


class FlightsPage(View):
    """Flights, the newest first."""

    now_us: int
    flights: list[FlightView]


class FlightDetailView(FlightView):
    """A flight with all its gaps, its frames by message (of its index), and its pieces: number,
    start_us, end_us, frames, bytes, whether it is here; `pieces_more` are not named.
    """

    messages: dict[str, int]
    pieces: list[tuple[int, int, int, int, int, bool]]
    pieces_more: int


class ReplayView(View):
    """A flight as it went: a row with a cell for each of `columns` for each second of which
    anything is known, of a long flight every `every_s` seconds. Degrees (WGS-84; yaw and gimbal_yaw
    from true north), metres (alt above sea level, height above home), metres a second, per cent;
    a mode is its place in `modes`. A value stands for 5 s, battery and link for 60 s; then it is
    null. `texts` are time_us, severity (null: not known), text.
    """

    from_us: int
    to_us: int
    columns: list[str]
    rows: list[list[float | int | None]]
    every_s: int
    modes: list[str]
    texts: list[tuple[int, int | None, str]]
    alarms: list[AlarmView]
    gaps: list[tuple[int, int, str]]
