"""The store over kills, replays, broken uploads, other clocks and a spool that refuses."""

import asyncio
import hashlib
import random
import threading
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
import pytest

from fieldlab.originals import AT, RC, StoreLab, served, store_client, store_config
from fieldlink.codecs.bundle import PART_BYTES
from fieldlink.codecs.fault import LinkError, SpoolError
from fieldlink.edge.simulate.s3_client import S3Client, UploadRefusedError

pytestmark = pytest.mark.anyio
KEY = f"{RC}/DJI_0001.JPG"
PHOTO = random.Random(1).randbytes(200_000)


async def test_a_controller_whose_clock_is_years_off_brings_its_files(door: StoreLab) -> None:
    async with httpx.AsyncClient() as http:
        for year in (1970, 2015, 2038):
            at = datetime(year, 1, 1, tzinfo=UTC)
            await store_client(door, http, at).put(f"{RC}/{year}.JPG", PHOTO, chunked=True)
    assert [one.name for one in door.indexes()] == ["1970.JPG", "2015.JPG", "2038.JPG"]


async def test_a_request_that_is_heard_again_changes_nothing(door: StoreLab) -> None:
    async with httpx.AsyncClient() as http:
        mine = store_client(door, http)
        path, headers, _ = mine.headers("PUT", KEY, "", "UNSIGNED-PAYLOAD")
        url = door.url + path
        answers = [
            await http.put(url, headers=headers, content=body)
            for body in (PHOTO, PHOTO, PHOTO[::-1])
        ]
        assert [one.status_code for one in answers] == [200, 200, 403]
        await mine.put_in_parts("v.mp4", PHOTO, 100_000)
        before = len(door.files())
        assert await mine.put(KEY, PHOTO)  # the same file once more, signed anew
        assert len(door.files()) == before
        await mine.put(KEY, PHOTO[::-1])  # another file of that name is another file
    assert [one.size for one in door.indexes()] == [len(PHOTO)] * 3


async def test_what_is_not_signed_whole_is_refused(door: StoreLab) -> None:
    async with httpx.AsyncClient() as http:
        digest = hashlib.sha256(PHOTO).hexdigest()
        path, headers, _ = store_client(door, http).headers("PUT", KEY, "", digest)
        url = door.url + path
        changes: list[tuple[str, dict[str, str], bytes]] = [
            (url, {}, PHOTO[::-1]),  # another body
            (url, {"x-amz-acl": "public-read"}, PHOTO),  # a header that is not signed
            (url + "x", {}, PHOTO),  # another key
            (url, {"x-amz-date": "20260101T000000Z"}, PHOTO),
            (url, {"authorization": "AWS4-HMAC-SHA256 nonsense"}, PHOTO),
            (url + "?versionId=1", {}, PHOTO),
        ]
        for where, more, body in changes:
            answer = await http.put(where, headers={**headers, **more}, content=body)
            assert answer.status_code in (400, 403), (where, more)
            assert lease_free(answer.text, door)
    assert door.files() == []


def lease_free(text: str, lab: StoreLab) -> bool:
    """Whether no secret is in it."""
    return not any(word in text for word in ("Credential=", "x-amz-security-token"))


async def test_an_upload_that_breaks_off_leaves_nothing(door: StoreLab) -> None:
    async with httpx.AsyncClient() as http:
        with pytest.raises(LinkError):
            await store_client(door, http).put_half(KEY, PHOTO)
        async with asyncio.timeout(20):
            while not door.made.door.refused["disconnected"]:
                await asyncio.sleep(0.01)
        await asyncio.to_thread(door.made.store.tidy)
        assert list((door.folder / "staging").iterdir()) == []
        assert door.files() == []
        await store_client(door, http).put(KEY, PHOTO)
    assert len(door.indexes()) == 1


async def test_an_upload_in_parts_goes_on_after_a_kill_with_the_same_credentials(
    lab: StoreLab,
) -> None:
    async with httpx.AsyncClient() as http:
        given = store_config(lab)
        mine = S3Client(given, http, AT)
        async with served(lab):
            await mine.put_in_parts("v.mp4", PHOTO, 50_000, stop_after=3)
        lab.restart()
        async with served(lab):
            [upload] = lab.made.store.ledger.uploads()
            parts = [(one.number, one.md5) for one in lab.made.store.parts(upload)]
            assert [number for number, _ in parts] == [1, 2, 3]
            query = f"partNumber=4&uploadId={upload.id}"
            digest = hashlib.sha256(PHOTO[150_000:]).hexdigest()
            etag = await mine._etag("PUT", "v.mp4", query, digest, PHOTO[150_000:])
            body = "".join(
                f"<Part><PartNumber>{number}</PartNumber><ETag>{md5}</ETag></Part>"
                for number, md5 in [*parts, (4, etag)]
            )
            body = f"<CompleteMultipartUpload>{body}</CompleteMultipartUpload>"
            for _ in range(2):  # its first answer was lost
                await mine._ask("POST", "v.mp4", f"uploadId={upload.id}", body.encode())
    [index] = lab.indexes()
    assert lab.joined(index) == PHOTO


