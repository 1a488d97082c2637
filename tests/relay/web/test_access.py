"""Who gets in, and who does not."""

import re
import time
from pathlib import Path

import httpx
import pytest

from fieldlab.duty import PASSWORD, Duty, now_us, open_duty
from fieldlink.codecs.fault import AccessError
from fieldlink.relay.web import WebSettings
from fieldlink.relay.web.accounts import (
    create_token,
    ensure_duty_account,
    remove_user,
    set_password,
)
from fieldlink.relay.web.guard import OPEN_PATHS
from fieldlink.relay.web.sessions import COOKIE, Sessions, load_session_key
from fieldlink.relay.web.throttle import LoginThrottle


def _routes(client: httpx.Client, token: str) -> list[tuple[str, str]]:
    bearer = {"authorization": f"Bearer {token}"}
    paths = client.get("/api/openapi.json", headers=bearer).json()["paths"]
    filled = {"{bundle}": "0" * 64, "{incident}": "standing", "{kit}": "k", "{device}": "d"}
    routes = [("GET", "/api/openapi.json"), ("HEAD", f"/api/bundles/{'0' * 64}/content")]
    for path, methods in paths.items():
        for name, value in {**filled, "{stream}": "video"}.items():
            path = path.replace(name, value)
        routes += [(method.upper(), path) for method in methods]
    return routes


def test_every_route_but_the_listed_ones_wants_a_login(duty: Duty, outside: httpx.Client) -> None:
    token = create_token(duty.catalogue, "lister", now_us)
    routes = _routes(outside, token)
    assert len(routes) >= 15
    closed = [(method, path) for method, path in routes if path not in OPEN_PATHS]
    assert len(closed) >= 12
    for method, path in closed:
        answer = outside.request(method, path, headers={"origin": duty.url})
        assert answer.status_code == 401, (method, path)


def test_what_does_not_exist_wants_a_login_too(outside: httpx.Client) -> None:
    for path in (
        "/api/nothing",
        "/docs",
        "/redoc",
        "/openapi.json",
        "//api/incidents",
        "/API/kits",
    ):
        assert outside.get(path).status_code == 401, path


def test_the_open_paths_answer_without_a_login(outside: httpx.Client) -> None:
    assert outside.get("/api/health").json()["ok"] is True
    assert outside.get("/api/session").json()["user"] is None
    assert outside.get("/").status_code == 200
    assert outside.get("/page/app.js").headers["content-type"].startswith("text/javascript")


