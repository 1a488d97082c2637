"""Where a bundle lies in the archive: incident, kit, device, stream, day, time, layer, sequence."""

from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

from fieldlink.codecs.bundle import (
    FILE_MEDIA_TYPE,
    FLIGHT_MEDIA_TYPE,
    GAP_MEDIA_TYPE,
    KLV_MEDIA_TYPE,
    PART_MEDIA_TYPE,
    TLOG_MEDIA_TYPE,
    Manifest,
    check_name,
)
from fieldlink.codecs.fault import ArchiveError

__all__ = ["bundle_path", "check_path", "extension"]

_EXTENSIONS = {
    "video/mp4": "mp4",
    "audio/mp4": "m4a",
    "audio/ogg": "ogg",
    "audio/opus": "opus",
    "image/avif": "avif",
    "image/webp": "webp",
    "image/jpeg": "jpg",
    "image/png": "png",
    "application/json": "json",
    "text/plain": "txt",
    GAP_MEDIA_TYPE: "gap",
    TLOG_MEDIA_TYPE: "tlog",
    KLV_MEDIA_TYPE: "klvs",
    FLIGHT_MEDIA_TYPE: "json",
    FILE_MEDIA_TYPE: "json",
    PART_MEDIA_TYPE: "part",
    "video/quicktime": "mov",
    "image/x-adobe-dng": "dng",
    "image/tiff": "tif",
    "application/vnd.px4.ulog": "ulg",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_PATH_CHARS = 400


def extension(media_type: str) -> str:
    """The file extension that players know for `media_type`; "bin" for what none knows."""
    return _EXTENSIONS.get(media_type.split(";")[0].strip().lower(), "bin")


def bundle_path(manifest: Manifest, incident: str, *, mark: str = "") -> str:
    """The path, relative to the archive, of a bundle's file.

    `mark` goes behind the sequence to keep two bundles apart that claim one name.
    """
    m = manifest
    for kind, name in (("kit", m.kit), ("device", m.device), ("stream", m.stream)):
        check_name(kind, name)
    day, time = _day_and_time(m.start_us)
    tail = f"-{mark}" if mark else ""
    name = f"{time}-{m.layer.value}-{m.sequence}{tail}.{extension(m.media_type)}"
    return f"{incident}/{m.kit}/{m.device}/{m.stream}/{day}/{name}"


def check_path(path: str) -> str:
    """`path` if it is one that `bundle_path` could have made.

    Raises:
        ArchiveError: it leads elsewhere.
    """
    parts = PurePosixPath(path).parts
    good = len(parts) == 6 and len(path) <= _MAX_PATH_CHARS and "/".join(parts) == path
    if not good or any(part.startswith(".") or "\0" in part for part in parts):
        raise ArchiveError(f"{path[:200]!r} is not a path in the archive; rebuild the catalogue")
    return path


def _day_and_time(start_us: int) -> tuple[str, str]:
    try:
        start = _EPOCH + timedelta(microseconds=start_us)
    except OverflowError:
        # A kit whose clock is that wrong still deserves its pictures.
        return "no-date", f"{start_us}us"
    return f"{start:%Y-%m-%d}", f"{start:%H%M%S}.{start.microsecond // 1000:03d}"
