"""The spool on a disk that fails: what was confirmed stays, what cannot be is refused."""

import errno
from pathlib import Path

import pytest

from fieldlab.powercut import PowerCutDisk
from fieldlab.spools import content_of, draft_of, gaps_in, media_files, open_spool
from fieldlink.codecs.fault import SpoolError
from fieldlink.edge.spool import BundleGoneError, Spool, Stored
from fieldlink.edge.spool.media import read_head


def test_a_failed_fsync_puts_the_file_aside_and_writes_a_new_one() -> None:
    with PowerCutDisk(1) as disk:
        spool = open_spool(disk.path / "spool")
        disk.fail("fsync", "/spool/media/*", errno.EIO, times=1)
        item = spool.add(draft_of(1), content_of(1, 50_000))
        assert len(list((disk.path / "spool/quarantine").iterdir())) == 1
        spool.close()
        disk.cut()
        spool = open_spool(disk.path / "spool")
        assert spool.read(item.bundle_id, 0, 60_000) == content_of(1, 50_000)
        spool.close()


@pytest.mark.parametrize(
    ("operation", "pattern"),
    [
        ("fsync", "/spool/media/*"),
        ("fsync", "/spool/index.db-wal"),
        ("fsyncdir", "/spool/media/*"),
        ("write", "/spool/index.db-wal"),
    ],
)
def test_a_disk_that_keeps_failing_ends_recording(operation: str, pattern: str) -> None:
    with PowerCutDisk(1) as disk:
        spool = open_spool(disk.path / "spool")
        kept = spool.add(draft_of(1), content_of(1, 50_000))
        disk.fail(operation, pattern, errno.EIO, times=1000)
        confirmed = [kept, *add_until_refused(spool)]
        disk.clear_faults()
        with pytest.raises(SpoolError, match="disk"):  # for good: it may have lied before
            spool.add(draft_of(3), b"small")
        spool.close()
        disk.cut()
        spool = open_spool(disk.path / "spool")
        for number, item in enumerate(confirmed, 1):
            assert spool.read(item.bundle_id, 0, 60_000) == content_of(number, 50_000)
        spool.close()


def add_until_refused(spool: Spool) -> list[Stored]:
    """Contents 2, 3, ...: slots made ahead and rows that follow their files let some through."""
    confirmed: list[Stored] = []
    for number in range(2, 1000):
        try:
            confirmed.append(spool.add(draft_of(number), content_of(number, 50_000)))
        except SpoolError:
            return confirmed
    raise AssertionError("the spool never refused")


@pytest.mark.parametrize("size", [10, 50_000])
def test_a_read_only_disk_is_named(size: int) -> None:
    with PowerCutDisk(1) as disk:
        spool = open_spool(disk.path / "spool")
        disk.read_only(True)
        with pytest.raises(SpoolError, match=r"remount|read-only"):
            spool.add(draft_of(1), content_of(1, size))
        spool.close()
        with pytest.raises(SpoolError, match=r"remount|read-only"):
            open_spool(disk.path / "spool")


def test_a_damaged_media_file_is_found_before_it_is_sent(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    item, other = (spool.add(draft_of(n), content_of(n, 10_000)) for n in range(2))
    path = next(p for p in media_files(tmp_path) if read_head(p).encoded == item.encoded)
    damaged = bytearray(path.read_bytes())
    damaged[5000] ^= 1
    path.write_bytes(damaged)
    assert [(found.bundle_id, fault) for found, fault in spool.verify()] == [
        (item.bundle_id, "media damaged: its content does not match its hash")
    ]
    with pytest.raises(BundleGoneError, match="media damaged"):
        spool.read(item.bundle_id, 0, 10)
    assert spool.get(item.bundle_id) is None
    assert [gap.start_us for gap in gaps_in(spool)] == [item.manifest.start_us]
    assert len(list((tmp_path / "quarantine").iterdir())) == 1
    assert len(spool.read(other.bundle_id, 0, 20_000)) == 10_000
    spool.close()
