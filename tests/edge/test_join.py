"""Joining, over real TLS: a kit with a code meets the centre, or somebody who is not."""

import asyncio
import base64
import contextlib
import json
import os
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from cryptography import x509
from fastapi import FastAPI
from fastapi.responses import Response

from fieldlink.codecs.fault import AccessError, ConfigError, LinkError
from fieldlink.codecs.join import JoinCode, encode_join_code
from fieldlink.edge.identity import Identity
from fieldlink.edge.join import join
from fieldlink.relay.catalogue import Catalogue
from fieldlink.relay.pki.admission import admit, members, revoke
from fieldlink.relay.pki.authority import Authority
from fieldlink.relay.pki.enrolment import enrolment_router
from fieldlink.systemd.mqtt import TlsFiles

HOUR_US = 3600 * 1_000_000


class Centre:
    """A centre's enrolment on a free port; `now_us` is its clock."""

    def __init__(self, folder: Path) -> None:
        self.now_us = time.time_ns() // 1000
        self.catalogue = Catalogue.open(folder / "catalogue.sqlite", now_us=self.now_us)
        self.authority = Authority.open(folder / "pki", now_us=self.now_us)
        self.logged: list[tuple[str, str | None, str]] = []
        self.joined = 0
        self.port = 0
        self.app = FastAPI()
        self.app.include_router(
            enrolment_router(
                self.catalogue,
                self.authority,
                lambda: ("", 8883),
                log_event=lambda *event: self.logged.append(event),
                clock=lambda: self.now_us,
                on_joined=self._count,
            )
        )

    def _count(self) -> None:
        self.joined += 1

    def admit(self, kit: str, life_us: int = HOUR_US) -> JoinCode:
        address = ("127.0.0.1", self.port)
        print_ = self.authority.ca_fingerprint
        return admit(self.catalogue, kit, address, print_, self.now_us, life_us)

    def text(self, kit: str) -> str:
        return encode_join_code(self.admit(kit))

    def post(self, **fields: Any) -> httpx.Response:
        context = ssl.create_default_context(cafile=str(self.authority.tls.ca))
        url = f"https://localhost:{self.port}/api/join"
        with httpx.Client(verify=context) as client:
            return client.post(url, **fields)


