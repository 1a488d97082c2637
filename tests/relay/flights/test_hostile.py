"""Kits that say of flights what cannot be, or what is not theirs."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlab.fleet import Shelf
from fieldlab.flights import SECOND_US, Craft, named
from fieldlink.codecs.bundle import (
    FLIGHT_MEDIA_TYPE,
    MAX_FLIGHT_BYTES,
    TLOG_MEDIA_TYPE,
    TLOG_STREAM,
    FlightReport,
    Layer,
    decode_flight,
)
from fieldlink.codecs.fault import CodecError
from fieldlink.drone.record.index import FlightIndex, PieceEntry
from fieldlink.drone.record.pieces import flight_draft
from fieldlink.relay.archive import Archive
from fieldlink.relay.catalogue import flights as flights_module
from fieldlink.relay.flights.detail import detail_of
from fieldlink.relay.flights.replay import replay_of
from fieldlink.relay.flights.tlog import recording_of
from fieldlink.relay.telemetry.history import Query

NOW_US = 1_790_000_000_000_000
_BEGUN_US = NOW_US - 600 * SECOND_US


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    """A centre's store."""
    opened = Shelf(tmp_path, now_us=NOW_US)
    yield opened
    opened.close()


def _said(**changes: Any) -> dict[str, Any]:
    index = FlightIndex("m300-1", 1, named(_BEGUN_US), True, _BEGUN_US, NOW_US, "disarmed")
    index.pieces = [PieceEntry(0, _BEGUN_US, NOW_US, 600, 23_000)]
    return {**index.to_dict(), **changes}


_PIECE = [0, 1, 2, 3, 4]
_LIES: dict[str, bytes | dict[str, Any]] = {
    "no-json": b"{",
    "a-list": b"[]",
    "bottomless": b"[" * 200_000,
    "no-text": b"\xff\xfe{}",
    "of-a-later-version": _said(version=2),
    "no-start": {key: value for key, value in _said().items() if key != "start_us"},
    "end-before-start": _said(end_us=_BEGUN_US - 1),
    "time-below-0": _said(start_us=-1),
    "a-real-number": _said(end_us=1e308),
    "endless": json.dumps(_said(end_us=7)).replace(": 7,", ": Infinity,").encode(),
    "beyond-64-bits": _said(end_us=2**63),
    "to-the-last-of-64-bits": _said(end_us=2**63 - 1),
    "a-truth-for-a-number": _said(system=True),
    "another-name": _said(flight="../../etc"),
    "a-name-with-a-line": _said(flight="a\nb"),
    "armed-perhaps": _said(armed="yes"),
    "ended-in-words": _said(ended="because of <b>wind</b>"),
    "frames-below-0": _said(pieces=[[0, 1, 2, -3, 4]]),
    "a-piece-of-four": _said(pieces=[[0, 1, 2, 3]]),
    "a-piece-twice": _said(pieces=[_PIECE, _PIECE]),
    "too-many-pieces": _said(pieces=[[n, 1, 2, 3, 4] for n in range(10_001)]),
    "a-million-pieces": b'{"version":1,"pieces":[' + b"[0,1,2,3,4]," * 1_000_000,
    "a-message-of-markup": _said(messages={"<script>": 1}),
    "a-count-of-text": _said(messages={"HEARTBEAT": "9"}),
    "a-gap-without-a-reason": _said(gaps=[[1, 2]]),
    "a-gap-that-ends-before": _said(gaps=[[2, 1, "link: "]]),
    "another-device": _said(device="m300-2"),
}


def _index(shelf: Shelf, content: bytes | dict[str, Any], *, kit: str = "kit-1") -> None:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    shelf.file(
        "m300-1",
        Layer.REPORT,
        _BEGUN_US,
        raw,
        media_type=FLIGHT_MEDIA_TYPE,
        kit=kit,
        stream=TLOG_STREAM,
    )


def test_an_index_that_lies_is_refused_with_a_reason_and_stops_no_other(shelf: Shelf) -> None:
    for lie in _LIES.values():
        _index(shelf, lie)
    _index(shelf, _said())
    shelf.settle()
    [flight] = shelf.catalogue.flights()
    assert (flight.frames_known, flight.pieces_known) == (600, 1)
    assert shelf.flights.refused == len(_LIES) == len(shelf.notes)
    assert {(kind, kit) for kind, kit, _ in shelf.notes} == {("flight", "kit-1")}
    assert all(len(text) < 400 and text.isprintable() for _, _, text in shelf.notes)
    assert any("ends before it begins" in text for _, _, text in shelf.notes)


_VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
_DEEP = st.recursive(_VALUES, lambda inner: st.lists(inner, max_size=6), max_leaves=12)


@given(st.sampled_from(sorted(_said())), _DEEP)
def test_no_field_is_more_than_refused(name: str, value: object) -> None:
    with contextlib.suppress(CodecError):
        report = decode_flight(json.dumps(_said(**{name: value})).encode())
        _fits(report)


def _fits(report: FlightReport) -> None:
    """Whatever passes fits the catalogue's columns."""
    assert 0 <= report.start_us <= report.end_us <= 2**62  # there is room to reckon with it
    assert 0 <= report.frames < 2**63
    assert all("\0" not in gap.reason for gap in report.gaps)


def _piece_meta(**changes: Any) -> dict[str, Any]:
    plain = {"flight": named(_BEGUN_US), "armed": True, "piece": 0, "frames": 2, "system": 1}
    return {key: value for key, value in {**plain, **changes}.items() if value is not ...}


