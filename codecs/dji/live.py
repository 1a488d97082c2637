"""Live streams: what a gateway can send, what it sends, and the services that start and stop it.

A video is `{aircraft sn}/{camera index}/{video index}`; how many may run at once is bounded for the
gateway, each aircraft and each camera.
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from fieldlink.codecs.fault import CodecError

from .envelope import is_serial
from .fields import Reader

__all__ = [
    "QUALITY_BPS",
    "Camera",
    "Capacity",
    "LiveDevice",
    "LiveStatus",
    "Quality",
    "UrlType",
    "Video",
    "VideoId",
    "capacity_data",
    "lens_data",
    "quality_data",
    "read_capacity",
    "read_live_status",
    "start_data",
    "stop_data",
]

_MAX_DEVICES, _MAX_CAMERAS, _MAX_VIDEOS, _MAX_STATUS = 8, 16, 16, 64
_INDEX = re.compile(r"[A-Za-z0-9_-]{1,32}")
_LENSES = ("normal", "thermal", "wide", "zoom")


class UrlType(IntEnum):
    """How a gateway sends (services; the page's manual mode numbers them otherwise)."""

    AGORA = 0
    RTMP = 1
    RTSP = 2
    GB28181 = 3
    WHIP = 4


class Quality(IntEnum):
    """Picture size and rate of a live stream."""

    ADAPTIVE = 0
    SMOOTH = 1  # 960x540
    STANDARD = 2  # 1280x720
    HIGH = 3  # 1280x720
    ULTRA = 4  # 1920x1080


QUALITY_BPS = {
    Quality.SMOOTH: 512_000,
    Quality.STANDARD: 1_000_000,
    Quality.HIGH: 1_500_000,
    Quality.ULTRA: 3_000_000,
}
"""About so much each takes."""


@dataclass(frozen=True, slots=True, order=True)
class VideoId:
    """One video of one camera of one aircraft."""

    sn: str
    camera: str
    video: str

    def __str__(self) -> str:
        return f"{self.sn}/{self.camera}/{self.video}"

    @classmethod
    def parse(cls, text: str) -> "VideoId":
        """The video that `text` names.

        Raises:
            CodecError: it names none.
        """
        parts = text[:128].split("/")
        good = len(parts) == 3 and is_serial(parts[0])
        if not good or not all(_INDEX.fullmatch(part) for part in parts[1:]):
            raise CodecError("field", f"video_id = {text[:60]!r} is not SN/CAMERA/VIDEO")
        return cls(*parts)


@dataclass(frozen=True, slots=True)
class Video:
    """One video of a camera; `lenses` are what it can be switched to."""

    index: str
    lens: str | None
    lenses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera, by its type-subtype-gimbal index; at most `most` videos of it at once."""

    index: str
    most: int
    videos: tuple[Video, ...]

    @property
    def is_fpv(self) -> bool:
        """Whether it is the pilot's view and no payload (39-x-7 and gimbal 7)."""
        return self.index.endswith("-7")


@dataclass(frozen=True, slots=True)
class LiveDevice:
    """An aircraft (or a dock) with cameras."""

    sn: str
    most: int
    cameras: tuple[Camera, ...]


@dataclass(frozen=True, slots=True)
class Capacity:
    """live_capacity of a gateway; sent only when it changes."""

    most: int
    devices: tuple[LiveDevice, ...]

    def videos(self) -> list[VideoId]:
        """One video of each camera, payload cameras first, as many as may run at once."""
        found: list[VideoId] = []
        for device in self.devices:
            cameras = sorted(device.cameras, key=lambda one: one.is_fpv)
            usable = [one for one in cameras if one.videos and one.most > 0][: device.most]
            found += [VideoId(device.sn, one.index, one.videos[0].index) for one in usable]
        return found[: self.most]


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """What a gateway says of one stream; whether media really come is known only here."""

    video: VideoId
    status: int | None = None
    quality: int | None = None
    lens: str | None = None
    error: int | None = None


def read_capacity(data: Any) -> Capacity:
    """`data.live_capacity` of a state message.

    Raises:
        CodecError: it is none; names the key.
    """
    reader = Reader(data, "data.live_capacity.")
    devices = tuple(_device(one) for one in reader.each("device_list", _MAX_DEVICES))
    return Capacity(_most(reader), devices)


def _most(reader: Reader) -> int:
    most = reader.integer("coexist_video_number_max", 0, 64)
    available = reader.integer("available_video_number", 0, 64)
    return most if most is not None else available if available is not None else 1


def _device(reader: Reader) -> LiveDevice:
    sn = reader.needed("sn", reader.text("sn", 32))
    if not is_serial(sn):
        raise CodecError("field", f"{reader.where}sn is no serial number")
    cameras = tuple(_camera(one) for one in reader.each("camera_list", _MAX_CAMERAS))
    return LiveDevice(sn, _most(reader), cameras)


def _camera(reader: Reader) -> Camera:
    videos = tuple(
        Video(
            _index(one, "video_index"),
            one.text("video_type", 16),
            one.texts("switchable_video_types", 16, 16),
        )
        for one in reader.each("video_list", _MAX_VIDEOS)
    )
    return Camera(_index(reader, "camera_index"), _most(reader), videos)


def _index(reader: Reader, key: str) -> str:
    found = reader.needed(key, reader.text(key, 32))
    if not _INDEX.fullmatch(found):
        raise CodecError("field", f"{reader.where}{key} = {found!r} is no index")
    return found


def capacity_data(capacity: Capacity) -> dict[str, Any]:
    """The state that `capacity` is read from."""
    devices = [
        {
            "sn": device.sn,
            "available_video_number": len(device.cameras),
            "coexist_video_number_max": device.most,
            "camera_list": [
                {
                    "camera_index": camera.index,
                    "available_video_number": len(camera.videos),
                    "coexist_video_number_max": camera.most,
                    "video_list": [
                        {
                            "video_index": video.index,
                            "video_type": video.lens,
                            "switchable_video_types": list(video.lenses),
                        }
                        for video in camera.videos
                    ],
                }
                for camera in device.cameras
            ],
        }
        for device in capacity.devices
    ]
    return {
        "available_video_number": sum(len(device.cameras) for device in capacity.devices),
        "coexist_video_number_max": capacity.most,
        "device_list": devices,
    }


def read_live_status(data: Any) -> tuple[LiveStatus, ...]:
    """`data.live_status`, of a state or an osd message.

    Raises:
        CodecError: it is none; names the key.
    """
    reader = Reader({"live_status": data}, "data.")
    return tuple(
        LiveStatus(
            VideoId.parse(one.needed("video_id", one.text("video_id", 100))),
            one.integer("status", 0, 99),
            one.integer("video_quality", 0, 99),
            one.text("video_type", 16),
            one.integer("error_status", 0, 10_000_000),
        )
        for one in reader.each("live_status", _MAX_STATUS)
    )


def start_data(video: VideoId, url: str, quality: int, url_type: int = 1) -> dict[str, Any]:
    """The data of live_start_push."""
    return {
        "url_type": int(url_type),
        "url": url,
        "video_id": str(video),
        "video_quality": int(quality),
    }


def stop_data(video: VideoId) -> dict[str, Any]:
    """The data of live_stop_push."""
    return {"video_id": str(video)}


def quality_data(video: VideoId, quality: int) -> dict[str, Any]:
    """The data of live_set_quality."""
    return {"video_id": str(video), "video_quality": int(quality)}


def lens_data(video: VideoId, lens: str) -> dict[str, Any]:
    """The data of live_lens_change.

    Raises:
        CodecError: there is no such lens.
    """
    if lens not in _LENSES:
        raise CodecError("field", f"video_type = {lens[:20]!r} is none of {', '.join(_LENSES)}")
    return {"video_id": str(video), "video_type": lens}
