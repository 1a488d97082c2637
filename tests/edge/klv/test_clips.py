"""`fieldlink drone video export` and `klv`, `drone import`: clips of a kit, and files."""

import csv
import json
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fieldlab.aircraft import flight
from fieldlab.flightlogs import UTC_US
from fieldlab.klv import film, moments, stream
from fieldlab.peers import need_program
from fieldlab.spools import open_spool
from fieldlink.codecs.bundle import KLV_MEDIA_TYPE, Draft, Layer, Precedence
from fieldlink.codecs.fault import ConfigError, SourceError
from fieldlink.codecs.klv import Record, Tag, Value, decode, encode, put_record
from fieldlink.codecs.mavlink import tlog_record
from fieldlink.codecs.telemetry import POSITION, Block, Sample
from fieldlink.drone.console.klv_files import klv_track, read_klv
from fieldlink.drone.record import import_log
from fieldlink.drone.schemas import FLIGHT, GIMBAL
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.drone.clip_commands import carried_by
from fieldlink.edge.drone.commands import app
from fieldlink.edge.telemetry.sheaves import sheaf_bundle

RUN = CliRunner()
START_US = UTC_US + 10_000_000  # in the middle of the flight of the log
SETS = moments(10, from_us=START_US)
SPAN = ["--from", "2020-01-01T00:00:00Z", "--to", "2040-01-01T00:00:00Z"]


def piece(device: str, number: int, stream: str = "video", kind: str = "video/mp4") -> Draft:
    start_us = START_US + number * 1_000_000
    return Draft(
        device=device, stream=stream, layer=Layer.ORIGINAL, precedence=Precedence.ROUTINE,
        start_us=start_us, end_us=start_us + 1_000_000, recorded_us=start_us, media_type=kind,
    )  # fmt: skip


def told() -> list[Block]:
    """Ten samples of position, height and gimbal of uav-2, a second each."""
    times = [START_US + n * 1_000_000 for n in range(-1, 9)]
    place = (310_000_000, 1_040_000_000, 60_000, *[None] * 5)
    flying = [None] * len(FLIGHT.columns)
    flying[4] = 800  # type: ignore[call-overload]
    looks = (0, -900, 0, None, None, None, 800, 600)
    made = {POSITION: place, FLIGHT: tuple(flying), GIMBAL: looks}
    return [
        Block("uav-2", "drone", schema, 1, tuple(Sample(at, n, row) for n, at in enumerate(times)))
        for schema, row in made.items()
    ]


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kit with three cameras: one with KLV of its own, one of whose aircraft sheaves tell, and
    one that the aircraft of a MAVLink recording carries.
    """
    folder = tmp_path_factory.mktemp("kit")
    picture = film(folder / "film.mp4")
    log = folder / "flight.tlog"
    log.write_bytes(b"".join(tlog_record(raw, UTC_US + at) for at, raw in flight(30)))
    spool = open_spool(folder / "spool")
    for device in ("uav-1", "uav-2", "m300-1-2"):
        for number in (0, 1, 4):  # and a gap
            spool.add(piece(device, number), picture)
    records = b"".join(put_record(Record(*one)) for one in SETS)
    spool.add(piece("uav-1", 0, "klv", KLV_MEDIA_TYPE), records)
    draft, content = sheaf_bundle(
        told(), precedence=Precedence.ROUTINE, now_us=START_US, error_us=0
    )
    spool.add(draft, content)
    import_log(log, "m300-1", spool.add, lambda: UTC_US)
    spool.close()
    vehicle = '[[drone.vehicle]]\nsysid = 1\nname = "m300-1"\n'
    (folder / "edge.toml").write_text(f'state_dir = "{folder}"\n{vehicle}')
    return folder


def exported(kit: Path, out: Path, name: str, *more: str) -> dict[str, object]:
    argv = ["video", "export", name, *SPAN, "-o", str(out), "--config", str(kit / "edge.toml")]
    done = RUN.invoke(app, [*argv, "--json", *more])
    assert done.exit_code == 0, done.exception
    found: dict[str, object] = json.loads(done.stdout)
    assert found["bytes"] == out.stat().st_size
    return found


def inside(path: Path) -> bytes:
    """The KLV in it, by Debian's ffmpeg."""
    argv = [need_program("ffmpeg"), "-v", "error", "-i", str(path), "-map", "0:d", "-f", "data"]
    return subprocess.run([*argv, "-"], check=True, capture_output=True).stdout


def test_what_a_camera_sent_comes_out_byte_for_byte(kit: Path, tmp_path: Path) -> None:
    out = tmp_path / "clip.ts"
    found = exported(kit, out, "uav-1")
    assert (found["pictures"], found["sets"], found["sets_made"]) == (30, 10, 0)
    assert found["gaps"] == [[START_US + 2_000_000, START_US + 4_000_000]]
    assert inside(out) == b"".join(data for _, data in SETS)


def test_where_it_sent_none_its_telemetry_is_told(kit: Path, tmp_path: Path) -> None:
    out = tmp_path / "clip.ts"
    found = exported(kit, out, "uav-2", "--rate", "2", "--mission", "flood")
    assert found["sets"] == found["sets_made"] == 6  # two a second, none in the gap
    done = RUN.invoke(app, ["video", "klv", str(out), "--json"])
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["time"] for one in said][:3] == [START_US + n * 500_000 for n in range(3)]
    assert {one["mission"] for one in said} == {"flood"}
    assert said[0]["lat"] == pytest.approx(31.0, abs=1e-7)
    assert said[0]["hfov"] == pytest.approx(80, abs=0.01)
    assert (said[0]["designation"], said[0]["out_of_range"]) == ("uav-2", [])


