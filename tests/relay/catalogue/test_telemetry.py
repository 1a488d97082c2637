"""Telemetry in the catalogue, on each kind of database: each sample once, whatever came how."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from fieldlab.fleet import Shelf
from fieldlink.codecs.bundle import Layer
from fieldlink.codecs.fault import ArchiveError
from fieldlink.codecs.telemetry import (
    ALARM_MEDIA_TYPE,
    ALARM_STREAM,
    BATTERY,
    KIT_DEVICE,
    Alarm,
    AlarmKind,
    Block,
    Column,
    Detail,
    Phase,
    Sample,
    Schema,
    encode_alarm,
    encode_sheaf,
)
from fieldlink.relay.catalogue.tables import LATEST, SAMPLE_BLOCKS
from fieldlink.relay.telemetry.history import Query

T0_US = 1_790_000_000_000_000
_S = 1_000_000
_ALL = Query("kit-1", "pump-1", "battery", 0, 2**63 - 1, limit=50_000)


def block(numbers: Sequence[int], *, epoch: int = 1, detail: Detail = Detail.FULL) -> Block:
    """Samples of pump-1's battery, one a second: the number says the time and the level."""
    samples = [Sample(T0_US + n * _S, n, (n % 1000, 3700, None, 250, 0)) for n in numbers]
    return Block("pump-1", "sensor", BATTERY, epoch, tuple(samples), detail=detail)


def sent(shelf: Shelf, *blocks: Block) -> None:
    """File a sheaf."""
    shelf.file(KIT_DEVICE, Layer.REPORT, T0_US, encode_sheaf(blocks))
    shelf.commit()


def alarm(shelf: Shelf, ident: bytes) -> None:
    """File an alarm."""
    said = {"device": "pump-1", "device_kind": "sensor", "kind": AlarmKind.GAS, "at_us": T0_US}
    raised = Alarm(ident=ident, phase=Phase.RAISED, **said)  # type: ignore[arg-type]
    said_by = ("pump-1", Layer.REPORT, T0_US, encode_alarm(raised))
    shelf.file(*said_by, media_type=ALARM_MEDIA_TYPE, stream=ALARM_STREAM)
    shelf.commit()


def numbers(shelf: Shelf, query: Query = _ALL) -> list[int]:
    """The numbers of the samples that there are, by time."""
    return [row[2] for row in _rows(shelf, query)]


def _rows(shelf: Shelf, query: Query = _ALL) -> list[list[int]]:
    return shelf.telemetry.history.find(query, T0_US).rows  # type: ignore[return-value]


def test_each_sample_is_there_once_whatever_came_how_often_in_which_order(shelf: Shelf) -> None:
    for part in ([30, 31, 32], [5, 10, 15], [0, 1, 2], [30, 31, 32], range(40)):
        sent(shelf, block(list(part)))
        shelf.telemetry.settle()
        assert len(set(numbers(shelf))) == len(numbers(shelf))
    assert numbers(shelf) == list(range(40))
    assert shelf.telemetry.samples == 40
    assert sum(row.count for row in shelf.catalogue.blocks_of([1])) == 40


def test_a_thinned_series_is_filled_by_the_full_one(shelf: Shelf) -> None:
    sent(shelf, block([0, 5, 10], detail=Detail.SECONDS_5))
    shelf.telemetry.settle()
    found = shelf.telemetry.history.find(_ALL, T0_US)
    assert [(gap.why, gap.from_us, gap.to_us) for gap in found.gaps] == [
        ("silent", 0, T0_US),
        ("missing", T0_US, T0_US + 5 * _S),
        ("missing", T0_US + 5 * _S, T0_US + 10 * _S),
    ]
    sent(shelf, block(range(11)))
    shelf.telemetry.settle()
    assert numbers(shelf) == list(range(11))
    since = replace(_ALL, from_us=T0_US)
    assert shelf.telemetry.history.find(since, T0_US).gaps == []


def test_what_is_not_stored_yet_is_found_too_and_only_once(shelf: Shelf) -> None:
    sent(shelf, block([0, 1]))
    shelf.telemetry.settle()
    sent(shelf, block([1, 2]))
    shelf.telemetry.step()
    assert numbers(shelf) == [0, 1, 2]


def test_a_damaged_row_ends_nothing_and_loses_no_other(shelf: Shelf) -> None:
    sent(shelf, block([0, 2]))
    shelf.telemetry.settle()
    with shelf.catalogue._write() as connection:
        connection.execute(sa.update(SAMPLE_BLOCKS).values(data=b"?"))
        connection.execute(sa.update(LATEST).values(state=b"?"))
    shelf.telemetry = shelf.opened()
    for number in range(10, 25):
        sent(shelf, block([number]))
        shelf.telemetry.settle()
    while shelf.telemetry.merging:
        shelf.telemetry.step()
    assert numbers(shelf) == list(range(10, 25))
    assert b"pump-1" in shelf.opened().board.answer(T0_US)
    sent(shelf, block([0, 2]))  # said again
    shelf.telemetry.settle()
    assert numbers(shelf) == [0, 2, *range(10, 25)]


