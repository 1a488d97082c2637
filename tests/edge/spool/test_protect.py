"""Bookmarked spans: given up last, also after a restart, and no longer once the mark is gone."""

from pathlib import Path

import pytest

from fieldlab.spools import CLOCK_US, content_of, draft_of, gaps_in, open_spool
from fieldlink.codecs.bundle import Layer
from fieldlink.edge.spool import RetentionPolicy, Span, Spool, State, Stored
from fieldlink.edge.spool.index import Index, connect
from fieldlink.edge.spool.policy import POLICY_VERSION
from fieldlink.edge.spool.span import pack_spans

POLICY = RetentionPolicy(quota_bytes=1_000_000)


def span(first_s: int, last_s: int, *, device: str = "", layer: str = "") -> Span:
    start_us, end_us = (CLOCK_US + second * 1_000_000 for second in (first_s, last_s))
    return Span(device, "", layer, start_us, end_us)


def _fill(spool: Spool, seconds: range, layer: Layer = Layer.ORIGINAL) -> list[Stored]:
    return [spool.add(draft_of(n, layer), content_of(n, 100_000)) for n in seconds]


def _held(spool: Spool) -> list[int]:
    return [
        (item.manifest.start_us - CLOCK_US) // 1_000_000
        for item in spool.bundles()
        if item.manifest.layer is not Layer.REPORT
    ]


def test_a_bookmarked_span_and_the_bundle_just_before_it_outlive_everything_else(
    tmp_path: Path,
) -> None:
    spool = open_spool(tmp_path, POLICY)
    _fill(spool, range(0, 18, 2))
    kept = spool.protect([span(4, 7, layer="original")])
    assert kept == 3  # the seconds 4 and 6, and 2 before them
    _fill(spool, range(20, 26), Layer.STILL)
    assert _held(spool) == [2, 4, 6, *range(20, 26)]
    assert {gap.layer for gap in gaps_in(spool)} == {"original"}
    spool.close()


def test_what_is_recorded_into_the_span_later_is_kept_too_and_displaces_others(
    tmp_path: Path,
) -> None:
    spool = open_spool(tmp_path, POLICY)
    spool.protect([span(50, 60)])
    _fill(spool, range(9), Layer.STILL)
    item = spool.add(draft_of(55), content_of(55, 190_000))
    assert item.state is State.PENDING
    assert _held(spool) == [*range(1, 9), 55]
    spool.close()


def test_it_is_kept_after_a_restart(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, POLICY)
    _fill(spool, range(3))
    spool.protect([span(1, 1), span(30, 31)])
    spool.close()
    spool = open_spool(tmp_path, POLICY)
    assert spool.protected == (span(1, 1), span(30, 31))
    _fill(spool, range(30, 31))
    _fill(spool, range(10, 19), Layer.PROXY)
    assert set(_held(spool)) >= {0, 1, 30}
    spool.close()


def test_without_the_mark_it_is_worth_what_it_was(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, POLICY)
    _fill(spool, range(9))
    assert spool.protect([span(0, 2)]) == 3
    assert spool.protect([span(7, 7)]) == 2  # and 6, which ends where it begins
    assert spool.protect([]) == 0
    _fill(spool, range(20, 28), Layer.PROXY)
    assert _held(spool) == [8, *range(20, 28)]
    spool.close()


def test_a_mark_of_another_device_or_layer_keeps_nothing(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, POLICY)
    _fill(spool, range(3))
    assert spool.protect([span(0, 2, device="cam-2"), span(0, 2, layer="proxy")]) == 0
    spool.close()


def test_what_the_centre_has_goes_first_whatever_was_marked(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, POLICY)
    items = _fill(spool, range(9))
    spool.protect([span(0, 1)])
    spool.custody([items[0].bundle_id], 1)
    spool.refused(items[1].bundle_id, "manifest", 1)
    _fill(spool, range(20, 27), Layer.STILL)
    assert _held(spool) == [1, 8, *range(20, 27)]
    spool.close()


def test_an_index_of_the_former_policy_is_ranked_again(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, POLICY)
    _fill(spool, range(2))
    spool.close()
    index = Index(connect(tmp_path / "index.db"))
    index.set_fact("policy", POLICY_VERSION - 1)
    index.close()
    spool = open_spool(tmp_path, POLICY)
    assert spool.protect([span(1, 1)]) == 2
    spool.close()


@pytest.mark.parametrize("packed", [b"", b"\xc1", pack_spans([Span("", "", "", 0, 2**63)])])
def test_bookmarks_that_cannot_be_read_keep_no_spool_from_opening(
    packed: bytes, tmp_path: Path
) -> None:
    open_spool(tmp_path, POLICY).close()
    index = Index(connect(tmp_path / "index.db"))
    index.set_fact("spans", packed)
    index.close()
    spool = open_spool(tmp_path, POLICY)
    assert not spool.protected
    assert spool.protect([span(4, 7)]) == 0
    spool.close()


def test_no_bookmark_keeps_an_alarm_out_or_drives_out_what_devices_were_told_is_stored(
    tmp_path: Path,
) -> None:
    spool = open_spool(tmp_path, POLICY)
    spool.protect([span(0, 100, layer="original")])
    _fill(spool, range(12))
    reports = [
        spool.add(draft_of(50 + n, Layer.REPORT), content_of(50 + n, 30_000)).bundle_id
        for n in range(12)
    ]
    _fill(spool, range(20, 30))
    assert all(spool.get(one) is not None for one in reports)
    spool.close()