def test_the_second_camera_of_an_aircraft_is_where_its_recording_says(
    kit: Path, tmp_path: Path
) -> None:
    out = tmp_path / "clip.ts"
    found = exported(kit, out, "m300-1-2")
    assert found["sets"] == found["sets_made"] == 15
    done = RUN.invoke(app, ["video", "klv", str(out), "--every", "5"])
    assert done.exit_code == 0
    assert done.stdout.count("m300-1  ") == 3


def test_whose_a_camera_is_is_told_by_its_name() -> None:
    settings = EdgeSettings.model_validate({"drone": {"vehicle": [{"sysid": 1, "name": "m300-1"}]}})
    names = ("m300-1", "m300-1-2", "mav-7", "mav-7-2", "ball-3", "x")
    assert [carried_by(settings, one) for one in names] == ["", "m300-1", "", "mav-7", "", ""]


def test_what_is_not_there_is_said(kit: Path, tmp_path: Path) -> None:
    argv = ["video", "export", "nobody", *SPAN, "-o", str(tmp_path / "x.ts")]
    done = RUN.invoke(app, [*argv, "--config", str(kit / "edge.toml")])
    assert isinstance(done.exception, SourceError)
    assert "nobody: no video from 2020-01-01" in str(done.exception)
    assert not (tmp_path / "x.ts").exists()
    (tmp_path / "x.ts").touch()
    done = RUN.invoke(app, [*argv, "--config", str(kit / "edge.toml")])
    assert isinstance(done.exception, ConfigError)


@pytest.fixture(scope="module")
def clip(kit: Path) -> bytes:
    return stream((kit / "film.mp4").read_bytes(), SETS[:5], START_US)


def imported(path: Path, kind: str) -> tuple[int, str]:
    done = RUN.invoke(app, ["import", str(path), "--to", kind])
    return done.exit_code, done.stdout


def test_a_video_file_is_imported_as_a_track(clip: bytes, tmp_path: Path) -> None:
    path = tmp_path / "flight.ts"
    path.write_bytes(clip)
    for kind in ("gpx", "kml", "csv", "geojson"):
        assert imported(path, kind)[0] == 0
    rows = list(csv.DictReader((tmp_path / "flight.csv").read_text().splitlines()))
    assert [row["lat"] for row in rows] == ["30", "30.00002", "30.00004", "30.00006", "30.00008"]
    assert rows[0]["alt"] == "500.15"


def test_sets_alone_and_a_kits_records_are_read_too(tmp_path: Path) -> None:
    (tmp_path / "a.klv").write_bytes(b"".join(data for _, data in SETS))
    (tmp_path / "b.klvs").write_bytes(b"".join(put_record(Record(*one)) for one in SETS))
    for name in ("a.klv", "b.klvs"):
        assert imported(tmp_path / name, "csv")[0] == 0
    assert (tmp_path / "a.csv").read_text().replace(",a,", ",b,") == (
        tmp_path / "b.csv"
    ).read_text()
    out = tmp_path / "c.klv"
    done = RUN.invoke(app, ["video", "klv", str(tmp_path / "b.klvs"), "-o", str(out)])
    assert (done.exit_code, out.read_bytes()) == (0, (tmp_path / "a.klv").read_bytes())


def test_a_damaged_file_gives_what_is_whole_and_says_what_is_not(
    clip: bytes, tmp_path: Path
) -> None:
    bad = bytearray(clip)
    place = clip.index(SETS[2][1][16:30])  # in the third set
    bad[place + 5] ^= 0xFF
    path = tmp_path / "bad.ts"
    path.write_bytes(bad)
    code, said = imported(path, "csv")
    assert code == 1
    assert "4 positions" in said
    assert "checksum" in said
    path.write_bytes(clip[: clip.index(SETS[3][1][16:30])])
    code, said = imported(path, "kml")
    assert code == 1
    assert "3 positions" in said
    assert f"in the middle of a packet, at byte {path.stat().st_size}" in said


def test_what_has_no_klv_is_no_flight(kit: Path, tmp_path: Path) -> None:
    path = tmp_path / "plain.ts"
    path.write_bytes(stream((kit / "film.mp4").read_bytes(), []))
    code, said = imported(path, "csv")
    assert code == 1
    assert "plain.ts has no KLV of MISB ST 0601" in said
    path.write_bytes(b"rubbish" * 1_000)
    assert "NOT DONE" in imported(path, "csv")[1]


def test_every_set_in_a_clip_is_one_that_decodes(clip: bytes, tmp_path: Path) -> None:
    path = tmp_path / "c.ts"
    path.write_bytes(clip)
    assert inside(path) == b"".join(data for _, data in SETS[:5])
    assert all(decode(data).time_us == at_us for at_us, data in SETS)


def test_sets_of_one_instant_that_do_not_say_the_same_are_a_track(tmp_path: Path) -> None:
    where: dict[int, Value] = {Tag.TIME: START_US, Tag.LAT: 30.0, Tag.LON: 103.0}
    path = tmp_path / "hovering.klv"
    path.write_bytes(encode({**where, Tag.ALT: 500.0}) + encode(where) + encode(where))
    fixes = list(klv_track(read_klv(path), "uav-1").fixes)
    assert [fix.time_us for fix in fixes] == [START_US] * 3
