"""Alarms in the catalogue, on each kind of database: who raised, saw and ended them."""

from itertools import permutations

import pytest

from fieldlab.fleet import Shelf
from fieldlink.codecs.bundle import Layer
from fieldlink.codecs.telemetry import (
    ALARM_MEDIA_TYPE,
    ALARM_STREAM,
    BATTERY,
    KIT_DEVICE,
    Alarm,
    AlarmKind,
    Block,
    Phase,
    Sample,
    encode_alarm,
    encode_sheaf,
)
from fieldlink.relay.telemetry.words import described

T0_US = 1_790_000_000_000_000
_S = 1_000_000


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


def sample(shelf: Shelf, number: int) -> None:
    """File a sheaf of one sample of the same device."""
    one = Sample(T0_US + number * _S, number, (number, 3700, None, 250, 0))
    content = encode_sheaf([Block("pump-1", "sensor", BATTERY, 1, (one,))])
    shelf.file(KIT_DEVICE, Layer.REPORT, T0_US, content)
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


def test_what_another_process_did_to_an_alarm_is_seen_and_told(shelf: Shelf) -> None:
    alarm(shelf, Phase.RAISED)
    sample(shelf, 1)
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
        sample(shelf, part)
    alarm(shelf, Phase.RAISED)
    assert shelf.telemetry.step()  # there is more
    assert [each.state for each in shelf.catalogue.alarms()] == ["active"]
