"""`fieldlink drone record`, `replay`, `import`: what comes out of a kit's spool and of files."""

import csv
import json
import socket
from pathlib import Path

import gpxpy
import pytest
from typer.testing import CliRunner

from fieldlab.aircraft import flight
from fieldlab.flightlogs import UTC_US, dataflash, recording, ulog
from fieldlab.spools import open_spool
from fieldlink.codecs.fault import ConfigError, SourceError
from fieldlink.codecs.mavlink import tlog_record
from fieldlink.drone.console.positions import read_positions
from fieldlink.drone.console.recordings import Part, Recording
from fieldlink.drone.record import FlightIndex, import_log, verify
from fieldlink.drone.record.index import PieceEntry
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.drone.commands import app
from fieldlink.edge.drone.flights import kit_recordings

RUN = CliRunner()


def _log(seconds: float = 70) -> bytes:
    return b"".join(tlog_record(raw, UTC_US + at_us) for at_us, raw in flight(seconds))


@pytest.fixture
def kit(tmp_path: Path) -> str:
    """The settings of a kit that holds a recording of two pieces, and one that grows."""
    log = tmp_path / "flight.tlog"
    log.write_bytes(_log())
    spool = open_spool(tmp_path / "spool")
    import_log(log, "m300-1", spool.add, lambda: UTC_US)
    spool.close()
    growing = tmp_path / "flights" / "m300-1~1~later~00000~1.tlog"
    growing.parent.mkdir()
    growing.write_bytes(_log(5)[:-7])
    config = tmp_path / "edge.toml"
    config.write_text(f'state_dir = "{tmp_path}"\n')
    return str(config)


def test_a_kits_recordings_are_listed_shown_and_verified(kit: str) -> None:
    done = RUN.invoke(app, ["record", "list", "--json", "--config", kit])
    imported, growing = sorted(
        json.loads(done.stdout)["recordings"], key=lambda one: one["name"] == "later"
    )
    assert [part[2] for part in imported["parts"]] == ["pending", "pending"]
    assert growing["parts"][0][2] == "growing"
    assert imported["device"] == growing["device"] == "m300-1"
    done = RUN.invoke(app, ["record", "show", "later", "--config", kit])
    assert "ATTITUDE" in done.stdout
    done = RUN.invoke(app, ["record", "verify", "--config", kit])
    assert (done.exit_code, done.stdout) == (0, "3 pieces read, 0 problems 问题\n")


def test_a_recording_is_exported_as_log_and_track(kit: str, tmp_path: Path) -> None:
    with kit_recordings(EdgeSettings(state_dir=tmp_path)) as found:
        name = next(one.name for one in found if one.name != "later")
    for kind in ("tlog", "gpx", "kml", "csv", "geojson"):
        out = tmp_path / f"out.{kind}"
        done = RUN.invoke(app, ["record", "export", name, "-o", str(out), "--config", kit])
        assert done.exit_code == 0, done.exception
        assert out.stat().st_size > 1000
    whole = (tmp_path / "out.tlog").read_bytes()
    assert verify(whole).whole
    assert _log().endswith(whole)
    (track,) = gpxpy.parse((tmp_path / "out.gpx").read_text()).tracks
    assert track.name == "m300-1"
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert rows[0]["lat"].startswith("30.123")
    again = RUN.invoke(app, ["record", "export", name, "-o", str(out), "--config", kit])
    assert isinstance(again.exception, ConfigError)
    unknown = RUN.invoke(app, ["record", "show", "nothing", "--config", kit])
    assert "record list" in str(unknown.exception)


def test_pieces_that_are_gone_are_named() -> None:
    index = FlightIndex("m300-1", 1, "f", True, 1)
    index.pieces = [PieceEntry(number, 1, 2, 3, 4) for number in range(4)]
    parts = [Part(1, 4, "custody", lambda: None), Part(2, 4, "pending", lambda: b"")]
    assert Recording("f", "m300-1", 1, True, 1, 2, 3, parts, index).missing == [0, 1, 3]
    assert Recording("f", "m300-1", 1, True, 1, 2, 3, parts).missing == [0, 1]


def test_damage_in_a_file_is_said_with_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "torn.tlog"
    path.write_bytes(_log(5)[:-7])
    done = RUN.invoke(app, ["record", "verify", str(path)])
    assert done.exit_code == 1
    assert "truncated: bytes" in done.stdout
    done = RUN.invoke(app, ["import", str(path), "--to", "gpx", "--json"])
    assert done.exit_code == 1
    (said,) = json.loads(done.stdout)["files"]
    assert said["positions"] > 20
    assert "the last good record ends at byte" in said["damage"]
    assert (tmp_path / "torn.gpx").is_file()


@pytest.mark.parametrize("kind", [".bin", ".ulg"])
def test_autopilots_logs_become_positions(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"f{kind}"
    path.write_bytes({".bin": dataflash, ".ulg": ulog}[kind]())
    (track,) = read_positions(path).tracks
    assert track.device == "f"
    assert len(list(track.fixes)) >= 4


def test_what_is_no_flight_is_said_and_the_others_are_done(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nHello\n\n")
    (tmp_path / "b.tlog").write_bytes(_log(2))
    files = [str(tmp_path / name) for name in ("a.srt", "b.tlog", "c.ulg")]
    done = RUN.invoke(app, ["import", *files, "--json"])
    assert done.exit_code == 1
    assert [bool(one["out"]) for one in json.loads(done.stdout)["files"]] == [False, True, False]


def test_a_real_subtitle_file_that_breaks_off_gives_what_is_before() -> None:
    path = recording("dji-broken_incomplete.SRT")
    found = read_positions(path)
    assert list(found.tracks[0].fixes)
    assert "line " in found.damage


def test_a_flight_is_replayed_to_a_ground_station(tmp_path: Path) -> None:
    path = tmp_path / "f.tlog"
    path.write_bytes(_log(5)[:-7])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as station:
        station.bind(("127.0.0.1", 0))
        station.settimeout(5)
        to = f"udpout:127.0.0.1:{station.getsockname()[1]}"
        done = RUN.invoke(app, ["replay", str(path), "--speed", "0", "--to", to, "--json"])
        assert station.recv(2000)[0] in (0xFD, 0xFE)
    shown = json.loads(done.stdout.splitlines()[-1])
    assert [one["name"] for one in shown["vehicles"]] == ["mav-1"]
    assert isinstance(done.exception, SourceError)
    assert "byte" in str(done.exception)
