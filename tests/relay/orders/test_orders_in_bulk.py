"""Many requests, many kits, odd bookmarks, a catalogue that fails or is slow."""

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from fieldlab.receiving import T0_US, StillCentre, make_bundle
from fieldlink.codecs.bundle import MARK_MEDIA_TYPE, Layer, Mark, encode_mark
from fieldlink.codecs.fault import ArchiveError
from fieldlink.codecs.wire import MAX_WANTS, Purpose
from fieldlink.relay.catalogue import Catalogue, Filing, Journey, SpanRow, StoredWant
from fieldlink.relay.orders.asking import ask_for, bookmark
from fieldlink.relay.orders.book import OrderBook, progress_in
from fieldlink.relay.orders.progress import progress_of
from fieldlink.relay.orders.target import Target
from fieldlink.relay.orders.telling import want_row

_MINUTE_US = 60_000_000
_NOW_US = T0_US + 10 * _MINUTE_US
_SPAN = (T0_US, T0_US + _MINUTE_US)
_numbers = itertools.count(1)


def _random(count: int) -> bytes:
    return next(_numbers).to_bytes(count, "big")


def _join(catalogue: Catalogue, kit: str) -> None:
    catalogue.admit(kit, kit.encode(), T0_US + 1000, T0_US)
    catalogue.take_admission(kit.encode(), T0_US + 1, kit)


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with Catalogue.open(tmp_path / "catalogue.sqlite", now_us=T0_US) as opened:
        _join(opened, "kit-a")
        yield opened


def _want(kit: str, device: str = "", stream: str = "", **changed: Any) -> StoredWant:
    names = {"kit": kit, "device": device, "stream": stream, "layer": ""}
    said = {"purpose": Purpose.KEEP, "who": "duty", "note": "", "created_us": T0_US}
    times = {"from_us": _SPAN[0], "to_us": _SPAN[1]}
    return StoredWant(**{"ident": _random(8), **names, **said, **times, **changed})


def test_no_kit_loses_orders_because_others_have_many(catalogue: Catalogue) -> None:
    kits = [f"kit-{number}" for number in range(17)]
    for kit in kits:
        _join(catalogue, kit)
        for _ in range(MAX_WANTS):
            catalogue.add_want(_want(kit))
    book = OrderBook(catalogue, lambda: _NOW_US)
    told = dict(book.refresh(kits))
    assert {len(orders.wants) for orders in told.values()} == {MAX_WANTS}
    assert OrderBook(catalogue, lambda: _NOW_US).orders(kits[0]).revision == told[kits[0]].revision


def test_a_bookmark_for_all_kits_reaches_those_behind_one_that_is_full(
    catalogue: Catalogue,
) -> None:
    for kit in ("kit-b", "kit-c"):
        _join(catalogue, kit)
    for _ in range(MAX_WANTS):
        catalogue.add_want(_want("kit-b"))
    said: dict[str, Any] = {"who": "duty", "note": "slide", "now_us": _NOW_US, "random": _random}
    with pytest.raises(ArchiveError, match="kit-b has 64 open"):
        bookmark(catalogue, None, _SPAN, **said)
    marked = [want.kit for want in catalogue.wants() if want.note == "slide"]
    assert marked == ["kit-a", "kit-c"]


def test_a_bookmark_of_no_length_is_listed_like_any_other(tmp_path: Path) -> None:
    centre = StillCentre(tmp_path / "centre")
    mark = Mark("ball-1", "video", T0_US, T0_US)
    kind: dict[str, Any] = {"layer": Layer.REPORT, "media_type": MARK_MEDIA_TYPE}
    centre.send_rest(make_bundle(encode_mark(mark), **kind))
    [want] = centre.catalogue.wants()
    assert want_row(centre.catalogue, want, centre.now_us)["share"] == 1.0
    centre.close()


def test_a_bookmark_from_a_kit_is_not_newer_than_its_coming_and_hides_no_open_request(
    catalogue: Catalogue,
) -> None:
    open_one = catalogue.add_want(_want("kit-a"))
    for number in range(1001):
        mark = Mark("ball-1", "video", *_SPAN)
        bundle = make_bundle(
            encode_mark(mark), sequence=number, layer=Layer.REPORT, recorded_us=2**62
        )
        path = f"x/{number}"
        journey = Journey(2**62, _NOW_US)
        filing = Filing(bundle.id, bundle.manifest, bundle.encoded, "standing", path, journey)
        catalogue.file_bundles([Filing(**{**_fields(filing), "mark": mark})])
    listed = catalogue.wants()
    assert open_one in listed
    assert max(want.created_us for want in listed) == _NOW_US


def _fields(filing: Filing) -> dict[str, Any]:
    return {name: getattr(filing, name) for name in Filing.__dataclass_fields__}


def _file(catalogue: Catalogue, stream: str, layer: Layer, start_s: int, length_s: int) -> None:
    start_us = T0_US + start_s * 1_000_000
    end_us = start_us + length_s * 1_000_000
    number = next(_numbers)
    span: dict[str, Any] = {"start_us": start_us, "end_us": end_us, "recorded_us": end_us}
    bundle = make_bundle(b"x", sequence=number, stream=stream, layer=layer, **span)
    journey = Journey(end_us, end_us)
    path = f"x/{number}"
    filing = Filing(bundle.id, bundle.manifest, bundle.encoded, "standing", path, journey)
    catalogue.file_bundles([filing])


