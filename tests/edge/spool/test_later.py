"""A file's row may follow the file: what was confirmed before the row is never lost for it."""

import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fieldlab.powercut import PowerCutDisk
from fieldlab.spools import content_of, draft_of, gaps_in, media_files, open_spool
from fieldlink.codecs.fault import SpoolError
from fieldlink.edge.spool import RetentionPolicy, Spool, Stored
from fieldlink.edge.spool.index import Index, connect

SIZE = 20_000


@contextmanager
def index_held_up(spool: Spool) -> Iterator[None]:
    """No transaction ends meanwhile."""
    begun, go = threading.Event(), threading.Event()

    def job(_: object) -> None:
        begun.set()
        assert go.wait(30)

    thread = threading.Thread(target=hold, args=(spool, job))
    thread.start()
    assert begun.wait(30)
    try:
        yield
    finally:
        go.set()
        thread.join()


def hold(spool: Spool, job: object) -> None:
    try:
        spool._committer.do(job)  # type: ignore[arg-type]
    except SpoolError:
        return  # the disk died meanwhile: what the test is about


def add_some(spool: Spool, count: int, first: int = 0) -> list[Stored]:
    return [
        spool.add(draft_of(number), content_of(number, SIZE))
        for number in range(first, first + count)
    ]


def assert_all_there(spool: Spool, items: list[Stored], first: int = 0) -> None:
    for number, item in enumerate(items, first):
        assert spool.get(item.bundle_id) == item
        assert spool.read(item.bundle_id, 0, SIZE + 1) == content_of(number, SIZE)


def test_looking_shows_what_was_added_before(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    for number in range(30):
        (item,) = add_some(spool, 1, number)
        if number % 3 == 0:
            assert len(spool.pending()) == number + 1
        elif number % 3 == 1:
            assert spool.get(item.bundle_id) == item
        else:
            assert spool.totals().next_sequence == number + 2
    spool.close()


def test_a_power_cut_before_the_row_loses_nothing_and_no_number_comes_twice() -> None:
    with PowerCutDisk(1) as disk:
        spool = open_spool(disk.path / "spool")
        early = add_some(spool, 2)
        spool.pending()
        with index_held_up(spool):
            late = add_some(spool, 5, 2)
            disk.die_after(0)
        spool.close()
        disk.cut()
        spool = open_spool(disk.path / "spool")
        assert any(finding.startswith("5 media file(s)") for finding in spool.findings)
        assert_all_there(spool, early + late)
        (new,) = add_some(spool, 1, 7)
        assert new.manifest.sequence > max(item.manifest.sequence for item in late)
        spool.close()
        spool = open_spool(disk.path / "spool")
        assert spool.findings == []
        assert_all_there(spool, [*early, *late, new])
        spool.close()


_KILLED = """
import sys, threading, time
from pathlib import Path
from fieldlab.spools import content_of, draft_of, open_spool
spool = open_spool(Path(sys.argv[1]))
begun = threading.Event()
def job(_):
    begun.set()
    time.sleep(60)
threading.Thread(target=spool._committer.do, args=(job,), daemon=True).start()
begun.wait()
for number in range(5):
    item = spool.add(draft_of(number), content_of(number, 20_000))
    print(item.bundle_id.hex(), item.manifest.sequence, flush=True)
time.sleep(60)
"""


def test_kill_9_before_the_row_loses_nothing(tmp_path: Path) -> None:
    lab = str(Path(__file__).parents[2] / "lab")
    argv = [sys.executable, "-c", _KILLED, str(tmp_path)]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": lab}
    ) as killed:
        assert killed.stdout is not None
        said = [killed.stdout.readline().split() for _ in range(5)]
        killed.kill()
    spool = open_spool(tmp_path)
    for number, (bundle_id, _) in enumerate(said):
        assert spool.read(bytes.fromhex(bundle_id), 0, SIZE + 1) == content_of(number, SIZE)
    assert spool.add(draft_of(9), b"small").manifest.sequence > int(said[-1][1])
    spool.close()


@pytest.mark.parametrize("harm", ["shorter", "longer", "head", "content"])
def test_a_torn_file_without_its_row_is_removed_with_a_finding(tmp_path: Path, harm: str) -> None:
    path = file_without_row(tmp_path)
    data = bytearray(path.read_bytes())
    if harm == "longer":
        data += b"?"
    elif harm == "shorter":
        del data[-1]
    else:
        data[20 if harm == "head" else -1] ^= 1
    path.write_bytes(data)
    spool = open_spool(tmp_path)
    assert [finding[:26] for finding in spool.findings] == ["1 unfinished media file(s)"]
    assert list(spool.bundles()) == []
    assert not path.exists()
    spool.close()


