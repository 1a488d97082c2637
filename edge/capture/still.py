"""Stills: one at once, then the sharpest of the recent pictures every so often, in a few kB."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fieldlink.codecs.bundle import Draft, Layer, Precedence
from fieldlink.codecs.geo import Pose
from fieldlink.codecs.picture import (
    PictureMetadata,
    fitting_metadata,
    picture_metadata,
    pose_meta,
    with_aspect,
)
from fieldlink.edge.capture.encoding import encode_picture
from fieldlink.edge.capture.looks import FrozenWatch, Look
from fieldlink.edge.capture.ports import Clock, PoseAt, Sink, nowhere
from fieldlink.edge.capture.settings import CaptureSettings, StillSettings
from fieldlink.edge.capture.shot import Shots

__all__ = ["StillMaker", "encode_still", "still_metadata"]

_RECENT_US = 2_000_000
_LEAST_QUALITY = 12
_LEAST_WIDTH = 64
_QUALITY_STEP = 0.8
_WIDTH_STEP = 0.8
_NOTHING = PictureMetadata()


@dataclass(slots=True)
class _Candidate:
    sharpness: float
    frame: Any
    at_us: int


class StillMaker:
    """Chooses and encodes the stills of one device. Times are UTC microseconds."""

    def __init__(
        self,
        device: str,
        settings: Callable[[], CaptureSettings],
        *,
        sink: Sink,
        clock: Clock,
        pose_at: PoseAt = nowhere,
    ) -> None:
        self._device, self._settings, self._sink, self._clock = device, settings, sink, clock
        self._pose_at = pose_at
        self._frozen = FrozenWatch()
        self._best: _Candidate | None = None
        self._due_us: int | None = None
        self._quality: int | None = None
        # Cameras that power up together would otherwise all be due in the same instant for ever.
        self._phase = 0.5 + zlib.crc32(device.encode()) % 512 / 1024
        self.made = 0
        self.shots: Shots | None = None

    def offer(self, frame: Any, look: Look, at_us: int) -> str:
        """Consider `frame`, which decoded without error. What is wrong with it, or ""."""
        frozen = self._frozen.is_frozen(look, at_us)
        fault = look.fault or ("frozen" if frozen else "")
        if self.shots is not None:  # whoever asks for a picture wants it dark as well
            self.shots.offer(frame, at_us)
        if fault:
            self._best = None
        elif self._settings().still.enabled:
            self._consider(frame, look, at_us)
        return fault

    @property
    def unchanged_since_us(self) -> int:
        """Since when the picture is the same."""
        return self._frozen.since_us

    def connected_again(self) -> None:
        """Make the next good picture a still at once."""
        self._due_us, self._best = None, None

    def _consider(self, frame: Any, look: Look, at_us: int) -> None:
        if self._due_us is None:
            self._make(frame, at_us)
            return
        if at_us < self._due_us - _RECENT_US:
            return
        if self._best is None or look.sharpness > self._best.sharpness:
            self._best = _Candidate(look.sharpness, frame, at_us)
        if at_us >= self._due_us:
            self._make(self._best.frame, self._best.at_us)

    def _make(self, frame: Any, at_us: int) -> None:
        general = self._settings()
        settings = general.still
        pose = self._pose_at(self._device, at_us)
        if pose is not None:
            pose = with_aspect(pose, frame.width, frame.height)
        content, width, height, self._quality = encode_still(
            frame, settings, self._quality, still_metadata(pose, self._device, at_us, settings)
        )
        wait_s = settings.every * (self._phase if self.made == 0 else 1.0)
        self._best, self._due_us = None, at_us + round(wait_s * 1e6)
        self._sink(
            Draft(
                device=self._device,
                stream="video",
                layer=Layer.STILL,
                precedence=Precedence.IMMEDIATE,
                start_us=at_us,
                end_us=at_us,
                recorded_us=self._clock(),
                deadline_us=at_us + round(general.window * 1e6),
                media_type=f"image/{settings.format}",
                meta={
                    "width": width,
                    "height": height,
                    "quality": self._quality,
                    **(pose_meta(pose) if pose is not None else {}),
                },
            ),
            content,
        )
        self.made += 1


def still_metadata(
    pose: Pose | None, device: str, at_us: int, settings: StillSettings
) -> PictureMetadata:
    """What a still says of where it was taken, as far as its size has room for it; of what is not
    known it says nothing.
    """
    if pose is None:
        return _NOTHING
    return fitting_metadata(picture_metadata(pose, device, at_us), settings.size)


def encode_still(
    frame: Any,
    settings: StillSettings,
    quality: int | None = None,
    metadata: PictureMetadata = _NOTHING,
) -> tuple[bytes, int, int, int]:
    """`frame` as content, width, height and quality, no larger than `settings.size`, metadata
    included.

    Quality is lowered first, then the size; `quality` is what fitted last time.
    """
    quality = min(settings.quality, round((quality or settings.quality) / _QUALITY_STEP))
    width = min(settings.width, frame.width)
    while True:
        height = max(2, round(frame.height * width / frame.width))
        pixels = frame.reformat(width, height, "bgr24", interpolation="AREA").to_ndarray()
        least = min(_LEAST_QUALITY, settings.quality)
        content, used = _within(pixels, settings, max(quality, least), least, metadata)
        if len(content) <= settings.size or width <= _LEAST_WIDTH:
            return content, width, height, used
        width = max(_LEAST_WIDTH, round(width * _WIDTH_STEP))


def _within(
    pixels: Any, settings: StillSettings, quality: int, least: int, metadata: PictureMetadata
) -> tuple[bytes, int]:
    while True:
        content = encode_picture(pixels, settings.format, quality, metadata)
        if len(content) <= settings.size or quality <= least:
            return content, quality
        quality = max(least, int(quality * _QUALITY_STEP))
