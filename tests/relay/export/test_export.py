"""Files out of a real centre: over HTTP and by the command, page by page, each sample once."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import gpxpy
import httpx
import pytest
from pyarrow import BufferReader
from pyarrow.parquet import ParquetFile
from typer.testing import CliRunner

from fieldlab.duty import PASSWORD, Duty, now_us, open_duty
from fieldlab.fleet import Fleet
from fieldlink.codecs.fault import ArchiveError
from fieldlink.relay.commands import app
from fieldlink.relay.export import gather as gather_module
from fieldlink.relay.export.gather import Asked, gather_table, gather_tracks

START_US = 1_790_000_000_000_000
SPAN = {"from_us": START_US, "to_us": START_US + 100_000_000}
TICKS = 30


@pytest.fixture(scope="module")
def duty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Duty]:
    """A running centre with four devices of two kits that moved for half a minute."""
    with open_duty(Path(tmp_path_factory.mktemp("centre")) / "centre") as opened:
        fleet = Fleet(opened, devices=4, kits=2, start_us=START_US, epoch=3)
        fleet.tick(TICKS)
        opened.telemetry.settle()
        yield opened


@pytest.fixture(scope="module")
def inside(duty: Duty) -> Iterator[httpx.Client]:
    """A client that is logged in as "duty"."""
    with httpx.Client(base_url=duty.url, verify=False, timeout=10) as client:  # noqa: S501
        client.headers["origin"] = duty.url
        client.post("/api/login", json={"name": "duty", "password": PASSWORD})
        yield client


def test_tracks_hold_every_fix_of_every_device(inside: httpx.Client) -> None:
    answer = inside.get("/api/export/tracks.gpx", params=SPAN)
    assert answer.headers["content-disposition"] == 'attachment; filename="fieldlink-tracks.gpx"'
    tracks = gpxpy.parse(answer.text).tracks
    assert len(tracks) == 4
    assert {sum(len(s.points) for s in track.segments) for track in tracks} == {TICKS}
    read = inside.get("/api/export/tracks.geojson", params={**SPAN, "kit": "kit-1"}).json()
    assert {each["properties"]["kit"] for each in read["features"]} == {"kit-1"}
    assert "<gx:Track>" in inside.get("/api/export/tracks.kml", params=SPAN).text


def test_samples_come_as_csv_and_as_parquet(inside: httpx.Client) -> None:
    text = inside.get("/api/export/samples/position.csv", params=SPAN).text
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert len(rows) == 4 * TICKS
    assert {row["marks"] for row in rows} == {"exercise"}
    body = inside.get("/api/export/samples/position.parquet", params=SPAN).content
    table = ParquetFile(BufferReader(body)).read()
    assert table.column("lat").to_pylist() == [float(row["lat [deg]"]) for row in rows]
    assert inside.get("/api/export/samples/nothing.csv", params=SPAN).status_code == 404
    assert inside.get("/api/export/samples/..%2fx.csv", params=SPAN).status_code in {404, 422}


def test_nobody_gets_a_file_without_a_login(duty: Duty) -> None:
    with httpx.Client(base_url=duty.url, verify=False) as outside:  # noqa: S501
        assert outside.get("/api/export/tracks.gpx", params=SPAN).status_code == 401
        assert outside.get("/api/metrics").status_code == 401


def test_pages_of_any_size_give_each_sample_once(
    duty: Duty, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked(SPAN["from_us"], SPAN["to_us"], "kit-1")
    history = duty.telemetry.history
    for size in (1, 7, TICKS, 1000):
        monkeypatch.setattr(gather_module, "_PAGE", size)
        table = gather_table(duty.catalogue, history, asked, "position")
        lines = [(line.device, line.sequence) for line in table.lines]
        assert len(lines) == len(set(lines)) == 2 * TICKS
        tracks = gather_tracks(duty.catalogue, history, asked)
        assert [len(list(track.fixes)) for track in tracks] == [TICKS, TICKS]


def test_a_long_track_is_written_in_several_so_that_none_fills_the_memory(
    duty: Duty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gather_module, "_MOST_FIXES", 20)
    asked = Asked(SPAN["from_us"], SPAN["to_us"], "kit-1")
    found = gather_tracks(duty.catalogue, duty.telemetry.history, asked)
    parts = [(track.device, [fix.time_us for fix in track.fixes]) for track in found]
    assert [len(times) for _, times in parts] == [20, 10, 20, 10]
    assert [device for device, _ in parts] == ["soldier-1"] * 2 + ["vehicle-2"] * 2
    assert parts[0][1][-1] < parts[1][1][0]


def test_a_stream_that_never_was_is_named(duty: Duty) -> None:
    with pytest.raises(ArchiveError, match="no stream radiation"):
        gather_table(duty.catalogue, duty.telemetry.history, Asked(0, 1), "radiation")


def test_figures_are_what_prometheus_reads(duty: Duty, inside: httpx.Client) -> None:
    answer = inside.get("/api/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    assert "fieldlink_up 1" in lines
    assert sum(line.startswith("fieldlink_device_heard_seconds{") for line in lines) == 4
    assert any(line.startswith("fieldlink_value{") and 'unit="/min"' in line for line in lines)
    named = {line.split("{")[0].split(" ")[0] for line in lines if not line.startswith("#")}
    assert all(f"# TYPE {name} gauge" in lines for name in named)


def test_the_command_writes_beside_a_running_centre(duty: Duty, tmp_path: Path) -> None:
    config = tmp_path / "relay.toml"
    config.write_text(f'state_dir = "{duty.folder}"\ncatalogue_url = "{duty.catalogue._url}"\n')
    file = tmp_path / "all.geojson"
    ago = (now_us() - START_US) // 86_400_000_000 + 1
    argv = ["export", f"-{ago}d", "now", str(file), "--config", str(config), "--json"]
    done = CliRunner().invoke(app, argv)
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["bytes"] == file.stat().st_size
    assert len(json.loads(file.read_text())["features"]) == 4
    again = CliRunner().invoke(app, argv)
    assert "is there already" in str(again.exception)
    wrong = CliRunner().invoke(app, [*argv[:3], str(tmp_path / "x.doc"), "--config", str(config)])
    assert "end its name in one of geojson" in str(wrong.exception)