@contextlib.contextmanager
def serving(app: FastAPI, tls: TlsFiles) -> Iterator[int]:
    """`app` over HTTPS with `tls`; the port."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        ssl_certfile=tls.certificate,
        ssl_keyfile=tls.key,
        log_level="critical",
        lifespan="off",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        port: int = server.servers[0].sockets[0].getsockname()[1]
        yield port
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    made = Centre(tmp_path / "centre")
    with serving(made.app, made.authority.tls) as made.port:
        yield made
    made.catalogue.close()


@pytest.fixture
def kit_dir(tmp_path: Path) -> Path:
    return tmp_path / "kit"


def test_a_code_makes_a_kit_that_its_centre_knows(centre: Centre, kit_dir: Path) -> None:
    made = join(centre.text("kit-a"), kit_dir)
    assert made == Identity.load(kit_dir / "identity")
    assert (made.kit, made.broker_host, made.broker_port) == ("kit-a", "127.0.0.1", 8883)
    assert made.centre_url == f"https://127.0.0.1:{centre.port}"
    held = x509.load_pem_x509_certificate(made.tls.certificate.read_bytes())
    assert [(m.kit, m.serial) for m in members(centre.catalogue)] == [
        ("kit-a", f"{held.serial_number:032x}")
    ]
    assert centre.joined == 1
    assert centre.logged[0][:2] == ("joined", "kit-a")
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(made.tls.certificate, made.tls.key)


def test_the_kits_key_is_its_own_and_for_its_owner_only(centre: Centre, kit_dir: Path) -> None:
    folder = join(centre.text("kit-a"), kit_dir).folder
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == dict.fromkeys(
        ("kit.key", "kit.crt", "ca.crt", "identity.json"), 0o600
    )
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(kit_dir.iterdir()) == [folder]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_joins_for_the_service_belongs_to_the_service(
    centre: Centre, kit_dir: Path
) -> None:
    kit_dir.mkdir()
    os.chown(kit_dir, 4711, 4712)
    folder = join(centre.text("kit-a"), kit_dir).folder
    owners = {(found.stat().st_uid, found.stat().st_gid) for found in (folder, *folder.iterdir())}
    assert owners == {(4711, 4712)}


def test_a_code_works_once(centre: Centre, tmp_path: Path) -> None:
    code = centre.text("kit-a")
    join(code, tmp_path / "first")
    with pytest.raises(AccessError, match="was used"):
        join(code, tmp_path / "second")
    assert not (tmp_path / "second").exists()
    assert centre.logged[-1][0] == "join-refused"
    assert "127.0.0.1" in centre.logged[-1][2]


def test_of_two_at_once_only_one_joins(centre: Centre, tmp_path: Path) -> None:
    code = centre.text("kit-a")
    ends: list[str] = []

    def attempt(name: str) -> None:
        try:
            ends.append(join(code, tmp_path / name).kit)
        except AccessError:
            ends.append("refused")

    threads = [threading.Thread(target=attempt, args=(f"k{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["kit-a", "refused", "refused", "refused"]


def test_wrong_expired_replaced_and_revoked_codes_get_the_same_answer(
    centre: Centre, kit_dir: Path
) -> None:
    wrong = replace(centre.admit("kit-w"), secret=bytes(10))
    expired = centre.admit("kit-e", life_us=HOUR_US)
    replaced = centre.admit("kit-r")
    centre.admit("kit-r")
    revoked = centre.admit("kit-v")
    revoke(centre.catalogue, "kit-v", centre.now_us)
    centre.now_us += HOUR_US
    said = set()
    for code in (wrong, expired, replaced, revoked):
        with pytest.raises(AccessError) as caught:
            join(encode_join_code(code), kit_dir)
        said.add(str(caught.value))
    assert len(said) == 1
    assert {event[0] for event in centre.logged} == {"join-refused"}
    assert not kit_dir.exists()


def test_no_secret_is_logged(centre: Centre, kit_dir: Path) -> None:
    code = centre.admit("kit-a")
    secret = base64.urlsafe_b64encode(code.secret).rstrip(b"=").decode()
    join(encode_join_code(code), kit_dir)
    centre.post(json={"secret": secret, "csr": "none"})
    assert centre.logged
    assert secret not in str(centre.logged)
    stored = (centre.catalogue._engine.url.database, code.secret)
    assert stored[1] not in Path(str(stored[0])).read_bytes()


def test_a_mistyped_code_is_told_before_any_connection(kit_dir: Path) -> None:
    code = encode_join_code(JoinCode("127.0.0.1", 1, bytes(16), bytes(10)))
    slip = code[:-1] + ("0" if code[-1] != "0" else "1")
    with pytest.raises(ConfigError, match="mistyped"):
        join(slip, kit_dir)


def test_a_centre_that_is_away_is_weather(kit_dir: Path) -> None:
    code = encode_join_code(JoinCode("127.0.0.1", 1, bytes(16), bytes(10)))
    with pytest.raises(LinkError, match=r"127\.0\.0\.1:1 cannot be reached \(connection refused\)"):
        join(code, kit_dir)


def test_somebody_with_another_ca_gets_no_secret(
    centre: Centre, tmp_path: Path, kit_dir: Path
) -> None:
    between = Centre(tmp_path / "between")
    with serving(between.app, between.authority.tls) as port:
        code = replace(centre.admit("kit-a"), port=port)
        with pytest.raises(AccessError, match="not the centre that made this code"):
            join(encode_join_code(code), kit_dir)
    between.catalogue.close()
    assert between.logged == []
    assert not kit_dir.exists()


def test_somebody_who_shows_the_right_ca_without_its_certificate_gets_no_secret(
    centre: Centre, tmp_path: Path, kit_dir: Path
) -> None:
    other = Authority.open(tmp_path / "other", now_us=centre.now_us)
    app, heard = FastAPI(), []

    @app.get("/api/ca")
    def ca() -> Response:
        return Response(centre.authority.ca_pem)

    @app.post("/api/join")
    def take() -> None:
        heard.append("secret")

    with serving(app, other.tls) as port:
        code = replace(centre.admit("kit-a"), port=port)
        with pytest.raises(AccessError, match="somebody may be in between"):
            join(encode_join_code(code), kit_dir)
    assert heard == []


def test_a_kit_of_the_same_ca_cannot_pose_as_the_centre(centre: Centre, tmp_path: Path) -> None:
    kit = join(centre.text("kit-a"), tmp_path / "kit-a").tls
    with serving(centre.app, kit) as port:
        code = replace(centre.admit("kit-b"), port=port)
        with pytest.raises(AccessError, match="somebody may be in between"):
            join(encode_join_code(code), tmp_path / "kit-b")


def test_a_centre_whose_certificate_has_ended_by_the_kits_clock_is_told_as_the_clock(
    centre: Centre, tmp_path: Path, kit_dir: Path
) -> None:
    old = Authority.open(tmp_path / "old", now_us=centre.now_us - 900 * 24 * HOUR_US)
    app = FastAPI()
    app.include_router(
        enrolment_router(
            centre.catalogue,
            old,
            lambda: ("", 1),
            log_event=lambda *event: None,
            clock=lambda: centre.now_us,
        )
    )
    with serving(app, old.tls) as port:
        code = JoinCode("127.0.0.1", port, old.ca_fingerprint[:16], bytes(10))
        with pytest.raises(AccessError, match="by this kit's clock"):
            join(encode_join_code(code), kit_dir)


def test_a_code_is_not_spent_on_a_kit_that_cannot_keep_what_it_gets(
    centre: Centre, tmp_path: Path
) -> None:
    code = centre.text("kit-a")
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written; run as root or"):
        join(code, tmp_path / "file" / "kit")
    assert join(code, tmp_path / "kit").kit == "kit-a"


def test_what_answers_but_is_no_centre_is_told(kit_dir: Path, centre: Centre) -> None:
    with serving(FastAPI(), centre.authority.tls) as port:
        code = JoinCode("127.0.0.1", port, bytes(16), bytes(10))
        with pytest.raises(LinkError, match="no Fieldlink centre"):
            join(encode_join_code(code), kit_dir)


def test_an_identity_is_replaced_by_force_only_and_then_the_old_certificate_ends(
    centre: Centre, kit_dir: Path
) -> None:
    first = join(centre.text("kit-a"), kit_dir)
    key = first.tls.key.read_bytes()
    again = centre.text("kit-a")
    with pytest.raises(ConfigError, match=r"already the kit kit-a .* --force"):
        join(again, kit_dir)
    second = join(again, kit_dir, force=True)
    assert second.tls.key.read_bytes() != key
    assert len(centre.catalogue.revoked_serials()) == 1
    assert [path.name for path in kit_dir.iterdir()] == ["identity"]


def test_too_many_attempts_from_one_address_are_turned_away(centre: Centre, kit_dir: Path) -> None:
    answers = [centre.post(content=b"{}").status_code for _ in range(12)]
    assert answers == [400] * 10 + [429] * 2
    with pytest.raises(LinkError, match="wait a minute"):
        join(centre.text("kit-a"), kit_dir)
    centre.now_us += 60 * 1_000_000
    join(centre.text("kit-a"), kit_dir)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[" * 5000, 400),
        (b'{"secret": "' + b"a" * 20_000, 413),
        (b'{"secret": 5, "csr": ""}', 400),
        (json.dumps({"secret": "../../etc/pass", "csr": ""}).encode(), 403),
        (json.dumps({"secret": "é" * 14, "csr": ""}).encode(), 403),
        (json.dumps({"secret": "A" * 14, "csr": "-----BEGIN"}).encode(), 400),
    ],
)
def test_a_request_without_sense_is_refused_logged_and_nothing_else(
    centre: Centre, body: bytes, status: int
) -> None:
    assert centre.post(content=body).status_code == status
    assert [event[0] for event in centre.logged] == ["join-refused"]


def test_a_bad_request_does_not_spend_the_code(centre: Centre, kit_dir: Path) -> None:
    code = centre.admit("kit-a")
    secret = base64.urlsafe_b64encode(code.secret).rstrip(b"=").decode()
    assert centre.post(json={"secret": secret, "csr": "none"}).status_code == 400
    assert join(encode_join_code(code), kit_dir).kit == "kit-a"