def test_epochs_are_series_of_their_own_and_one_history(shelf: Shelf) -> None:
    sent(shelf, block([7, 8], epoch=1), block([9, 10], epoch=2))
    shelf.telemetry.settle()
    assert [row[1:3] for row in _rows(shelf)] == [[1, 7], [1, 8], [2, 9], [2, 10]]
    assert [each.epoch for each in shelf.catalogue.find_series(kit="kit-1")] == [2, 1]


def test_columns_that_change_on_the_way_are_all_there(shelf: Shelf) -> None:
    for at, names in enumerate((("level",), ("level", "flow"))):
        schema = Schema("water", tuple(Column(name, "m", 2) for name in names))
        sample = Sample(T0_US + at * _S, at, tuple(100 * (at + 1) for _ in names))
        sent(shelf, Block("pump-1", "sensor", schema, 1, (sample,)))
    shelf.telemetry.settle()
    query = Query("kit-1", "pump-1", "water", 0, 2**62)
    found = shelf.telemetry.history.find(query, T0_US)
    assert [column.name for column in found.columns] == ["level", "flow"]
    assert [row[4:] for row in found.rows] == [[1.0, None], [2.0, 2.0]]


def test_a_crash_at_any_point_changes_nothing(shelf: Shelf) -> None:
    for part in range(6):
        sent(shelf, block(range(part * 10, part * 10 + 10)))
        alarm(shelf, bytes([part]) * 8)
    for stored in (True, False, False):  # the last two stop before anything was stored
        shelf.telemetry = shelf.opened()
        shelf.telemetry.step()
        if stored:
            shelf.telemetry.settle()
    shelf.telemetry = shelf.opened()
    shelf.telemetry.settle()
    assert numbers(shelf) == list(range(60))
    assert sum(row.count for row in shelf.catalogue.blocks_of([1])) == 60
    assert len(shelf.catalogue.alarms()) == 6
    assert len(shelf.catalogue.events(kind="alarm")) == 6
    (latest,) = shelf.catalogue.latest_states()
    assert latest == ("kit-1", "pump-1")


def test_a_store_that_fails_half_way_is_finished_another_time(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldlink.relay.telemetry.ingest._SLICE", 2)
    sent(shelf, *(block([1, 2], epoch=epoch) for epoch in range(7)))
    whole, calls = shelf.catalogue.store_samples, iter(range(9))

    def failing(*what: Any, **said: Any) -> None:
        if next(calls) == 2:
            raise ArchiveError("the disk is full")
        whole(*what, **said)

    with monkeypatch.context() as patch:
        patch.setattr(shelf.catalogue, "store_samples", failing)
        with pytest.raises(ArchiveError):
            shelf.telemetry.settle()
    assert shelf.catalogue.cursor("telemetry") == 0
    assert len(shelf.catalogue.find_series()) == 4
    for _ in range(2):  # by the same run, and by another that reads it again
        shelf.telemetry.settle()
        assert len(numbers(shelf)) == 14
        assert sum(row.count for row in shelf.catalogue.blocks_of(range(1, 9))) == 14
        shelf.telemetry = shelf.opened()


def test_small_blocks_become_few_and_nothing_of_them_changes(shelf: Shelf) -> None:
    for number in range(150):
        sent(shelf, block([number]))
        shelf.telemetry.settle()
        shelf.telemetry.step()
    before = _rows(shelf)
    rows = list(shelf.catalogue.blocks_of([1]))
    assert len(rows) < 20
    assert [row.count for row in rows if row.level == 2] == [144]
    assert before == _rows(shelf)
    assert numbers(shelf) == list(range(150))


def test_a_full_block_is_left_alone_and_a_second_one_begins(shelf: Shelf) -> None:
    for part in range(12):
        sent(shelf, block(range(part * 700, part * 700 + 700)))
        shelf.telemetry.settle()
    shelf.telemetry.step()
    counts = sorted((row.level, row.count) for row in shelf.catalogue.blocks_of([1]))
    assert counts == [(1, 1200), (9, 7200)]
    assert numbers(shelf) == list(range(8400))


def test_series_that_were_forgotten_are_known_again_beside_those_that_were_not(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldlink.relay.telemetry.buffer._MOST_KNOWN", 3)
    for epoch in (1, 2, 3, 4):
        sent(shelf, block([epoch], epoch=epoch))
        shelf.telemetry.settle()
    sent(shelf, block([10], epoch=2), block([11], epoch=1))
    shelf.telemetry.settle()
    # More in one sheaf than are remembered.
    sent(shelf, *(block([20 + epoch], epoch=epoch) for epoch in (1, 2, 3, 4)))
    shelf.telemetry.settle()
    assert numbers(shelf) == [1, 2, 3, 4, 10, 11, 21, 22, 23, 24]
