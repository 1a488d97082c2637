"""What an admitted kit, a full disk and a clock that is set back may do to the receiver."""

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldlab.receiving import T0_US, StillCentre, make_bundle
from fieldlink.codecs.bundle import Ranges
from fieldlink.codecs.wire import AckItem, Verdict
from fieldlink.relay.catalogue import STANDING, Kit
from fieldlink.relay.receiver import partial as partial_module
from fieldlink.relay.receiver.outbox import Outbox, Stamp
from fieldlink.relay.receiver.tally import Tally

_HOUR_US = 3_600_000_000


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[StillCentre]:
    still = StillCentre(tmp_path)
    yield still
    still.close()


def test_answers_grow_later_although_the_clock_is_set_back(centre: StillCentre) -> None:
    bundle = make_bundle(b"x" * 100)
    before = centre.take(bundle.chunk(0, 10))
    centre.now_us -= 3 * _HOUR_US
    after = centre.take(bundle.chunk(10, 20))
    assert before is not None
    assert after is not None
    assert after.at_us > before.at_us
    assert after.ranges == Ranges([(0, 20)])


def test_a_clock_that_is_set_back_holds_no_answer_back() -> None:
    outbox = Outbox(lambda *_: None)
    outbox.put("kit-a", AckItem(b"x" * 32, Verdict.CUSTODY, T0_US), T0_US)
    assert not outbox.due(T0_US + 1)
    assert outbox.due(T0_US + 50_000)
    assert outbox.due(T0_US - _HOUR_US)


def test_that_a_part_is_held_waits_for_a_better_answer_and_nothing_else_does() -> None:
    outbox = Outbox(lambda *_: None)
    outbox.put("kit-a", AckItem(b"x" * 32, Verdict.HAVE, T0_US, Ranges([(0, 5)])), T0_US)
    assert not outbox.due(T0_US + 690_000)
    assert outbox.due(T0_US + 700_000)
    outbox.put("kit-a", AckItem(b"y" * 32, Verdict.HAVE, T0_US), T0_US + 100_000)
    assert outbox.due(T0_US + 150_000)  # the kit waits to hear that nothing is held


def test_stamps_follow_a_clock_that_goes_forward() -> None:
    times = iter([10, 20, 5, 30])
    stamp = Stamp(lambda: next(times))
    assert [stamp() for _ in range(4)] == [10, 20, 21, 30]


def test_a_clock_that_is_set_back_holds_no_event_back() -> None:
    tally = Tally()
    tally.note("digest", "kit-a", "one", T0_US)
    tally.note("digest", "kit-a", "two", T0_US + 1)
    assert len(tally.take(T0_US + 2)) == 1
    assert [event.text for event in tally.take(T0_US - _HOUR_US)] == ["two"]
    tally.note("digest", "kit-a", "three", T0_US - 2 * _HOUR_US)
    assert [event.text for event in tally.take(T0_US - 2 * _HOUR_US)] == ["three"]


def test_a_kit_heard_before_the_clock_was_set_back_does_not_stay_connected() -> None:
    kit = Kit("kit-a", joined_us=1, last_heard_us=T0_US)
    assert kit.connected(T0_US + 1)
    assert not kit.connected(T0_US - _HOUR_US)


def test_idle_bundles_make_room_after_the_clock_was_set_back(tmp_path: Path) -> None:
    centre = StillCentre(tmp_path, max_partials=1)
    centre.take(make_bundle(b"x" * 100, sequence=1).chunk(0, 10))
    centre.now_us -= _HOUR_US
    answer = centre.take(make_bundle(b"y" * 100, sequence=2).chunk(0, 10))
    assert answer is not None
    assert answer.verdict is Verdict.HAVE
    centre.close()


def test_a_whole_that_fails_over_earlier_chunks_takes_them_along(
    centre: StillCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = make_bundle(bytes(range(100)))
    centre.take(bundle.chunk(0, 40))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(partial_module, "_write_all", full)
        refused = centre.take(bundle.whole())
    assert refused is not None
    assert refused.reason.startswith("busy:")
    centre.take(bundle.chunk(40, 100))
    centre.commit()
    centre.send_rest(bundle)
    assert centre.file_of(bundle).read_bytes() == bundle.content


def test_spans_of_time_that_no_stream_has_do_not_stop_the_centre(centre: StillCentre) -> None:
    for n in range(3):
        bundle = make_bundle(bytes([n]), sequence=n, start_us=0, end_us=2**63 - 1)
        centre.send_rest(bundle)
    opened = centre.catalogue.open_incident("a", T0_US)
    assert opened.id != STANDING
    [stream] = centre.catalogue.streams(STANDING)
    assert stream.layers["proxy"].bundles == 3


def test_a_bundle_in_crumbs_is_filled_from_the_front(
    centre: StillCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partial_module, "_MOST_SPANS", 8)
    bundle = make_bundle(bytes(100))
    for at in range(0, 16, 2):
        centre.take(bundle.chunk(at, at + 1))
    answer = centre.take(bundle.chunk(50, 51))
    assert answer is not None
    assert answer.reason.startswith("busy:")
    answer = centre.take(bundle.chunk(1, 2))
    assert answer is not None
    assert answer.verdict is Verdict.HAVE
    centre.send_rest(bundle)


def test_what_the_journal_takes_counts_as_under_way(tmp_path: Path) -> None:
    centre = StillCentre(tmp_path)
    bundle = make_bundle(bytes(200))
    for at in range(100):
        centre.take(bundle.chunk(at, at + 1))
    files = sum(path.stat().st_size for path in centre.archive.incoming.glob("kit-a/*"))
    assert centre.incoming.totals()["kit-a"] == (1, files)
    centre.close()
    again = StillCentre(tmp_path)
    assert again.incoming.totals()["kit-a"] == (1, files)
    again.close()


def test_what_a_kit_that_was_put_out_left_behind_is_removed(tmp_path: Path) -> None:
    centre = StillCentre(tmp_path, kits=("kit-a", "kit-b"))
    for kit in ("kit-a", "kit-b"):
        centre.take(make_bundle(b"x" * 100, kit=kit).chunk(0, 10), kit=kit)
    centre.incoming.keep_only(["kit-b"])
    assert not list(centre.archive.incoming.glob("kit-a/*"))
    assert len(list(centre.archive.incoming.glob("kit-b/*.part"))) == 1
    centre.close()


def test_idle_bundles_are_removed_when_their_disk_is_needed(centre: StillCentre) -> None:
    centre.take(make_bundle(b"x" * 100, sequence=1).chunk(0, 10))
    centre.now_us += 700_000_000
    centre.take(make_bundle(b"x" * 100, sequence=2).chunk(0, 10))
    centre.incoming.drop_idle(centre.now_us)
    assert centre.incoming.totals()["kit-a"][0] == 1
