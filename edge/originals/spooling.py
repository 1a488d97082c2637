"""A whole upload into the spool: in parts, each durable before the next, and an index behind them.

Blocks on the disk. It goes on where it was when the agent was killed: a part that was stored just
before is stored again, and told by `file` and `part`.
"""

import hashlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, Protocol

from fieldlink.codecs.bundle import (
    FILE_MEDIA_TYPE,
    FILE_STREAM,
    PART_BYTES,
    PART_MEDIA_TYPE,
    Draft,
    FileIndex,
    FilePart,
    Layer,
    Precedence,
)
from fieldlink.codecs.fault import SpoolError
from fieldlink.codecs.taken import HEAD_BYTES, Taken, read_movie, read_photo
from fieldlink.edge.originals.ledger import Plan
from fieldlink.edge.spool import State

__all__ = [
    "Add",
    "Content",
    "believed",
    "examine",
    "file_ident",
    "index_draft",
    "media_type_of",
    "name_of",
    "spool_parts",
]

Add = Callable[[Draft, bytes], Any]
"""Stores a bundle durably (`Spool.add`); FieldlinkError says that it cannot at present."""


class Content(Protocol):
    """The bytes of a file, wherever they lie."""

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`; fewer at the end."""


_TYPES = {
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "dng": "image/x-adobe-dng",
    "tif": "image/tiff", "tiff": "image/tiff", "mp4": "video/mp4", "mov": "video/quicktime",
    "m4a": "audio/mp4", "srt": "text/plain", "txt": "text/plain", "json": "application/json",
    "bin": "application/vnd.ardupilot.bin", "ulg": "application/vnd.px4.ulog",
}  # fmt: skip
_TYPE = re.compile(r"[a-z]{2,20}/[a-z0-9.+-]{1,60}")
_NAME_CHARS = 120
_FIRST_US = 1_262_304_000_000_000  # 2010: earlier is a camera that does not know
_AHEAD_US = 366 * 86_400 * 1_000_000
_DIGITS = (
    ("lat", "lat", 6), ("lon", "lon", 6), ("alt_m", "alt", 1), ("height_m", "height", 1),
    ("gimbal_pitch", "gimbal_pitch", 1), ("gimbal_yaw", "gimbal_yaw", 1),
)  # fmt: skip


def file_ident(owner: str, key: str, etag: str, size: int) -> str:
    """What a content under a key is called; the same after every start."""
    return hashlib.sha256(f"{owner}\n{key}\n{etag}\n{size}".encode()).hexdigest()[:16]


def name_of(key: str) -> str:
    """The last part of a key, for people; never a path."""
    name = key.rstrip("/").rpartition("/")[2]
    made = "".join(one if one.isprintable() and one not in '\\:*?"<>|' else "_" for one in name)
    return made[-_NAME_CHARS:].lstrip(".") or "file"


def media_type_of(name: str, said: str) -> str:
    """By the ending of its name; else what was said, if that is one."""
    known = _TYPES.get(name.rpartition(".")[2].lower())
    said = said.partition(";")[0].strip().lower()
    return known or (said if _TYPE.fullmatch(said) else "application/octet-stream")


def examine(plan: Plan, content: Content, now_us: int) -> Taken:
    """When and where it was taken, by what is written in it."""
    if plan.media_type in ("video/mp4", "video/quicktime"):
        found = read_movie(content.read, plan.size)
    elif plan.media_type.startswith("image/"):
        # A camera that says no zone keeps the time of where it is, and so does the kit.
        found = read_photo(content.read(0, HEAD_BYTES), time.localtime().tm_gmtoff)
    else:
        found = Taken()
    return replace(found, at_us=believed(found.at_us, now_us))


def believed(at_us: int | None, now_us: int) -> int | None:
    """`at_us` if anything can have been taken then; one that is years ahead would be the newest for
    years."""
    return at_us if at_us is not None and _FIRST_US < at_us < now_us + _AHEAD_US else None


def about_of(taken: Taken) -> dict[str, Any]:
    """What an index says of where it was taken."""
    found = {key: getattr(taken, name) for name, key, _ in _DIGITS}
    return {key: round(value, 7) for key, value in found.items() if value is not None}


def spool_parts(
    device: str,
    plan: Plan,
    content: Content,
    add: Add,
    now_us: int,
    after_part: Callable[[], None],
) -> None:
    """Store the parts that `plan` does not have yet; `after_part` is called when it has one more.

    Raises:
        FieldlinkError: the spool cannot take it now; try again from where the plan is.
        OSError: the content cannot be read.
    """
    taken = Taken(**(plan.taken or {}))
    start_us = now_us if taken.at_us is None else taken.at_us
    count = -(-plan.size // PART_BYTES)
    for number in range(len(plan.parts), count):
        offset = number * PART_BYTES
        data = content.read(offset, min(PART_BYTES, plan.size - offset))
        meta: dict[str, str | int | bool | None] = {
            "file": plan.file,
            "name": plan.name,
            "part": number,
            "parts": count,
            "bytes": plan.size,
            "type": plan.media_type,
        }
        for name, key, digits in _DIGITS:
            if (value := getattr(taken, name)) is not None:
                meta[key] = f"{value:.{digits}f}"
        stored = add(
            Draft(
                device=device,
                stream=FILE_STREAM,
                layer=Layer.ORIGINAL,
                precedence=Precedence.ROUTINE,
                start_us=start_us,
                end_us=start_us + (taken.duration_us or 0),
                recorded_us=now_us,
                media_type=plan.media_type if count == 1 else PART_MEDIA_TYPE,
                meta=meta,
            ),
            data,
        )
        if stored.state is State.GIVEN_UP:
            raise SpoolError("the disk is short, and nothing in the spool is worth less")
        digest = stored.manifest.content_hash.hex()
        plan.parts.append((number, offset, len(data), digest))
        plan.bundles.append(stored.bundle_id.hex())
        after_part()


def index_of(device: str, plan: Plan, about: dict[str, Any]) -> FileIndex:
    """The index of a file whose parts are all stored."""
    taken = Taken(**(plan.taken or {}))
    end_us = None if taken.at_us is None else taken.at_us + (taken.duration_us or 0)
    parts = tuple(FilePart(*one) for one in plan.parts)
    return FileIndex(
        plan.file, device, plan.name, plan.media_type, plan.size, parts,
        taken_us=taken.at_us, end_us=end_us, about={**about_of(taken), **about},
    )  # fmt: skip


def index_draft(index: FileIndex, now_us: int) -> tuple[Draft, bytes]:
    """The bundle of an index, which goes before what it describes."""
    start_us = now_us if index.taken_us is None else index.taken_us
    meta: dict[str, str | int | bool | None]
    meta = {"file": index.file, "name": index.name, "parts": len(index.parts), "bytes": index.size}
    draft = Draft(
        device=index.device,
        stream=FILE_STREAM,
        layer=Layer.REPORT,
        precedence=Precedence.PRIORITY,
        start_us=start_us,
        end_us=max(start_us, index.end_us or 0),
        recorded_us=now_us,
        media_type=FILE_MEDIA_TYPE,
        meta=meta,
    )
    return draft, json.dumps(index.to_dict(), ensure_ascii=False).encode()


def taken_dict(taken: Taken) -> dict[str, Any]:
    """As a plan keeps it."""
    return asdict(taken)


def told_index(
    content: dict[str, Any], said: dict[str, Any], now_us: int
) -> tuple[FileIndex, FileIndex]:
    """An index as it was, and with what its owner says: `taken_us`, and what goes into `about`.

    Raises:
        CodecError: `content` is no index.
    """
    index = FileIndex.from_dict(content)
    taken_us = believed(said.pop("taken_us", None), now_us)
    about = {**index.about, **{k: v for k, v in said.items() if v is not None}}
    told = replace(index, about=about)
    if index.taken_us is None and taken_us is not None:
        told = replace(told, taken_us=taken_us, end_us=taken_us)
    return index, told
