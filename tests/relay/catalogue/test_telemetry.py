"""Telemetry in the catalogue, on each kind of database: each sample once, whatever came how."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

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
from fieldlink.relay.telemetry.history import Query
from fieldlink.relay.telemetry.words import described

T0_US = 1_790_000_000_000_000
_S = 1_000_000
_ALL = Query("kit-1", "pump-1", "battery", 0, 2**63 - 1, limit=50_000)


@pytest.fixture
def shelf(tmp_path: Path, where: Path | str) -> Iterator[Shelf]:
    """A centre's store."""
    opened = Shelf(tmp_path, where=where, now_us=T0_US)
    yield opened
    opened.close()


def block(numbers: Sequence[int], *, epoch: int = 1, detail: Detail = Detail.FULL) -> Block:
    """Samples of pump-1's battery, one a second: the number says the time and the level."""
    samples = [Sample(T0_US + n * _S, n, (n % 1000, 3700, None, 250, 0)) for n in numbers]
    return Block("pump-1", "sensor", BATTERY, epoch, tuple(samples), detail=detail)


def sent(shelf: Shelf, *blocks: Block) -> None:
    """File a sheaf."""
    shelf.file(KIT_DEVICE, Layer.REPORT, T0_US, encode_sheaf(blocks))
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
        alarm(shelf, Phase.RAISED, ident=bytes([part]) * 8)
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


def alarm(
    shelf: Shelf,
    phase: Phase,
    *,
    ident: bytes = b"alarm-01",
    kit: str = "kit-1",
    text: str = "",
    kind: AlarmKind = AlarmKind.GAS,
) -> None:
    """File an alarm."""
    at_us = T0_US + (60 * _S if phase is Phase.CLEARED else 0)
    raised = Alarm(
        ident=ident,
        device="pump-1",
        device_kind="sensor",
        kind=kind,
        phase=phase,
        at_us=at_us,
        value="120" if phase is Phase.RAISED else "3",
        text=text,
    )
    shelf.file(
        "pump-1",
        Layer.REPORT,
        at_us,
        encode_alarm(raised),
        media_type=ALARM_MEDIA_TYPE,
        stream=ALARM_STREAM,
        kit=kit,
    )
    shelf.commit()


def test_an_alarm_is_the_same_in_whatever_order_its_parts_come(shelf: Shelf) -> None:
    phases = (Phase.RAISED, Phase.CLEARED, Phase.RAISED, Phase.CLEARED)
    ends = set()
    for at, order in enumerate(sorted(set(permutations(phases)))):
        for phase in order:
            alarm(shelf, phase, ident=bytes([at]) * 8)
            shelf.telemetry.settle()
        stored = shelf.catalogue.alarm("kit-1", bytes([at]) * 8)
        assert stored is not None
        ends.add((stored.state, stored.raised_us, stored.cleared_us, stored.value))
    assert ends == {("cleared", T0_US, T0_US + 60 * _S, "120")}
    assert len(shelf.catalogue.events(kind="alarm")) == 2 * len(set(permutations(phases)))


def test_whoever_was_first_stays_and_the_site_ends_it_all_the_same(shelf: Shelf) -> None:
    alarm(shelf, Phase.RAISED)
    shelf.telemetry.settle()
    first = shelf.telemetry.acknowledge("kit-1", b"alarm-01", who="anna", note="seen")
    again = shelf.telemetry.acknowledge("kit-1", b"alarm-01", who="bert", note="me too")
    assert first == again
    assert (again.acknowledged_by, again.note, again.state) == ("anna", "seen", "acknowledged")
    alarm(shelf, Phase.CLEARED)
    shelf.telemetry.settle()
    over = shelf.telemetry.clear("kit-1", b"alarm-01", who="bert", note="late")
    assert (over.state, over.cleared_by, over.note) == ("cleared", "", "seen")
    texts = [event.text for event in shelf.catalogue.events(kind="alarm")]
    assert [words in text for words, text in zip(("触发", "anna", "现场"), texts, strict=True)] == [
        True,
        True,
        True,
    ]


