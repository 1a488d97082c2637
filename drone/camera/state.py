"""What is known of one camera. What it did not say, or said long ago, is None."""

from dataclasses import dataclass, field
from typing import Any

from fieldlink.drone.camera.saying import (
    CAPTURE,
    FOV,
    INFORMATION,
    SETTINGS,
    STORAGE,
    STREAM,
    STREAM_STATUS,
    bounded,
    words,
)
from fieldlink.drone.vehicle.reading import Fields

__all__ = ["CAMERA_FLAGS", "MAX_STREAMS", "CameraKey", "CameraState", "Stream"]

CameraKey = tuple[int, int, int]
"""System, component, and which of that component's cameras: 0 when the component is one, 1 to 6
when they are attached to an autopilot."""

CAMERA_FLAGS = {
    1: "video", 2: "photo", 4: "modes", 8: "photo-in-video", 16: "video-in-photo", 32: "survey",
    64: "zoom", 128: "focus", 256: "stream", 512: "track-point", 1024: "track-rectangle",
    2048: "track-geo", 4096: "thermal-range", 8192: "moving-targets",
}  # fmt: skip
"""CAMERA_CAP_FLAGS, in our words."""

MAX_STREAMS = 8
_MAX_STORAGES = 4
_MODES = {0: "photo", 1: "video", 2: "survey"}
_STORAGES = {0: "empty", 1: "unformatted", 2: "ready", 3: "not-supported"}
_IMAGING = {0: False, 1: True, 2: False, 3: True}  # idle, capturing, interval set, both
_OLD_US = 600_000_000
_RUNNING, _THERMAL = 1, 2
_U16, _U32 = 1 << 16, 1 << 32


@dataclass(slots=True)
class Stream:
    """One video stream; `kind` is its VIDEO_STREAM_TYPE, `uri` as the camera wrote it, printable
    characters only. Rates in bit/s and pictures a second, `hfov` in degrees.
    """

    number: int
    kind: int = 0
    count: int = 0
    name: str = ""
    uri: str = ""
    encoding: int = 0
    running: bool | None = None
    thermal: bool = False
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    rate_bps: int | None = None
    hfov: int | None = None
    seen_us: int = 0

    def take(self, fields: Fields) -> None:
        """It said how it is (VIDEO_STREAM_INFORMATION and VIDEO_STREAM_STATUS alike)."""
        flags = fields["flags"]
        self.running, self.thermal = bool(flags & _RUNNING), bool(flags & _THERMAL)
        self.width, self.height = fields["resolution_h"] or None, fields["resolution_v"] or None
        self.fps = bounded(fields["framerate"], 0.01, 1000)
        self.rate_bps = fields["bitrate"] or None
        self.hfov = fields["hfov"] if 0 < fields["hfov"] <= 360 else None


