"""Requests and bookmarks: made, ordered, cancelled, fulfilled, and told to kits."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fieldlab.receiving import T0_US, Bundle, StillCentre, make_bundle
from fieldlink.codecs.bundle import MARK_MEDIA_TYPE, Gap, Layer, Mark, encode_mark
from fieldlink.codecs.fault import ArchiveError, ConfigError
from fieldlink.codecs.wire import Frame, Orders, Purpose
from fieldlink.relay.archive import Archive
from fieldlink.relay.catalogue import Catalogue, Filing, Journey, KitNews, SpanRow, StoredWant
from fieldlink.relay.feed import Feed
from fieldlink.relay.orders.asking import ask_for, bookmark, want_id
from fieldlink.relay.orders.book import OrderBook
from fieldlink.relay.orders.progress import covered_us, progress_of
from fieldlink.relay.orders.target import Target, read_target
from fieldlink.relay.orders.telling import want_row
from fieldlink.relay.receiver.engine import Engine
from fieldlink.relay.receiver.settings import ReceiverSettings

_MINUTE_US = 60_000_000
_numbers = itertools.count(1)
_BALL = Target("kit-a", "ball-1", "video")
_SPAN = (T0_US, T0_US + _MINUTE_US)


def _random(count: int) -> bytes:
    return next(_numbers).to_bytes(count, "big")


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with Catalogue.open(tmp_path / "catalogue.sqlite", now_us=T0_US) as opened:
        for kit in ("kit-a", "kit-b"):
            opened.admit(kit, kit.encode(), T0_US + 1000, T0_US)
            opened.take_admission(kit.encode(), T0_US + 1, kit)
        devices = {"ball-1": "ball", "drone-7": "drone"}
        opened.hear_kits([KitNews("kit-a", T0_US, devices=devices)])
        yield opened


def _ask(catalogue: Catalogue, **changed: Any) -> StoredWant:
    values = {"target": _BALL, "span": _SPAN, "layer": "original", "who": "duty", **changed}
    target, span = values.pop("target"), values.pop("span")
    now_us = values.pop("now_us", T0_US + 10 * _MINUTE_US)
    return ask_for(catalogue, target, span, now_us=now_us, random=_random, **values)


def _file(catalogue: Catalogue, bundle: Bundle, gap: Gap | None = None) -> None:
    m = bundle.manifest
    journey = Journey(m.recorded_us, m.recorded_us + 5)
    path = f"x/{bundle.id.hex()}"
    catalogue.file_bundles([Filing(bundle.id, m, bundle.encoded, "standing", path, journey, gap)])


def _original(start_s: float, end_s: float, **changed: Any) -> Bundle:
    number = next(_numbers)
    start_us, end_us = T0_US + round(start_s * 1e6), T0_US + round(end_s * 1e6)
    fields = {"start_us": start_us, "end_us": end_us, "recorded_us": end_us, **changed}
    layer = fields.pop("layer", Layer.ORIGINAL)
    return make_bundle(b"x", sequence=number, layer=layer, **fields)


def test_a_stream_is_named_as_people_write_it() -> None:
    assert read_target("kit-a/ball-1") == _BALL
    assert read_target("kit-a/ball-1/audio") == Target("kit-a", "ball-1", "audio")
    assert read_target("kit-a", whole_kit=True) == Target("kit-a")
    for wrong in ("kit-a", "", "a/b/c/d", "Kit/ball", "kit-a/../x", "kit-a//video", "kit-a/b/"):
        with pytest.raises(ConfigError):
            read_target(wrong)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (Target("kit-z", "ball-1", "video"), "no kit 'kit-z'; known: kit-a, kit-b"),
        (Target("kit-a", "ball-9", "video"), "no device 'ball-9'; known: ball-1, drone-7"),
        (Target("kit-a", "ball-1", "sound"), "no stream 'sound'; none is known yet"),
    ],
)
def test_what_is_not_known_is_said_with_what_is(
    catalogue: Catalogue, target: Target, said: str
) -> None:
    with pytest.raises(ArchiveError, match=said):
        _ask(catalogue, target=target)


def test_a_revoked_kit_is_asked_for_nothing(catalogue: Catalogue) -> None:
    catalogue.revoke("kit-a", T0_US)
    with pytest.raises(ArchiveError, match="revoked"):
        _ask(catalogue)


@pytest.mark.parametrize(
    "changed",
    [
        {"span": (T0_US + 1, T0_US)},
        {"span": (T0_US, T0_US)},
        {"span": (-1, T0_US)},
        {"span": (T0_US, T0_US + 2 * 86_400_000_000)},
        {"span": (T0_US + 30 * 3600_000_000, T0_US + 31 * 3600_000_000)},
        {"span": (2**63, 2**63 + 1)},
        {"layer": "everything"},
        {"who": "a\nb"},
        {"who": "x" * 65},
    ],
)
def test_what_is_out_of_bounds_is_refused(catalogue: Catalogue, changed: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        _ask(catalogue, **changed)
    assert catalogue.wants() == []


def test_a_kit_is_asked_for_at_most_what_its_orders_hold(catalogue: Catalogue) -> None:
    wants = [_ask(catalogue) for _ in range(64)]
    with pytest.raises(ArchiveError, match="kit-a has 64 open requests already"):
        _ask(catalogue)
    bookmark(catalogue, Target("kit-b"), _SPAN, who="duty", note="", now_us=T0_US, random=_random)
    catalogue.cancel_want(wants[5].ident, T0_US)
    _ask(catalogue)


def test_requests_keep_their_order_until_one_is_put_first(catalogue: Catalogue) -> None:
    first, second, third = (_ask(catalogue) for _ in range(3))
    catalogue.put_want_first(third.ident)
    book = OrderBook(catalogue, lambda: T0_US)
    assert [w.ident for w in book.orders("kit-a").wants] == [third.ident, first.ident, second.ident]
    catalogue.cancel_want(first.ident, T0_US + 5)
    assert [w.ident for w in catalogue.wants(open_only=True)] == [third.ident, second.ident]
    assert catalogue.cancel_want(first.ident, T0_US + 9).cancelled_us == T0_US + 5
    with pytest.raises(ArchiveError, match="has ended"):
        catalogue.put_want_first(first.ident)
    with pytest.raises(ArchiveError, match="no request"):
        catalogue.cancel_want(bytes(8), 1)


def test_an_id_is_sixteen_hexadecimal_digits() -> None:
    assert want_id("00" * 7 + "ff") == bytes(7) + b"\xff"
    for wrong in ("", "xyz", "00" * 9, "0"):
        with pytest.raises(ConfigError):
            want_id(wrong)


def test_a_bookmark_without_a_kit_is_for_every_kit_that_has_joined(catalogue: Catalogue) -> None:
    made = bookmark(
        catalogue, None, _SPAN, who="duty", note="slide 滑坡", now_us=T0_US, random=_random
    )
    assert [(want.kit, want.purpose, want.device) for want in made] == [
        ("kit-a", Purpose.KEEP, ""),
        ("kit-b", Purpose.KEEP, ""),
    ]
    with pytest.raises(ConfigError, match="note"):
        bookmark(catalogue, None, _SPAN, who="", note="x" * 257, now_us=T0_US, random=_random)


def test_orders_get_another_number_when_and_only_when_they_change(catalogue: Catalogue) -> None:
    book = OrderBook(catalogue, lambda: T0_US)
    kits = ["kit-a", "kit-b"]
    assert [kit for kit, _ in book.refresh(kits)] == kits
    assert book.refresh(kits) == []
    want = _ask(catalogue)
    [(kit, orders)] = book.refresh(kits)
    assert (kit, [w.ident for w in orders.wants]) == ("kit-a", [want.ident])
    incident = catalogue.open_incident("Slide", T0_US, 7200_000_000)
    changed = dict(book.refresh(kits))
    assert changed.keys() == set(kits)
    told = changed["kit-b"]
    assert (told.incident, told.start_us, told.due_us) == ("slide", T0_US, T0_US + 7200_000_000)
    catalogue.close_incident(incident.id, T0_US + 1)
    before = book.revision("kit-b")
    closed = dict(book.refresh(kits))["kit-b"]
    assert (closed.incident, closed.start_us, closed.due_us) == ("", None, None)
    assert before is not None
    assert closed.revision > before
    again = OrderBook(catalogue, lambda: T0_US)  # a restart knows the number
    assert again.orders("kit-b").revision == closed.revision


def test_the_incident_told_is_the_newest_open_one(catalogue: Catalogue) -> None:
    book = OrderBook(catalogue, lambda: T0_US)
    assert book.orders("kit-a").incident == ""
    catalogue.open_incident("Old", T0_US, None)
    catalogue.open_incident("New", T0_US + 5)
    [*_, (_, orders)] = book.refresh(["kit-a"])
    assert (orders.incident, orders.start_us) == ("new", T0_US + 5)


def test_a_request_is_fulfilled_when_the_archive_covers_it(catalogue: Catalogue) -> None:
    now = [T0_US + 10 * _MINUTE_US]
    book = OrderBook(catalogue, lambda: now[0])
    want = _ask(catalogue)
    for start in (-2, 2, 6, 50):
        _file(catalogue, _original(start, start + 4))
    book.refresh(["kit-a"])
    assert catalogue.wants(open_only=True) == [want]
    _file(catalogue, _original(10, 50))
    _file(catalogue, _original(54, 61, layer=Layer.PROXY))
    now[0] += 6_000_000
    book.refresh(["kit-a"])
    assert catalogue.wants(open_only=True) == [want], "a proxy is no original"
    _file(catalogue, _original(54.2, 58))
    _file(catalogue, _original(58, 62))
    now[0] += 6_000_000
    [(_, orders)] = book.refresh(["kit-a"])
    assert orders.wants == ()
    [done] = catalogue.wants()
    assert done.fulfilled_us == now[0]


def test_a_gap_on_record_is_nothing_to_wait_for(catalogue: Catalogue) -> None:
    want = _ask(catalogue)
    rows = [
        SpanRow(1, "kit-a", "ball-1", "video", "original", T0_US, T0_US + 30_000_000, T0_US, None)
    ]
    gap = Gap("ball-1", "video", T0_US + 30_000_000, T0_US + 2 * _MINUTE_US, "source: refused")
    made = progress_of(want, rows, [gap], T0_US + 3 * _MINUTE_US)
    assert (made.held_us, made.missing_us, made.complete) == (30_000_000, 0, True)
    other = Gap("ball-1", "video", gap.start_us, gap.end_us, "x: y", "proxy")
    made = progress_of(want, rows, [other], T0_US + 3 * _MINUTE_US)
    assert (made.missing_us, made.complete) == (30_000_000, False)


def test_what_lies_in_the_future_is_not_fulfilled_yet(catalogue: Catalogue) -> None:
    want = _ask(catalogue)
    rows = [SpanRow(1, "kit-a", "ball-1", "video", "original", T0_US, want.to_us, T0_US, None)]
    assert not progress_of(want, rows, [], want.to_us - 1).complete
    assert progress_of(want, rows, [], want.to_us).complete
    assert not progress_of(want, [], [], want.to_us).complete


def test_overlapping_and_close_spans_are_counted_once() -> None:
    assert covered_us([(0, 10), (5, 20), (21, 30)], 2, 25) == 23
    assert covered_us([(0, 10_000_000), (20_000_000, 30_000_000)], 0, 40_000_000) == 20_000_000
    assert covered_us([], 0, 10) == 0


class _Line:
    """An engine whose answers are kept."""

    def __init__(self, tmp_path: Path, catalogue: Catalogue) -> None:
        self.sent: list[tuple[str, str, Frame]] = []
        self.now_us = T0_US
        self.archive = Archive.open(tmp_path / "archive")
        self.engine = Engine(
            self.archive,
            catalogue,
            Feed(),
            ReceiverSettings(),
            name="centre",
            send=lambda *what: self.sent.append(what),
            clock=lambda: self.now_us,
        )
        self.engine.set_active(["kit-a"])

    def orders(self) -> list[Orders]:
        told = [frame for _, kind, frame in self.sent if kind == "orders"]
        self.sent.clear()
        return [frame for frame in told if isinstance(frame, Orders)]


def test_a_kit_is_told_at_once_and_again_while_it_follows_others(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    line = _Line(tmp_path, catalogue)
    engine = line.engine
    engine.refresh_orders()
    line.orders()
    engine.refresh_orders()
    assert line.orders() == []
    _ask(catalogue)
    engine.refresh_orders()
    [orders] = line.orders()
    assert len(orders.wants) == 1
    engine.follows("kit-a", orders.revision)
    assert line.orders() == []
    for said in (orders.revision - 1, None, "x", -1):
        line.now_us += 1_000_000
        engine.follows("kit-a", said)
        assert [told.revision for told in line.orders()] == [orders.revision]
    engine.follows("kit-a", 0)
    assert line.orders() == [], "at most once a second"
    line.archive.close()


def test_a_bookmark_set_on_a_kit_is_on_record_and_not_told_back(tmp_path: Path) -> None:
    centre = StillCentre(tmp_path / "centre")
    span = (T0_US, T0_US + _MINUTE_US)
    mark = Mark("ball-1", "video", *span, "rocks 落石")
    kind: dict[str, Any] = {"layer": Layer.REPORT, "media_type": MARK_MEDIA_TYPE}
    centre.send_rest(make_bundle(encode_mark(mark), **kind))
    centre.send_rest(make_bundle(b"\xff", sequence=2, **kind))
    [want] = centre.catalogue.wants()
    assert (want.purpose, want.device, want.note, want.who) == (
        *(Purpose.KEEP, "ball-1", "rocks 落石", "kit-a"),
    )
    assert (want.from_us, want.to_us) == span
    assert centre.catalogue.wants(open_only=True) == []
    told = [(event.kind, event.text) for event in centre.tally.take(centre.now_us)]
    assert told[0] == ("mark", "ball-1/video is bookmarked: rocks 落石")
    assert [kind for kind, _ in told[1:]] == ["malformed"]
    row = want_row(centre.catalogue, want, centre.now_us)
    assert (row["state"], row["share"]) == ("fulfilled", 0.0)
    centre.close()
