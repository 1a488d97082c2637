"""Until when a device is on record, as the spool says it after any end of the agent."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldlink.codecs.bundle import Draft, Gap, Layer, Precedence
from fieldlink.edge.capture.before import Recorded, gap_bundle
from fieldlink.edge.recorded import recorded_until
from fieldlink.edge.spool import RetentionPolicy, Spool

_S = 1_000_000
_AWAY = "agent: not running"


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    policy = RetentionPolicy(quota_bytes=10**9, keep_free_bytes=0)
    made = Spool.open(tmp_path / "spool", kit="kit-1", policy=policy, clock=lambda: 1)
    yield made
    made.close()


def _add(spool: Spool, device: str, layer: Layer, start_s: int, end_s: int) -> None:
    draft = Draft(
        device=device,
        stream="video",
        layer=layer,
        precedence=Precedence.ROUTINE,
        start_us=start_s * _S,
        end_us=end_s * _S,
        recorded_us=end_s * _S,
        media_type="video/mp4",
    )
    spool.add(draft, b"x")


def test_what_was_never_recorded_has_no_gap(spool: Spool, tmp_path: Path) -> None:
    _add(spool, "b", Layer.ORIGINAL, 0, 10)
    assert recorded_until(tmp_path / "spool", ["a"], _AWAY) == {}


def test_a_stream_ends_with_its_newest_media_and_a_layer_that_ended_early_is_named(
    spool: Spool, tmp_path: Path
) -> None:
    _add(spool, "a", Layer.ORIGINAL, 0, 10)
    _add(spool, "a", Layer.PROXY, 8, 12)
    _add(spool, "a", Layer.STILL, 14, 14)
    found = recorded_until(tmp_path / "spool", ["a"], _AWAY)["a"]
    assert found == Recorded(14 * _S, {Layer.ORIGINAL: 10 * _S, Layer.PROXY: 12 * _S}, _AWAY)
    spans = [(gap.layer, gap.start_us // _S, gap.end_us // _S) for gap in found.missing("a", "v")]
    assert sorted(spans) == [("original", 10, 14), ("proxy", 12, 14)]


def test_an_outage_on_record_is_not_recorded_twice(spool: Spool, tmp_path: Path) -> None:
    _add(spool, "a", Layer.ORIGINAL, 0, 10)
    _add(spool, "a", Layer.PROXY, 0, 10)
    spool.add_gap("a", "video", 10 * _S, 90 * _S, "source: closed")
    found = recorded_until(tmp_path / "spool", ["a"], _AWAY)
    assert found == {"a": Recorded(90 * _S, {}, _AWAY)}


def test_a_layer_that_is_already_said_to_be_missing_is_not_said_again(
    spool: Spool, tmp_path: Path
) -> None:
    _add(spool, "a", Layer.ORIGINAL, 0, 10)
    _add(spool, "a", Layer.STILL, 14, 14)
    for gap in recorded_until(tmp_path / "spool", ["a"], _AWAY)["a"].missing("a", "video"):
        spool.add(*gap_bundle(gap, 1))
    assert recorded_until(tmp_path / "spool", ["a"], _AWAY) == {"a": Recorded(14 * _S, {}, _AWAY)}


def test_media_given_up_long_ago_do_not_count_as_the_end(spool: Spool, tmp_path: Path) -> None:
    _add(spool, "a", Layer.ORIGINAL, 900, 910)
    old = Gap("a", "video", 0, 10 * _S, "given up: the disk is full", "original")
    spool.add(*gap_bundle(old, 1))
    assert recorded_until(tmp_path / "spool", ["a"], _AWAY) == {"a": Recorded(910 * _S, {}, _AWAY)}


def test_a_device_that_has_been_silent_for_thousands_of_bundles_is_found(
    spool: Spool, tmp_path: Path
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    _add(spool, "old", Layer.ORIGINAL, 0, 10)
    with ThreadPoolExecutor(64) as pool:
        list(pool.map(lambda n: _add(spool, "a", Layer.ORIGINAL, n, n + 1), range(1200)))
    found = recorded_until(tmp_path / "spool", ["old"], _AWAY)
    assert found == {"old": Recorded(10 * _S, {}, _AWAY)}
