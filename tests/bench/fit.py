"""Ten times what the window can carry: does every minute of every stream arrive, and how good?

A kit holds five minutes of originals of four cameras and nothing else; the link carries about a
tenth of their bytes until the incident's window ends. Counted is what is in the centre's custody
then. Beside it mosquitto's bridge with as many bytes over the same link, first in, first out, and
for the quality a fixed-rate H.264 proxy of the same minutes in the same bytes.

Seconds of the window: FIELDLINK_BENCH_FIT_S (default 180).
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from fieldlab.badlink.scenario import Scenario, even_link
from fieldlab.bridge import Plan
from fieldlab.figure import Figure
from fieldlab.film import film, fixed_rate, joined, similarity
from fieldlab.livekit import opened_spool
from fieldlab.rivals import bridge
from fieldlab.site import Arrival, Site, site
from fieldlink.codecs.bundle import Draft, Layer, Precedence
from fieldlink.edge.config import load_edge_settings
from fieldlink.edge.spool import SpoolView

_CAMERAS, _MINUTES, _PIECE_S = 4, 5, 4
_MINUTE_US = 60_000_000
_PER_MINUTE = 60 // _PIECE_S
_LOSS = 0.005
_SAMPLES = 5
_START_S = 3.0


def measure() -> Sequence[Figure]:
    """The trial, the bridge, and the pictures side by side."""
    window_s = float(os.environ.get("FIELDLINK_BENCH_FIT_S", "180"))
    with tempfile.TemporaryDirectory(prefix="fieldlink-fit-") as folder:
        root = Path(folder)
        pieces = film(root / "film", _MINUTES * 60, piece_s=_PIECE_S)
        total = _CAMERAS * sum(piece.stat().st_size for piece in pieces)
        rate_bps = round(total * 8 / 10 / window_s)
        scenario = Scenario(title="", links=(even_link("sat", rate_bps, 300, _LOSS),))
        with site(root / "site", scenario) as there:
            trial = _Trial(there, pieces, window_s)
            trial.run()
            share, minutes, seen = trial.used(rate_bps), trial.minutes(), trial.renditions()
        quality = [_quality(root, pieces, key, path) for key, path in seen]
    messages = _CAMERAS * len(pieces)
    fifo = _first_in_first_out(scenario, messages, total // messages, window_s)
    wanted = _CAMERAS * _MINUTES
    ours, theirs = (statistics.mean(values) for values in zip(*quality, strict=True))
    print(
        f"{minutes} of {wanted} minutes present, first in first out {fifo:.1f};"
        f" {share:.3f} of what {rate_bps / 1000:.0f} kbit/s can carry in {window_s:g} s;"
        f" SSIM {ours:.4f}, a fixed-rate H.264 proxy in the same bytes {theirs:.4f}",
        file=sys.stderr,
    )
    whole = ("every minute of every stream present", minutes == wanted)
    return [
        Figure(name="fit", value=share, unit="", limit=0.8, better="more", also=(whole,)),
        Figure(name="fit_minutes", value=minutes, peer=fifo, unit="min", limit=5, better="more"),
        Figure(name="fit_ssim", value=ours, peer=theirs, unit="SSIM", limit=1, better="more"),
    ]


class _Trial:
    """A kit full of originals, an incident with a window, and what came until its end."""

    def __init__(self, there: Site, pieces: Sequence[Path], window_s: float) -> None:
        self._there, self._pieces, self._window_s = there, pieces, window_s
        now_us = time.time_ns() // 1000
        self._t0_us = (now_us // _MINUTE_US - _MINUTES - 1) * _MINUTE_US
        self._begun_us = self._due_us = 0

    def run(self) -> None:
        """Record, begin, wait for the end of the window."""
        self._record()
        self._due_us = time.time_ns() // 1000 + round((self._window_s + _START_S) * 1e6)
        self._open_incident()
        self._there.net.begin()
        self._there.start_kit()
        while time.time() * 1e6 < self._due_us:
            time.sleep(min(15.0, max(0.1, self._due_us / 1e6 - time.time())))
            self._say()
        first_us = self._there.net.links[0].counters().to_centre.first_us or 0
        self._begun_us = first_us + time.time_ns() // 1000 - time.monotonic_ns() // 1000

    def used(self, rate_bps: int) -> float:
        """Which part of what the link could carry since its first packet came, in payload."""
        could = rate_bps * (1 - _LOSS) * (self._due_us - self._begun_us) / 8e6
        return sum(one.size for one in self._came()) / could

    def minutes(self) -> int:
        """How many minutes of how many cameras have anything at the centre."""
        found = set()
        for one in self._came():
            if one.layer != Layer.REPORT.value:
                found.add((one.device, (one.start_us - self._t0_us) // _MINUTE_US))
        return len(found)

    def renditions(self) -> list[tuple[tuple[int, int], Path]]:
        """The film that came of some minutes: (camera, minute), file."""
        films: defaultdict[tuple[int, int], list[Arrival]] = defaultdict(list)
        for one in self._came():
            if one.layer == Layer.PROXY.value:
                minute = (one.start_us - self._t0_us) // _MINUTE_US
                films[int(one.device.rpartition("-")[2]), minute].append(one)
        step = max(1, len(films) // _SAMPLES)
        view = SpoolView.open(load_edge_settings(self._there.kit_config).spool_dir)
        found = []
        for key in sorted(films)[::step]:
            best = max(films[key], key=lambda one: one.size)
            stored = view.get(bytes.fromhex(best.bundle))
            content = view.content(stored, 0, best.size) if stored is not None else None
            if content is not None:
                path = self._there.folder / f"seen-{key[0]}-{key[1]}.mp4"
                path.write_bytes(content)
                found.append((key, path))
        view.close()
        return found

    def _came(self) -> list[Arrival]:
        return [one for one in self._there.arrivals().values() if one.custody_us <= self._due_us]

    def _say(self) -> None:
        plan = json.loads(self._there.edge("plan", "--json") or "{}")
        left_s = round(self._due_us / 1e6 - time.time())
        print(f"{left_s} s left: {plan.get('fit')}", file=sys.stderr)

    def _record(self) -> None:
        with opened_spool(load_edge_settings(self._there.kit_config)) as spool:
            for draft, content in self._drafts():
                spool.add(draft, content)

    def _drafts(self) -> Iterator[tuple[Draft, bytes]]:
        for number in range(len(self._pieces)):
            for camera in range(_CAMERAS):
                start_us = self._t0_us + number * _PIECE_S * 1_000_000
                draft = Draft(
                    device=f"ball-{camera}",
                    stream="video",
                    layer=Layer.ORIGINAL,
                    precedence=Precedence.ROUTINE,
                    start_us=start_us,
                    end_us=start_us + _PIECE_S * 1_000_000,
                    recorded_us=start_us,
                    media_type="video/mp4",
                )
                yield draft, _piece(self._pieces, camera, number).read_bytes()

    def _open_incident(self) -> None:
        since = datetime.fromtimestamp(self._t0_us / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        window = f"{(self._due_us - self._t0_us) // 1_000_000}s"
        self._there.relay("incident", "start", "trial", "--since", since, "--window", window)


def _piece(pieces: Sequence[Path], camera: int, number: int) -> Path:
    """Each camera is at another place of the same film."""
    return pieces[(number + camera * len(pieces) // _CAMERAS) % len(pieces)]


def _quality(
    root: Path, pieces: Sequence[Path], key: tuple[int, int], seen: Path
) -> tuple[float, float]:
    """SSIM of what was seen of a minute, and of a fixed-rate proxy in as many bytes."""
    camera, minute = key
    numbers = range(minute * _PER_MINUTE, (minute + 1) * _PER_MINUTE)
    whole = joined([_piece(pieces, camera, n) for n in numbers], root / "original.mp4")
    rate_bps = seen.stat().st_size * 8 // 60
    peer = fixed_rate(whole, root / "peer.mp4", rate_bps)
    return similarity(seen, whole), similarity(peer, whole)


def _first_in_first_out(
    scenario: Scenario, messages: int, message_bytes: int, window_s: float
) -> float:
    """How many camera minutes mosquitto's bridge carries in the window."""
    began: list[float] = []

    def over(bulk: int, alarms: int) -> bool:
        if bulk and not began:
            began.append(time.monotonic())
        return bool(began) and time.monotonic() - began[0] > window_s

    plan = Plan(backlog=messages, message_bytes=message_bytes)
    came = bridge(scenario, plan, until=over, limit_s=3 * window_s + 60).bulk
    return sum(at_s <= window_s for at_s, _ in came) * _PIECE_S / 60
