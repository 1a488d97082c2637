"""No road, no power, no network: everything is down for a while, then 128 kbit/s come back.

Eight cameras were recorded until the power failed; then the kit is up again with two of them, and
one alarm, and still no link. Once that returns: is the alarm first, are stills of every device
next, and does the kit say right when it will have caught up? Thirty minutes and ten minutes are
divided by FIELDLINK_BENCH_CUTS_SCALE (default 12; 1 is the real thing, and takes hours).
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fieldlab.badlink.scenario import Scenario, even_link
from fieldlab.figure import Figure
from fieldlab.livekit import Load
from fieldlab.site import Arrival, Site, site
from fieldlink.codecs.bundle import Layer, Precedence

_LINK = even_link("narrow", 128_000, 800, 0.01, queue_bytes=24_000, jitter_ms=40)
_SCENARIO = Scenario(title="", links=(_LINK,))
_CAMERAS, _LEFT = 8, 2
_STILL_BYTES, _STILL_EVERY_S = 6_000, 12
_PIECE_BYTES, _PIECE_S = 6_000, 4
_RECORDED_SHARE = 2.0  # of the outage: until the power failed
_SETTLED_US = 10_000_000
_LOOK_S = 5.0
_PICTURES = (Layer.STILL.value, Layer.PROXY.value)
_MOST_S = 3_000.0


def measure() -> Sequence[Figure]:
    """One night."""
    scale = float(os.environ.get("FIELDLINK_BENCH_CUTS_SCALE", "12"))
    with (
        tempfile.TemporaryDirectory(prefix="fieldlink-cuts-") as folder,
        site(Path(folder, "site"), _SCENARIO) as there,
    ):
        night = _Night(there, scale)
        night.run()
        order, done_s, off = night.order(), night.done_s(), night.worst_error()
        shown_s = night.shown_s()
    first = ", ".join(order[: _CAMERAS + 4])
    print(
        f"first went {first}; a still of each was there after {shown_s:.1f} s;"
        f" caught up {done_s:.0f} s after the return,"
        f" said from {600 / scale:.0f} s on: off by {off:.2f} at most",
        file=sys.stderr,
    )
    shown = [what for what in order if what.startswith("still")][:_CAMERAS]
    pictures = [what for what in order if what.startswith(("still", "proxy"))][:_CAMERAS]
    also = (
        ("the alarm first", order[0] == "alarm"),
        ("then a still of every device", len(set(shown)) == _CAMERAS and shown == pictures),
    )
    return [Figure(name="three_cuts", value=off, unit="", limit=0.2, better="less", also=also)]


@dataclass
class _Night:
    """What happens, when, and what the kit said of it."""

    there: Site
    scale: float
    alarm: str = ""
    returned_us: int = 0
    said: list[tuple[int, int | None]] = field(default_factory=list)  # when, done_us
    recorded: dict[str, int] = field(default_factory=dict)  # since the return: when

    def run(self) -> None:
        """Record in the dark, come back, catch up."""
        outage_s = 1800 / self.scale
        self.there.preload(self._before(outage_s * _RECORDED_SHARE))
        self.there.net.begin()
        self.there.net.link("narrow").cut()
        self.there.start_kit()
        self.there.wait(self.there.kit_status, 60, "the kit runs")
        self._record_until(time.time() + outage_s / 2)
        self.alarm = self.there.add(
            Load(size=200, layer=Layer.REPORT, precedence=Precedence.FLASH, stream="alarm")
        )
        self._record_until(time.time() + outage_s / 2)
        self.there.net.link("narrow").restore()
        self.returned_us = time.time_ns() // 1000
        self._record_until(time.time() + _MOST_S, look=True)

    def order(self) -> list[str]:
        """What was sent, in order: its layer and device. A lost packet may hold one of them up."""
        came = sorted(self._arrivals(), key=lambda one: one.first_sent_us or one.custody_us)
        pictures = [one for one in came if one.layer in _PICTURES or one.bundle == self.alarm]
        return [
            "alarm" if one.bundle == self.alarm else f"{one.layer} {one.device}" for one in pictures
        ]

    def shown_s(self) -> float:
        """When a still of every camera was at the centre, in seconds after the return."""
        first: dict[str, int] = {}
        for one in self._arrivals():
            if one.layer == Layer.STILL.value:
                first[one.device] = min(one.custody_us, first.get(one.device, one.custody_us))
        return (max(first.values()) - self.returned_us) / 1e6

    def done_s(self) -> float:
        """When the kit had caught up, in seconds after the return."""
        return (self._done_us() - self.returned_us) / 1e6

    def worst_error(self) -> float:
        """How far what was said was off at most, as a part of the true time since the return."""
        true_us = self._done_us() - self.returned_us
        from_us = self.returned_us + round(600e6 / self.scale)
        said = [done for at, done in self.said if from_us <= at < self._done_us()]
        if not said:
            return 1.0
        return max(
            1.0 if done is None else abs(done - self.returned_us - true_us) / true_us
            for done in said
        )

    def _done_us(self) -> int:
        """When all pictures but those of the last seconds had come."""
        came = {one.bundle: one for one in self._arrivals()}
        pictures = [one for one in came.values() if one.layer in _PICTURES]
        ends = sorted(one.custody_us for one in pictures)
        for at_us in ends:
            old = [one for one in pictures if one.captured_us <= at_us - _SETTLED_US]
            waiting = [w for w, when in self.recorded.items() if when <= at_us - _SETTLED_US]
            arrived = all(one.custody_us <= at_us for one in old)
            if arrived and all(w in came for w in waiting) and at_us > self.returned_us:
                return at_us
        return ends[-1]

    def _arrivals(self) -> list[Arrival]:
        return list(self.there.arrivals().values())

    def _before(self, recorded_s: float) -> list[Load]:
        """What all cameras left in the spool before the power failed."""
        now_us = time.time_ns() // 1000
        begin_us = now_us - round(2 * recorded_s * 1e6)
        loads = []
        for second in range(round(recorded_s)):
            at_us = begin_us + second * 1_000_000
            for camera in range(_CAMERAS):
                loads += self._loads(camera, second + 3 * camera, at_us)
        return loads

    def _loads(self, camera: int, second: int, at_us: int) -> list[Load]:
        device = f"ball-{camera + 1}"
        due_us = at_us + 7_200_000_000
        loads = []
        if second % _STILL_EVERY_S == 0:
            loads.append(
                Load(
                    size=_STILL_BYTES,
                    layer=Layer.STILL,
                    precedence=Precedence.IMMEDIATE,
                    device=device,
                    start_us=at_us,
                    end_us=at_us,
                    deadline_us=due_us,
                    media_type="image/avif",
                )
            )
        if second % _PIECE_S == 0:
            loads.append(
                Load(
                    size=_PIECE_BYTES,
                    layer=Layer.PROXY,
                    precedence=Precedence.PRIORITY,
                    device=device,
                    start_us=at_us,
                    end_us=at_us + _PIECE_S * 1_000_000,
                    deadline_us=due_us,
                    media_type="video/mp4",
                )
            )
        return loads

    def _record_until(self, end: float, *, look: bool = False) -> None:
        """The cameras that are left go on; with `look`, until the kit has caught up."""
        second, look_at = 0, time.time()
        begin = time.time()
        while time.time() < end:
            now_us = time.time_ns() // 1000
            for camera in range(_LEFT):
                for load in self._loads(camera, second + camera, now_us):
                    self.recorded[self.there.add(load)] = now_us
            second += 1
            if look and time.time() >= look_at:
                look_at = time.time() + _LOOK_S
                if self._caught_up(now_us):
                    return
            time.sleep(max(0.0, begin + second - time.time()))

    def _caught_up(self, now_us: int) -> bool:
        """Note what the kit says; whether all is there but what was recorded just now."""
        plan = json.loads(self.there.edge("plan", "--json") or "{}")
        streams = [one for one in plan.get("streams", []) if one["layer"] in _PICTURES]
        ends = [one["done_us"] for one in streams]
        known = [end for end in ends if end is not None]
        done_us = max(known) if known and len(known) == len(ends) else None
        self.said.append((now_us, done_us))
        left = sum(one["pending_bytes"] for one in streams)
        passed_s = (now_us - self.returned_us) / 1e6
        told = "never" if done_us is None else f"{(done_us - self.returned_us) / 1e6:.0f} s"
        rate = plan.get("rate_bps")
        print(f"{passed_s:.0f} s: {left} bytes left at {rate}, done at {told}", file=sys.stderr)
        fresh = _LEFT * (_STILL_BYTES + 3 * _PIECE_BYTES)
        return passed_s > 2 * _LOOK_S and bool(streams) and left <= fresh
