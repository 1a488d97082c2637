"""`fieldlink drone`: asks the agent when there is one, listens itself when there is none."""

import asyncio
import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fieldlab.aircraft import flight
from fieldlink.drone.console.wording import watch_lines
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.drone import reports
from fieldlink.edge.drone.commands import app

RUN = CliRunner()


def _config(folder: Path, connect: str = "") -> str:
    path = folder / "edge.toml"
    text = f'state_dir = "{folder}"\n'
    if connect:
        text += f'[[drone.endpoint]]\nname = "radio"\nconnect = "{connect}"\nprofile = "lte"\n'
    path.write_text(text)
    return str(path)


def test_a_running_agent_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, Any] = {"vehicles": [], "endpoints": [{"name": "radio", "links": [
        {"line": "link radio OK (1 packets)"}], "state": "open", "reason": ""}]}  # fmt: skip
    monkeypatch.setattr(reports, "ask_agent", lambda *_, **__: {"ok": True, "drone": told})
    done = RUN.invoke(app, ["links", "--config", _config(tmp_path)])
    assert (done.exit_code, done.stdout) == (0, "link radio OK (1 packets)\n")
    done = RUN.invoke(app, ["vehicles", "--json", "--config", _config(tmp_path)])
    assert json.loads(done.stdout) == {"running": True, "vehicles": []}


def test_who_watches_is_told_when_the_agent_ends_and_sees_it_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"ok": True, "drone": {"vehicles": [], "endpoints": []}}
    answers = iter([told, None, {"ok": False}, told])
    monkeypatch.setattr(reports, "ask_agent", lambda *_, **__: next(answers))

    async def four() -> list[dict[str, Any]]:
        settings = EdgeSettings(state_dir=tmp_path)
        told = reports.reports(settings, every_s=0)
        return [await anext(told) for _ in range(4)]

    found = asyncio.run(four())
    assert [one["running"] for one in found] == [True, False, False, True]
    assert watch_lines(found[1])[0].startswith("the agent has ended")


def test_without_an_agent_the_links_of_the_settings_are_opened(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    frames = [raw for _, raw in flight(2)]
    stop = threading.Event()

    def fly() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            while not stop.wait(0.05):
                for raw in frames:
                    sender.sendto(raw, ("127.0.0.1", port))

    config = _config(tmp_path, f"udpin:127.0.0.1:{port}")
    flying = threading.Thread(target=fly)
    flying.start()
    try:
        done = RUN.invoke(app, ["vehicles", "--json", "--wait", "0.7", "--config", config])
    finally:
        stop.set()
        flying.join()
    found = json.loads(done.stdout)
    assert found["running"] is False
    assert [one["name"] for one in found["vehicles"]] == ["mav-1"]


def test_with_neither_it_says_what_to_do(tmp_path: Path) -> None:
    done = RUN.invoke(app, ["links", "--config", _config(tmp_path)])
    assert "fieldlink drone connect udpin" in str(done.exception)


def test_rates_are_those_of_the_settings(tmp_path: Path) -> None:
    done = RUN.invoke(app, ["rates", "show", "--config", _config(tmp_path, "udpin:127.0.0.1:0")])
    assert "radio: profile lte" in done.stdout
    done = RUN.invoke(app, ["rates", "profile", "sat", "--json"])
    assert json.loads(done.stdout)["sat"]["interval_us"]["ATTITUDE"] == 1_000_000
    assert RUN.invoke(app, ["rates", "profile", "fast"]).exit_code == 2
