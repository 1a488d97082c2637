"""The watcher and the status when the centre's disk does not work."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fieldlink.codecs.fault import ArchiveError, ConfigError
from fieldlink.relay.archive import Archive
from fieldlink.relay.beside import SERVICE, centre_status, now_us
from fieldlink.relay.catalogue import Catalogue, CatalogueCorruptError
from fieldlink.relay.centre import _make_state_folder, _Watcher
from fieldlink.relay.config import RelaySettings
from fieldlink.relay.pki.admission import Member
from fieldlink.relay.receiver.tally import Tally


def _watcher(error: Exception) -> tuple[_Watcher, Tally]:
    def failing() -> Any:
        raise error

    tally = Tally()
    engine = SimpleNamespace(tally=tally)
    centre: Any = SimpleNamespace(
        catalogue=SimpleNamespace(kits=failing), receiver=SimpleNamespace(engine=engine)
    )
    return _Watcher(centre), tally


@pytest.mark.parametrize("error", [ArchiveError("disk is full"), OSError(28, "No space left")])
def test_a_full_disk_is_told_and_does_not_end_the_centre(error: Exception) -> None:
    watcher, tally = _watcher(error)
    watcher._look_anyway()
    watcher._look_anyway()
    [event] = tally.take(now_us())
    assert event.kind == "disk"
    assert "the centre's disk does not work" in event.text


def test_a_damaged_catalogue_ends_the_centre_which_makes_it_again() -> None:
    watcher, _ = _watcher(CatalogueCorruptError("damaged"))
    with pytest.raises(CatalogueCorruptError):
        watcher._look_anyway()


def test_a_kit_that_joined_and_was_revoked_between_two_looks_is_put_out() -> None:
    # The desk tells the broker of a kit that joins; the watcher has never seen it.
    broker = SimpleNamespace(told=frozenset[Member](), reloads=0)

    def reload() -> None:
        broker.told, broker.reloads = frozenset(), broker.reloads + 1

    broker.reload = reload
    tally = Tally()
    engine = SimpleNamespace(tally=tally, set_active=lambda kits: None, refresh_orders=lambda: None)
    centre: Any = SimpleNamespace(
        catalogue=SimpleNamespace(kits=list),
        receiver=SimpleNamespace(engine=engine),
        broker=broker,
    )
    watcher = _Watcher(centre)
    watcher._look()
    broker.told = frozenset([Member("kit-a", "1")])
    watcher._look()
    assert broker.reloads == 2
    [event] = tally.take(now_us())
    assert (event.kind, event.kit) == ("put-out", "kit-a")
    watcher._look()
    assert broker.reloads == 2


def test_the_centres_folder_is_for_its_user_only(tmp_path: Path) -> None:
    settings = RelaySettings(state_dir=tmp_path / "a" / "b")
    _make_state_folder(settings)
    assert settings.state_dir.stat().st_mode & 0o777 == 0o700
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"state_dir = .*cannot be made"):
        _make_state_folder(RelaySettings(state_dir=tmp_path / "file" / "b"))


def test_a_relay_that_cannot_write_that_it_lives_is_seen_by_its_lock(tmp_path: Path) -> None:
    settings = RelaySettings(state_dir=tmp_path)
    with Catalogue.open(settings.catalogue_path, now_us=1) as catalogue:
        catalogue.beat(SERVICE, 1, 2, {"running": True, "pid": os.getpid()})
        assert centre_status(settings, catalogue)["running"] is False
        archive = Archive.open(settings.archive_root)
        assert centre_status(settings, catalogue)["running"] is True
        archive.close()
        assert centre_status(settings, catalogue)["running"] is False