async def test_a_whole_file_goes_on_into_the_spool_after_a_kill(lab: StoreLab) -> None:
    large = random.Random(4).randbytes(2 * PART_BYTES + 1_000)
    add, calls = lab.spool.add, []

    def dies(draft: Any, content: bytes) -> Any:
        calls.append(draft.meta.get("part"))
        if len(calls) == 2:
            add(draft, content)  # stored, and not known to be
            raise SpoolError("the agent was killed")
        return add(draft, content)

    lab.add = dies
    staged = lab.made.store.room.stage(None, len(large))
    staged.write(large)
    with pytest.raises(SpoolError):
        lab.made.store.put(RC, "v.mp4", "", staged, "s" * 64)
    assert lab.made.store.ledger.object(RC, "v.mp4") is None
    lab.restart()
    lab.made.store.tidy()
    [index] = lab.indexes()
    assert calls == [0, 1, 1, 2, None]
    assert lab.joined(index) == large
    assert lab.made.store.report()["waiting_bytes"] == 0


async def test_nothing_is_said_to_be_stored_while_the_spool_refuses(door: StoreLab) -> None:
    add = door.add

    def full(_draft: Any, _content: bytes) -> Any:
        raise SpoolError("the disk is full")

    door.add = full
    async with httpx.AsyncClient() as http:
        with pytest.raises(UploadRefusedError) as caught:
            await store_client(door, http).put(KEY, PHOTO)
        assert caught.value.code == "ServiceUnavailable"
        assert door.made.report()["reason"] == "the disk is full"
        door.add = add
        await store_client(door, http).put(KEY, PHOTO)  # the one that waits, not a second one
    assert len(door.indexes()) == 1
    assert door.made.report()["reason"] == ""


async def test_what_waits_to_be_whole_is_bounded_and_ends(door: StoreLab) -> None:
    object.__setattr__(door.bounds, "room", 250_000)
    async with httpx.AsyncClient() as http:
        mine = store_client(door, http)
        await mine.put_in_parts("v.mp4", PHOTO, 200_000, stop_after=1)
        with pytest.raises(UploadRefusedError, match="SlowDown"):
            await mine.put(KEY, PHOTO)
        await asyncio.to_thread(door.made.store.tidy)
        door.time.pass_s(49 * 3_600)  # it was set
        await asyncio.to_thread(door.made.store.tidy)
        assert door.made.report()["uploads"] == 1
        door.steady_s += 3_601
        await asyncio.to_thread(door.made.store.tidy)
        await store_client(door, http).put(KEY, PHOTO)
    assert door.made.report()["counts"] == {"forgotten": 1, "stored": 1}


async def test_what_its_owner_says_of_a_file_is_in_its_last_index(lab: StoreLab) -> None:
    staged = lab.made.store.room.stage(None, None)
    staged.write(PHOTO)
    lab.made.store.put(RC, KEY, "", staged, "s" * 64)
    told: list[bool] = []
    said = {"taken_us": 1_700_000_000_000_000, "lat": 34.2, "lon": 108.9, "height": None}
    for key in (KEY, KEY, "absent"):
        lab.made.tell(RC, key, dict(said), told.append, ("print", "tiny"))
        while len(told) < 1 + (key == "absent") or lab.made._working:
            await asyncio.sleep(0.001)
    assert told == [True, True, False]
    first, last = lab.indexes()
    assert (first.taken_us, last.taken_us, last.about["lat"]) == (None, 1_700_000_000_000_000, 34.2)
    assert (first.file, first.parts) == (last.file, last.parts)
    ledger = lab.made.store.ledger
    assert ledger.has_fingerprint(RC, "print")
    assert not ledger.has_fingerprint(RC, "")
    assert not ledger.has_fingerprint("OTHER01", "print")  # whose file may be another
    assert ledger.tiny_fingerprints(RC, ["tiny", "other", ""]) == ["tiny"]
    assert ledger.tiny_fingerprints("OTHER01", ["tiny"]) == []


async def test_who_asks_again_while_it_goes_into_the_spool_is_told_when_it_has(
    lab: StoreLab,
) -> None:
    store, add = lab.made.store, lab.spool.add
    begun, goes_on = threading.Event(), threading.Event()

    def slow(draft: Any, content: bytes) -> Any:
        begun.set()
        goes_on.wait(10)
        return add(draft, content)

    lab.add = slow
    ident = store.begin(RC, "v.mp4", "")
    staged = store.room.stage(ident, None)
    staged.write(PHOTO)
    etag = store.keep_part(store.mine(RC, "v.mp4", ident), 1, staged, "s" * 64)
    complete = partial(store.complete, RC, "v.mp4", ident, [(1, etag)], "s" * 64)
    first = asyncio.create_task(asyncio.to_thread(complete))
    await asyncio.to_thread(begun.wait, 10)
    second = asyncio.create_task(asyncio.to_thread(complete))
    await asyncio.sleep(0.05)
    goes_on.set()
    assert await first == await second
    assert len(lab.indexes()) == 1
