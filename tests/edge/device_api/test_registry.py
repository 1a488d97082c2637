"""The registered devices on disk, their credentials, and the certificate they know the kit by."""

import base64
import ipaddress
import stat
from pathlib import Path

import bcrypt
import cv2
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from fieldlink.codecs.fault import ConfigError
from fieldlink.edge.device_api.certificate import DeviceCa
from fieldlink.edge.device_api.credentials import Credentials, pin_text, qr_lines, qr_png
from fieldlink.edge.device_api.registry import Registry
from fieldlink.systemd.certificates import Key, make_ca, pem, time_at

_LOGIN = Credentials(
    host="192.168.8.1", port=8883, tls=pin_text(bytes(range(32))), name="s-1", password="a&b=c d"
)


def test_a_password_is_kept_only_as_its_hash_in_a_file_of_its_owners(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "device-api")
    password = registry.add("soldier-1", "soldier")
    text = registry.path.read_text()
    assert password not in text
    assert len(password) >= 22
    assert stat.S_IMODE(registry.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(registry.folder.stat().st_mode) == 0o700
    assert bcrypt.checkpw(password.encode(), registry.devices["soldier-1"].bcrypt.encode())


def test_two_processes_see_each_others_devices_and_are_told_of_changes(tmp_path: Path) -> None:
    one, other, told = Registry(tmp_path), Registry(tmp_path), []
    other.listen(lambda: told.append(sorted(other.devices)))
    one.add("a-1", "sensor")
    other.add("b-1", "soldier")
    one.refresh()
    assert sorted(one.devices) == ["a-1", "b-1"]
    one.remove("a-1")
    other.refresh()
    other.refresh()
    assert told == [["a-1", "b-1"], ["b-1"]]


@pytest.mark.parametrize("name", ["", "Soldier", "a/b", "../a", "+", "#", "kit.agent", "a" * 33])
def test_a_name_that_could_leave_its_topic_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be the name"):
        Registry(tmp_path).add(name, "soldier")
    with pytest.raises(ConfigError, match="cannot be the name"):
        Registry(tmp_path).add("soldier-1", name)
    assert not (tmp_path / "devices.json").exists()


@pytest.mark.parametrize("name", ["kit", "t808-13800138000"])
def test_nobody_is_called_as_the_kit_or_a_terminal_is(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="choose another name"):
        Registry(tmp_path).add(name, "soldier")


def test_who_is_not_there_cannot_be_removed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no device 'a-1'"):
        Registry(tmp_path).remove("a-1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"version": 2, "devices": []}',
        '{"version": 1, "devices": [{"name": "a", "kind": "b", "bcrypt": "plain"}]}',
    ],
)
def test_a_damaged_file_is_said_and_left_as_it_is(tmp_path: Path, text: str) -> None:
    (tmp_path / "devices.json").write_text(text)
    with pytest.raises(ConfigError, match="damaged"):
        Registry(tmp_path).refresh()
    with pytest.raises(ConfigError, match="damaged"):
        Registry(tmp_path).add("a-1", "soldier")
    assert (tmp_path / "devices.json").read_text() == text


def test_credentials_go_through_their_uri() -> None:
    assert Credentials.parse(_LOGIN.uri) == _LOGIN
    assert Credentials.parse(_LOGIN.uri).pin == bytes(range(32))
    plain = Credentials(host="::1", port=1883, tls=None, name="s-1", password="p")
    assert Credentials.parse(plain.uri) == plain


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://example.org/?v=1",
        "fieldlink-device:?v=2&host=a&port=1&name=a&password=b",
        "fieldlink-device:?v=1&host=a&port=0&name=a&password=b",
        "fieldlink-device:?v=1&host=a&port=x&name=a&password=b",
        "fieldlink-device:?v=1&host=a&port=1&name=A%2F&password=b",
        "fieldlink-device:?v=1&host=a&port=1&name=a&password=b&tls=AAAA",
        "fieldlink-device:?v=1&host=a&port=1&name=a&password=b&tls=%00",
        "fieldlink-device:?v=1&host=a&port=1&name=a&password=" + "b" * 600,
        "FLK2:somebody's join code",
    ],
)
def test_other_texts_are_no_credentials(text: str) -> None:
    with pytest.raises(ConfigError, match="this is no fieldlink-device: text"):
        Credentials.parse(text)


