"""The catalogue: versions, damage, incidents, kits, events; what two processes do at once."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from fieldlab.receiving import T0_US, Bundle, make_bundle
from fieldlink.codecs.bundle import Layer
from fieldlink.codecs.fault import AccessError, ArchiveError, CodecError
from fieldlink.relay.catalogue import (
    STANDING,
    Catalogue,
    CatalogueCorruptError,
    CatalogueNewerError,
    Event,
    Filing,
    Journey,
    KitNews,
    incident_for,
)
from fieldlink.relay.catalogue import events as events_module
from fieldlink.relay.catalogue.tables import METADATA


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "catalogue.sqlite"


@pytest.fixture
def catalogue(where: Path | str) -> Iterator[Catalogue]:
    with Catalogue.open(where, now_us=T0_US) as opened:
        yield opened


def _filing(bundle: Bundle, incident: str = STANDING) -> Filing:
    m = bundle.manifest
    path = f"{incident}/{m.kit}/{m.device}/{m.stream}/day/{bundle.id.hex()}"
    journey = Journey(m.recorded_us, m.recorded_us + 5, bearers=("lan",))
    return Filing(bundle.id, m, bundle.encoded, incident, path, journey)


def _still(sequence: int) -> Bundle:
    return make_bundle(b"x" * sequence, sequence=sequence, layer=Layer.STILL)


def test_the_migrations_make_the_tables_that_the_program_knows(catalogue: Catalogue) -> None:
    with catalogue._read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_writes_are_synchronous_and_the_file_is_private(path: Path) -> None:
    with Catalogue.open(path, now_us=T0_US) as catalogue, catalogue._read() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_catalogue_of_a_later_version_is_left_alone(path: Path) -> None:
    Catalogue.open(path, now_us=1).close()
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE alembic_version SET version_num='0099'")
    raw.close()
    before = path.read_bytes()
    with pytest.raises(CatalogueNewerError, match="version 0099 and this program knows 0004"):
        Catalogue.open(path, now_us=1)
    assert path.read_bytes() == before


@pytest.mark.parametrize("where", [0, 4096])
def test_a_damaged_catalogue_says_how_to_mend_it(path: Path, where: int) -> None:
    with Catalogue.open(path, now_us=1) as catalogue:
        catalogue.file_bundles([_filing(_still(n)) for n in range(1, 300)])
    with path.open("r+b") as file:
        file.seek(where)
        file.write(b"\xa5" * 16384)
    with pytest.raises(CatalogueCorruptError, match="fieldlink relay catalogue rebuild"):
        Catalogue.open(path, now_us=1, check=True)


def test_a_catalogue_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArchiveError, match="cannot be made"):
        Catalogue.open(tmp_path / "file" / "catalogue.sqlite", now_us=1)


@pytest.mark.parametrize("url", ["nonsense", "nosuchdb://x/y"])
def test_a_url_that_cannot_be_used_says_so(url: str) -> None:
    with pytest.raises(ArchiveError, match="URL cannot be used"):
        Catalogue.open(url, now_us=1)


def test_filing_again_changes_nothing(catalogue: Catalogue) -> None:
    filings = [_filing(_still(n)) for n in (1, 2)]
    assert len(catalogue.file_bundles([*filings, filings[0]])) == 2
    assert catalogue.file_bundles(filings) == []
    [stream] = catalogue.streams(STANDING)
    assert stream.layers["still"].bundles == 2
    assert stream.layers["still"].size == 3


def test_the_latest_still_is_the_latest_captured_not_the_latest_filed(
    catalogue: Catalogue,
) -> None:
    catalogue.file_bundles([_filing(_still(5))])
    catalogue.file_bundles([_filing(_still(2))])
    [stream] = catalogue.streams(STANDING)
    assert stream.latest_still is not None
    assert stream.latest_still.latest_bundle == _still(5).id
    assert stream.first_picture_us == _still(2).manifest.recorded_us + 5


def test_an_incident_opened_back_in_time_takes_what_was_standing(catalogue: Catalogue) -> None:
    bundles = [_still(n) for n in range(1, 7)]
    catalogue.file_bundles([_filing(bundle) for bundle in bundles])
    incident = catalogue.open_incident("Fire 山火", bundles[3].manifest.start_us)
    assert incident.id == "fire"
    assert [s.layers["still"].bundles for s in catalogue.streams("fire")] == [3]
    assert [s.layers["still"].bundles for s in catalogue.streams(STANDING)] == [3]
    [stream] = catalogue.streams("fire")
    assert stream.first_picture_delay_us == 1_000_005


def test_a_bundle_belongs_to_the_newest_incident_that_spans_it(catalogue: Catalogue) -> None:
    catalogue.open_incident("One", 100)
    catalogue.open_incident("Two", 200)
    catalogue.close_incident("two", 300)
    incidents = catalogue.incidents()
    homes = [incident_for(incidents, at).id for at in (50, 100, 250, 300)]
    assert homes == [STANDING, "one", "two", "one"]


def test_incidents_of_one_name_get_different_ids(catalogue: Catalogue) -> None:
    assert [catalogue.open_incident("台风", n).id for n in (1, 2)] == ["incident", "incident-2"]
    with pytest.raises(ArchiveError, match="already"):
        catalogue.open_incident("x", 1, slug="incident")
    with pytest.raises(ArchiveError, match="cannot be an incident's id"):
        catalogue.open_incident("x", 1, slug="../x")
    with pytest.raises(ArchiveError, match="no open incident"):
        catalogue.close_incident(STANDING, 5)


def test_pages_follow_each_other_without_loss(catalogue: Catalogue) -> None:
    catalogue.file_bundles([_filing(_still(n)) for n in range(1, 11)])
    for newest_first in (False, True):
        seen: list[int] = []
        after = None
        while page := catalogue.bundles(limit=3, after=after, newest_first=newest_first):
            seen += [one.manifest.sequence for one in page]
            after = page[-1].number
        assert seen == sorted(range(1, 11), reverse=newest_first)


def test_of_two_who_bring_one_secret_one_joins(catalogue: Catalogue) -> None:
    catalogue.admit("kit-a", b"secret", 1000, 1)
    taken: list[str | None] = []

    def take(serial: str) -> None:
        taken.append(catalogue.take_admission(b"secret", 500, serial))

    threads = [threading.Thread(target=take, args=(f"{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken, key=str) == [None] * 7 + ["kit-a"]


def test_an_expired_secret_joins_nobody(catalogue: Catalogue) -> None:
    catalogue.admit("kit-a", b"secret", 1000, 1)
    assert catalogue.take_admission(b"secret", 1000, "aa") is None


def test_a_revoked_kit_is_out_until_it_joins_anew(catalogue: Catalogue) -> None:
    catalogue.admit("kit-a", b"one", 1000, 1)
    catalogue.take_admission(b"one", 5, "aa")
    assert catalogue.active_kits() == ["kit-a"]
    catalogue.revoke("kit-a", 6)
    assert (catalogue.active_kits(), catalogue.revoked_serials()) == ([], ["aa"])
    catalogue.admit("kit-a", b"two", 1000, 7)
    assert catalogue.active_kits() == []
    catalogue.take_admission(b"two", 8, "bb")
    assert catalogue.active_kits() == ["kit-a"]
    with pytest.raises(AccessError, match="not admitted"):
        catalogue.revoke("kit-z", 9)


def test_a_kit_that_joins_again_loses_its_old_certificate(catalogue: Catalogue) -> None:
    for serial in ("aa", "bb"):
        catalogue.admit("kit-a", serial.encode(), 1000, 1)
        assert catalogue.active_kits() == ([] if serial == "aa" else ["kit-a"])
        catalogue.take_admission(serial.encode(), 5, serial)
    assert catalogue.revoked_serials() == ["aa"]


@pytest.mark.parametrize("name", ["", "../x", "A", "a/b", "#", "+", "x" * 33])
def test_names_that_are_none_are_not_admitted(catalogue: Catalogue, name: str) -> None:
    with pytest.raises(CodecError):
        catalogue.admit(name, b"s", 10, 1)


def test_what_a_kit_did_not_say_stays_as_it_was(catalogue: Catalogue) -> None:
    catalogue.hear_kits([KitNews("kit-a", 5, software="1", devices={"ball-1": "ball"})])
    catalogue.hear_kits([KitNews("kit-a", 9, report={"disk": 1})])
    kit = catalogue.kit("kit-a")
    assert kit is not None
    assert (kit.last_heard_us, kit.software, kit.devices) == (9, "1", {"ball-1": "ball"})
    assert (kit.report, kit.report_us) == ({"disk": 1}, 9)


def test_old_events_are_dropped(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_module, "MAX_EVENTS", 500)
    catalogue.log_events([Event(0, n, "digest", "kit-a", "text\x1b") for n in range(2000)])
    found = catalogue.events(limit=10_000)
    assert len(found) == 500
    assert (found[-1].at_us, found[-1].text) == (1999, "text ")


def test_a_command_beside_a_running_relay_sees_and_changes_the_same(
    catalogue: Catalogue, where: Path | str
) -> None:
    with Catalogue.open(where, now_us=2) as other:
        other.admit("kit-a", b"s", 1000, 1)
        catalogue.take_admission(b"s", 5, "aa")
        assert other.active_kits() == ["kit-a"]
