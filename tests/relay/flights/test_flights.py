"""What becomes a flight at the centre, and what does not."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pymavlink import mavutil

from fieldlab.fleet import Shelf
from fieldlab.flights import SECOND_US, Craft, named
from fieldlab.recorders import RecorderKit
from fieldlab.recorders import Shelf as Spool
from fieldlink.codecs.bundle import GAP_MEDIA_TYPE, TLOG_STREAM, Gap, Layer, encode_gap
from fieldlink.codecs.fault import ArchiveError
from fieldlink.drone.record.index import FlightIndex
from fieldlink.drone.record.index import Gap as IndexGap
from fieldlink.drone.record.pieces import flight_draft
from fieldlink.relay.archive import Archive
from fieldlink.relay.archive.rebuild import rebuild
from fieldlink.relay.catalogue import StoredFlight, sqlite_url
from fieldlink.relay.flights.detail import Detail, detail_of
from fieldlink.relay.flights.replay import replay_of
from fieldlink.relay.flights.tlog import Recording, recording_of

NOW_US = 1_790_000_000_000_000


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    """A centre's store."""
    opened = Shelf(tmp_path, now_us=NOW_US)
    yield opened
    opened.close()


def _only(shelf: Shelf, **which: Any) -> StoredFlight:
    [flight] = shelf.catalogue.flights(**which)
    return flight


def _detail(shelf: Shelf, flight: StoredFlight) -> Detail:
    return detail_of(shelf.catalogue, Archive.open(shelf.root, write=False), flight)


def _recording(shelf: Shelf, flight: StoredFlight) -> Recording:
    return recording_of(shelf.catalogue, shelf.root, _detail(shelf, flight))


def _logged(recording: Recording, path: Path) -> list[tuple[float, str]]:
    """What pymavlink reads in a recording: when, and which message."""
    path.write_bytes(b"".join(recording.read(0, recording.size)))
    log = mavutil.mavlink_connection(str(path))
    found = []
    while (message := log.recv_match()) is not None:
        found.append((message._timestamp, message.get_type()))  # its way
    log.close()
    return found


def test_what_a_kits_recorder_made_is_a_flight_that_pymavlink_reads(
    shelf: Shelf, tmp_path: Path
) -> None:
    spool = Spool()

    async def scenario() -> None:
        kit = RecorderKit(tmp_path / "kit", spool)
        await kit.recorder.begin()
        await kit.fly(2, armed=False)
        await kit.fly(130)
        await kit.fly(2, armed=False)

    asyncio.run(scenario())
    craft = Craft(shelf)
    for draft, content in reversed(spool.bundles):
        craft.send(draft, content)
    shelf.settle()
    flying = _only(shelf, armed=True)
    idle = shelf.catalogue.flights(armed=False)
    assert (flying.ended, flying.pieces_here, flying.pieces_known) == ("disarmed", 3, 3)
    assert (flying.frames_here, flying.frames_known) == (flying.frames_known, 261)
    assert [each.ended for each in idle] == ["armed"]
    found = _logged(_recording(shelf, flying), tmp_path / "whole.tlog")
    assert len(found) == 261
    assert [at for at, _ in found] == sorted(at for at, _ in found)
    assert {kind for _, kind in found} == {"HEARTBEAT", "GLOBAL_POSITION_INT"}


def test_a_flight_is_there_with_its_first_piece_and_ends_with_its_last(shelf: Shelf) -> None:
    craft = Craft(shelf, now_us=NOW_US - 200 * SECOND_US)
    start_us, name = craft.now_us, named(craft.now_us)
    piece, content = craft.piece(name, 1, start_us, range(60, 120))
    craft.send(piece.draft(piece.end_us, "full"), content)
    shelf.settle()
    flight = _only(shelf)
    assert (flight.ended, flight.pieces_here, flight.pieces_known) == ("", 1, None)
    assert _recording(shelf, flight).missing == [0]
    piece, content = craft.piece(name, 2, start_us, range(120, 150))
    craft.send(piece.draft(piece.end_us, "disarmed"), content)
    shelf.settle()
    flight = _only(shelf)
    assert (flight.ended, flight.pieces_here, flight.pieces_known) == ("disarmed", 2, 3)


def test_gaps_are_those_of_the_index_and_those_that_were_sent_each_once(shelf: Shelf) -> None:
    craft = Craft(shelf, now_us=NOW_US - 600 * SECOND_US)
    start_us = craft.now_us
    said = Gap("m300-1", TLOG_STREAM, start_us + 5, start_us + 9, "link: nothing was heard")
    given_up = Gap("m300-1", TLOG_STREAM, start_us + 20, start_us + 30, "disk: full", "original")
    _send_gap(shelf, said)
    craft.fly(60, telemetry=False, gaps=[IndexGap(said.start_us, said.end_us, said.reason)])
    shelf.settle()
    rows = [[said.start_us, said.end_us, said.reason]]
    assert _only(shelf).gaps == rows
    _send_gap(shelf, given_up)
    shelf.settle()
    rows += [[given_up.start_us, given_up.end_us, given_up.reason]]
    assert _only(shelf).gaps == rows
    assert [list(gap) for gap in _detail(shelf, _only(shelf)).gaps] == rows


