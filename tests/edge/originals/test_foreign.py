"""The store and clients that others wrote: Amazon's (boto3) and MinIO's."""

import asyncio
import hashlib
import io
import random
from typing import Any

import pytest

from fieldlab.originals import RC, StoreLab
from fieldlink.codecs.bundle import PART_BYTES, PART_MEDIA_TYPE, Layer

pytestmark = pytest.mark.anyio
BUCKET = f"fieldlink-{RC.lower()}"
KEY = f"{RC}/dji/DJI_20260528150000_0001_W.JPG"
PHOTO = b"\xff\xd8" + random.Random(1).randbytes(70_000)


def error_code(caught: Any) -> str:
    code: str = caught.value.response["Error"]["Code"]
    return code


async def test_a_file_that_amazons_client_puts_is_in_the_spool_when_it_is_answered(
    door: StoreLab,
) -> None:
    client = door.boto()
    put = await asyncio.to_thread(client.put_object, Bucket=BUCKET, Key=KEY, Body=PHOTO)
    assert put["ETag"] == f'"{hashlib.md5(PHOTO, usedforsecurity=False).hexdigest()}"'
    [one] = door.files("image/jpeg")
    manifest = one.manifest
    assert (manifest.device, manifest.stream, manifest.layer) == (
        "drone-1",
        "media",
        Layer.ORIGINAL,
    )
    assert door.content(one) == PHOTO
    assert manifest.meta["name"] == "DJI_20260528150000_0001_W.JPG"
    [index] = door.indexes()
    assert (index.size, index.about["key"]) == (len(PHOTO), KEY)
    head = await asyncio.to_thread(client.head_object, Bucket=BUCKET, Key=KEY)
    assert head["ContentLength"] == len(PHOTO)
    got = await asyncio.to_thread(client.get_object, Bucket=BUCKET, Key=KEY)
    assert await asyncio.to_thread(got["Body"].read) == PHOTO


async def test_a_video_that_amazons_client_brings_in_parts_is_cut_for_the_spool(
    door: StoreLab,
) -> None:
    from boto3.s3.transfer import TransferConfig

    video = random.Random(2).randbytes(PART_BYTES + 3_000_000)
    key = f"{RC}/dji/DJI_0002.MP4"
    config = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=8 << 20)
    await asyncio.to_thread(
        lambda: door.boto().upload_fileobj(io.BytesIO(video), BUCKET, key, Config=config)
    )
    [index] = door.indexes()
    assert (index.size, len(index.parts), index.media_type) == (len(video), 2, "video/mp4")
    assert [len(door.content(one)) for one in door.files(PART_MEDIA_TYPE)] == [
        PART_BYTES, 3_000_000,
    ]  # fmt: skip
    assert door.joined(index) == video
    assert not list((door.folder / "staging").iterdir())
    got = await asyncio.to_thread(lambda: door.boto().get_object(Bucket=BUCKET, Key=key))
    assert await asyncio.to_thread(got["Body"].read) == video


async def test_minios_client_brings_files_too(door: StoreLab) -> None:
    from minio import Minio

    lease = door.made.lease(RC)
    client = Minio(
        f"127.0.0.1:{door.port}",
        access_key=lease.key_id,
        secret_key=lease.secret,
        session_token=lease.token,
        secure=False,
    )
    large = random.Random(3).randbytes(6 << 20)

    def bring() -> None:
        client.put_object(BUCKET, KEY, io.BytesIO(PHOTO), len(PHOTO), content_type="image/jpeg")
        client.put_object(BUCKET, "a/b.mp4", io.BytesIO(large), -1, part_size=5 << 20)
        assert client.stat_object(BUCKET, "a/b.mp4").size == len(large)

    await asyncio.to_thread(bring)
    photo, video = door.indexes()
    assert door.joined(photo) == PHOTO
    assert door.joined(video) == large


async def test_who_has_no_right_is_refused_with_the_word_that_clients_know(door: StoreLab) -> None:
    from botocore.exceptions import ClientError

    async def refused(client: Any, bucket: str = BUCKET, key: str = KEY) -> str:
        with pytest.raises(ClientError) as caught:
            await asyncio.to_thread(client.put_object, Bucket=bucket, Key=key, Body=PHOTO)
        return error_code(caught)

    assert await refused(door.boto(secret="wrong")) == "SignatureDoesNotMatch"
    assert await refused(door.boto("OTHER01")) == "AccessDenied"
    assert await refused(door.boto(token="no token")) == "InvalidToken"
    assert await refused(door.boto(token=door.made.lease("OTHER01").token)) == "InvalidToken"
    late = door.boto()
    door.time.pass_s(3_601)
    assert await refused(late) == "ExpiredToken"
    gone = door.boto()
    del door.owners[RC]
    assert await refused(gone) == "AccessDenied"
    assert door.files() == []


async def test_a_key_is_data_and_never_a_path(door: StoreLab) -> None:
    for key in ("../../../../etc/passwd", "/../x", "a/../../b.jpg", "..", "C:\\x.jpg", "名/字.jpg"):
        await asyncio.to_thread(door.boto().put_object, Bucket=BUCKET, Key=key, Body=PHOTO)
    assert door.indexes()[0].about["key"] == "../../../../etc/passwd"
    names = [one.name for one in door.indexes()]
    assert names == ["passwd", "x", "b.jpg", "file", "C__x.jpg", "字.jpg"]
    outside = [path for path in door.folder.rglob("*") if path.is_file()]
    assert {path.name for path in outside} <= {"store.key", "ledger.db", "ledger.db-journal"}


async def test_a_body_that_is_not_what_was_signed_or_said_is_refused(door: StoreLab) -> None:
    from botocore.exceptions import ClientError

    bad = {"ContentMD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}
    with pytest.raises(ClientError) as caught:
        await asyncio.to_thread(
            lambda: door.boto().put_object(Bucket=BUCKET, Key=KEY, Body=PHOTO, **bad)
        )
    assert error_code(caught) == "BadDigest"
    assert door.files() == []


async def test_what_is_too_large_is_refused_before_it_comes(door: StoreLab) -> None:
    from botocore.exceptions import ClientError

    object.__setattr__(door.bounds, "largest", 50_000)
    with pytest.raises(ClientError) as caught:
        await asyncio.to_thread(lambda: door.boto().put_object(Bucket=BUCKET, Key=KEY, Body=PHOTO))
    assert error_code(caught) == "EntityTooLarge"
