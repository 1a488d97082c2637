"""The spool records, hands out and tells; many may write at once."""

import threading
from pathlib import Path

import pytest

from fieldlab.spools import CLOCK_US, content_of, draft_of, open_spool
from fieldlink.codecs.bundle import Precedence, bundle_id, encode_manifest
from fieldlink.codecs.fault import SpoolError
from fieldlink.edge.spool import SpoolView, State, Stored


def second_of(item: Stored) -> int:
    return (item.manifest.start_us - CLOCK_US) // 1_000_000


def test_a_bundle_is_there_after_reopening_byte_for_byte(tmp_path: Path) -> None:
    contents = [content_of(n, size) for n, size in enumerate((0, 1, 4096, 4097, 300_000))]
    spool = open_spool(tmp_path)
    items = [spool.add(draft_of(n), content) for n, content in enumerate(contents)]
    spool.close()
    spool = open_spool(tmp_path)
    assert spool.findings == []
    for item, content in zip(items, contents, strict=True):
        assert spool.get(item.bundle_id) == item
        assert bundle_id(encode_manifest(item.manifest)) == item.bundle_id
        assert spool.read(item.bundle_id, 0, 1_000_000) == content
        assert spool.read(item.bundle_id, 1, 2) == content[1:3]
    spool.close()


def test_the_sequence_counts_up_across_runs(tmp_path: Path) -> None:
    seen = []
    for _ in range(3):
        spool = open_spool(tmp_path)
        seen += [spool.add(draft_of(n), b"x").manifest.sequence for n in range(3)]
        spool.close()
    assert seen == sorted(set(seen))


def test_pending_goes_by_precedence_then_deadline_then_sequence(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    spool.add(draft_of(1), b"1")
    spool.add(draft_of(2, deadline_us=9), b"2")
    spool.add(draft_of(3, deadline_us=5), b"3")
    spool.add(draft_of(4, precedence=Precedence.FLASH), b"4")
    assert [second_of(item) for item in spool.pending()] == [4, 3, 2, 1]
    assert [second_of(item) for item in spool.pending(2)] == [4, 3]
    spool.close()


def test_a_listener_hears_of_every_bundle_once_it_is_durable(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    heard: list[Stored] = []
    spool.listen(lambda added, _: heard.extend(added))
    item = spool.add(draft_of(1), b"1")
    gap = spool.add_gap("cam-1", "video", 5, 6, "source: connection refused")
    spool.close()
    assert heard == [item, gap]


def test_custody_is_durable_and_counts_news_only_once(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    item = spool.add(draft_of(1), b"1")
    assert spool.custody([item.bundle_id, b"?" * 32], 77) == 1
    assert spool.custody([item.bundle_id], 78) == 0
    spool.close()
    spool = open_spool(tmp_path)
    found = spool.get(item.bundle_id)
    assert found is not None
    assert (found.state, found.custody_us) == (State.CUSTODY, 77)
    assert spool.pending() == []
    spool.close()


def test_the_journey_is_on_record(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    item = spool.add(draft_of(1), b"1")
    for bearer, at_us in (("lte", 10), ("sat", 20), ("lte", 30)):
        spool.sent(item.bundle_id, bearer, at_us)
    spool.refused(item.bundle_id, "hash: does not match", 40)
    found = spool.get(item.bundle_id)
    assert found is not None
    assert (found.first_sent_us, found.last_sent_us, found.bearers) == (10, 30, ("lte", "sat"))
    assert (found.state, found.reason) == (State.REFUSED, "hash: does not match")
    spool.close()


def test_a_second_writer_is_told_so(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    with pytest.raises(SpoolError, match="in use by another process"):
        open_spool(tmp_path)
    view = SpoolView.open(tmp_path)
    assert list(view.bundles()) == []
    view.close()
    spool.close()


def test_files_and_folders_are_private(tmp_path: Path) -> None:
    spool = open_spool(tmp_path / "spool")
    spool.add(draft_of(1), content_of(1, 10_000))
    for path in [tmp_path / "spool", *(tmp_path / "spool").rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
    spool.close()


def test_many_writers_share_commits_and_nothing_is_mixed_up(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    written: dict[bytes, bytes] = {}

    def write(seed: int) -> None:
        for n in range(20):
            content = content_of(seed * 100 + n, 3000 + 200 * n)
            written[spool.add(draft_of(n, stream=f"s{seed}"), content).bundle_id] = content

    threads = [threading.Thread(target=write, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {i.bundle_id: spool.read(i.bundle_id, 0, 9000) for i in spool.bundles()} == written
    assert spool.verify() == []
    spool.close()