def test_a_login_gives_a_cookie_that_scripts_and_plain_http_never_see(
    duty: Duty, outside: httpx.Client
) -> None:
    answer = outside.post("/api/login", json={"name": "duty", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("__host-fieldlink=duty.")
    assert {"httponly", "secure", "samesite=strict", "path=/"} <= set(cookie.split("; "))
    assert outside.get("/api/incidents").status_code == 200


def test_a_logout_forgets_the_cookie(inside: httpx.Client) -> None:
    assert inside.post("/api/logout").status_code == 200
    assert inside.get("/api/incidents").status_code == 401


def test_a_new_password_ends_the_sessions_of_the_old_one(duty: Duty, inside: httpx.Client) -> None:
    assert inside.get("/api/kits").status_code == 200
    set_password(duty.catalogue, "duty", "another-night-2026", now_us)
    assert inside.get("/api/kits").status_code == 401


def test_a_forged_cookie_is_nobody(duty: Duty, outside: httpx.Client) -> None:
    ends = 4_000_000_000
    for value in ("", "duty", f"duty.{ends}.", f"duty.{ends}.{'0' * 64}", "a.b.c", "duty.١.x"):
        headers = {b"cookie": f"{COOKIE}={value}".encode()}
        assert outside.get("/api/kits", headers=headers).status_code == 401, value


def test_a_session_ends_by_itself_and_cannot_be_lengthened() -> None:
    now = 1_000_000_000_000_000
    clock = [now]
    sessions = Sessions(b"k" * 32, 60.0, lambda: clock[0], lambda _name: "hash")
    cookie = sessions.issue("duty")
    assert sessions.holder(cookie) == "duty"
    name, ends, mac = cookie.split(".")
    assert sessions.holder(f"{name}.{int(ends) + 1}.{mac}") is None
    assert sessions.holder(f"other.{ends}.{mac}") is None
    clock[0] += 60_000_000
    assert sessions.holder(cookie) is None


def test_the_session_key_is_kept_and_nobody_else_reads_it(tmp_path: Path) -> None:
    key = load_session_key(tmp_path / "web")
    assert load_session_key(tmp_path / "web") == key
    assert (tmp_path / "web" / "session.key").stat().st_mode & 0o777 == 0o600


def test_an_unsafe_request_from_another_site_is_refused(duty: Duty, inside: httpx.Client) -> None:
    for origin in ("https://evil.example", "null", duty.url.replace("https", "http")):
        answer = inside.post("/api/incidents", json={"name": "x"}, headers={"origin": origin})
        assert answer.status_code == 403, origin
        login = {"name": "duty", "password": PASSWORD}
        assert inside.post("/api/login", json=login, headers={"origin": origin}).status_code == 403
    del inside.headers["origin"]
    crossing = {"sec-fetch-site": "cross-site"}
    answer = inside.post("/api/incidents", json={"name": "x"}, headers=crossing)
    assert answer.status_code == 403
    assert len(inside.get("/api/incidents").json()["incidents"]) == 1


def test_wrong_passwords_are_throttled_and_a_right_one_too_then(outside: httpx.Client) -> None:
    for _ in range(5):
        answer = outside.post("/api/login", json={"name": "duty", "password": "guess"})
        assert answer.status_code == 401
    answer = outside.post("/api/login", json={"name": "duty", "password": PASSWORD})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 60


def test_the_throttle_forgives_after_its_window_and_after_success() -> None:
    clock = [0.0]
    throttle = LoginThrottle(2, 60.0, lambda: clock[0])
    assert throttle.wait_s("10.0.0.1") == 0
    clock[0] = 10.0
    assert throttle.wait_s("10.0.0.1") == 0
    assert throttle.wait_s("10.0.0.1") == pytest.approx(50.0)
    assert throttle.wait_s("10.0.0.2") == 0
    clock[0] = 60.0
    assert throttle.wait_s("10.0.0.1") == 0
    throttle.forgive("10.0.0.1")
    assert throttle.wait_s("10.0.0.1") == 0


def test_the_throttle_takes_an_ipv6_network_for_one_address_and_stays_small() -> None:
    throttle = LoginThrottle(1, 60.0, lambda: 0.0)
    assert throttle.wait_s("2001:db8::1") == 0
    assert throttle.wait_s("2001:db8::ffff") > 0
    for number in range(5000):
        throttle.wait_s(f"10.{number // 250}.{number % 250}.1")
    assert len(throttle._tries) == 4096


def test_an_unknown_account_takes_as_long_as_a_wrong_password(tmp_path: Path) -> None:
    settings = WebSettings(host="127.0.0.1", port=0, login_attempts=50)
    times: dict[str, list[float]] = {"duty": [], "nobody": []}
    with (
        open_duty(tmp_path / "centre", settings) as duty,
        httpx.Client(base_url=duty.url, verify=False) as client,  # noqa: S501
    ):
        for _ in range(6):
            for name, taken in times.items():
                began = time.perf_counter()
                answer = client.post("/api/login", json={"name": name, "password": "wrong"})
                taken.append(time.perf_counter() - began)
                assert answer.json()["detail"] == "wrong account or password"
    known, unknown = min(times["duty"]), min(times["nobody"])
    assert unknown > known * 0.5


def test_a_token_opens_the_api_until_it_is_revoked(duty: Duty, outside: httpx.Client) -> None:
    token = create_token(duty.catalogue, "dispatch", now_us)
    bearer = {"authorization": f"Bearer {token}"}
    assert outside.get("/api/kits", headers=bearer).status_code == 200
    started = outside.post("/api/incidents", json={"name": "Flood"}, headers=bearer)
    assert started.status_code == 201
    wrong = {"authorization": f"Bearer {token[:-1]}"}
    assert outside.get("/api/kits", headers=wrong).status_code == 401
    duty.catalogue.revoke_token("dispatch", now_us())
    assert outside.get("/api/kits", headers=bearer).status_code == 401


def test_neither_password_nor_token_is_in_the_catalogue_s_file(duty: Duty) -> None:
    token = create_token(duty.catalogue, "dispatch", now_us)
    stored = b"".join(path.read_bytes() for path in duty.folder.glob("catalogue.db*"))
    assert token.encode() not in stored
    assert PASSWORD.encode() not in stored
    assert b"$argon2id$" in stored


def test_the_first_run_makes_the_duty_account_once(duty: Duty) -> None:
    duty.catalogue.remove_user("duty")
    password = ensure_duty_account(duty.catalogue, now_us)
    assert password is not None
    assert re.fullmatch(r"(?:[a-z2-9]{4}-){3}[a-z2-9]{4}", password)
    assert ensure_duty_account(duty.catalogue, now_us) is None


def test_accounts_refuse_weak_passwords_bad_names_and_losing_the_last(duty: Duty) -> None:
    with pytest.raises(AccessError, match="10 to 128"):
        set_password(duty.catalogue, "duty", "short", now_us)
    with pytest.raises(AccessError, match="account"):
        set_password(duty.catalogue, "../etc", None, now_us)
    with pytest.raises(AccessError, match="only account"):
        remove_user(duty.catalogue, "duty")


def test_a_body_over_the_bound_is_refused(inside: httpx.Client) -> None:
    big = b'{"name": "' + b"x" * 70_000 + b'"}'
    json_type = {"content-type": "application/json"}
    assert inside.post("/api/incidents", content=big, headers=json_type).status_code == 413
    pieces = (big[at : at + 1000] for at in range(0, len(big), 1000))
    assert inside.post("/api/incidents", content=pieces, headers=json_type).status_code == 413


def test_every_answer_carries_the_headers_that_protect_the_page(outside: httpx.Client) -> None:
    for path in ("/", "/page/app.css", "/api/health", "/api/kits"):
        headers = outside.get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert "strict-transport-security" not in headers
        assert "server" not in headers


def test_the_page_s_folder_gives_nothing_but_the_page(outside: httpx.Client) -> None:
    for path in ("../app.py", "%2e%2e/app.py", "..%2fapp.py", "..%5capp.py", "%00", "/etc/passwd"):
        answer = outside.get(f"/page/{path}")
        assert answer.status_code in {401, 404}, path
        assert b"import" not in answer.content
