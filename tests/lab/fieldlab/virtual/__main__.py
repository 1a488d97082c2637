"""`python -m fieldlab.virtual SCENARIO`: two hours of a site in seconds, and what arrived when."""

import argparse
import json
import sys
from collections.abc import Iterator
from statistics import median
from typing import Any

from fieldlab.badlink.scenario_file import load_scenario, profile_names
from fieldlab.virtual import Alarms, Camera, Run, simulate
from fieldlink.codecs.bundle import Layer
from fieldlink.edge.planner import Track


def main() -> int:
    """Simulate, print."""
    args = _arguments()
    scenario = load_scenario(args.scenario).scaled(args.scale)
    cameras = [
        Camera(
            name=f"cam-{number}",
            proxy_bps=round(args.proxy_kbps * 1e3),
            original_bps=round(args.original_kbps * 1e3),
            still_every_s=args.still_every,
        )
        for number in range(1, args.cameras + 1)
    ]
    run = simulate(scenario, [*cameras, Alarms()], seconds=args.seconds)
    if args.json:
        said = [json.dumps(_plain(run), indent=1)]
    else:
        said = [f"{scenario.title}: {args.seconds:g} s, {args.cameras} cameras", *_lines(run)]
    sys.stdout.write("\n".join(said) + "\n")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fieldlab.virtual", description=__doc__)
    parser.add_argument("scenario", help=f"a file, or one of {', '.join(profile_names())}")
    parser.add_argument("--seconds", type=float, default=7_200, help="how long (7200)")
    parser.add_argument("--scale", type=float, default=1.0, help="times of the scenario, times so")
    parser.add_argument("--cameras", type=int, default=4)
    parser.add_argument("--proxy-kbps", type=float, default=124)
    parser.add_argument("--original-kbps", type=float, default=4_000)
    parser.add_argument("--still-every", type=float, default=10, metavar="S")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _by_track(run: Run) -> dict[Track, list[tuple[float, float, int]]]:
    """For each track what arrived: when, how long after it was taken (seconds), bytes."""
    found: dict[Track, list[tuple[float, float, int]]] = {}
    for arrival in run.arrivals:
        one = arrival.candidate
        late_s = (arrival.at_us - one.end_us) / 1e6
        found.setdefault(one.track, []).append((arrival.at_us / 1e6, late_s, one.size))
    return dict(sorted(found.items()))


def _plain(run: Run) -> dict[str, Any]:
    return {
        "waiting_bytes": run.waiting_bytes,
        "used_bytes": run.used_bytes,
        "tracks": [
            {
                "device": device,
                "stream": stream,
                "layer": layer.value,
                "arrived": len(came),
                "bytes": sum(size for _, _, size in came),
                "first_s": came[0][0],
                "median_late_s": median(late_s for _, late_s, _ in came),
                "complete": [
                    [from_us / 1e6, None if to_us is None else to_us / 1e6]
                    for from_us, to_us in run.caught_up.get((device, stream, layer), [])
                ],
            }
            for (device, stream, layer), came in _by_track(run).items()
        ],
        "forecasts": [
            {
                "at_s": found.at_us / 1e6,
                "rate_bps": found.rate_bps,
                "tracks": [
                    [t.device, t.stream, t.layer.value, t.pending_bytes, t.verdict.name, t.done_us]
                    for t in found.tracks
                ],
            }
            for found in run.forecasts
        ],
    }


def _lines(run: Run) -> Iterator[str]:
    for (device, _, layer), came in _by_track(run).items():
        late = sorted(late_s for _, late_s, _ in came)
        size = sum(size for _, _, size in came)
        yield (
            f"{device:10} {Layer(layer).value:8} {len(came):6} arrived, {size / 1e6:9.1f} MB,"
            f" first at {came[0][0]:7.1f} s, delay median {median(late):7.1f} s,"
            f" most {late[-1]:7.1f} s"
        )
    for name, used in run.used_bytes.items():
        yield f"{name:10} carried {used / 1e6:.1f} MB"
    yield f"{run.waiting_bytes / 1e6:.1f} MB wait at the end"


if __name__ == "__main__":
    sys.exit(main())
