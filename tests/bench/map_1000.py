"""The page's map with 1,000 moving devices, beside the same map with ten: how fluid it stays.

Headless Chromium without a graphics card draws everything with the processor, on the machine that
also serves: the worst wall PC. News comes twice a second for every device, as the centre sends it.
Measured for some seconds each, in turn, at 1920x1080:

- frames: the time between two of them (requestAnimationFrame), 95 of 100, while everything glides;
  while somebody moves the map as well; and that on a map of tiles, which MapLibre draws with WebGL,
  that is SwiftShader here: what that costs is the peer's too, and no business of the devices';
- news to drawing: from when the centre publishes positions until the frame that shows them;
- the page's main thread: tasks over 50 ms (Long Tasks API), and what drawing costs.
"""

import json
import math
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from fieldlab.browser import Browser, open_browser
from fieldlab.duty import PASSWORD, Duty, now_us, open_duty
from fieldlab.figure import Figure
from fieldlab.mapfile import PNG, write_map
from fieldlink.relay.web.map_settings import MapSettings

_SECONDS = 8
_EVERY_S = 0.5
_ROUNDS = 2
_MAP = "document.getElementById('map').mapView"

# Counts what happens from now on; `moving` drags the map along a circle.
_WATCH = """((moving) => {
  const map = document.getElementById('map').mapView;
  const seen = globalThis.seen = { frames: [], long: [], cost: [], lags: [], on: true };
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) if (seen.on) seen.long.push(task.duration);
  }).observe({ entryTypes: ['longtask'] });
  let last = performance.now();
  let turn = 0;
  const frame = (now) => {
    if (!seen.on) return;
    seen.frames.push(now - last);
    last = now;
    if (moving) {
      turn += 0.02;
      const step = [8 * Math.cos(turn), 8 * Math.sin(turn)];
      if (map.ground.map) map.ground.map.panBy(step, { duration: 0 });
      else map.ground.panBy(...step);
    }
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  if (!map.watched) {
    map.watched = true;
    let told = null;
    const move = map.move.bind(map);
    map.move = (rows) => { told = rows[0][3]; move(rows); };
    const draw = map.layer.draw.bind(map.layer);
    map.layer.draw = (what) => {
      draw(what);
      globalThis.seen.cost.push(map.layer.costMs);
      if (told !== null) { globalThis.seen.lags.push(Date.now() - told / 1000); told = null; }
    };
  }
})(MOVING)"""


Runs = dict[tuple[str, int], list[dict[str, float]]]


def measure() -> Sequence[Figure]:
    """Frames, news to drawing, and the main thread; the peer is the same map with ten devices."""
    found: Runs = {}
    with tempfile.TemporaryDirectory() as folder:
        tiles = _tiles(Path(folder) / "a.pmtiles")
        for number in range(_ROUNDS):
            for devices in (10, 1000):
                for ground, settings in (("plain", None), ("tiles", MapSettings(pmtiles=tiles))):
                    place = Path(folder) / f"{number}-{devices}-{ground}"
                    with (
                        open_duty(place / "centre", map_settings=settings) as duty,
                        open_browser(place / "profile") as page,
                    ):
                        _open(page, duty, devices)
                        for moving in (False, True):
                            name = f"{ground}{' moved' if moving else ''}"
                            run = _watched(page, duty, devices, name, moving=moving)
                            found.setdefault((name, devices), []).append(run)
    return [
        _figure("map_1000_frame", "frame95", found, "plain", limit=1.5),
        _figure("map_1000_frame_moved", "frame95", found, "plain moved", limit=1.5),
        _figure("map_1000_frame_tiles_moved", "frame95", found, "tiles moved", limit=1.5),
        _figure("map_1000_drawn", "lag", found, "plain", limit=3.0),
        Figure(
            name="map_1000_main_thread",
            value=_median(found["plain", 1000], "long_share"),
            unit="of the time in tasks over 50 ms",
            limit=0.05,
            better="less",
            also=(("drawing under 8 ms", _median(found["plain", 1000], "cost") < 8),),
        ),
    ]


def _tiles(path: Path) -> Path:
    """A map of pictures with two zooms."""
    picture = np.random.default_rng(1).integers(30, 90, (256, 256, 3), dtype=np.uint8)
    png = cv2.imencode(".png", picture)[1].tobytes()
    places = [(0, 0, 0), *((1, x, y) for x in range(2) for y in range(2))]
    return write_map(path, dict.fromkeys(places, png), PNG)


def _median(runs: Sequence[dict[str, float]], key: str) -> float:
    return statistics.median(run[key] for run in runs)


def _figure(name: str, key: str, runs: Runs, which: str, limit: float) -> Figure:
    value, peer = (_median(runs[which, devices], key) for devices in (1000, 10))
    return Figure(name=name, value=value, unit="ms", peer=peer, limit=limit, better="less")


def _open(page: Browser, duty: Duty, devices: int) -> None:
    page.size(1920, 1080)
    page.go(duty.url)
    page.wait("document.getElementById('login')?.hidden === false")
    page.fill("#login-password", PASSWORD)
    page.click("#login-form .primary")
    page.wait("!document.getElementById('duty').hidden")
    page.click("#view-map")
    page.wait(f"{_MAP}.ground !== undefined")
    _tell(duty, devices)
    page.wait(f"{_MAP}.fleet.devices.size === {devices}")
    page.run(f"{_MAP}.fitAll(true)")


def _tell(duty: Duty, devices: int) -> None:
    """Positions of all devices as the centre tells them; they walk round places of their own."""
    at = now_us()
    rows = []
    for number in range(devices):
        turn = at / 1e6 * 0.05 + number
        lon = 108.95 + (number * 69_621 % 30_000) / 1e5 + 0.0006 * math.cos(turn)
        lat = 34.23 + (number * 48_271 % 20_000) / 1e5 + 0.0005 * math.sin(turn)
        kind = ("soldier", "soldier", "vehicle", "drone", "sensor")[number % 5]
        heading = math.degrees(-turn) % 360
        rows.append(["kit-1", f"{kind}-{number}", kind, at, lon, lat, heading, 1.4, 256])
    duty.feed.publish("positions", {"revision": 1, "devices": rows})


def _watched(
    page: Browser, duty: Duty, devices: int, name: str, *, moving: bool
) -> dict[str, float]:
    page.run(_WATCH.replace("MOVING", json.dumps(moving)))
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        _tell(duty, devices)
        time.sleep(_EVERY_S)
    seen = page.run("(() => { seen.on = false; return seen; })()")
    frames = sorted(seen["frames"][5:])
    result = {
        "frame50": frames[len(frames) // 2],
        "frame95": frames[int(len(frames) * 0.95)],
        "fps": len(frames) / (sum(frames) / 1000),
        "lag": statistics.median(seen["lags"]),
        "lag95": sorted(seen["lags"])[int(len(seen["lags"]) * 0.95)],
        "cost": statistics.median(seen["cost"]),
        "long_share": sum(seen["long"]) / (_SECONDS * 1000),
        "longest": max(seen["long"], default=0.0),
    }
    print(name, devices, {key: round(value, 2) for key, value in result.items()})
    return result
