"""Imports beside the running agent, without one, and all the way to the centre's API."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from fieldlab.aircraft import flight
from fieldlab.duty import PASSWORD, open_duty
from fieldlab.flightlogs import UTC_US, dataflash, recording, ulog
from fieldlab.imports import BEIJING, Landing, srt
from fieldlab.spools import open_spool
from fieldlink.codecs.bundle import Draft, Layer, Precedence
from fieldlink.codecs.fault import ConfigError, SpoolError
from fieldlink.codecs.mavlink import tlog_record
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.control import serve_control
from fieldlink.edge.drone.commands import app
from fieldlink.edge.importing.asking import _beside_agent, import_path
from fieldlink.edge.importing.order import Place
from fieldlink.edge.importing.passing import Shelf
from fieldlink.edge.importing.service import Importing
from fieldlink.edge.records import Records
from fieldlink.edge.spool import Spool

RUN = CliRunner()


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """The agent's spool."""
    opened = open_spool(tmp_path / "spool")
    yield opened
    opened.close()


@pytest.fixture
def agent(tmp_path: Path, spool: Spool) -> Iterator[Importing]:
    """An agent's control socket on a thread, with its imports."""
    loop = asyncio.new_event_loop()
    records = Records(spool.add, spool.add_gap, spool.read)
    importing = Importing(tmp_path, records, lambda: UTC_US)
    path = EdgeSettings(state_dir=tmp_path).control_path
    ready = threading.Event()

    async def serve() -> None:
        await serve_control(path, importing.commands, ready.set)

    async def end() -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:  # whose callers have gone a moment ago
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def work() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(serving)
        loop.run_until_complete(end())
        loop.run_until_complete(loop.shutdown_default_executor())

    serving = loop.create_task(serve())
    thread = threading.Thread(target=work)
    thread.start()
    assert ready.wait(10)
    yield importing
    loop.call_soon_threadsafe(serving.cancel)
    thread.join(10)
    loop.close()


def _lent(tmp_path: Path) -> tuple[socket.socket, str]:
    """The control connection of an import that has begun, and the place that it was given."""
    control = socket.socket(socket.AF_UNIX)
    control.settimeout(10)
    control.connect(str(EdgeSettings(state_dir=tmp_path).control_path))
    control.sendall(b'{"do": "import"}\n')
    said = json.loads(control.makefile("rb").readline())
    return control, said["progress"]["give"]


def _draft(**more: Any) -> Draft:
    fields = {"start_us": 1, "end_us": 2, "recorded_us": 3, "meta": {"a": 1}, **more}
    return Draft(
        device="m300-1", stream="mavlink", layer=Layer.ORIGINAL, precedence=Precedence.ROUTINE,
        media_type="text/plain", **fields,
    )  # fmt: skip


@pytest.mark.usefixtures("agent")
def test_a_file_goes_into_the_running_agents_spool(tmp_path: Path, spool: Spool) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(dataflash())
    told: list[dict[str, Any]] = []
    settings = EdgeSettings(state_dir=tmp_path)
    result = import_path(settings, path, told.append, vehicle="m300-1")
    assert (result["devices"], result["damage"]) == (["m300-1"], "")
    assert told[0]["of"] == 3 * path.stat().st_size
    stored = list(spool.bundles())
    assert {one.manifest.device for one in stored} == {"m300-1", "kit"}
    assert {one.recorded_us for one in stored} == {UTC_US}  # by the agent's clock
    again = import_path(settings, path, told.append, vehicle="m300-1")
    assert again["known"]
    assert len(list(spool.bundles())) == len(stored)
    assert not list(tmp_path.glob("i-*.sock"))


@pytest.mark.usefixtures("agent")
def test_whoever_dies_in_the_middle_leaves_what_is_stored_and_the_way_free(
    tmp_path: Path, spool: Spool
) -> None:
    control, place = _lent(tmp_path)
    shelf = Shelf(place)
    kept = shelf.add(_draft(), b"x" * 9000)
    with pytest.raises(ConfigError, match="another file"):
        import_path(EdgeSettings(state_dir=tmp_path), _bin(tmp_path), print, vehicle="m300-1")
    shelf.close()
    with control:
        assert json.loads(control.makefile("rb").readline()) == {"ok": True}
    assert spool.read(kept.bundle_id, 0, 9000) == b"x" * 9000
    settings = EdgeSettings(state_dir=tmp_path)
    assert import_path(settings, _bin(tmp_path), print, vehicle="m300-1")["frames"]


