"""The store against what comes late, at once, too often, or from somebody who was removed."""

import asyncio
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from fieldlab.originals import RC, StoreLab, store_client
from fieldlink.codecs.fault import SpoolError
from fieldlink.edge.originals.faults import RefusalError
from fieldlink.edge.originals.room import Room
from fieldlink.edge.simulate.s3_client import UploadRefusedError

pytestmark = pytest.mark.anyio
KEY = f"{RC}/DJI_0001.JPG"
PHOTO = random.Random(1).randbytes(200_000)


def staged_part(lab: StoreLab, ident: str, content: bytes) -> Any:
    made = lab.made.store.stage(ident, len(content))
    made.write(content)
    return made


async def test_a_part_that_comes_late_neither_harms_a_whole_upload_nor_takes_room(
    lab: StoreLab,
) -> None:
    store = lab.made.store
    ident = store.begin(RC, "v.mp4", "")
    upload = store.mine(RC, "v.mp4", ident)
    late = staged_part(lab, ident, PHOTO[::-1])
    later = staged_part(lab, ident, PHOTO[::-1])
    etag = store.keep_part(upload, 1, staged_part(lab, ident, PHOTO), "a" * 64)

    def refuses(_draft: Any, _content: bytes) -> Any:
        raise SpoolError("the disk is full")

    add, lab.add = lab.add, refuses
    with pytest.raises(SpoolError):
        store.complete(RC, "v.mp4", ident, [(1, etag)], "s" * 64)
    with pytest.raises(RefusalError, match="whole already"):  # a connection that was thought dead
        store.keep_part(upload, 1, late, "b" * 64)
    lab.add = add
    store.tidy()
    [index] = lab.indexes()
    assert lab.joined(index) == PHOTO
    (store._staging / ident).mkdir(exist_ok=True)
    later.path.touch()
    with pytest.raises(RefusalError, match="no such upload"):
        store.keep_part(upload, 1, later, "c" * 64)
    assert store.report()["waiting_bytes"] == 0


async def test_tidying_up_leaves_what_begins_in_that_moment(
    lab: StoreLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, begun = lab.made.store, []
    uploads, busy = store.ledger.uploads, vars(Room)["busy"].fget

    def begins(found: Any) -> Any:
        begun.append(store.room.stage(None, 10))
        return found

    monkeypatch.setattr(store.ledger, "uploads", lambda *owner: begins(uploads(*owner)))
    monkeypatch.setattr(Room, "busy", property(lambda room: begins(busy(room))))
    store.tidy()
    assert len(begun) > 2
    assert all(one.path.exists() for one in begun)


async def test_uploads_that_were_left_make_way_for_others(lab: StoreLab) -> None:
    store = lab.made.store
    idents = [store.begin(RC, f"{number}.mp4", "") for number in range(32)]
    with pytest.raises(RefusalError, match="32 uploads"):
        store.begin(RC, "more.mp4", "")
    lab.time.pass_s(3_700)
    lab.steady_s += 3_700
    upload = store.mine(RC, "0.mp4", idents[0])
    store.keep_part(upload, 1, staged_part(lab, idents[0], PHOTO), "a" * 64)
    store.begin(RC, "more.mp4", "")
    assert [one.key for one in store.ledger.uploads()] == ["0.mp4", "more.mp4"]


async def test_waiting_for_the_spool_holds_no_threads_of_others(door: StoreLab) -> None:
    goes_on, add = threading.Event(), door.add

    def slow(draft: Any, content: bytes) -> Any:
        goes_on.wait(10)
        return add(draft, content)

    door.add = slow
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(3))
    async with httpx.AsyncClient() as http:
        puts = [
            asyncio.create_task(store_client(door, http).put(f"{number}.JPG", PHOTO))
            for number in range(6)
        ]
        try:
            async with asyncio.timeout(8):
                while len(list((door.folder / "staging").iterdir())) < 6:
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.2)
                await asyncio.to_thread(len, "another's work")
        finally:
            goes_on.set()
            await asyncio.gather(*puts)
    assert len(door.indexes()) == 6


async def test_a_controller_that_was_removed_is_refused_at_once(door: StoreLab) -> None:
    async with httpx.AsyncClient() as http:
        mine = store_client(door, http)
        await mine.put(KEY, PHOTO)
        del door.owners[RC]
        for ask in (mine.put_in_parts("v.mp4", PHOTO, 100_000, stop_after=1), mine.put("b", b"b")):
            with pytest.raises(UploadRefusedError, match="AccessDenied"):
                await ask


async def test_a_year_that_has_not_come_is_not_believed(lab: StoreLab) -> None:
    staged = lab.made.store.stage(None, None)
    staged.write(PHOTO)
    lab.made.store.put(RC, KEY, "", staged, "s" * 64)
    for taken_us in (4_070_908_800_000_000, 0):  # 2099, 1970
        assert lab.made.store.tell(RC, KEY, {"taken_us": taken_us, "camera": str(taken_us)})
    assert {one.taken_us for one in lab.indexes()} == {None}
    newest = max(one.manifest.start_us for one in lab.files())
    assert newest <= lab.time.now_us()
