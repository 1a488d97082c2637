"""Tries a source once and says in one sentence what came of it (`fieldlink edge check`)."""

import threading
import time
from dataclasses import dataclass

from fieldlink.codecs.fault import SourceError
from fieldlink.edge.source.feed import Feed
from fieldlink.edge.source.libav import LibavSource
from fieldlink.edge.source.media import Opened, Packet
from fieldlink.edge.source.settings import DeviceSettings

__all__ = ["ProbeResult", "probe"]

_STEP_S = 0.2


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """`sentence` says what the source sends, or what is wrong and what to do."""

    ok: bool
    sentence: str


def probe(device: DeviceSettings, timeout_s: float) -> ProbeResult:
    """Open `device` and wait for its first keyframe, for `timeout_s` seconds at most."""
    source = LibavSource(device, clock=lambda: time.time_ns() // 1000)
    feed = Feed(device.name, source, open_s=timeout_s, stall_s=timeout_s)
    try:
        return ProbeResult(True, f"{device.name}: {_first_picture(feed, timeout_s)}")
    except SourceError as error:
        return ProbeResult(False, f"{device.name}: {error}")
    finally:
        # Waiting for a source that hangs is what this is there to avoid.
        threading.Thread(target=feed.close, args=(0.0,), daemon=True).start()


def _first_picture(feed: Feed, timeout_s: float) -> str:
    opened: Opened | None = None
    began_s = time.monotonic()
    while (spent_s := time.monotonic() - began_s) < timeout_s:
        event = feed.next(min(_STEP_S, timeout_s - spent_s))
        if isinstance(event, Opened):
            opened = event
        elif isinstance(event, Packet) and event.kind == "video" and event.keyframe and opened:
            return f"{_described(opened)}; first picture after {spent_s:.1f} s"
    what = "connected, but no keyframe" if opened else "no answer"
    raise SourceError("timeout", f"{what} within {timeout_s:g} s; check the device")


def _described(opened: Opened) -> str:
    video, audio = opened.video, opened.audio
    picture = "no video"
    if video is not None:
        rate = f" at {video.fps:g} pictures a second" if video.fps else ""
        picture = f"{video.codec} {video.width}x{video.height}{rate}"
    return f"{picture}, {audio.codec} sound" if audio else f"{picture}, no sound"
