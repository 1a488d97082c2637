"""Taking telemetry in: what hostile kits and broken disks do, and what is told to whom when."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from fieldlab.fleet import Fleet, Shelf
from fieldlab.receiving import StillCentre, make_bundle
from fieldlink.codecs.bundle import Layer, Precedence
from fieldlink.codecs.telemetry import (
    ALARM_MEDIA_TYPE,
    ALARM_STREAM,
    KIT_DEVICE,
    POSITION,
    SHEAF_MEDIA_TYPE,
    SHEAF_STREAM,
    TEXT,
    Alarm,
    AlarmKind,
    Block,
    Phase,
    Sample,
    encode_alarm,
    encode_sheaf,
)
from fieldlink.relay.archive.rebuild import rebuild
from fieldlink.relay.catalogue import sqlite_url
from fieldlink.relay.feed import Feed
from fieldlink.relay.telemetry.gaps import Gaps
from fieldlink.relay.telemetry.history import Query
from fieldlink.relay.telemetry.service import Telemetry

T0_US = 1_790_000_000_000_000
_S = 1_000_000


def sheaf(*numbers: int, device: str = "pump-1", epoch: int = 1) -> bytes:
    """Positions of a device."""
    values = (342_300_000, 1_089_500_000, *(None,) * 6)
    samples = tuple(Sample(T0_US + n % 10**6 * _S, n, values) for n in numbers)
    return encode_sheaf([Block(device, "sensor", POSITION, epoch, samples)])


def send(shelf: Shelf, content: bytes, kit: str = "kit-1") -> None:
    shelf.file(KIT_DEVICE, Layer.REPORT, T0_US, content, kit=kit)


@pytest.mark.parametrize("cut", [0, 1, 3, 9, 30])
def test_a_sheaf_that_is_cut_or_changed_is_told_with_its_kit_and_kept(
    tmp_path: Path, cut: int
) -> None:
    shelf = Shelf(tmp_path)
    whole = sheaf(*range(20))
    send(shelf, whole[:cut], "kit-9")
    send(shelf, whole)
    shelf.settle()
    assert [(kind, kit) for kind, kit, _ in shelf.notes] == [("telemetry", "kit-9")]
    assert "kept as a file" in shelf.notes[0][2]
    assert shelf.telemetry.samples == 20
    assert len([path for path in (tmp_path / "archive").rglob("*") if path.is_file()]) == 2
    shelf.close()


def test_a_kit_speaks_for_itself_only(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    send(shelf, sheaf(1), "kit-2")  # the same device of another kit
    send(shelf, sheaf(5), "kit-1")
    other = Alarm(
        ident=b"12345678",
        device="pump-2",
        device_kind="sensor",
        kind=AlarmKind.SOS,
        phase=Phase.RAISED,
        at_us=T0_US,
    )
    shelf.file(
        "pump-1",
        Layer.REPORT,
        T0_US,
        encode_alarm(other),
        media_type=ALARM_MEDIA_TYPE,
        stream=ALARM_STREAM,
    )
    shelf.settle()
    assert shelf.catalogue.latest_states().keys() == {("kit-1", "pump-1"), ("kit-2", "pump-1")}
    assert shelf.catalogue.alarms() == []
    assert [(kind, kit) for kind, kit, _ in shelf.notes] == [("telemetry", "kit-1")]
    shelf.close()


def test_numbers_without_end_and_holes_without_end_are_taken_in_bounds(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    send(shelf, sheaf(*range(0, 20_000, 2)))
    send(shelf, sheaf(2**52, epoch=2**62))
    shelf.settle()
    send(shelf, sheaf(*range(0, 20_000, 2)))
    shelf.settle()
    query = Query("kit-1", "pump-1", "position", 0, 2**62, limit=50_000)
    found = shelf.telemetry.history.find(query, T0_US)
    assert len(found.rows) == len({(row[1], row[2]) for row in found.rows}) == 10_001
    assert len(found.gaps) == 1_000
    shelf.close()


def test_a_device_may_not_begin_runs_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldlink.relay.telemetry.buffer.MAX_SERIES", 3)
    shelf = Shelf(tmp_path)
    for epoch in range(5):
        send(shelf, sheaf(1, epoch=epoch))
        shelf.settle()
    assert len(shelf.catalogue.find_series()) == 3
    assert {(kind, kit) for kind, kit, _ in shelf.notes} == {("telemetry-full", "kit-1")}
    shelf.close()


def test_a_file_that_is_gone_is_passed_over_and_a_broken_disk_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf(tmp_path)
    send(shelf, sheaf(1))
    send(shelf, sheaf(2))
    shelf.commit()
    min((tmp_path / "archive").rglob("*.bin"), key=lambda path: path.name).unlink()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", _broken)
        with pytest.raises(OSError, match="Input/output"):
            shelf.telemetry.step()
    shelf.telemetry.settle()
    assert shelf.telemetry.samples == 1
    assert "passed over" in shelf.notes[0][2]
    shelf.close()


def _broken(path: Path) -> bytes:
    raise OSError(5, "Input/output error", str(path)) if path.exists() else FileNotFoundError(path)


def test_news_comes_at_bounded_rates_and_an_alarm_at_once(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    fleet = Fleet(shelf, devices=4, kits=2, start_us=shelf.now_us)
    told = asyncio.run(_followed(shelf, fleet))
    kinds = [kind for kind, _ in told]
    assert 18 <= kinds.count("positions") <= 21  # ten seconds
    assert 9 <= kinds.count("samples") <= 11
    last = [json.loads(text) for kind, text in told if kind == "positions"][-1]
    assert len(last["devices"]) == 4
    alarm = kinds.index("alarm")
    assert kinds[alarm - 1 : alarm + 1] == ["event", "alarm"]
    shelf.close()


async def _followed(shelf: Shelf, fleet: Fleet) -> list[tuple[str, str]]:
    told: list[tuple[str, str]] = []
    shelf.feed.listen(
        lambda kind, data: told.append((kind, json.dumps(dict(data), ensure_ascii=False)))
    )
    news = shelf.feed.subscribe()
    following = asyncio.ensure_future(anext(news))
    await asyncio.sleep(0)
    for tenth in range(100):
        fleet.tick()  # ten times as fast as anybody is told
        if tenth == 50:
            fleet.alarm("kit-1", "soldier-1")
        shelf.commit()
        shelf.now_us += _S // 10
        shelf.telemetry.step()
    following.cancel()
    return told


def test_the_task_takes_in_what_is_filed_as_soon_as_it_is_told(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)

    async def run() -> None:
        beats = asyncio.Event()
        task = asyncio.create_task(shelf.telemetry.run(beats.set))
        await asyncio.wait_for(beats.wait(), 10)
        send(shelf, sheaf(1))
        shelf.commit()
        shelf.feed.publish("bundle", {"layer": "report"})
        while not shelf.telemetry.samples:
            beats.clear()
            await asyncio.wait_for(beats.wait(), 10)
        task.cancel()
        await asyncio.wait({task})

    asyncio.run(run())
    assert shelf.opened().samples == 0  # it was stored when the task ended
    assert len(shelf.catalogue.latest_states()) == 1
    shelf.close()


def test_a_catalogue_that_is_made_again_has_the_same_telemetry_and_who_saw_which_alarm(
    tmp_path: Path,
) -> None:
    centre = StillCentre(tmp_path)
    common: dict[str, Any] = {"layer": Layer.REPORT, "precedence": Precedence.PRIORITY}
    names: dict[str, Any] = {
        "media_type": SHEAF_MEDIA_TYPE,
        "device": KIT_DEVICE,
        "stream": SHEAF_STREAM,
    }
    raised = Alarm(
        ident=b"12345678",
        device="pump-1",
        device_kind="sensor",
        kind=AlarmKind.GAS,
        phase=Phase.RAISED,
        at_us=T0_US,
    )
    bundles = [make_bundle(sheaf(n), sequence=n + 1, **common, **names) for n in range(5)]
    told: dict[str, Any] = {
        "media_type": ALARM_MEDIA_TYPE,
        "device": "pump-1",
        "stream": ALARM_STREAM,
    }
    bundles.append(make_bundle(encode_alarm(raised), sequence=9, **common, **told))
    for bundle in bundles:
        centre.take(bundle.whole())
    centre.commit()
    before = _telemetry(centre)
    before.settle()
    before.acknowledge("kit-a", b"12345678", who="anna", note="seen")
    centre.catalogue.put_cursor("hook-duty", 2)  # an outlet that has told the first change only
    query = Query("kit-a", "pump-1", "position", 0, 2**62)
    rows, state = before.history.find(query, T0_US).rows, centre.catalogue.latest_states()
    assert len(rows) == 5
    centre.catalogue.close()
    url = sqlite_url(tmp_path / "catalogue.sqlite")
    centre.catalogue, _ = rebuild(url, centre.archive, centre.clock)
    assert centre.catalogue.latest_states() == {}
    assert [centre.catalogue.cursor(name) for name in ("hook-duty", "telemetry")] == [2, 0]
    after = _telemetry(centre)
    after.settle()
    assert after.history.find(query, T0_US).rows == rows
    assert centre.catalogue.latest_states() == state
    (alarm,) = centre.catalogue.alarms()
    assert (alarm.state, alarm.acknowledged_by) == ("acknowledged", "anna")
    assert len(centre.catalogue.events(kind="alarm")) == 2
    centre.close()


def _telemetry(centre: StillCentre) -> Telemetry:
    return Telemetry(centre.catalogue, centre.archive, Feed(), clock=centre.clock)


def test_gaps_are_missing_numbers_and_silence_that_is_not_usual() -> None:
    gaps = Gaps(0, 300 * _S)
    for number, at_s in ((1, 0), (2, 10), (3, 20), (7, 60), (8, 70), (9, 200), (10, 210)):
        gaps.take(1, Sample(at_s * _S, number, ()))
    found = [(gap.from_us // _S, gap.to_us // _S, gap.why) for gap in gaps.found(whole=True)]
    assert found == [(20, 60, "missing"), (70, 200, "silent"), (210, 300, "silent")]
    assert [gap.why for gap in gaps.found(whole=False)] == ["missing", "silent"]


def test_what_lies_before_the_first_sample_is_a_gap_and_so_is_all_without_any() -> None:
    none = Gaps(0, 600 * _S)
    assert [(gap.from_us, gap.to_us) for gap in none.found(whole=True)] == [(0, 600 * _S)]
    late = Gaps(0, 600 * _S)
    for second in range(300, 600):
        late.take(1, Sample(second * _S, second, ()))
    (gap,) = late.found(whole=True)
    assert (gap.from_us, gap.to_us, gap.why) == (0, 300 * _S, "silent")


def _texts(first: int, count: int) -> bytes:
    """Long words of a device, each different."""
    samples = (Sample(T0_US + n, n, (f"{n:06d}" + "x" * 4_000, "a")) for n in range(first, count))
    return encode_sheaf([Block("radio-1", "sensor", TEXT, 1, tuple(samples))])


def test_more_than_a_row_holds_is_stored_in_several(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    for first in range(0, 6 * 7_200, 7_200):  # a backlog of one device in one round
        send(shelf, sheaf(*range(first, first + 7_200)))
    for first in range(0, 600, 200):  # 2.4 MB of text, where a column of a row holds 1 MiB
        send(shelf, _texts(first, first + 200))
    shelf.settle()
    for first in range(600, 720, 10):  # and merged
        send(shelf, _texts(first, first + 10))
        shelf.settle()
    while shelf.telemetry.merging:
        shelf.telemetry.step()
    query = Query("kit-1", "radio-1", "text", 0, 2**62, limit=50_000)
    assert [row[2] for row in shelf.telemetry.history.find(query, T0_US).rows] == [*range(720)]
    query = Query("kit-1", "pump-1", "position", 0, 2**62, limit=50_000)
    assert len(shelf.telemetry.history.find(query, T0_US).rows) == 43_200
    shelf.close()


def test_no_page_of_bundles_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldlink.relay.telemetry.ingest._MOST_SAMPLES", 100)
    shelf = Shelf(tmp_path)
    for first in range(0, 500, 50):
        send(shelf, sheaf(*range(first, first + 50)))
    shelf.commit()
    shelf.telemetry.step()
    assert shelf.telemetry.samples == 100
    shelf.settle()
    assert shelf.telemetry.samples == 500
    shelf.close()
