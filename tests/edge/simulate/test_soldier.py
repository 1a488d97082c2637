"""Simulated people: what they say by plan and fault, and that they keep it until its receipt."""

from collections.abc import Callable
from typing import Any

import pytest

from fieldlink.codecs.device_api import read_message
from fieldlink.codecs.telemetry import Flag
from fieldlink.edge.simulate.outbox import Outbox
from fieldlink.edge.simulate.soldier import Fault, Soldier, SoldierPlan

_BEGAN_US = 1_780_000_000_000_000


def said(seconds: float, **plan: Any) -> list[tuple[str, dict[str, Any]]]:
    """All that is said in so many seconds, asked for every quarter of one."""
    soldier = Soldier(SoldierPlan(name="s-1", **plan), boot=7)
    found: list[tuple[str, dict[str, Any]]] = []
    for step in range(round(seconds * 4) + 1):
        found += soldier.say(step / 4, _BEGAN_US + step * 250_000)
    return found


def of(stream: str, found: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    return [message for name, message in found if name == stream]


def test_all_of_it_is_what_the_device_api_takes_in_order_and_marked_as_an_exercise() -> None:
    found = said(60, sos_after_s=10, sos_for_s=20, down_after_s=20)
    for stream, message in found:
        read = read_message(stream, message)
        assert read.ignored == ()
        flags = [told.flags for run in read.runs for told in run.told]
        assert all(flag & Flag.EXERCISE for flag in [*flags, *(a.flags for a in read.alarms)])
    positions = of("position", found)
    assert [message["seq"] for message in positions] == list(range(61))
    assert [m["time_us"] - _BEGAN_US for m in positions] == [s * 1_000_000 for s in range(61)]
    assert [message["active"] for message in of("sos", found)] == [True, False]
    assert len(of("man_down", found)) == 1
    assert of("vitals", found)[-1]["posture"] == 2


def test_the_same_seed_says_the_same() -> None:
    assert said(20, seed=4) == said(20, seed=4) != said(20, seed=5)


@pytest.mark.parametrize(
    ("fault", "shows"),
    [
        (Fault.NO_FIX, lambda late: all(m["lat"] is None and m["fix"] == 0 for m in late)),
        (Fault.ZERO, lambda late: all(m["lat"] == m["lon"] == 0 for m in late)),
        (Fault.FROZEN, lambda late: len({(m["lat"], m["lon"]) for m in late}) == 1),
        (Fault.SILENCE, lambda late: late == []),
        (Fault.CLOCK, lambda late: all(m["time_us"] > _BEGAN_US + 3_600e6 for m in late)),
    ],
)
def test_a_fault_begins_when_it_is_to(
    fault: Fault, shows: Callable[[list[dict[str, Any]]], bool]
) -> None:
    positions = of("position", said(30, fault=fault, fault_after_s=10))
    good = of("position", said(30))
    assert positions[:10] == good[:10]
    assert shows(positions[10:])


def test_a_burst_is_silence_and_then_all_of_it() -> None:
    soldier = Soldier(SoldierPlan(name="s-1", fault=Fault.BURST, fault_after_s=10), boot=7)
    assert [soldier.quiet_at(at) for at in (5, 11, 69, 71, 129, 131)] == [
        False,
        True,
        True,
        False,
        False,
        True,
    ]


def test_a_message_without_a_receipt_is_sent_again_as_stored_and_one_with_it_is_not() -> None:
    box = Outbox()
    box.add("air", {"co": 1, "seq": 0, "boot": 7}, 0.0)
    [first] = box.due(0.0)
    assert list(box.due(9.9)) == []
    [second] = box.due(10.0)
    again = {**first.content, "stored": True, "id": second.ident}  # a new kit cannot tell it else
    assert (second.stream, second.content) == ("air", again)
    assert box.receipt({"ok": True, "id": second.ident}) == [
        ("air", {"co": 1, "seq": 0, "boot": 7})
    ]
    assert (len(box), box.acknowledged, box.repeats) == (0, 1, 1)
    assert box.receipt({"ok": True, "id": first.ident}) == []  # late: it has it already


def test_what_gathered_without_a_connection_goes_as_batches_calls_for_help_first() -> None:
    box = Outbox()
    for number in range(150):
        box.add("air", {"co": number}, 0.0)
    box.add("sos", {"active": True}, 65.0)
    box.lost()
    parcels = list(box.due(70.0))
    assert [parcel.stream for parcel in parcels] == ["sos", "air", "air"]
    assert [len(parcel.content) for parcel in parcels[1:]] == [100, 50]
    assert all(message["stored"] for message in parcels[1].content)
    assert "stored" not in parcels[0].content
    box.receipt({"ok": False, "again": True, "id": parcels[1].ident})
    box.receipt({"ok": False, "again": False, "id": parcels[2].ident})
    assert (len(box), box.refused) == (101, 50)
    assert sum(len(parcel.content) for parcel in box.due(80.0) if parcel.stream == "air") == 100


def test_when_it_is_full_the_oldest_gives_way_but_no_call_for_help() -> None:
    box = Outbox(largest=3)
    box.add("sos", {"active": True}, 0.0)
    for number in range(5):
        box.add("air", {"co": number}, 0.0)
    sos, air = box.due(0.0)
    assert sos.stream == "sos"
    assert [message["co"] for message in air.content] == [3, 4]
    assert box.given_up == 3


@pytest.mark.parametrize("told", [None, [], {}, {"ok": True}, {"id": "x", "ok": True}, {"id": 99}])
def test_a_receipt_for_nothing_is_nothing(told: Any) -> None:
    box = Outbox()
    box.add("air", {"co": 1}, 0.0)
    assert list(box.due(0.0))
    assert box.receipt(told) == []
    assert len(box) == 1