def _send_gap(shelf: Shelf, gap: Gap) -> None:
    shelf.file(
        gap.device,
        Layer.REPORT,
        gap.start_us,
        encode_gap(gap),
        seconds=(gap.end_us - gap.start_us) / 1e6,
        media_type=GAP_MEDIA_TYPE,
        stream=gap.stream,
        gap=gap,
    )


def test_an_aircraft_without_a_recording_has_flights_by_their_index(shelf: Shelf) -> None:
    craft = Craft(shelf, device="m30t", system=0, now_us=NOW_US - 600 * SECOND_US)
    flight = FlightIndex("m30t", 0, "dji-1", True, craft.now_us, craft.now_us + 90 * SECOND_US)
    flight.ended = "disarmed"
    craft.telemetry(craft.now_us, range(90))
    craft.index(flight.to_dict(), flight_draft(flight, flight.end_us))
    shelf.settle()
    row = _only(shelf)
    assert (row.pieces_known, row.pieces_here, row.max_height) == (0, 0, 50.0)
    replay = replay_of(shelf.catalogue, shelf.telemetry.history, row, [], shelf.now_us)
    assert len(replay["rows"]) == 90
    with pytest.raises(ArchiveError, match="no MAVLink recording"):
        _recording(shelf, row)


def test_a_centre_that_is_upgraded_finds_the_flights_that_it_holds(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, now_us=NOW_US)
    name = Craft(shelf, now_us=NOW_US - 600 * SECOND_US).fly(60)
    shelf.commit()
    shelf.close()
    with closing(sqlite3.connect(tmp_path / "catalogue.sqlite")) as raw:
        for what in ("TABLE flights", "TABLE flight_pieces", "INDEX gaps_device"):
            raw.execute(f"DROP {what}")
        raw.execute("UPDATE alembic_version SET version_num='0003'")
        raw.commit()
    shelf = Shelf(tmp_path, now_us=NOW_US)
    shelf.settle()
    flight = _only(shelf)
    assert (flight.flight, flight.pieces_here, flight.max_height) == (name, 1, 50.0)
    shelf.close()


def test_a_catalogue_that_is_made_again_reads_the_flights_again(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, now_us=NOW_US)
    Craft(shelf, now_us=NOW_US - 600 * SECOND_US).fly(60)
    shelf.settle()
    assert shelf.catalogue.cursor("flights") > 0
    assert shelf.catalogue.cursor("flight-samples") > 0
    shelf.close()
    archive = Archive.open(shelf.root)
    made, _ = rebuild(sqlite_url(tmp_path / "catalogue.sqlite"), archive, lambda: NOW_US)
    assert (made.cursor("flights"), made.cursor("flight-samples")) == (0, 0)
    assert made.flights() == []
    made.close()
    archive.close()


def test_news_of_a_flight_come_at_most_every_two_seconds(shelf: Shelf) -> None:
    craft = Craft(shelf, now_us=NOW_US - 600 * SECOND_US)
    start_us, name = craft.now_us, named(craft.now_us)
    told: list[dict[str, Any]] = []

    def send(number: int, why: str) -> None:
        piece, content = craft.piece(name, number, start_us, range(number * 60, number * 60 + 60))
        craft.send(piece.draft(piece.end_us, why), content)
        shelf.commit()
        shelf.flights.step()

    def listen(kind: str, data: Any) -> None:
        told.extend([dict(data)] if kind == "flight" else [])

    async def scenario() -> None:
        follower = shelf.feed.subscribe()
        waiting = asyncio.ensure_future(anext(follower))
        await asyncio.sleep(0)
        send(0, "full")
        assert [row["pieces_here"] for row in told] == [1]
        send(1, "full")
        shelf.now_us += 1_000_000
        send(2, "disarmed")
        assert len(told) == 1
        shelf.now_us += 1_000_000
        shelf.flights.step()
        assert [(row["pieces_here"], row["ended"]) for row in told[1:]] == [(3, "disarmed")]
        shelf.now_us += 60_000_000
        shelf.flights.step()
        shelf.now_us += 60_000_000
        shelf.flights.step()
        assert len(told) == 2  # nothing has changed
        waiting.cancel()

    shelf.feed.listen(listen)
    asyncio.run(scenario())


def test_figures_of_a_flight_that_goes_on_are_not_found_out_all_the_time(shelf: Shelf) -> None:
    craft = Craft(shelf, now_us=NOW_US - 60 * SECOND_US)
    start_us, name = craft.now_us, named(craft.now_us)
    piece, content = craft.piece(name, 0, start_us, range(30))
    craft.send(piece.draft(piece.end_us, "full"), content)
    craft.telemetry(start_us, range(10))
    shelf.settle()
    assert _only(shelf).max_height == 20 - 2
    craft.telemetry(start_us, range(10, 60))
    shelf.commit()
    shelf.telemetry.settle()
    shelf.flights.step()
    assert _only(shelf).max_height == 18
    shelf.now_us += 10_000_000
    shelf.flights.step()
    assert _only(shelf).max_height == 50