@dataclass
class CameraState:
    """`now_us` is a clock that only goes forward. Zoom and focus in percent of their range, sizes
    of storage in MiB, as MAVLink has them.
    """

    key: CameraKey
    number: int = 1
    heard_us: int = 0
    link: str = ""
    vendor: str = ""
    model: str = ""
    firmware: str = ""
    width: int | None = None
    height: int | None = None
    flags: int | None = None
    gimbal: int = 0
    streams: dict[int, Stream] = field(default_factory=dict)
    _said: dict[int, tuple[Fields, int]] = field(default_factory=dict)
    _storages: dict[int, tuple[Fields, int]] = field(default_factory=dict)

    def take(self, msgid: int, fields: Fields, now_us: int) -> None:
        """It said `fields`."""
        if msgid == INFORMATION:
            self._introduced(fields)
        elif msgid == STREAM:
            self._offered(fields, now_us)
        elif msgid == STREAM_STATUS:
            if (stream := self.streams.get(fields["stream_id"])) is not None:
                stream.take(fields)
        elif msgid == STORAGE:
            if len(self._storages) < _MAX_STORAGES or fields["storage_id"] in self._storages:
                self._storages[fields["storage_id"]] = fields, now_us
        else:
            self._said[msgid] = fields, now_us

    def _introduced(self, fields: Fields) -> None:
        self.vendor, self.model = words(fields["vendor_name"]), words(fields["model_name"])
        self.firmware = _version(fields["firmware_version"])
        self.width, self.height = fields["resolution_h"] or None, fields["resolution_v"] or None
        self.flags, self.gimbal = fields["flags"], fields["gimbal_device_id"]

    def _offered(self, fields: Fields, now_us: int) -> None:
        number = fields["stream_id"]
        stream = self.streams.get(number)
        if stream is None:
            if len(self.streams) >= MAX_STREAMS:
                return
            stream = self.streams[number] = Stream(number, seen_us=now_us)
        stream.kind, stream.count = fields["type"], fields["count"]
        stream.name, stream.uri = words(fields["name"]), words(fields["uri"])
        stream.encoding = fields["encoding"]
        stream.take(fields)

    def forget(self) -> None:
        """It was started again: what it did is unknown until it says so."""
        self._said.clear()
        self._storages.clear()

    def _last(self, msgid: int, now_us: int) -> Fields | None:
        fields, at_us = self._said.get(msgid, (None, 0))
        return fields if fields is not None and now_us - at_us < _OLD_US else None

    def can(self, what: str) -> bool | None:
        """Whether it can do something of `CAMERA_FLAGS`; None: it did not say."""
        if self.flags is None:
            return None
        return any(self.flags & bit for bit, name in CAMERA_FLAGS.items() if name == what)

    def values(self, now_us: int) -> dict[str, Any]:
        """What it does, under the names of the stream `camera`."""
        settings = self._last(SETTINGS, now_us) or {}
        capture = self._last(CAPTURE, now_us) or {}
        storage = self._storage(now_us)
        fov = self._last(FOV, now_us) or {}
        status, images = capture.get("image_status"), capture.get("image_count", 0)
        recording = capture.get("video_status")
        seconds = capture.get("recording_time_ms", 0) / 1000
        free = storage["free"] if storage["free"] is not None else _free(capture)
        return {
            "model": f"{self.vendor} {self.model}".strip() or None,
            "mode": _MODES.get(settings.get("mode_id", -1)),
            "recording": None if recording not in (0, 1) else recording,
            "recording_s": seconds if recording == 1 else None,
            "taking": None if status not in _IMAGING else int(_IMAGING[status]),
            "photos": images if images > 0 else None,
            "zoom": bounded(settings.get("zoomLevel", -1), 0, 100),
            "focus": bounded(settings.get("focusLevel", -1), 0, 100),
            "storage": storage["state"],
            "storage_free": free,
            "storage_total": storage["total"],
            "hfov": bounded(fov.get("hfov", 0), 0.01, 360) or self._stream_fov(),
            "vfov": bounded(fov.get("vfov", 0), 0.01, 360),
        }

    def _stream_fov(self) -> float | None:
        found = [one.hfov for one in self.streams.values() if one.hfov and not one.thermal]
        return found[0] if found else None

    def _storage(self, now_us: int) -> dict[str, Any]:
        """The first that is ready, or the first: a camera has one, seldom two."""
        said = [fields for fields, at_us in self._storages.values() if now_us - at_us < _OLD_US]
        ready = [fields for fields in said if fields["status"] == 2] or said
        if not ready:
            return {"state": None, "free": None, "total": None}
        one = ready[0]
        return {
            "state": _STORAGES.get(one["status"]),
            "free": bounded(one["available_capacity"], 0, 1e9) if one["status"] == 2 else None,
            "total": bounded(one["total_capacity"], 0.1, 1e9) if one["status"] == 2 else None,
        }


def _free(capture: Fields) -> float | None:
    return bounded(capture.get("available_capacity", 0), 0.1, 1e9)


def _version(number: int) -> str:
    """(Dev << 24) | (Patch << 16) | (Minor << 8) | Major; 0: not known."""
    if not number:
        return ""
    parts = [number & 0xFF, number >> 8 & 0xFF, number >> 16 & 0xFF]
    return ".".join(str(part) for part in parts)
