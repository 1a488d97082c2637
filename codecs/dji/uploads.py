"""Files that a gateway has brought to a store (`file_upload_callback`, and what Pilot 2 says by
HTTP), and where it is told to bring them (`storage_config_get`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from fieldlink.codecs.fault import CodecError

from .fields import Reader

__all__ = [
    "Upload",
    "first_data",
    "read_report",
    "read_upload",
    "storage_data",
    "upload_data",
    "wants_storage",
]

_MODEL = re.compile(r"[0-9]{1,3}(?:-[0-9]{1,6}){1,3}")
_TASK = re.compile(r"[A-Za-z0-9-]{1,64}")
_MEDIA = 0  # the module of photos and videos; others are logs
_MAX_KEY = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that was stored. Heights in m: `alt_m` as DJI says it, `height_m` above take-off;
    `yaw_deg` of the gimbal, from north. `failed`: it was not stored after all. None is unknown.
    """

    key: str
    name: str | None = None
    flight: str | None = None
    lat: float | None = None
    lon: float | None = None
    alt_m: float | None = None
    height_m: float | None = None
    yaw_deg: float | None = None
    taken_us: int | None = None
    aircraft: str | None = None
    camera: str | None = None
    is_original: bool | None = None
    fingerprint: str = ""
    tiny_fingerprint: str = ""
    failed: bool = False

    def about(self) -> dict[str, str | int | float | bool | None]:
        """What an index of the file says of it, besides its name and its content."""
        return {
            "taken_us": self.taken_us,
            "lat": self.lat,
            "lon": self.lon,
            "alt": self.alt_m,
            "height": self.height_m,
            "gimbal_yaw": None if self.yaw_deg is None else self.yaw_deg % 360,
            "flight_task": self.flight,
            "aircraft": self.aircraft,
            "camera": self.camera,
            "original": self.is_original,
        }


def read_upload(data: Any, zone_s: int = 0) -> Upload:
    """The data of file_upload_callback; `zone_s` is how far east of UTC a time is that does not say
    so itself.

    Raises:
        CodecError: it is none; names the key.
    """
    return _read(Reader(data, "data.").inner("file"), zone_s)


def read_report(data: Any, zone_s: int = 0) -> Upload:
    """The body of Pilot 2's upload-callback.

    Raises:
        CodecError: it is none; names the key.
    """
    return _read(Reader(data, "data."), zone_s)


def _read(file: Reader, zone_s: int) -> Upload:
    metadata, extra = file.inner("metadata"), file.inner("ext")
    place = metadata.inner("shoot_position")
    lat, lon = place.number("lat", -90, 90), place.number("lng", -180, 180)
    if not lat and not lon:
        lat = lon = None  # 0/0 is no place
    key = "create_time" if metadata.has("create_time") else "created_time"
    original = extra.flag("is_original")
    return Upload(
        key=file.needed("object_key", file.text("object_key", _MAX_KEY)),
        name=file.text("name", 256),
        flight=extra.text("flight_id", 64),
        lat=lat,
        lon=lon,
        alt_m=metadata.number("absolute_altitude", -1_000, 100_000),
        height_m=metadata.number("relative_altitude", -10_000, 100_000),
        yaw_deg=metadata.number("gimbal_yaw_degree", -720, 720),
        taken_us=_time_us(metadata.text(key, 40), zone_s),
        aircraft=_model(extra.text("drone_model_key", 32)),
        camera=_model(extra.text("payload_model_key", 32)),
        is_original=original,
        fingerprint=file.text("fingerprint", 128) or "",
        tiny_fingerprint=extra.text("tinny_fingerprint", 128) or "",
        failed=bool(file.integer("result", -(2**31), 2**31)),
    )


def _model(text: str | None) -> str | None:
    return text if text and _MODEL.fullmatch(text) else None


def _time_us(text: str | None, zone_s: int) -> int | None:
    """ISO 8601, or "2021-05-10 16:04:20" as the documents have it; what is neither is unknown."""
    try:
        at = datetime.fromisoformat((text or "").strip())
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=timezone(timedelta(seconds=zone_s)))
    return max((at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1), 0)


def upload_data(upload: Upload) -> dict[str, Any]:
    """The data that `read_upload` reads."""
    metadata: dict[str, Any] = {
        "absolute_altitude": upload.alt_m,
        "relative_altitude": upload.height_m,
        "gimbal_yaw_degree": None if upload.yaw_deg is None else f"{upload.yaw_deg:.2f}",
        "shoot_position": {"lat": upload.lat, "lng": upload.lon},
    }
    if upload.taken_us is not None:
        at = datetime.fromtimestamp(upload.taken_us / 1e6, UTC)
        metadata["create_time"] = at.isoformat(timespec="seconds")
    extra = {
        "flight_id": upload.flight,
        "drone_model_key": upload.aircraft,
        "payload_model_key": upload.camera,
        "is_original": upload.is_original,
        "tinny_fingerprint": upload.tiny_fingerprint or None,
    }
    file = {
        "object_key": upload.key,
        "path": "",
        "name": upload.name,
        "fingerprint": upload.fingerprint or None,
        "ext": {key: value for key, value in extra.items() if value is not None},
        "metadata": {key: value for key, value in metadata.items() if value is not None},
    }
    return {"file": {key: value for key, value in file.items() if value is not None}}


def wants_storage(data: Any) -> bool:
    """Whether a storage_config_get is for photos and videos.

    Raises:
        CodecError: it is none.
    """
    module = Reader(data, "data.").integer("module", 0, 99)
    return module in (None, _MEDIA)


def first_data(flight: str) -> dict[str, str]:
    """The data of upload_flighttask_media_prioritize.

    Raises:
        CodecError: that cannot be a task.
    """
    if not _TASK.fullmatch(flight):
        raise CodecError("field", f"{flight[:60]!r} cannot be a task: use letters, digits and -")
    return {"flight_id": flight}


def storage_data(
    provider: str, endpoint: str, place: Mapping[str, str], keys: Mapping[str, str], expire_s: int
) -> dict[str, Any]:
    """The output of storage_config_get: `place` has bucket, region and object_key_prefix, `keys`
    access_key_id, access_key_secret and security_token.
    """
    return {
        "provider": provider,
        "endpoint": endpoint,
        **place,
        "credentials": {**keys, "expire": expire_s},
    }
