"""Full, broken and read-only disks; damaged catalogues; what lies where it should not."""

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldlab.powercut import PowerCutDisk
from fieldlab.receiving import StillCentre, make_bundle
from fieldlink.codecs.fault import ArchiveError
from fieldlink.codecs.wire import Verdict
from fieldlink.relay.archive import Archive, extension
from fieldlink.relay.archive.names import check_path
from fieldlink.relay.archive.verify import verify


@pytest.fixture
def disk() -> Iterator[PowerCutDisk]:
    with PowerCutDisk(1) as made:
        yield made


def _busy(centre: StillCentre, sequence: int) -> None:
    bundle = make_bundle(b"y" * 5000, sequence=sequence)
    centre.take(bundle.whole())
    centre.commit()
    answer = centre.answers[bundle.id]
    assert answer.verdict is Verdict.REFUSED
    assert answer.reason.startswith("busy:")
    assert bundle.id not in centre.custody


@pytest.mark.parametrize("operation", ["fsync", "write", "create", "rename"])
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_a_disk_fault_costs_a_refusal_and_the_rest_goes_on(
    disk: PowerCutDisk, operation: str, code: int
) -> None:
    centre = StillCentre(disk.path)
    first = make_bundle(b"x" * 5000, sequence=1)
    centre.send_rest(first)
    where = "/archive/standing/*" if operation == "rename" else "/archive/.incoming/*"
    disk.fail(operation, where, code)
    _busy(centre, 2)
    kinds = {event.kind for event in centre.tally.take(centre.now_us)}
    assert kinds <= {"disk", "busy"}
    assert kinds
    disk.clear_faults()
    second = make_bundle(b"y" * 5000, sequence=2)
    centre.send_rest(second)
    assert centre.file_of(first).read_bytes() == first.content
    assert centre.file_of(second).read_bytes() == second.content
    centre.close()


def test_a_ledger_that_cannot_be_synced_is_left_and_a_new_one_begun(disk: PowerCutDisk) -> None:
    centre = StillCentre(disk.path)
    centre.send_rest(make_bundle(b"x", sequence=1))
    disk.fail("fsync", "/archive/.ledger/*", errno.EIO)
    _busy(centre, 2)
    centre.send_rest(make_bundle(b"y" * 5000, sequence=2))
    assert len(centre.archive.ledger.files()) == 2
    centre.close()


def test_a_read_only_disk_refuses_and_still_shows(disk: PowerCutDisk) -> None:
    centre = StillCentre(disk.path)
    first = make_bundle(b"x" * 5000, sequence=1)
    centre.send_rest(first)
    disk.read_only(True)
    _busy(centre, 2)
    assert centre.file_of(first).read_bytes() == first.content
    disk.read_only(False)
    centre.send_rest(make_bundle(b"y" * 5000, sequence=2))
    centre.close()


def test_an_archive_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArchiveError, match="set archive_dir to another"):
        Archive.open(tmp_path / "file" / "archive")


def test_one_archive_has_one_relay(tmp_path: Path) -> None:
    first = Archive.open(tmp_path)
    with pytest.raises(ArchiveError, match="another relay"):
        Archive.open(tmp_path)
    first.close()
    Archive.open(tmp_path).close()


def test_a_damaged_catalogue_is_made_again_from_the_archive(tmp_path: Path) -> None:
    centre = StillCentre(tmp_path)
    bundles = [make_bundle(bytes([n]) * 100, sequence=n) for n in range(5)]
    for bundle in bundles:
        centre.send_rest(bundle)
    centre.catalogue.admit("kit-a", b"secret", 10**18, 1)
    centre.close()
    (tmp_path / "catalogue.sqlite").write_bytes(b"rubbish" * 4000)
    again = StillCentre(tmp_path)
    assert any("damaged" in finding for finding in again.findings)
    assert any("5 bundles" in finding for finding in again.findings)
    assert any("admissions" in finding for finding in again.findings)
    assert [one.problem for one in verify(again.archive, again.catalogue)] == [None] * 5
    assert len(list(tmp_path.glob("catalogue.sqlite.damaged-*"))) == 1
    for bundle in bundles:
        answer = again.ask(bundle)
        assert answer is not None
        assert answer.verdict is Verdict.CUSTODY
    again.close()