def file_without_row(folder: Path) -> Path:
    """The file of a bundle whose row was never written."""
    spool = open_spool(folder)
    (item,) = add_some(spool, 1)
    spool.close()
    index = Index(connect(folder / "index.db"))
    index.begin()
    index.remove(item)
    index.forget_doomed(index.doomed())
    index.commit()
    index.close()
    (path,) = media_files(folder)
    return path


def test_a_whole_file_without_its_row_is_taken_in(tmp_path: Path) -> None:
    file_without_row(tmp_path)
    spool = open_spool(tmp_path)
    (item,) = spool.pending()
    assert spool.read(item.bundle_id, 0, SIZE + 1) == content_of(0, SIZE)
    assert spool.totals().used_bytes > SIZE
    spool.close()


def test_a_file_whose_number_is_taken_is_not_taken_in_twice(tmp_path: Path) -> None:
    path = file_without_row(tmp_path)
    twin = path.with_name(f"{int(path.stem) + 1:012d}.bundle")
    twin.write_bytes(path.read_bytes())
    spool = open_spool(tmp_path)
    assert len(spool.pending()) == 1
    assert media_files(tmp_path) == [path]
    spool.close()


def test_the_file_of_a_bundle_that_was_taken_out_is_not_taken_in(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    (item,) = add_some(spool, 1)
    spool.close()
    index = Index(connect(tmp_path / "index.db"))
    index.begin()
    index.remove(item)
    index.commit()
    index.close()
    assert len(media_files(tmp_path)) == 1
    spool = open_spool(tmp_path)
    assert list(spool.bundles()) == []
    assert media_files(tmp_path) == []
    assert spool.findings == []
    spool.close()


def test_rows_that_find_the_disk_full_follow_once_there_is_space() -> None:
    with PowerCutDisk(1) as disk:
        spool = open_spool(disk.path / "spool")
        heard: list[Stored] = []
        spool.listen(lambda added, _: heard.extend(added))
        disk.fail("write", "/spool/index.db-wal", errno.ENOSPC, times=1000)
        (first,) = add_some(spool, 1)  # its file found room
        spool.pending()
        with pytest.raises(SpoolError, match="is full"):  # from now on callers wait for the row
            add_some(spool, 1, 10)
        assert heard == []
        disk.clear_faults()
        until = time.monotonic() + 10
        while len(heard) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        assert first in heard
        assert_all_there(spool, [first])
        assert [gap.start_us for gap in gaps_in(spool)] == [draft_of(10).start_us]
        (after,) = add_some(spool, 1, 20)
        spool.close()
        disk.cut()
        spool = open_spool(disk.path / "spool")
        assert_all_there(spool, [first])
        assert_all_there(spool, [after], 20)
        spool.close()


def test_a_spool_that_is_closed_with_a_full_disk_finds_its_files_again() -> None:
    with PowerCutDisk(1) as disk:
        spool = open_spool(disk.path / "spool")
        disk.fail("write", "/spool/index.db-wal", errno.ENOSPC, times=1000)
        items = add_some(spool, 1)
        spool.close()
        disk.cut()
        spool = open_spool(disk.path / "spool")
        assert_all_there(spool, items)
        spool.close()


def test_no_more_rows_than_a_bound_are_behind_their_files(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    with index_held_up(spool):
        ahead = add_some(spool, 256)
        waiting = threading.Thread(target=add_some, args=(spool, 1, 256))
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
    waiting.join(30)
    assert len(spool.pending()) == len(ahead) + 1
    spool.close()


def test_the_quota_counts_files_whose_rows_follow(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, RetentionPolicy(quota_bytes=1_000_000))
    for number in range(60):
        spool.add(draft_of(number), content_of(number, 50_000))
    assert spool.totals().used_bytes <= 1_000_000
    assert sum(path.stat().st_size for path in media_files(tmp_path)) <= 1_000_000
    assert [gap.start_us for gap in gaps_in(spool)] == [draft_of(0).start_us]
    spool.close()


def test_slots_that_nobody_used_are_gone_after_a_crash(tmp_path: Path) -> None:
    path = file_without_row(tmp_path)
    os.truncate(path, 0)
    spool = open_spool(tmp_path)
    assert spool.findings == []
    assert not path.exists()
    spool.close()
