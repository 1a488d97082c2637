"""`fieldlink relay flights`, beside a centre that does not run."""

import json
from pathlib import Path
from typing import Any

import gpxpy
import pytest
from typer.testing import CliRunner

from fieldlab.fleet import Shelf
from fieldlab.flights import SECOND_US, Craft, named
from fieldlink.codecs.fault import ArchiveError, ConfigError
from fieldlink.drone.record.index import Gap
from fieldlink.relay.commands import app

NOW_US = 1_790_000_000_000_000


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The settings of a centre that holds two flights and what was recorded before them."""
    folder = Path(tmp_path_factory.mktemp("centre"))
    shelf = Shelf(folder, now_us=NOW_US)
    craft = Craft(shelf, now_us=NOW_US - 900 * SECOND_US)
    name = named(craft.now_us - 60 * SECOND_US, armed=False)
    piece, content = craft.piece(name, 0, craft.now_us, range(-60, 0), armed=False)
    craft.send(piece.draft(piece.end_us, "armed"), content)
    gap = Gap(craft.now_us + 10 * SECOND_US, craft.now_us + 20 * SECOND_US, "link: nothing heard")
    craft.fly(150, without=[1], gaps=[gap])
    craft.now_us += 60 * SECOND_US
    craft.fly(60)
    shelf.settle()
    shelf.close()
    file = folder / "relay.toml"
    file.write_text(f'state_dir = "{folder}"\n')
    return file


def run(config: Path, *words: str) -> str:
    """What a command prints; a fault stays an exception."""
    given = ["flights", *words, "--config", str(config)]
    done = CliRunner().invoke(app, given, catch_exceptions=False)
    assert done.exit_code == 0, done
    return done.stdout


def read(config: Path, *words: str) -> Any:
    """The JSON of a command."""
    return json.loads(run(config, *words, "--json"))


def test_flights_are_listed_the_newest_first_in_both_languages(config: Path) -> None:
    head, last, first = run(config, "list").splitlines()
    assert "flight 飞行" in head
    assert last.endswith("1/1  disarmed 已上锁  exercise 演练")
    assert " 0:02:29 " in first
    assert " 50 m" in first
    assert " 2/3 " in first
    rows = read(config, "list", "--idle")["flights"]
    assert [row["ended"] for row in rows] == ["disarmed", "disarmed", "armed"]
    assert "没有" in run(config, "list", "--from", "-10s")


def test_a_flight_is_shown_by_the_begin_of_its_name(config: Path) -> None:
    _, last, first = run(config, "list").splitlines()
    shown = run(config, "show", first.split()[0])
    assert "not here yet 尚未到达  1" in shown
    assert "0:00:10  link: nothing heard" in shown
    assert "150  HEARTBEAT" in shown
    assert read(config, "show", "last")["flight"] == last.split()[0]
    with pytest.raises(ArchiveError, match="several such flights"):
        run(config, "show", "2026")
    with pytest.raises(ArchiveError, match="no flight 1999"):
        run(config, "show", "1999")
    with pytest.raises(ConfigError, match="no flight's name"):
        run(config, "show", "../x")


def test_a_flight_is_exported_and_what_is_missing_of_it_said(config: Path, tmp_path: Path) -> None:
    first = run(config, "list").splitlines()[2].split()[0]
    said = run(config, "export", first, str(tmp_path / "f.tlog"))
    assert "尚未到达的分段: 1" in said
    assert (tmp_path / "f.tlog").stat().st_size == 2 * 90 * 38.5
    done = read(config, "export", "last", str(tmp_path / "f.gpx"))
    assert (done["missing"], done["bytes"]) == ("", (tmp_path / "f.gpx").stat().st_size)
    [track] = gpxpy.parse((tmp_path / "f.gpx").read_text()).tracks
    assert len(track.segments[0].points) == 60
    with pytest.raises(ConfigError, match="there already"):
        run(config, "export", "last", str(tmp_path / "f.gpx"))
    with pytest.raises(ConfigError, match="tlog, geojson, gpx, kml"):
        run(config, "export", "last", str(tmp_path / "f.txt"))
    with pytest.raises(ArchiveError):
        run(config, "export", "none", str(tmp_path / "g.kml"))
    assert not (tmp_path / "g.kml").exists()