def test_a_bookmark_of_a_whole_kit_ends_though_its_reports_have_no_original(
    catalogue: Catalogue,
) -> None:
    want = _want("kit-a")
    for stream, layer in (
        *(("video", Layer.ORIGINAL), ("video", Layer.STILL)),
        ("vitals", Layer.REPORT),
    ):
        _file(catalogue, stream, layer, 0, 60)
    made = progress_in(catalogue, want, _NOW_US)
    assert (made.asked_us, made.missing_us, made.complete) == (_MINUTE_US, 0, True)
    _file(catalogue, "thermal", Layer.STILL, 0, 1)
    made = progress_in(catalogue, want, _NOW_US)
    assert (made.asked_us, made.missing_us, made.complete) == (2 * _MINUTE_US, _MINUTE_US, False)


def test_a_long_bookmark_of_a_whole_kit_counts_every_piece(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldlink.relay.catalogue.spans._PAGE", 30)
    for stream in ("video", "thermal"):
        for second in range(0, 60, 3):
            _file(catalogue, stream, Layer.ORIGINAL, second, 3)
    made = progress_in(catalogue, _want("kit-a"), _NOW_US)
    assert (made.asked_us, made.held_us, made.complete) == (2 * _MINUTE_US, 2 * _MINUTE_US, True)


def test_who_asks_for_proxies_is_not_content_with_thinned_ones() -> None:
    want = _want("kit-a", "ball-1", "video", layer="proxy", purpose=Purpose.SEND)

    def complete(thin: int | None) -> bool:
        row = SpanRow(1, "kit-a", "ball-1", "video", "proxy", *_SPAN, T0_US, thin)
        return progress_of(want, [row], [], _NOW_US).complete

    assert (complete(None), complete(2)) == (True, False)


def test_what_came_while_the_catalogue_could_not_be_written_is_fulfilled_later(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [_NOW_US]
    book = OrderBook(catalogue, lambda: now[0])
    book.refresh(["kit-a"])
    catalogue.add_want(_want("kit-a", "ball-1", "video"))
    span: dict[str, Any] = {"start_us": _SPAN[0], "end_us": _SPAN[1], "recorded_us": _SPAN[1]}
    bundle = make_bundle(b"x", layer=Layer.ORIGINAL, **span)
    journey = Journey(_SPAN[1], _NOW_US + 1)
    filing = Filing(bundle.id, bundle.manifest, bundle.encoded, "standing", "x/y", journey)
    catalogue.file_bundles([filing])

    def full(_idents: object) -> None:
        raise ArchiveError("database or disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(catalogue, "fulfil_wants", full)
        for _ in range(3):
            now[0] += 6_000_000
            with pytest.raises(ArchiveError):
                book.refresh(["kit-a"])
    now[0] += 6_000_000
    book.refresh(["kit-a"])
    assert catalogue.wants(open_only=True) == []


def test_a_kit_is_answered_while_it_is_looked_which_requests_are_fulfilled(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue.add_want(_want("kit-a", "ball-1", "video"))
    looking, answered = threading.Event(), threading.Event()
    spans_of = catalogue.spans_of

    def slow(*what: Any) -> list[SpanRow]:
        looking.set()
        assert answered.wait(10)
        return spans_of(*what)

    monkeypatch.setattr(catalogue, "spans_of", slow)
    book = OrderBook(catalogue, lambda: _NOW_US)
    looker = threading.Thread(target=book.refresh, args=(["kit-a"],))
    looker.start()
    assert looking.wait(10)

    def ask() -> None:
        assert len(book.orders("kit-a").wants) == 1
        answered.set()

    asker = threading.Thread(target=ask, daemon=True)
    asker.start()
    asker.join(5)
    was_answered = answered.is_set()
    answered.set()
    looker.join(10)
    assert was_answered


@pytest.mark.parametrize("stream", ["video", ""])
def test_the_spans_of_a_request_are_found_by_an_index_of_what_is_asked_for(
    catalogue: Catalogue, stream: str
) -> None:
    said: list[str] = []

    def look(_connection: object, _cursor: object, statement: str, *rest: Any) -> None:
        if "FROM bundles" in statement and not statement.startswith("EXPLAIN"):
            said.append(statement)
            parameters = rest[0]
            plan = raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            said.extend(row[3] for row in plan)

    engine = catalogue._engine
    with engine.connect() as connection:
        raw = connection.connection.cursor()
        sa.event.listen(engine, "before_cursor_execute", look)
        if stream:
            catalogue.spans_of("kit-a", "ball-1", stream, "original", *_SPAN)
        else:
            catalogue.pictured("kit-a", "", *_SPAN)
        sa.event.remove(engine, "before_cursor_execute", look)
    assert any("bundles_asked" in line for line in said), said


def test_a_request_named_to_its_stream_reads_only_the_layer_it_asks_for(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[Any, ...]] = []
    monkeypatch.setattr(catalogue, "known_streams", lambda _kit: {("ball-1", "video")})
    want = ask_for(
        catalogue,
        Target("kit-a", "ball-1", "video"),
        _SPAN,
        layer="proxy",
        who="duty",
        now_us=_NOW_US,
        random=_random,
    )

    def seen(*what: Any) -> list[SpanRow]:
        read.append(what)
        return []

    monkeypatch.setattr(catalogue, "spans_of", seen)
    want_row(catalogue, want, _NOW_US)
    assert [what[3] for what in read] == ["proxy"]
