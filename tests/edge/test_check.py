"""`edge check`: each fault is one sentence in two languages, and the exit status follows."""

import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fieldlink.edge import clock_check
from fieldlink.edge.check import check_centre, check_disk, check_kit, check_source, exit_status
from fieldlink.edge.clock_check import ClockState, check_clock
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.finding import Finding
from fieldlink.edge.identity import Identity, save_identity
from fieldlink.edge.source.settings import DeviceSettings
from fieldlink.relay.pki.authority import Authority, new_serial

_DAY_US = 86_400_000_000


def _settings(folder: Path) -> EdgeSettings:
    return EdgeSettings(state_dir=folder / "kit")


def _join(folder: Path, life_days: int) -> None:
    now_us = time.time_ns() // 1000
    authority = Authority.open(folder / "pki", now_us=now_us, kit_life_us=life_days * _DAY_US)
    key = ec.generate_private_key(ec.SECP256R1())
    made = authority.sign_kit(key.public_key(), "kit-1", new_serial(), now_us)
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    identity = Identity("kit-1", "127.0.0.1", 1, "https://x", "centre", folder / "kit/identity")
    pem = key.private_bytes(serialization.Encoding.PEM, form, plain)
    save_identity(identity, key=pem, certificate=made, ca=authority.ca_pem)


def test_a_writable_disk_is_good_and_nothing_is_left_on_it(tmp_path: Path) -> None:
    settings = _settings(tmp_path).model_copy(
        update={"spool": EdgeSettings().spool.model_copy(update={"keep_free": 0})}
    )
    assert check_disk(settings).ok
    assert list((tmp_path / "kit").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "kit").write_bytes(b"a file is in the way")
    finding = check_disk(_settings(tmp_path))
    assert not finding.ok
    assert "cannot be written" in finding.english
    assert "无法写入" in finding.chinese


def test_a_disk_with_too_little_room_is_said(tmp_path: Path) -> None:
    spool = EdgeSettings().spool.model_copy(update={"keep_free": 2**62})
    settings = _settings(tmp_path).model_copy(update={"spool": spool})
    assert "less than spool.keep_free" in check_disk(settings).english


@pytest.mark.parametrize(
    ("state", "ok", "words"),
    [
        (ClockState(True, 2_000), True, "within 2 ms"),
        (ClockState(True, 5_000_000), False, "wrong by 5.0 s"),
        (ClockState(False, None), False, "nothing keeps the clock right"),
    ],
)
def test_the_clock_is_judged_by_what_the_kernel_knows(
    monkeypatch: pytest.MonkeyPatch, state: ClockState, ok: bool, words: str
) -> None:
    monkeypatch.setattr(clock_check, "clock_state", lambda: state)
    finding = check_clock()
    assert finding.ok is ok
    assert words in finding.english


def test_the_kernels_word_on_its_clock_can_be_read() -> None:
    state = clock_check.clock_state()
    assert (state.error_us is None) is not state.synchronised


def test_a_camera_that_is_not_there_is_said_in_both_languages() -> None:
    device = DeviceSettings(name="ball-1", url="rtsp://127.0.0.1:1/x")
    finding = check_source(device)
    assert not finding.ok
    assert "ball-1" in finding.english
    assert "请检查" in finding.chinese


def test_a_kit_that_has_not_joined_is_told_how(tmp_path: Path) -> None:
    finding = check_centre(_settings(tmp_path))
    assert "edge join CODE" in finding.english
    assert not finding.link


def test_an_expired_certificate_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _join(tmp_path, 1)
    later_ns = time.time_ns() + 3 * _DAY_US * 1000
    monkeypatch.setattr(time, "time_ns", lambda: later_ns)
    assert "has expired" in check_centre(_settings(tmp_path)).english


def test_a_centre_out_of_reach_is_the_links_fault_and_alone_gives_exit_status_three(
    tmp_path: Path,
) -> None:
    _join(tmp_path, 100)
    finding = check_centre(_settings(tmp_path))
    assert finding.link
    assert "the link is down: 127.0.0.1:1: connection refused" in finding.english
    good = Finding("disk", True, "fine", "好")
    assert exit_status([good, finding]) == 3
    assert exit_status([good]) == 0
    assert exit_status([finding, Finding("clock", False, "wrong", "错")]) == 1


def test_a_kit_without_devices_is_told_to_configure_one(tmp_path: Path) -> None:
    findings = list(check_kit(_settings(tmp_path)))
    assert [finding.what for finding in findings] == ["sources", "disk", "clock", "centre"]
    assert not findings[0].ok
