"""Making the catalogue again, stopped at any step; checking beside a relay that files."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fieldlab.receiving import StillCentre, make_bundle
from fieldlink.codecs.fault import ArchiveError
from fieldlink.relay.archive import rebuild as rebuild_module
from fieldlink.relay.archive import verify as verify_module


class _Killed(BaseException):
    """The process ends here."""


def _killed(*_: object, **__: object) -> None:
    raise _Killed


def _in_save(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rebuild_module, "_save", _killed)


def _in_replay(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rebuild_module, "replay", _killed)


def _before_the_last_name(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rebuild_module, "_finish", lambda *_: [])
    patch.setattr(Path, "rename", _rename_and_end)


def _before_the_link(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(os, "link", _killed)


def _after_the_link(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Path, "replace", _killed)


def _rename_and_end(path: Path, target: Path) -> None:
    path.replace(target)
    raise _Killed


@pytest.mark.parametrize(
    "kill", [_in_save, _in_replay, _before_the_last_name, _before_the_link, _after_the_link]
)
def test_a_rebuild_that_is_killed_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kill: Callable[[pytest.MonkeyPatch], None]
) -> None:
    centre = StillCentre(tmp_path)
    bundles = []
    for run in range(4):  # each run has a ledger of its own
        bundles.append(make_bundle(bytes([run]) * 100, sequence=run))
        centre.send_rest(bundles[-1])
        centre.close()
        centre = StillCentre(tmp_path)
    centre.catalogue.admit("kit-a", b"secret", 10**18, 1)
    url = f"sqlite:///{tmp_path}/catalogue.sqlite"
    centre.catalogue.close()
    with monkeypatch.context() as patch, pytest.raises(_Killed):  # noqa: PT012
        kill(patch)
        rebuild_module.rebuild(url, centre.archive, centre.clock)
    centre.archive.close()
    again = StillCentre(tmp_path)
    assert again.catalogue.held([bundle.id for bundle in bundles]) == {b.id for b in bundles}
    assert again.catalogue.take_admission(b"secret", 5, "aa") == "kit-a"
    again.close()


def test_a_file_that_is_being_filed_is_no_stranger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    centre = StillCentre(tmp_path)
    kept = make_bundle(b"x" * 100, sequence=1)
    centre.send_rest(kept)
    late = make_bundle(b"y" * 100, sequence=2)

    def full(_: object) -> None:
        raise ArchiveError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(centre.catalogue, "file_bundles", full)
        centre.take(late.whole())
        centre.commit()  # it has its last name, and no place in the catalogue
    monkeypatch.setattr(time, "sleep", lambda s: centre.send_rest(late) if s else None)
    checked = verify_module.verify(centre.archive, centre.catalogue)
    assert [one.problem for one in checked] == [None]
    centre.close()
