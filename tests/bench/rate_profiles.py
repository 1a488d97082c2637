"""Bytes a second on the wire, by profile: what a thin link is given of a flight.

Flights are played in virtual time through the router's core: one of ArduPilot at its usual rates
(made), and the recordings in FIELDLINK_RECORDINGS (.bin, .ulg). A rate that is stated and that the
flight can fill has to hold within 5 %. The peer is the whole stream.
"""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from fieldlab.aircraft import flight
from fieldlab.figure import Figure
from fieldlab.routing import Bench, decoded, settings
from fieldlink.codecs.fault import SourceError
from fieldlink.codecs.mavlink import Framer, id_of
from fieldlink.drone.connection.logs import read_log
from fieldlink.drone.router.profiles import PROFILES

_MADE_S = 600.0
_TEXT = id_of("STATUSTEXT")
_PROFILES = ("lan", "lte", "sat", "beidou")

Timeline = list[tuple[int, bytes]]


def measure() -> Sequence[Figure]:
    flights = {"made": (list(flight(_MADE_S)), _MADE_S), **_recorded()}
    sat, state, worst = 0.0, 0.0, 0.0
    for name, (timeline, span_s) in flights.items():
        sent = _played(timeline, span_s)
        rates = {profile: _bytes(sent[profile]) / span_s for profile in _PROFILES}
        print(f"{name}: {span_s:.0f} s, " + ", ".join(f"{k} {v:.1f} B/s" for k, v in rates.items()))
        off = _off(sent["sat"], timeline, span_s)
        print(f"  the preview's rates: {off:.1%} off at worst")
        sat, state, worst = max(sat, rates["sat"]), max(state, rates["beidou"]), max(worst, off)
    return [
        Figure(
            name="rate_profiles",
            value=sat,
            unit="B/s",
            limit=150,
            better="less",
            also=(("each rate within 5 % of what is stated", worst <= 0.05),),
        ),
        Figure(name="rate_profiles_state", value=state, unit="B/s", limit=12, better="less"),
    ]


def _recorded() -> dict[str, tuple[Timeline, float]]:
    found: dict[str, tuple[Timeline, float]] = {}
    folder = Path(os.environ.get("FIELDLINK_RECORDINGS", "/nonexistent"))
    for path in sorted(folder.glob("*")):
        if path.suffix.lower() not in (".bin", ".ulg", ".tlog"):
            continue
        timeline: Timeline = []
        try:
            timeline.extend((logged.at_us, logged.raw) for logged in read_log(path))
        except SourceError as error:
            print(f"{path.name}: {error}")
        if len(timeline) < 10:  # something else that ends in .bin
            continue
        start_us = timeline[0][0]
        once = [(at_us - start_us, raw) for at_us, raw in timeline]
        # A log of seconds is flown again and again for ten minutes: rates are of minutes.
        span_us = max(at_us for at_us, _ in once) + 50_000
        times = max(1, round(_MADE_S * 1e6 / span_us))
        # What was said in words is said once: it is not thinned, and would be said every second.
        again = [
            (at + turn * span_us, raw)
            for turn in range(times)
            for at, raw in sorted(once)
            if not turn or Framer().datagram(raw)[0].msgid != _TEXT
        ]
        found[path.name] = again, times * span_us / 1e6
    return found


def _played(timeline: Timeline, span_s: float) -> dict[str, Timeline]:
    rows = [{"name": profile, "profile": profile} for profile in _PROFILES]
    return Bench(settings({"name": "uav"}, *rows)).play("uav", timeline, span_s)


def _bytes(sent: Timeline) -> int:
    return sum(len(raw) for _, raw in sent)


def _off(sent: Timeline, timeline: Timeline, span_s: float) -> float:
    """How far a rate is from what is stated, for what the flight has enough of."""
    got = Counter(message.get_type() for message in decoded(raw for _, raw in sent))
    there = Counter(message.get_type() for message in decoded(raw for _, raw in timeline))
    worst = 0.0
    for name, count in there.items():
        interval_us = PROFILES["sat"].rules.get(id_of(name), -1)
        if interval_us > 0:
            asked = min(span_s * 1e6 / interval_us, float(count))
            worst = max(worst, abs(got[name] - asked) / asked)
            print(f"    {name}: {got[name] / span_s:.3f} Hz of {asked / span_s:.3f}")
    return worst
