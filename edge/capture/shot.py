"""A picture in full size when somebody asks for one: the next good one, as JPEG, into the spool."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock
from typing import Any

from fieldlink.codecs.bundle import Draft, Layer, Precedence
from fieldlink.codecs.geo import Pose
from fieldlink.codecs.picture import PictureMetadata, picture_metadata, pose_meta, with_aspect
from fieldlink.edge.capture.encoding import encode_picture
from fieldlink.edge.capture.ports import Clock, PoseAt, Sink, nowhere

__all__ = ["MAX_SHOT_BYTES", "Shot", "Shots", "encode_shot"]

MAX_SHOT_BYTES = 4_000_000
"""The largest; above it the quality is lowered, then the size."""

_QUALITY, _LEAST_QUALITY, _STEP = 92, 40, 0.85
_WIDTH_STEP = 0.7
_MAX_WAITING = 8
_NOTHING = PictureMetadata()


@dataclass(frozen=True, slots=True)
class Shot:
    """A JPEG and when it was taken, UTC microseconds."""

    content: bytes
    width: int
    height: int
    at_us: int


class Shots:
    """Those of one device. `want` is called by anyone, `offer` on the pictures' thread."""

    def __init__(
        self,
        device: str,
        window_s: Callable[[], float],
        sink: Sink,
        clock: Clock,
        pose_at: PoseAt = nowhere,
    ) -> None:
        self._device, self._window_s, self._sink, self._clock = device, window_s, sink, clock
        self._pose_at = pose_at
        self._lock = Lock()
        self._waiting: list[Future[Shot]] = []

    def want(self) -> Future[Shot]:
        """The next good picture; cancelled when too many wait for one."""
        found: Future[Shot] = Future()
        with self._lock:
            self._waiting = [one for one in self._waiting if not one.done()]
            if len(self._waiting) < _MAX_WAITING:
                self._waiting.append(found)
            else:
                found.cancel()
        return found

    def offer(self, frame: Any, at_us: int) -> None:
        """A good picture was decoded."""
        if not self._waiting:
            return
        with self._lock:
            waiting, self._waiting = self._waiting, []
        wanted = [one for one in waiting if one.set_running_or_notify_cancel()]
        if not wanted:
            return
        pose = self._pose_at(self._device, at_us)
        if pose is not None:
            pose = with_aspect(pose, frame.width, frame.height)
        # In full size there is room to say when and by whom, also where nobody knows where.
        metadata = picture_metadata(pose, self._device, at_us)
        shot = Shot(*encode_shot(frame, metadata), at_us)
        self._sink(self._draft(shot, pose), shot.content)
        for one in wanted:
            one.set_result(shot)

    def _draft(self, shot: Shot, pose: Pose | None) -> Draft:
        return Draft(
            device=self._device,
            stream="video",
            layer=Layer.STILL,
            # It is large: the small stills of every camera go before it.
            precedence=Precedence.PRIORITY,
            start_us=shot.at_us,
            end_us=shot.at_us,
            recorded_us=self._clock(),
            deadline_us=shot.at_us + round(self._window_s() * 1e6),
            media_type="image/jpeg",
            meta={
                "width": shot.width,
                "height": shot.height,
                "asked": True,
                **(pose_meta(pose) if pose is not None else {}),
            },
        )


def encode_shot(frame: Any, metadata: PictureMetadata = _NOTHING) -> tuple[bytes, int, int]:
    """`frame` (of PyAV) as a JPEG of its full size, if that fits at all; its width and height.

    Raises:
        RuntimeError: OpenCV cannot.
    """
    width, height, quality = frame.width, frame.height, _QUALITY
    pixels = frame.to_ndarray(format="bgr24")
    while True:
        content = encode_picture(pixels, "jpeg", quality, metadata)
        if len(content) <= MAX_SHOT_BYTES:
            return content, width, height
        if quality > _LEAST_QUALITY:
            quality = max(_LEAST_QUALITY, int(quality * _STEP))
            continue
        width, height = round(width * _WIDTH_STEP), max(2, round(height * _WIDTH_STEP))
        pixels = frame.reformat(width, height, "bgr24", interpolation="AREA").to_ndarray()
