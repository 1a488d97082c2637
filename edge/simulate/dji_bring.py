"""A simulated controller's jobs: a photo with Exif, or a video in parts, to the kit's store."""

import asyncio
import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import cv2
import httpx
import numpy as np

from fieldlink.codecs.dji import Upload
from fieldlink.codecs.fault import LinkError
from fieldlink.codecs.geo import Pose
from fieldlink.codecs.picture import embed_jpeg, picture_metadata
from fieldlink.edge.simulate.dji_media import Errand, Job
from fieldlink.edge.simulate.s3_client import S3Client, UploadRefusedError

__all__ = ["BringFaults", "bring"]

_PART_BYTES = 5 << 20
_VIDEO_BYTES = 6 << 20
_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class BringFaults:
    """How the first attempts of each file fail: with credentials that have ended, then half way."""

    expired: bool = False
    broken: bool = False


async def bring(errand: Errand, job: Job, pose: Pose, faults: BringFaults) -> None:
    """Do `job` and tell `errand` what came of it."""
    is_video = job.name.lower().endswith(".mp4")
    content = await asyncio.to_thread(_video if is_video else _photo, job.name, pose)
    config = _ended(job.config) if faults.expired and job.attempt == 1 else job.config
    async with httpx.AsyncClient(timeout=_TIMEOUT_S) as http:
        client = S3Client(config, http, datetime.now(UTC))
        try:
            if faults.broken and job.attempt == 1 + faults.expired:
                await client.put_half(job.key, content)
            elif is_video:
                await client.put_in_parts(job.key, content, _PART_BYTES)
            else:
                await client.put(job.key, content, chunked=True)
        except LinkError as error:
            errand.failed(job, str(error), ask=isinstance(error, UploadRefusedError))
            return
    print_ = hashlib.md5(content, usedforsecurity=False).hexdigest()
    told = Upload(
        key=job.key,
        name=job.name,
        flight="simulated",
        lat=pose.lat,
        lon=pose.lon,
        alt_m=pose.alt_m,
        height_m=pose.height_m,
        yaw_deg=pose.gimbal_yaw,
        taken_us=pose.time_us,
        aircraft="0-67-1",
        camera="1-53-0",
        is_original=True,
        fingerprint=print_,
        tiny_fingerprint=print_[:16],
    )
    errand.done(job, told)


def _ended(config: Mapping[str, Any]) -> dict[str, Any]:
    """Credentials of yesterday, as a controller has that was put away in the evening."""
    keys = dict(config["credentials"])
    owner, _, rest = str(keys["security_token"]).partition(".")
    keys["security_token"] = f"{owner}.1.{rest.partition('.')[2]}"
    return {**config, "credentials": keys}


def _photo(name: str, pose: Pose) -> bytes:
    picture = np.full((480, 640, 3), 60, np.uint8)
    cv2.putText(picture, name, (20, 240), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2)
    _, made = cv2.imencode(".jpg", picture)
    told = picture_metadata(pose, "M30T", pose.time_us)
    return embed_jpeg(made.tobytes(), told.exif, told.xmp)


def _video(name: str, _pose: Pose) -> bytes:
    # What is in it does not matter to who carries it.
    head = bytes.fromhex("000000186674797069736f6d0000020069736f6d69736f32")
    return head + random.Random(name).randbytes(_VIDEO_BYTES)  # noqa: S311 - no secret