def test_a_phone_reads_the_code_from_the_picture_and_from_a_terminal_of_either_colour() -> None:
    decode = cv2.QRCodeDetector().detectAndDecode
    picture = cv2.imdecode(np.frombuffer(qr_png(_LOGIN.uri), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    assert decode(picture)[0] == _LOGIN.uri
    dots = {" ": (255, 255), "▀": (0, 255), "▄": (255, 0), "█": (0, 0)}
    rows = []
    for line in qr_lines(_LOGIN.uri):
        start, end = "\x1b[38;5;16;48;5;231m", "\x1b[0m"  # black on white, said outright
        assert line.startswith(start)
        assert line.endswith(end)
        drawn = [dots[sign] for sign in line.removeprefix(start).removesuffix(end)]
        rows += [[upper for upper, _ in drawn], [lower for _, lower in drawn]]
    assert len(rows[0]) < 80
    screen = np.array(rows, np.uint8).repeat(6, axis=0).repeat(6, axis=1)
    for around in (0, 255):  # a dark terminal, a light one
        framed = cv2.copyMakeBorder(screen, 60, 60, 60, 60, cv2.BORDER_CONSTANT, value=around)
        assert decode(framed)[0] == _LOGIN.uri


def test_the_kits_key_stays_and_its_certificate_follows_its_addresses(tmp_path: Path) -> None:
    now_us = 1_780_000_000_000_000
    first = DeviceCa.open(tmp_path, now_us=now_us, addresses=["192.168.8.1"])
    ca = first.ca.read_bytes()
    second = DeviceCa.open(tmp_path, now_us=now_us, addresses=["10.0.0.5", "kit.local"])
    assert (second.pin, second.ca.read_bytes()) == (first.pin, ca)
    leaf, root = x509.load_pem_x509_certificates(second.certificate.read_bytes())
    leaf.verify_directly_issued_by(root)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert ipaddress.ip_address("10.0.0.5") in names.get_values_for_type(x509.IPAddress)
    assert {"kit.local", "fieldlink-kit"} <= set(names.get_values_for_type(x509.DNSName))
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(base64.urlsafe_b64decode(pin_text(first.pin) + "=")) == 32


def test_a_kit_that_had_lost_the_time_is_known_when_it_has_it_again(tmp_path: Path) -> None:
    now_us = 1_900_000_000_000_000  # 2030
    for at_us in (1, now_us):
        made = DeviceCa.open(tmp_path, now_us=at_us)
        for one in x509.load_pem_x509_certificates(made.certificate.read_bytes()):
            assert one.not_valid_after_utc > time_at(now_us)
    key = load_pem_private_key((tmp_path / "ca.key").read_bytes(), None)
    assert isinstance(key, Key)
    old = make_ca(key, 1, "Fieldlink devices")
    (tmp_path / "ca.crt").write_bytes(pem(old))
    again = DeviceCa.open(tmp_path, now_us=now_us)
    leaf, root = x509.load_pem_x509_certificates(again.certificate.read_bytes())
    leaf.verify_directly_issued_by(root)
    assert root.not_valid_after_utc > leaf.not_valid_after_utc > time_at(now_us)
    assert (root.subject, again.pin) == (old.subject, made.pin)


def test_a_damaged_key_is_said(tmp_path: Path) -> None:
    (tmp_path / "ca.key").write_text("rubbish")
    with pytest.raises(ConfigError, match=r"ca\.key: damaged"):
        DeviceCa.open(tmp_path, now_us=1)
