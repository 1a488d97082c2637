"""Opening a spool in whatever state it was left."""

import os
import sqlite3
import time
from pathlib import Path

import pytest

from fieldlab.spools import content_of, draft_of, fill_quickly, gaps_in, media_files, open_spool
from fieldlink.codecs.fault import SpoolError
from fieldlink.edge.spool import SpoolView


def test_a_media_file_that_vanished_leaves_a_gap(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    items = [spool.add(draft_of(n * 10), content_of(n, 10_000)) for n in range(2)]
    spool.close()
    media_files(tmp_path)[0].unlink()
    os.truncate(media_files(tmp_path)[0], 700)
    spool = open_spool(tmp_path)
    assert [spool.get(item.bundle_id) for item in items] == [None, None]
    assert len(gaps_in(spool)) == 2
    assert any("lost its media file" in finding for finding in spool.findings)
    spool.close()


def test_an_unfinished_media_file_is_swept(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    spool.add(draft_of(1), content_of(1, 10_000))
    spool.close()
    stray = media_files(tmp_path)[0].with_name("000000000099.bundle")
    stray.write_bytes(b"FLBUNDLE\0")
    spool = open_spool(tmp_path)
    assert not stray.exists()
    assert any("unfinished" in finding for finding in spool.findings)
    spool.close()


def test_a_spool_from_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    open_spool(tmp_path).close()
    index = sqlite3.connect(tmp_path / "index.db")
    index.execute("PRAGMA user_version=7")
    index.close()
    before = {path: path.read_bytes() for path in tmp_path.glob("index*")}
    with pytest.raises(SpoolError, match=r"has version 7 and this program knows up to 1: update"):
        open_spool(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.glob("index*")} == before
    with pytest.raises(SpoolError, match="update"):
        SpoolView.open(tmp_path)


@pytest.mark.parametrize("harm", ["garbage", "truncated", "header", "missing", "inside"])
def test_a_lost_index_is_rebuilt_from_the_media_files(tmp_path: Path, harm: str) -> None:
    spool = open_spool(tmp_path)
    contents = {n: content_of(n, 6_000) for n in range(60)}
    items = {n: spool.add(draft_of(n), content) for n, content in contents.items()}
    spool_id = spool.spool_id
    spool.close()
    path = tmp_path / "index.db"
    size = path.stat().st_size
    if harm == "missing":
        path.unlink()
    elif harm == "garbage":
        path.write_bytes(content_of(1, size))
    elif harm == "truncated":
        os.truncate(path, size // 2)
    else:
        with path.open("r+b") as file:
            file.seek(0 if harm == "header" else 4096)
            file.write(content_of(2, 50 if harm == "header" else size - 8192))
    spool = open_spool(tmp_path)
    assert any("rebuilt from 60 media files" in finding for finding in spool.findings)
    assert spool.spool_id != spool_id
    for n, item in items.items():
        assert spool.read(item.bundle_id, 0, 10_000) == contents[n]
    assert spool.add(draft_of(99), b"x").manifest.sequence > 60
    assert harm == "missing" or list((tmp_path / "quarantine").glob("*/index.db"))
    spool.close()


def test_twenty_thousand_bundles_open_without_a_look_at_each(tmp_path: Path) -> None:
    fill_quickly(tmp_path, 20_000)
    started = time.perf_counter()
    spool = open_spool(tmp_path)
    took_s = time.perf_counter() - started
    assert sum(count.bundles for count in spool.totals().pending.values()) == 20_000
    spool.close()
    # The figure is the benchmark's; this is for a look at every file slipping in.
    assert took_s < 2