@pytest.mark.usefixtures("agent")
def test_an_interruption_stores_nothing_more(tmp_path: Path, spool: Spool) -> None:
    stop, stored = threading.Event(), threading.Event()

    def work(place: Place) -> dict[str, Any]:
        while True:  # until it is refused
            place.add(_draft(), b"x")
            stored.set()

    async def interrupted() -> None:
        doing = asyncio.ensure_future(_beside_agent(EdgeSettings(state_dir=tmp_path), work, stop))
        await asyncio.to_thread(stored.wait, 10)
        doing.cancel()
        await asyncio.wait([doing])

    asyncio.run(interrupted())  # and this ends, although a thread cannot be cancelled
    assert stop.is_set()
    assert list(spool.bundles())


def _bin(folder: Path) -> Path:
    path = folder / "b.bin"
    path.write_bytes(dataflash(2))
    return path


@pytest.mark.usefixtures("agent")
@pytest.mark.parametrize("said", [b"\xff" * 8, b"\0\0\0\1\0\0\0\0x"])
def test_nonsense_ends_the_import_and_not_the_agent(said: bytes, tmp_path: Path) -> None:
    control, place = _lent(tmp_path)
    with socket.socket(socket.AF_UNIX) as link, control:
        link.connect(place)
        link.sendall(said)
        assert b'"ok": false' in control.makefile("rb").readline()
    assert import_path(EdgeSettings(state_dir=tmp_path), _bin(tmp_path), print, vehicle="m300-1")


@pytest.mark.usefixtures("agent")
@pytest.mark.parametrize("said", [b"{}", b'{"op": "find", "sha256": 99}', b"[1]"])
def test_what_nobody_asks_is_refused_and_the_import_goes_on(said: bytes, tmp_path: Path) -> None:
    control, place = _lent(tmp_path)
    with socket.socket(socket.AF_UNIX) as link, control:
        link.settimeout(10)
        link.connect(place)
        for _ in range(2):
            link.sendall(len(said).to_bytes(4) + bytes(4) + said)
            assert b'"ok": false' in link.recv(4096)


@pytest.mark.usefixtures("agent")
def test_a_draft_that_is_none_is_refused_and_the_import_goes_on(tmp_path: Path) -> None:
    control, place = _lent(tmp_path)
    shelf = Shelf(place)
    with control, contextlib.closing(shelf):
        draft = _draft()
        object.__setattr__(draft, "device", "../../etc")
        with pytest.raises(SpoolError, match="device"):
            shelf.add(draft, b"")
        assert shelf.add(_draft(), b"").bundle_id
        assert shelf.find("0" * 64) is None


def test_a_spool_that_refuses_ends_an_import_that_can_be_done_again(tmp_path: Path) -> None:
    path = tmp_path / "a.ulg"
    path.write_bytes(ulog(90))
    landing = Landing(tmp_path)
    real, left = landing.take, [2]

    def add(store: Any) -> Any:
        def added(draft: Draft, content: bytes) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise SpoolError("the disk is full")
            return store(draft, content)

        return added

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fieldlab.imports.whole_add", add)
        with pytest.raises(SpoolError, match="full"):
            real(path)
    assert len(landing.bundles()) == 2
    result = real(path)
    assert not result.known
    assert [one.ident for one in landing.flights()] == result.flights


# --- without an agent, by the command ---------------------------------------------------------


@pytest.fixture
def config(tmp_path: Path) -> str:
    """A kit that has joined nothing yet."""
    path = tmp_path / "edge.toml"
    path.write_text(f'kit = "kit-1"\nstate_dir = "{tmp_path / "kit"}"\n')
    return str(path)


def test_the_command_records_lists_verifies_and_exports_without_an_agent(
    config: str, tmp_path: Path
) -> None:
    path = tmp_path / "00000012.BIN"
    path.write_bytes(dataflash()[:-5])
    (tmp_path / "a.txt").write_text("no log")
    asked = ["import", str(path), str(tmp_path / "a.txt"), "--record", "--config", config]
    done = RUN.invoke(app, [*asked, "--vehicle", "m300-1", "--json"])
    assert done.exit_code == 1
    good, bad = json.loads(done.stdout)["files"]
    assert "record at byte" in good["damage"]
    assert bad["refused"]
    again = RUN.invoke(
        app, ["import", str(path), "--record", "--vehicle", "m300-1", "--config", config]
    )
    assert (again.exit_code, "imported before" in again.stdout) == (0, True)
    found = RUN.invoke(app, ["record", "list", "--json", "--config", config])
    names = [one["name"] for one in json.loads(found.stdout)["recordings"]]
    assert good["flights"][0] in names
    shown = RUN.invoke(app, ["record", "show", good["flights"][0], "--config", config])
    assert "ended 结束: imported" in shown.stdout
    out = tmp_path / "out.tlog"
    export = ["record", "export", good["flights"][0], "-o", str(out), "--config", config]
    assert RUN.invoke(app, export).exit_code == 0
    assert out.stat().st_size > 1000
    verified = RUN.invoke(app, ["record", "verify", "--config", config])
    assert (verified.exit_code, "0 problems" in verified.stdout) == (0, True)


