"""What the spool gives up when it is short of room, and the gap records that say so."""

import contextlib
import errno
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import pytest

from fieldlab.powercut import PowerCutDisk
from fieldlab.spools import (
    CLOCK_US,
    content_of,
    draft_of,
    gaps_in,
    media_files,
    open_spool,
)
from fieldlink.codecs.bundle import Layer
from fieldlink.codecs.fault import SpoolError
from fieldlink.edge.spool import RetentionPolicy, State, Stored


def second_of(item: Stored) -> int:
    return (item.manifest.start_us - CLOCK_US) // 1_000_000


def test_what_the_centre_has_goes_first_and_leaves_no_gap(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, RetentionPolicy(quota_bytes=1_000_000))
    old = [spool.add(draft_of(n), content_of(n, 100_000)) for n in range(9)]
    spool.custody([item.bundle_id for item in old[3:6]], 1)
    new = [spool.add(draft_of(n), content_of(n, 100_000)) for n in range(9, 12)]
    assert [spool.get(item.bundle_id) is None for item in old] == [False] * 3 + [True] * 3 + [
        False
    ] * 3
    assert all(spool.get(item.bundle_id) for item in new)
    assert gaps_in(spool) == []
    assert len(media_files(tmp_path)) == 9
    spool.close()


def test_a_listener_hears_of_everything_that_is_given_up_or_replaced(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, RetentionPolicy(quota_bytes=1_000_000))
    held: set[bytes] = set()

    def follow(added: Sequence[Stored], gone: Sequence[bytes]) -> None:
        held.update(item.bundle_id for item in added)
        held.difference_update(gone)

    spool.listen(follow)
    for n in range(40):
        spool.add(draft_of(n), content_of(n, 100_000))
    spool.pending()
    assert held == {item.bundle_id for item in spool.bundles()}
    spool.close()


def test_originals_go_before_proxies_and_one_gap_says_so(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, RetentionPolicy(quota_bytes=1_000_000))
    for n in range(5):
        spool.add(draft_of(n), content_of(n, 100_000))
        spool.add(draft_of(n, Layer.PROXY), content_of(n, 50_000))
    for n in range(5, 12):
        spool.add(draft_of(n, Layer.STILL), content_of(n, 90_000))
    kept = [(item.manifest.layer, second_of(item)) for item in spool.bundles()]
    assert [n for layer, n in kept if layer is Layer.PROXY] == list(range(5))
    assert [n for layer, n in kept if layer is Layer.STILL] == list(range(5, 12))
    (gap,) = gaps_in(spool)
    assert (gap.layer, gap.device, gap.stream) == ("original", "cam-1", "video")
    assert gap.reason == "given-up: the disk was short"
    first_kept = min((n for layer, n in kept if layer is Layer.ORIGINAL), default=5)
    assert (gap.start_us, gap.end_us) == (CLOCK_US, CLOCK_US + first_kept * 1_000_000)
    spool.close()


def test_a_new_original_does_not_displace_what_is_worth_more(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, RetentionPolicy(quota_bytes=1_000_000))
    stills = [spool.add(draft_of(n, Layer.STILL), content_of(n, 190_000)) for n in range(5)]
    item = spool.add(draft_of(99), content_of(99, 200_000))
    assert item.state is State.GIVEN_UP
    assert all(spool.get(still.bundle_id) for still in stills)
    assert [(gap.layer, gap.start_us) for gap in gaps_in(spool)] == [
        ("original", item.manifest.start_us)
    ]
    spool.close()


def test_a_full_disk_makes_room_by_policy() -> None:
    with PowerCutDisk(1) as disk:
        disk.limit(2_000_000)
        spool = open_spool(disk.path / "spool")
        stills = [spool.add(draft_of(n, Layer.STILL), content_of(n, 100_000)) for n in range(6)]
        original = spool.add(draft_of(7), content_of(7, 300_000))
        more = [spool.add(draft_of(n, Layer.STILL), content_of(n, 100_000)) for n in range(9, 15)]
        assert spool.get(original.bundle_id) is None
        assert all(spool.get(item.bundle_id) for item in stills[-1:] + more)
        assert ("original", original.manifest.start_us) in {
            (gap.layer, gap.start_us) for gap in gaps_in(spool)
        }
        spool.close()


def test_the_reserve_lets_a_brimful_disk_give_up_bundles() -> None:
    with PowerCutDisk(1) as disk:
        disk.limit(2_200_000)
        spool = open_spool(disk.path / "spool")
        spool.add(draft_of(7), content_of(7, 300_000))
        with (disk.path / "else").open("wb", buffering=0) as other:
            fill(other)
        reports = [spool.add(draft_of(n, Layer.REPORT), content_of(n, 4000)) for n in range(8, 20)]
        assert [spool.read(r.bundle_id, 0, 5000) for r in reports] == [
            content_of(n, 4000) for n in range(8, 20)
        ]
        assert [gap.layer for gap in gaps_in(spool)] == ["original"]
        spool.close()


def fill(file: IO[bytes]) -> None:
    with contextlib.suppress(OSError):
        while True:
            file.write(bytes(512))


def test_what_a_full_disk_refused_gets_its_gap_once_there_is_space() -> None:
    with PowerCutDisk(1) as disk:
        spool = open_spool(disk.path / "spool")
        disk.fail("write", "/spool/media/*", errno.ENOSPC, times=1000)
        with pytest.raises(SpoolError, match="is full"):
            spool.add(draft_of(50), content_of(50, 90_000))
        disk.clear_faults()
        spool.add(draft_of(60), content_of(60, 90_000))
        (gap,) = gaps_in(spool)
        assert (gap.layer, gap.start_us) == ("original", draft_of(50).start_us)
        assert gap.reason.startswith("not recorded: the disk of")
        spool.close()