def _file(shelf: Shelf, layer: Layer, meta: dict[str, Any], start_us: int = _BEGUN_US) -> None:
    shelf.file(
        "m300-1",
        layer,
        start_us,
        b"x",
        media_type=TLOG_MEDIA_TYPE,
        stream=TLOG_STREAM,
        meta=meta,
    )


def test_a_piece_that_lies_is_refused_with_a_reason(shelf: Shelf) -> None:
    lies = [
        _piece_meta(frames=-5),
        _piece_meta(piece=10**6),
        _piece_meta(piece="0"),
        _piece_meta(flight="a/b"),
        _piece_meta(flight=...),
        _piece_meta(armed=1),
        _piece_meta(system=900),
    ]
    for meta in lies:
        _file(shelf, Layer.ORIGINAL, meta)
    _file(shelf, Layer.PROXY, _piece_meta())
    _file(shelf, Layer.ORIGINAL, _piece_meta(), 2**63 - 1)
    shelf.settle()
    assert shelf.catalogue.flights() == []
    assert len(shelf.notes) == len(lies) + 2


def test_a_piece_that_comes_again_with_other_content_changes_nothing_and_is_said(
    shelf: Shelf,
) -> None:
    craft = Craft(shelf, now_us=_BEGUN_US)
    name = craft.fly(60, telemetry=False)
    shelf.settle()
    [before] = shelf.catalogue.flights()
    piece, content = craft.piece(name, 0, _BEGUN_US, range(500))
    craft.send(piece.draft(piece.end_us), content)
    _index(shelf, _said(flight=name, frames=1))
    shelf.settle()
    [after] = shelf.catalogue.flights()
    assert (after.frames_here, after.end_us) == (before.frames_here, before.end_us)
    assert (after.frames_known, after.conflicts) == (before.frames_known, 2)
    assert len(shelf.notes) == 2
    detail = detail_of(shelf.catalogue, Archive.open(shelf.root, write=False), after)
    recording = recording_of(shelf.catalogue, shelf.root, detail)
    assert (
        b"".join(recording.read(0, recording.size)) == craft.piece(name, 0, _BEGUN_US, range(60))[1]
    )


def test_a_kit_that_claims_another_kits_flight_has_one_of_its_own(shelf: Shelf) -> None:
    name = Craft(shelf, now_us=_BEGUN_US).fly(60)
    shelf.settle()
    [mine] = shelf.catalogue.flights()
    thief = Craft(shelf, "kit-2", now_us=_BEGUN_US)
    piece, content = thief.piece(name, 1, _BEGUN_US, range(60, 500))
    thief.send(piece.draft(piece.end_us), content)
    _index(shelf, _said(flight=name, ended="lost"), kit="kit-2")
    shelf.settle()
    assert shelf.catalogue.flight(*mine.key) == mine
    [theirs] = shelf.catalogue.flights(kit="kit-2")
    # Nor does it get the telemetry of the other's aircraft.
    assert (theirs.ended, theirs.max_height) == ("lost", None)


def test_a_kit_has_a_bounded_number_of_flights(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flights_module, "MAX_FLIGHTS", 3)
    for turn in range(5):
        Craft(shelf, now_us=_BEGUN_US + turn * SECOND_US).fly(10, telemetry=False)
    Craft(shelf, "kit-2", now_us=_BEGUN_US).fly(10, telemetry=False)
    shelf.settle()
    assert len(shelf.catalogue.flights(kit="kit-1")) == 3
    assert len(shelf.catalogue.flights(kit="kit-2")) == 1
    assert "has 3 recordings of flights" in shelf.notes[0][2]


def test_a_flight_of_a_thousand_years_is_as_long_as_what_is_known_of_it(shelf: Shelf) -> None:
    craft = Craft(shelf, now_us=_BEGUN_US)
    craft.telemetry(_BEGUN_US, range(30))
    draft = flight_draft(FlightIndex("m300-1", 1, "x", True, 0, 2**62, "lost"), NOW_US)
    craft.index(_said(flight="x", start_us=0, end_us=2**62), draft)
    shelf.settle()
    [flight] = shelf.catalogue.flights()
    assert flight.end_us == 2**62
    replay = replay_of(shelf.catalogue, shelf.telemetry.history, flight, [], NOW_US)
    assert len(replay["rows"]) == 30


def test_of_very_many_samples_the_first_are_read(shelf: Shelf) -> None:
    craft = Craft(shelf, now_us=_BEGUN_US)
    for begin in (0, 60, 120):
        craft.telemetry(_BEGUN_US, range(begin, begin + 60))
        shelf.settle()
    query = Query("kit-1", "m300-1", "position", 0, NOW_US, every_us=SECOND_US)
    found = {most: len(shelf.telemetry.history.thinned(query, most)) for most in (1, 60, 61, None)}
    assert found == {1: 60, 60: 60, 61: 120, None: 180}


def test_an_index_that_its_disk_has_spoiled_leaves_what_was_taken_of_it(shelf: Shelf) -> None:
    _index(shelf, _said())
    path = next(shelf.root.rglob("*.json"))
    shelf.settle()
    [flight] = shelf.catalogue.flights()
    path.write_bytes(b"{" * (MAX_FLIGHT_BYTES + 1))  # its disk is damaged since
    detail = detail_of(shelf.catalogue, Archive.open(shelf.root, write=False), flight)
    assert (detail.messages, detail.flight.frames_known) == ({}, 600)