def test_a_log_of_an_autopilot_needs_the_name_of_the_aircraft(config: str, tmp_path: Path) -> None:
    asked = ["import", str(_bin(tmp_path)), "--record", "--config", config]
    done = RUN.invoke(app, asked)
    assert (done.exit_code, "--vehicle NAME" in done.stdout) == (1, True)
    done = RUN.invoke(app, [*asked, "--vehicle", "../x"])
    assert (done.exit_code, "NOT DONE" in done.stdout) == (1, True)


def test_a_spool_of_another_user_is_left_alone(
    config: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kit").mkdir()
    monkeypatch.setattr("os.geteuid", lambda: 12_345)
    asked = ["import", str(_bin(tmp_path)), "--record", "--vehicle", "m300-1", "--config", config]
    done = RUN.invoke(app, asked)
    assert (done.exit_code, "another user's" in done.stdout) == (1, True)
    assert not list((tmp_path / "kit").iterdir())


# --- at the centre -------------------------------------------------------------------------------


def _filed(landing: Landing, duty: Any) -> None:
    for manifest, content in landing.bundles():
        duty.file(
            manifest.device, manifest.layer, manifest.start_us, content,
            seconds=(manifest.end_us - manifest.start_us) / 1e6,
            media_type=manifest.media_type, stream=manifest.stream, meta=manifest.meta,
        )  # fmt: skip


def test_imported_flights_are_at_the_centre_with_their_way(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    log, told = tmp_path / "a.bin", tmp_path / "DJI_0001.SRT"
    log.write_bytes(dataflash(8))
    told.write_text(srt(8))
    idle = tmp_path / "idle.tlog"
    idle.write_bytes(b"".join(tlog_record(raw, UTC_US + at_us) for at_us, raw in flight(3)))
    landing.take(idle)
    logged = landing.take(log).flights[0]
    filmed = landing.take(told, vehicle="m30t-1", zone=BEIJING).flights[0]
    with open_duty(tmp_path / "centre") as duty:
        _filed(landing, duty)
        duty.telemetry.settle()
        duty.flights.settle()
        with httpx.Client(base_url=duty.url, verify=False, timeout=10) as client:  # noqa: S501
            client.headers["origin"] = duty.url
            client.post("/api/login", json={"name": "duty", "password": PASSWORD})
            rows = client.get("/api/flights", params={"from_us": 0}).json()["flights"]
            found = {row["flight"]: row for row in rows}
            assert {found[one]["ended"] for one in (logged, filmed)} == {"imported"}
            # On the ground as well, up to where it was armed or the file was over.
            assert {one["ended"] for one in rows} == {"armed", "imported"}
            assert found[logged]["pieces_here"] == found[logged]["pieces_known"]
            path = f"/api/flights/kit-1/m300-1/{logged}"
            way = client.get(f"{path}/replay").json()
            at = way["columns"].index("lat")
            assert way["rows"][0][at] == pytest.approx(30.1234, abs=0.01)
            assert client.get(f"{path}/flight.tlog").content[8] == 0xFD
            path = f"/api/flights/kit-1/m30t-1/{filmed}/replay"
            assert len(client.get(path).json()["rows"]) == 8


@pytest.mark.parametrize("name", ["px4-sample_log_small.ulg", "dji-matrice_300.srt"])
def test_a_real_file_is_a_flight_in_the_kits_list(name: str, config: str) -> None:
    path = recording(name)
    asked = ["import", str(path), "--record", "--vehicle", "m300-1", "--zone", "+08:00"]
    done = RUN.invoke(app, [*asked, "--config", config, "--json"])
    assert done.exit_code == 0
    [flight] = json.loads(done.stdout)["files"][0]["flights"]
    found = RUN.invoke(app, ["record", "list", "--config", config])
    assert flight in found.stdout
