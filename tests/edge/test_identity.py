"""A kit's identity on its disk: complete or absent, and every damage said with its remedy."""

import time
from pathlib import Path

import pytest

from fieldlink.codecs.fault import ConfigError
from fieldlink.edge.identity import Identity, save_identity
from fieldlink.relay.pki.authority import Authority

_DAY_US = 86_400_000_000


def _now_us() -> int:
    return time.time_ns() // 1000


def _save(folder: Path, tmp_path: Path) -> Identity:
    identity = Identity("kit-a", "127.0.0.1", 8883, "https://127.0.0.1:1", "centre", folder)
    tls = Authority.open(tmp_path / "pki", now_us=_now_us()).tls
    save_identity(
        identity,
        key=tls.key.read_bytes(),
        certificate=tls.certificate.read_bytes(),
        ca=tls.ca.read_bytes(),
    )
    return identity


@pytest.fixture
def kept(tmp_path: Path) -> Identity:
    """An identity in <tmp_path>/kit/identity."""
    return _save(tmp_path / "kit" / "identity", tmp_path)


def test_what_was_kept_is_loaded(kept: Identity) -> None:
    assert Identity.load(kept.folder) == kept
    assert kept.expires_us() > _now_us() + _DAY_US


def test_a_kit_that_has_not_joined_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="fieldlink edge join CODE"):
        Identity.load(tmp_path / "identity")


@pytest.mark.parametrize("name", ["kit.key", "kit.crt", "ca.crt"])
def test_a_lost_file_is_named(kept: Identity, name: str) -> None:
    (kept.folder / name).unlink()
    with pytest.raises(ConfigError, match=rf"{name} missing; join again"):
        Identity.load(kept.folder)


@pytest.mark.parametrize("text", ["", "{}", '{"version": 2}', "\x00" * 50_000])
def test_a_damaged_record_is_told_and_joining_again_mends_it(
    kept: Identity, tmp_path: Path, text: str
) -> None:
    (kept.folder / "identity.json").write_text(text)
    with pytest.raises(ConfigError, match=r"identity\.json: damaged; join again"):
        Identity.load(kept.folder)
    _save(kept.folder, tmp_path)
    assert Identity.load(kept.folder) == kept


def test_power_lost_between_the_two_renames_leaves_the_new_identity(kept: Identity) -> None:
    kept.folder.rename(kept.folder.parent / ".identity.new")
    assert Identity.load(kept.folder) == kept


def test_client_ids_cannot_be_guessed(kept: Identity) -> None:
    ids = {kept.client_id("lte") for _ in range(100)}
    assert len(ids) == 100
    assert all(len(one) == len("kit-a-lte-") + 20 for one in ids)