def test_a_kit_may_not_have_alarms_without_end(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldlink.relay.catalogue.alarms.MAX_ALARMS", 3)
    for at in range(3):
        alarm(shelf, Phase.RAISED, ident=bytes([at]) * 8)
    alarm(shelf, Phase.RAISED, ident=b"\x09" * 8)
    alarm(shelf, Phase.RAISED, kit="kit-2")
    shelf.telemetry.settle()
    assert [(kind, kit) for kind, kit, _ in shelf.notes] == [("telemetry-full", "kit-1")]
    assert len(shelf.catalogue.alarms()) == 4
    alarm(shelf, Phase.CLEARED, ident=b"\x01" * 8)
    alarm(shelf, Phase.RAISED, ident=b"\x0a" * 8)
    shelf.telemetry.settle()
    assert shelf.catalogue.alarm("kit-1", b"\x01" * 8) is None
    assert shelf.catalogue.alarm("kit-1", b"\x0a" * 8) is not None


def test_a_call_for_help_that_ended_on_site_is_listed_until_somebody_saw_it(shelf: Shelf) -> None:
    for phase in Phase:
        alarm(shelf, phase)
        alarm(shelf, phase, ident=b"battery1", kind=AlarmKind.LOW_BATTERY)
    shelf.telemetry.settle()
    (open_one,) = shelf.catalogue.alarms(active_only=True)
    assert (open_one.kind, open_one.state) == ("gas", "cleared")
    seen = shelf.telemetry.acknowledge("kit-1", b"alarm-01", who="anna", note="they are well")
    assert (seen.state, seen.acknowledged_by, seen.note) == ("cleared", "anna", "they are well")
    assert shelf.catalogue.alarms(active_only=True) == []


def test_a_change_is_seen_even_when_the_alarm_changed_last_has_made_room(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldlink.relay.catalogue.alarms.MAX_ALARMS", 2)
    told: list[str] = []
    shelf.feed.listen(lambda kind, data: told.append(data["id"]) if kind == "alarm" else None)
    for at in (1, 2):
        alarm(shelf, Phase.RAISED, ident=bytes([at]) * 8)
    shelf.telemetry.settle()
    shelf.telemetry.clear("kit-1", b"\x01" * 8, who="anna", note="")
    shelf.telemetry.settle()
    seen = shelf.catalogue.alarm_revision()
    told.clear()
    alarm(shelf, Phase.RAISED, ident=b"\x03" * 8)
    shelf.telemetry.settle()
    assert told == ["03" * 8]
    assert [each.ident[0] for each in shelf.catalogue.alarms_after(seen)] == [3]


def test_a_call_for_help_has_room_and_comes_first_in_a_short_list(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldlink.relay.catalogue.alarms.MAX_ALARMS", 2)
    for at in (1, 2):
        alarm(shelf, Phase.RAISED, ident=bytes([at]) * 8, kind=AlarmKind.LOW_BATTERY)
    alarm(shelf, Phase.RAISED, ident=b"\x03" * 8, kind=AlarmKind.SOS)
    alarm(shelf, Phase.RAISED, ident=b"\x04" * 8, kind=AlarmKind.LOW_BATTERY, kit="kit-2")
    shelf.telemetry.settle()
    assert {each.ident[0] for each in shelf.catalogue.alarms()} == {2, 3, 4}
    (first,) = shelf.catalogue.alarms(active_only=True, limit=1)
    assert first.kind == "sos"


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


def test_what_another_process_did_to_an_alarm_is_seen_and_told(shelf: Shelf) -> None:
    alarm(shelf, Phase.RAISED)
    sent(shelf, block([1]))
    shelf.telemetry.settle()
    assert b'"alarms":1' in shelf.telemetry.board.answer(T0_US)
    told: list[str] = []
    shelf.feed.listen(lambda kind, data: told.append(data["state"]) if kind == "alarm" else None)
    said = {"who": "root", "note": "", "describe": described}
    shelf.catalogue.clear_alarm("kit-1", b"alarm-01", now_us=T0_US, **said)  # type: ignore[arg-type]
    shelf.telemetry.step()
    assert told == ["cleared"]
    assert b'"alarms":0' in shelf.telemetry.board.answer(T0_US)


def test_alarms_do_not_wait_behind_a_backlog_of_samples(shelf: Shelf) -> None:
    for part in range(200):
        sent(shelf, block([part]))
    alarm(shelf, Phase.RAISED)
    assert shelf.telemetry.step()  # there is more
    assert [each.state for each in shelf.catalogue.alarms()] == ["active"]