def test_a_partly_damaged_catalogue_keeps_admissions_and_incidents(tmp_path: Path) -> None:
    centre = StillCentre(tmp_path)
    for n in range(300):
        centre.take(make_bundle(bytes([n % 250]) * 10, sequence=n).whole())
    centre.commit()
    centre.catalogue.admit("kit-a", b"secret", 10**18, 1)
    centre.catalogue.open_incident("Fire", 5)
    with centre.catalogue._read() as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name='bundles_path'"
        page = connection.exec_driver_sql(query).scalar_one()
    centre.close()
    with (tmp_path / "catalogue.sqlite").open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xa5" * 4096)
    again = StillCentre(tmp_path)
    assert again.catalogue.take_admission(b"secret", 5, "aa") == "kit-a"
    assert [i.id for i in again.catalogue.incidents()] == ["fire", "standing"]
    assert len(again.catalogue.bundles(incident="fire")) == 300
    again.close()


def test_a_bundle_that_reached_the_archive_but_not_the_catalogue_is_filed_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    centre = StillCentre(tmp_path)
    bundle = make_bundle(b"x" * 100)

    def stopped(_filings: object) -> list[bytes]:
        raise KeyboardInterrupt

    monkeypatch.setattr(centre.catalogue, "file_bundles", stopped)
    centre.take(bundle.whole())
    with pytest.raises(KeyboardInterrupt):
        centre.commit()
    centre.close()
    again = StillCentre(tmp_path)
    assert any("1 bundles" in finding for finding in again.findings)
    answer = again.ask(bundle)
    assert answer is not None
    assert answer.verdict is Verdict.CUSTODY
    assert len(again.files()) == 1
    again.close()


def test_verify_says_what_does_not_match(tmp_path: Path) -> None:
    centre = StillCentre(tmp_path)
    bundles = [make_bundle(b"x" * 100, sequence=n) for n in range(4)]
    for bundle in bundles:
        centre.send_rest(bundle)
    files = [centre.file_of(bundle) for bundle in bundles]
    files[0].write_bytes(b"y" * 100)
    files[1].write_bytes(b"x" * 99)
    files[2].unlink()
    (centre.archive.root / "standing" / "stray").write_text("?")
    problems = [one.problem for one in verify(centre.archive, centre.catalogue)]
    assert problems == [
        "does not hash to what its manifest says",
        "has 99 bytes and should have 100",
        "is missing",
        None,
        "is not in the catalogue",
    ]
    centre.close()


def test_a_symbolic_link_leads_nowhere(tmp_path: Path) -> None:
    centre = StillCentre(tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir()
    (centre.archive.root / "standing").symlink_to(outside)
    bundle = make_bundle(b"x" * 100)
    centre.take(bundle.whole())
    centre.commit()
    assert centre.answers[bundle.id].reason.startswith("busy:")
    assert list(outside.iterdir()) == []
    centre.close()


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "a/b/c/d/e/../f",
        "../a/b/c/d/e",
        "a/b/c/d/e/.f",
        "a/b/c/d/e/f/g",
        "a//b/c/d/e",
    ],
)
def test_paths_that_no_bundle_has_are_refused(path: str) -> None:
    with pytest.raises(ArchiveError):
        check_path(path)


def test_players_know_the_extensions() -> None:
    kinds = ["video/mp4; codecs=avc1", "image/avif", "audio/ogg", "x/y", "IMAGE/WEBP"]
    kinds += ["application/vnd.mavlink.tlog", "application/vnd.fieldlink.flight+json"]
    known = ["mp4", "avif", "ogg", "bin", "webp", "tlog", "json"]
    assert [extension(kind) for kind in kinds] == known
