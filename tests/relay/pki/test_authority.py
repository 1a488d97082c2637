"""The authority: what it makes, what it keeps, what it refuses to open."""

import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from fieldlink.codecs.fault import AccessError, CodecError, ConfigError
from fieldlink.relay.pki.authority import Authority, new_serial
from fieldlink.relay.pki.certificates import DAY_US, make_key, read_request

NOW_US = 1_780_000_000_000_000


def open_at(folder: Path, now_us: int = NOW_US, *addresses: str) -> Authority:
    return Authority.open(folder / "pki", now_us=now_us, addresses=addresses)


def centre_certificate(authority: Authority) -> x509.Certificate:
    return x509.load_pem_x509_certificate(authority.tls.certificate.read_bytes())


def sign(authority: Authority, kit: str = "kit-a") -> x509.Certificate:
    public = make_key().public_key()
    return x509.load_pem_x509_certificate(authority.sign_kit(public, kit, new_serial(), NOW_US))


def request(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    name = x509.Name([])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_keys_are_for_the_owner_only(tmp_path: Path) -> None:
    open_at(tmp_path)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "pki").iterdir()}
    assert modes == dict.fromkeys(
        ("ca.key", "ca.crt", "centre.key", "centre.crt", "crl.pem"), 0o600
    )
    assert (tmp_path / "pki").stat().st_mode & 0o777 == 0o700


def test_it_is_the_same_authority_at_every_start(tmp_path: Path) -> None:
    first = open_at(tmp_path)
    files = {path: path.read_bytes() for path in (tmp_path / "pki").iterdir()}
    assert open_at(tmp_path).ca_fingerprint == first.ca_fingerprint
    assert {path: path.read_bytes() for path in (tmp_path / "pki").iterdir()} == files


def test_the_centres_certificate_carries_its_name_and_addresses(tmp_path: Path) -> None:
    held = centre_certificate(open_at(tmp_path, NOW_US, "192.0.2.7", "2001:db8::1", "c.example"))
    names = held.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(name.value) for name in names} == {
        *("fieldlink-centre", "localhost", "c.example"),
        *("127.0.0.1", "::1", "192.0.2.7", "2001:db8::1"),
    }


@pytest.mark.parametrize(("days", "renewed"), [(794, False), (796, True), (900, True)])
def test_the_centres_certificate_is_renewed_in_its_last_thirty_days(
    tmp_path: Path, days: int, renewed: bool
) -> None:
    before = centre_certificate(open_at(tmp_path))
    after = centre_certificate(open_at(tmp_path, NOW_US + days * DAY_US))
    assert (before != after) == renewed


def test_a_renewal_by_a_command_that_knows_no_addresses_keeps_them(tmp_path: Path) -> None:
    open_at(tmp_path, NOW_US, "192.0.2.7")
    held = centre_certificate(open_at(tmp_path, NOW_US + 800 * DAY_US))
    names = held.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "192.0.2.7" in {str(name.value) for name in names}
    assert held.not_valid_after_utc.timestamp() == (NOW_US + 1625 * DAY_US) / 1e6


def test_a_new_address_and_a_key_that_does_not_match_make_a_new_certificate(tmp_path: Path) -> None:
    before = centre_certificate(open_at(tmp_path))
    after = centre_certificate(open_at(tmp_path, NOW_US, "192.0.2.9"))
    assert before != after
    (tmp_path / "pki" / "centre.key").unlink()  # as after a power cut between the two files
    authority = open_at(tmp_path, NOW_US, "192.0.2.9")
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
        authority.tls.certificate, authority.tls.key
    )


def test_a_kits_certificate_is_for_clients_under_its_name(tmp_path: Path) -> None:
    authority = open_at(tmp_path)
    held = sign(authority)
    held.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.ca_pem))
    assert held.subject.rfc4514_string() == "CN=kit-a"
    uses = held.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(uses) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    names = held.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [name.value for name in names] == [f"urn:fieldlink:kit:kit-a:{held.serial_number:032x}"]


def test_a_kit_whose_clock_is_in_1970_may_come_in(tmp_path: Path) -> None:
    authority = open_at(tmp_path)
    for held in (sign(authority), centre_certificate(authority)):
        assert held.not_valid_before_utc == datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def test_a_kits_certificate_ends_after_825_days(tmp_path: Path) -> None:
    end = sign(open_at(tmp_path)).not_valid_after_utc.timestamp()
    assert end == (NOW_US + 825 * DAY_US) / 1e6


@pytest.mark.parametrize("kit", ["fieldlink-centre", "*", "a/b", "kit.a", "", "Kit", "a" * 33])
def test_a_name_that_is_the_centres_or_no_name_is_not_signed(tmp_path: Path, kit: str) -> None:
    with pytest.raises((AccessError, CodecError)):
        sign(open_at(tmp_path), kit)


def test_the_revocation_list_holds_the_serials_and_is_signed(tmp_path: Path) -> None:
    authority = open_at(tmp_path)
    held = sign(authority)
    authority.write_crl([f"{held.serial_number:032x}"], NOW_US)
    listed = x509.load_pem_x509_crl(authority.crl.read_bytes())
    assert listed.get_revoked_certificate_by_serial_number(held.serial_number) is not None
    key = x509.load_pem_x509_certificate(authority.ca_pem).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert listed.is_signature_valid(key)
    before = authority.crl.stat().st_mtime_ns
    authority.write_crl([f"{held.serial_number:032x}"], NOW_US + 1)
    assert authority.crl.stat().st_mtime_ns == before


def test_a_lost_or_damaged_or_open_key_is_told_with_its_file(tmp_path: Path) -> None:
    open_at(tmp_path)
    key = tmp_path / "pki" / "ca.key"
    good = key.read_bytes()
    key.chmod(0o644)
    with pytest.raises(ConfigError, match=r"ca.key: others can read"):
        open_at(tmp_path)
    key.chmod(0o600)
    key.write_bytes(good[:50])
    with pytest.raises(ConfigError, match=r"ca.key: damaged"):
        open_at(tmp_path)
    key.unlink()
    with pytest.raises(ConfigError, match=r"ca.key: missing"):
        open_at(tmp_path)


def test_a_ca_certificate_of_another_key_is_told(tmp_path: Path) -> None:
    open_at(tmp_path)
    other = open_at(tmp_path / "other")
    (tmp_path / "pki" / "ca.crt").write_bytes(other.ca_pem)
    with pytest.raises(ConfigError, match=r"ca.crt is not of ca.key"):
        open_at(tmp_path)


def test_a_request_signed_by_its_own_key_gives_that_key() -> None:
    key = make_key()
    assert read_request(request(key)) == key.public_key()


def test_other_requests_are_refused() -> None:
    good = request(make_key())
    bad = good.replace(b"\nMI", b"\nMJ", 1)
    weak = request(rsa.generate_private_key(65537, 2048))
    for data in (b"", b"x" * 10_000, bad, weak, request(ec.generate_private_key(ec.SECP192R1()))):
        with pytest.raises(CodecError):
            read_request(data)
