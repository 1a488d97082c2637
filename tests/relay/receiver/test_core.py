"""The receiver's session core, with archive and catalogue, without network and threads."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlab.receiving import T0_US, StillCentre, make_bundle
from fieldlink.codecs.bundle import GAP_MEDIA_TYPE, Gap, Layer, Ranges, bundle_id, encode_gap
from fieldlink.codecs.wire import Ask, Hello, State, Verdict, Welcome, encode_frame
from fieldlink.relay.archive.verify import verify


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[StillCentre]:
    still = StillCentre(tmp_path, kits=("kit-a", "kit-b"))
    yield still
    still.close()


@given(data=st.data(), size=st.integers(0, 4000), seed=st.integers(0, 2**32))
def test_any_chunking_order_duplicates_and_restarts_give_exactly_one_whole_file(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, size: int, seed: int
) -> None:
    root = tmp_path_factory.mktemp("centre")
    bundle = make_bundle(random.Random(seed).randbytes(size))
    spans = data.draw(
        st.lists(st.tuples(st.integers(0, size), st.integers(0, size)).map(sorted), max_size=12)
    )
    steps = data.draw(st.lists(st.sampled_from(["restart", "commit", "nothing"]), max_size=12))
    centre = StillCentre(root)
    for number, (start, end) in enumerate(spans):
        if start < end or not size:
            centre.take(bundle.chunk(start, end))
        step = steps[number % len(steps)] if steps else "nothing"
        if step == "commit":
            centre.commit()
        elif step == "restart":
            centre.close()
            centre = StillCentre(root)
    centre.send_rest(bundle, step=data.draw(st.integers(200, 5000)))
    assert [path.read_bytes() for path in centre.files()] == [bundle.content]
    assert [one.problem for one in verify(centre.archive, centre.catalogue)] == [None]
    assert not list(centre.archive.incoming.glob("*/*"))
    centre.close()


def test_a_bundle_lies_where_its_names_and_time_say(centre: StillCentre) -> None:
    bundle = make_bundle(b"x" * 100, start_us=1_767_323_045_678_000, end_us=1_767_323_046_000_000)
    centre.send_rest(bundle)
    path = centre.file_of(bundle).relative_to(centre.archive.root).as_posix()
    assert path == "standing/kit-a/ball-1/video/2026-01-02/030405.678-proxy-1.mp4"
    assert centre.file_of(bundle).stat().st_mode & 0o777 == 0o640


def test_its_journey_is_on_record(centre: StillCentre) -> None:
    bundle = make_bundle(b"x" * 100)
    centre.take(bundle.chunk(0, 60, bearer="lte", sent_us=T0_US + 7))
    centre.take(bundle.chunk(60, 100, bearer="sat", sent_us=T0_US + 6))
    centre.commit()
    filed = centre.catalogue.bundle(bundle.id)
    assert filed is not None
    journey = filed.journey
    assert journey.captured_us == bundle.manifest.recorded_us
    assert journey.first_sent_us == T0_US + 6
    assert journey.first_received_us is not None
    assert journey.last_received_us is not None
    assert journey.first_received_us < journey.last_received_us < journey.custody_us
    assert journey.bearers == ("lte", "sat")


def test_a_journey_goes_on_over_a_restart(tmp_path: Path) -> None:
    bundle = make_bundle(b"x" * 100)
    before = StillCentre(tmp_path)
    before.take(bundle.chunk(0, 60, bearer="lte"))
    before.close()
    after = StillCentre(tmp_path)
    after.take(bundle.chunk(60, 100, with_manifest=False, bearer="sat"))
    after.commit()
    filed = after.catalogue.bundle(bundle.id)
    assert filed is not None
    assert filed.journey.bearers == ("lte", "sat")
    after.close()


def test_custody_is_answered_again_at_once(centre: StillCentre) -> None:
    bundle = make_bundle(b"x" * 100)
    centre.send_rest(bundle)
    centre.answers.clear()
    again = centre.take(bundle.chunk(0, 10, with_manifest=False))
    assert again is not None
    assert again.verdict is Verdict.CUSTODY


def test_a_chunk_without_a_known_manifest_is_answered_with_nothing_held(
    centre: StillCentre,
) -> None:
    answer = centre.take(make_bundle(b"x" * 100).chunk(0, 10, with_manifest=False))
    assert answer is not None
    assert (answer.verdict, answer.ranges) == (Verdict.HAVE, Ranges())


def test_a_tampered_chunk_is_refused_and_named(centre: StillCentre) -> None:
    bundle = make_bundle(b"x" * 100)
    answer = centre.take(bundle.chunk(0, 50, payload=b"y" * 50))
    assert answer is not None
    assert answer.verdict is Verdict.REFUSED
    assert answer.reason.startswith("digest:")
    [event] = centre.tally.take(centre.now_us)
    assert (event.kind, event.kit) == ("digest", "kit-a")
    centre.send_rest(bundle)


def test_a_bundle_whose_content_is_another_is_forgotten_and_asked_for_again(
    centre: StillCentre,
) -> None:
    bundle = make_bundle(b"x" * 100)
    lying = make_bundle(b"y" * 100)
    good = bundle.chunk(0, 50)
    centre.take(good)
    bad = lying.chunk(50, 100, bundle=bundle.id, with_manifest=False)
    centre.take(bad)
    centre.commit()
    answer = centre.answers[bundle.id]
    assert (answer.verdict, answer.ranges) == (Verdict.HAVE, Ranges())
    assert [event.kind for event in centre.tally.take(centre.now_us)] == ["content"]
    assert centre.files() == []
    centre.send_rest(bundle)
    assert centre.file_of(bundle).read_bytes() == bundle.content


def test_held_bytes_are_never_overwritten(centre: StillCentre) -> None:
    bundle = make_bundle(b"x" * 100)
    centre.take(bundle.chunk(0, 60))
    lie = make_bundle(b"y" * 100).chunk(10, 100, bundle=bundle.id, with_manifest=False)
    centre.take(lie)  # only 60..100 of it is new, and wrong
    centre.commit()
    assert centre.answers[bundle.id].verdict is Verdict.HAVE
    centre.send_rest(bundle)
    assert centre.file_of(bundle).read_bytes() == bundle.content


@pytest.mark.parametrize(
    ("word", "fields"),
    [
        ("identity", {}),
        ("manifest", {"bundle": bytes(32)}),
        ("manifest", {"manifest": b"\x93\x01\x02\x03", "bundle": bundle_id(b"\x93\x01\x02\x03")}),
        ("size", {"size": 101}),
    ],
)
def test_what_does_not_fit_is_refused(
    centre: StillCentre, word: str, fields: dict[str, Any]
) -> None:
    kit = "kit-b" if word == "identity" else "kit-a"
    answer = centre.take(make_bundle(b"x" * 100).chunk(0, 50, **fields), kit=kit)
    if "bundle" in fields:
        answer = centre.answers[fields["bundle"]]
    assert answer is not None
    assert answer.verdict is Verdict.REFUSED
    assert answer.reason.startswith(f"{word}:")
    assert [(e.kind, e.kit) for e in centre.tally.take(centre.now_us)] == [(word, kit)]
    assert not list(centre.archive.incoming.glob("*/*"))


def test_a_bundle_beyond_the_bound_is_refused(tmp_path: Path) -> None:
    centre = StillCentre(tmp_path, max_bundle="1024B")
    answer = centre.take(make_bundle(b"x" * 1025).chunk(0, 500))
    assert answer is not None
    assert answer.reason.startswith("size:")
    centre.close()


def test_a_kit_that_is_not_admitted_is_turned_away(centre: StillCentre) -> None:
    answer = centre.take(make_bundle(b"x", kit="stranger").whole(), kit="stranger")
    assert answer is not None
    assert answer.reason.startswith("revoked:")
    assert [e.kind for e in centre.tally.take(centre.now_us)] == ["revoked"]


def test_a_kit_with_too_much_under_way_has_to_wait_and_loses_nothing(tmp_path: Path) -> None:
    centre = StillCentre(tmp_path, max_partials=2, partial_idle="10min")
    bundles = [make_bundle(bytes([n]) * 100, sequence=n) for n in range(1, 4)]
    answers = [centre.take(bundle.chunk(0, 50)) for bundle in bundles]
    assert [a.verdict for a in answers if a] == [Verdict.HAVE, Verdict.HAVE, Verdict.REFUSED]
    centre.send_rest(bundles[0])
    centre.send_rest(bundles[2])
    centre.send_rest(bundles[1])
    assert len(centre.files()) == 3
    centre.close()


def test_an_idle_bundle_under_way_makes_room(tmp_path: Path) -> None:
    centre = StillCentre(tmp_path, max_partials=1, partial_idle="60s")
    centre.take(make_bundle(b"a" * 100, sequence=1).chunk(0, 50))
    centre.now_us += 61_000_000
    answer = centre.take(make_bundle(b"b" * 100, sequence=2).chunk(0, 50))
    assert answer is not None
    assert answer.verdict is Verdict.HAVE
    assert len(list(centre.archive.incoming.glob("*/*.part"))) == 1
    centre.close()


def test_a_disk_that_is_nearly_full_makes_kits_wait(centre: StillCentre) -> None:
    centre.room = False
    answer = centre.take(make_bundle(b"x" * 100).whole())
    assert answer is not None
    assert answer.reason.startswith("busy:")


def test_the_same_identity_with_other_content_is_an_alarm_and_both_are_kept(
    centre: StillCentre,
) -> None:
    first, second = make_bundle(b"one", sequence=7), make_bundle(b"two", sequence=7)
    for bundle in (first, second):
        centre.send_rest(bundle)
    assert sorted(path.read_bytes() for path in centre.files()) == [b"one", b"two"]
    [event] = centre.tally.take(centre.now_us)
    assert (event.kind, event.kit) == ("identity-conflict", "kit-a")


def test_both_are_kept_when_they_come_in_one_group(centre: StillCentre) -> None:
    for content in (b"one", b"two"):
        centre.take(make_bundle(content, sequence=7).whole())
    centre.commit()
    assert sorted(path.read_bytes() for path in centre.files()) == [b"one", b"two"]
    assert [e.kind for e in centre.tally.take(centre.now_us)] == ["identity-conflict"]


def test_a_gap_goes_into_the_catalogue(centre: StillCentre) -> None:
    gap = Gap("ball-1", "video", 5, 9, "source: connection refused")
    fields: dict[str, Any] = {"layer": Layer.REPORT, "media_type": GAP_MEDIA_TYPE}
    centre.send_rest(make_bundle(encode_gap(gap), **fields))
    assert [found.gap for found in centre.catalogue.gaps(incident="standing")] == [gap]


def test_a_gap_record_that_cannot_be_read_is_kept_and_told(centre: StillCentre) -> None:
    bundle = make_bundle(b"\xff\xff", layer=Layer.REPORT, media_type=GAP_MEDIA_TYPE)
    centre.send_rest(bundle)
    assert centre.catalogue.gaps() == []
    assert [e.kind for e in centre.tally.take(centre.now_us)] == ["gap"]


def test_hello_is_answered_by_welcome_and_devices_are_kept(centre: StillCentre) -> None:
    devices = {"ball-1": "ball", "../evil": "drone"}
    centre.take(Hello("0.1", b"spool-01", centre.now_us - 50, "lan", devices), "hello")
    [(kit, kind, welcome)] = centre.sent
    assert (kit, kind) == ("kit-a", "welcome")
    assert isinstance(welcome, Welcome)
    assert welcome.run == centre.run_id
    assert centre.news[0].devices == {"ball-1": "ball"}
    assert centre.news[0].clock_offset_us == 51


def test_text_of_a_report_is_made_printable(centre: StillCentre) -> None:
    said = {"a": 1, "b": None, "c": [1, "\x1b[0m"], "d": {"e": "x" * 1000}}
    centre.take(State(centre.now_us, said), "state")
    report = centre.news[0].report
    assert report == {"a": 1, "b": None, "c": [1, " [0m"], "d": {"e": "x" * 500}}


def _frame(header: bytes) -> bytes:
    return b"\xf1\x01" + len(header).to_bytes(4, "big") + header


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xf1",
        b"\x00" * 64,
        b"\xf1\x02" + b"\x00" * 20,
        b"\xf1\x01\xff\xff\xff\xff" + b"\x00" * 20,
        b"\xf1\x01\x00\x00\x00\x05\xdd\xff\xff\xff\xff",
        b"\xf1\x01\x00\x00\x03\xe8" + b"\x91" * 1000,
        b"\xf1\x01\x00\x00\x00\x03\xd4\x01\x00",
        encode_frame(Welcome(bytes(8), 1, "not from a kit")),
        encode_frame(Ask((bytes(32),))),
        b"\xf1\x01"
        + (40).to_bytes(4, "big")
        + msgpack.packb([4, 1, {"a": [[[[[[[[[[[]]]]]]]]]]]}])[:40].ljust(40),
    ],
    ids=range(11),
)
def test_malformed_messages_are_counted_and_never_stop_the_receiver(
    centre: StillCentre, data: bytes
) -> None:
    centre.take_bytes(data)
    assert centre.tally.counts() == {"malformed": 1}
    centre.send_rest(make_bundle(b"still alive"))


@pytest.mark.parametrize("topic", ["", "fl/up/../chunk", "fl/up/a/b/c", "$SYS/x", "fl/up/+/chunk"])
def test_topics_that_are_none_are_counted(centre: StillCentre, topic: str) -> None:
    centre.core.handle(topic, b"")
    assert centre.tally.counts() == {"topic": 1}


@given(st.binary(max_size=300))
def test_random_bytes_never_raise(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    centre = StillCentre(tmp_path_factory.getbasetemp() / "random-bytes")
    centre.take_bytes(b"\xf1\x01" + data)
    centre.take_bytes(data)
    centre.close()
