"""The page for Pilot 2: keys only for a gateway's name and password; what the page does then."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from fieldlab.browser import browser_program, open_browser
from fieldlab.intake import FakeIntake, FakeTime
from fieldlink.codecs.fault import ConfigError
from fieldlink.edge.device_api.registry import Registry
from fieldlink.edge.device_api.settings import DeviceApiSettings
from fieldlink.edge.dji.adapter import Dji, make_dji
from fieldlink.edge.dji.page import PageServer, PilotFacts, make_page
from fieldlink.edge.dji.settings import DjiSettings, load_keys
from fieldlink.systemd.nats import free_port

pytestmark = pytest.mark.anyio
KEYS = {"app_id": "1234", "app_key": "the-key", "app_license": "the-license"}
FACTS = PilotFacts(
    KEYS,
    "tcp://192.0.2.1:1883",
    "e3dea0f5-37f2-4d79-ae58-490af3228069",
    lambda name: {"token": f"pass of {name}", "auto": "photos"},
)


def adapter(folder: Path) -> tuple[Dji, str]:
    """An adapter that is not running, and the password of its gateway drone-1."""
    registry = Registry(folder / "device-api")
    registry.add("soldier-1", "soldier")
    password = registry.add("drone-1", "drone", "9N9CN2J0012CXY")
    settings = DjiSettings(enabled=True)
    api = DeviceApiSettings(enabled=True, plain=True)
    [made] = make_dji(settings, api, folder, FakeIntake(), FakeTime(), None)
    made._registry.refresh()
    return made, password


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    made, password = adapter(tmp_path)
    transport = httpx.ASGITransport(make_page(FACTS, made._admits))
    async with httpx.AsyncClient(transport=transport, base_url="http://kit") as found:
        yield found, password


async def test_the_keys_are_only_for_a_gateways_name_and_password(
    client: tuple[httpx.AsyncClient, str], caplog: pytest.LogCaptureFixture
) -> None:
    page, password = client
    with caplog.at_level(logging.DEBUG):
        answer = await page.post("/open", json={"name": "drone-1", "password": password})
        found = {**KEYS, "broker": FACTS.broker, "workspace": FACTS.workspace}
        found |= {"token": "pass of drone-1", "auto": "photos"}
        assert (answer.status_code, answer.json()) == (200, found)
        wrong = [("drone-1", "x"), ("soldier-1", password), ("nobody", "")]
        for name, secret in (*wrong, ("drone-1", "\ud800"), ("drone-1", "a\0b")):
            asked = json.dumps({"name": name, "password": secret})
            answer = await page.post("/open", content=asked)
            assert answer.status_code == 403
            assert "密码" in answer.json()["said"]
    assert not any(secret in caplog.text for secret in (*KEYS.values(), password))
    assert "the-key" not in repr(FACTS)


async def test_the_page_itself_holds_no_secret_and_lets_nothing_else_in(
    client: tuple[httpx.AsyncClient, str],
) -> None:
    page, _ = client
    for path in ("/", "/page.js", "/page.css"):
        answer = await page.get(path)
        assert answer.status_code == 200
        assert not any(secret in answer.text for secret in KEYS.values())
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    for path in ("/docs", "/openapi.json", "/../page.py", "/page.py"):
        assert (await page.get(path)).status_code == 404


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"name": 1, "password": "x"}', b'"' + b"x" * 3000, b"[" * 1900]
)
async def test_a_question_that_is_none_is_refused(
    client: tuple[httpx.AsyncClient, str], body: bytes
) -> None:
    answer = await client[0].post("/open", content=body)
    assert answer.status_code == 400


async def test_after_many_wrong_passwords_an_address_is_not_asked_for_a_while_and_others_are(
    tmp_path: Path,
) -> None:
    made, password = adapter(tmp_path)
    app = make_page(FACTS, made._admits)
    page, other = (
        httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(host, 1)), base_url="http://k")
        for host in ("192.0.2.7", "192.0.2.8")
    )
    wrong = {"name": "drone-1", "password": "wrong"}
    answers = [(await page.post("/open", json=wrong)).status_code for _ in range(21)]
    assert answers == [403] * 20 + [429]
    right = {"name": "drone-1", "password": password}
    assert (await page.post("/open", json=right)).status_code == 429
    assert (await other.post("/open", json=right)).status_code == 200


def test_keys_come_from_a_file_and_a_wrong_one_is_not_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = DjiSettings()
    assert load_keys(settings, tmp_path) is None
    text = "".join(f'{key} = "{value}"\n' for key, value in KEYS.items())
    (tmp_path / "dji-app.toml").write_text(text)
    found = load_keys(settings, tmp_path)
    assert found is not None
    assert found.plain() == KEYS
    assert "the-key" not in repr(found)
    given = tmp_path / "given"
    given.mkdir()
    (given / "dji-app.toml").write_text(text.replace("1234", "5678"))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
    found = load_keys(settings, tmp_path)
    assert found is not None
    assert found.plain()["app_id"] == "5678"
    (given / "dji-app.toml").write_text('app_key = "the-key"\n')
    with pytest.raises(ConfigError) as caught:
        load_keys(settings, tmp_path)
    assert "the-key" not in str(caught.value)
    with pytest.raises(ConfigError, match="no such file"):
        load_keys(DjiSettings(keys=tmp_path / "absent"), tmp_path)


BRIDGE = """
window.said = [];
const good = (data) => JSON.stringify({code: 0, message: "success", data});
const note = (name, answer) => (...args) => { said.push([name, ...args]); return answer(); };
window.djiBridge = {
  platformVerifyLicense: note("platformVerifyLicense", () => window.refuse
    ? JSON.stringify({code: 612002, message: "license"}) : good(true)),
  platformLoadComponent: note("platformLoadComponent", () => good("")),
  platformSetWorkspaceId: note("platformSetWorkspaceId", () => good("")),
  platformSetInformation: note("platformSetInformation", () => good("")),
  thingGetConnectState: note("thingGetConnectState", () => good(false)),
  thingConnect: note("thingConnect", () => { fieldlinkThing("true"); return good(""); }),
};
true
"""


async def test_pilot_2_is_brought_to_the_broker_in_its_own_order(
    tmp_path: Path, need_program: Callable[..., str]
) -> None:
    need_program(browser_program())
    made, password = adapter(tmp_path)
    port = free_port("127.0.0.1")
    server = PageServer("127.0.0.1", port, FACTS, made._admits)
    serving = asyncio.create_task(server.run(lambda: None))
    try:
        said, words = await asyncio.to_thread(_pilot, tmp_path / "profile", port, password)
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    assert [one[0] for one in said] == [
        "platformVerifyLicense",  # refused
        "platformVerifyLicense",
        "platformLoadComponent",
        "platformSetWorkspaceId",
        "platformSetInformation",
        "platformLoadComponent",
        "platformLoadComponent",
        "platformLoadComponent",
        "thingGetConnectState",
        "thingConnect",
    ]
    assert said[1][1:] == ["1234", "the-key", "the-license"]
    thing, live, api, media = (one for one in said if one[0] == "platformLoadComponent")
    assert (api[1], json.loads(api[2])["token"]) == ("api", "pass of drone-1")
    assert json.loads(api[2])["host"] == f"http://127.0.0.1:{port}"
    assert (media[1], json.loads(media[2])) == (
        "media",
        {"autoUploadPhoto": True, "autoUploadPhotoType": 0, "autoUploadVideo": False},
    )
    assert (thing[1], live[1]) == ("thing", "liveshare")
    assert json.loads(thing[2])["host"] == "tcp://192.0.2.1:1883"
    assert json.loads(thing[2])["username"] == "drone-1"
    assert json.loads(live[2])["videoPublishType"] == "video-on-demand"
    assert words == ["612002", "密码不正确", "已连接"]


def _pilot(folder: Path, port: int, password: str) -> tuple[list[Any], list[str]]:
    """What the page called, and whether it said what it should: refused, wrong, connected."""
    words = []
    with open_browser(folder) as browser:
        browser.go(f"http://127.0.0.1:{port}/?name=drone-1")
        browser.wait("document.querySelectorAll('#steps li').length === 3")
        browser.run(BRIDGE)

        def submit(secret: str, awaited: str) -> None:
            browser.run(f"document.getElementById('password').value = {json.dumps(secret)}")
            browser.run("document.getElementById('go').click()")
            browser.wait(f"document.getElementById('said').textContent.includes('{awaited}')")
            words.append(awaited)

        browser.run("window.refuse = true")
        submit(password, "612002")
        browser.run("window.refuse = false")
        submit("wrong", "密码不正确")
        submit(password, "已连接")
        assert browser.run("document.querySelectorAll('li.good').length") == 4
        return browser.run("window.said"), words
