"""What was imported gives way to what is recorded now: the card still has it."""

from dataclasses import replace
from pathlib import Path

from fieldlab.spools import content_of, draft_of, open_spool
from fieldlink.codecs.bundle import IMPORTED, Draft, Layer
from fieldlink.edge.spool import RetentionPolicy, Spool, State

POLICY = RetentionPolicy(quota_bytes=1_000_000)


def _imported(second: int, layer: Layer = Layer.ORIGINAL) -> Draft:
    return replace(draft_of(second, layer), meta={IMPORTED: "abcdef01"})


def _held(spool: Spool) -> set[tuple[bool, int]]:
    return {
        (IMPORTED in item.manifest.meta, item.manifest.size)
        for item in spool.bundles()
        if item.manifest.layer is not Layer.REPORT
    }


def test_an_import_into_a_full_spool_is_refused_and_costs_nothing(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, POLICY)
    for second in range(9):
        spool.add(draft_of(second), content_of(second, 100_001 + second))
    before = _held(spool)
    for layer in (Layer.ORIGINAL, Layer.STILL):
        item = spool.add(_imported(100, layer), content_of(100, 99_999))
        assert item.state is State.GIVEN_UP
    assert _held(spool) == before
    spool.close()


def test_what_is_recorded_now_displaces_imports_the_newest_of_them_first(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, POLICY)
    for second in range(4):
        spool.add(_imported(second), content_of(second, 100_001 + second))
    for second in range(4, 11):
        item = spool.add(draft_of(second), content_of(second, 100_001 + second))
        assert item.state is State.PENDING
    live = {(False, 100_001 + second) for second in range(4, 11)}
    # What was begun of a file is whole as long as can be: the last that came of it goes.
    assert _held(spool) == live | {(True, 100_001), (True, 100_002)}
    spool.close()
