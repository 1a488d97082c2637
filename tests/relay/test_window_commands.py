"""`fieldlink relay want`, `wants`, `mark` and `window`, beside a centre that does not run."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from fieldlink.codecs.bundle import Layer, Manifest, Precedence, encode_manifest
from fieldlink.codecs.fault import ArchiveError, ConfigError
from fieldlink.codecs.wire import Purpose
from fieldlink.relay.catalogue import Catalogue, Filing, Journey, KitNews
from fieldlink.relay.commands import app
from fieldlink.relay.window import words

_MINUTE_US = 60_000_000


class Desk:
    """Commands on a catalogue with one kit, one stream and an incident of ten minutes ago."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "relay.toml"
        self.config.write_text(f'state_dir = "{folder}/centre"\n')
        (folder / "centre").mkdir()
        self.path = folder / "centre" / "catalogue.sqlite"
        self.now_us = time.time_ns() // 1000
        start = self.now_us - 10 * _MINUTE_US
        with Catalogue.open(self.path, now_us=start) as store:
            store.admit("kit-1", b"secret", self.now_us + 1, start)
            store.take_admission(b"secret", start, "aa")
            store.open_incident("G544 山体滑坡", start)
            store.hear_kits([KitNews("kit-1", self.now_us, devices={"ball-1": "ball"})])
            store.file_bundles([_filing(start, self.now_us - _MINUTE_US)])

    def run(self, *words: str) -> Result:
        """Run a command; a fault stays an exception."""
        return CliRunner().invoke(app, [*words, "--config", str(self.config)])

    def json(self, *words: str) -> Any:
        """Run a command; its JSON."""
        done = self.run(*words, "--json")
        assert done.exit_code == 0, done
        return json.loads(done.stdout)


def _filing(start_us: int, end_us: int) -> Filing:
    manifest = Manifest(
        kit="kit-1",
        spool=b"spool-01",
        sequence=1,
        device="ball-1",
        stream="video",
        layer=Layer.PROXY,
        precedence=Precedence.PRIORITY,
        start_us=start_us,
        end_us=end_us,
        recorded_us=end_us,
        media_type="video/mp4",
        size=1,
        content_hash=bytes(32),
    )
    journey = Journey(end_us, start_us + 9_000_000)
    return Filing(b"i" * 32, manifest, encode_manifest(manifest), "g544", "x/y", journey)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_span_is_asked_for_ordered_listed_and_cancelled(desk: Desk) -> None:
    first = desk.json("want", "kit-1/ball-1", "-9m", "-4m")
    second = desk.json("want", "kit-1/ball-1/video", "-5m", "now", "--layer", "proxy")
    assert (first["layer"], second["layer"]) == ("original", "proxy")
    assert first["to_us"] - first["from_us"] == 5 * _MINUTE_US
    assert desk.run("want", "first", str(second["id"])).exit_code == 0
    listed = desk.json("wants")["wants"]
    assert [row["id"] for row in listed] == [second["id"], first["id"]]
    assert desk.json("want", "cancel", str(first["id"]))["state"] == "cancelled"
    text = desk.run("wants").stdout
    assert "kit-1/ball-1/video" in text
    assert "80%" in text
    with Catalogue.open(desk.path, now_us=1) as store:
        assert [w.ident.hex() for w in store.wants(open_only=True)] == [second["id"]]


def test_a_moment_is_bookmarked_with_a_note(desk: Desk) -> None:
    made = desk.json("mark", "kit-1/ball-1", "rocks", "on the road", "--at", "-2m")["wants"]
    [want] = made
    assert (want["note"], want["device"]) == ("rocks on the road", "ball-1")
    assert want["to_us"] - want["from_us"] == _MINUTE_US
    assert desk.run("mark", "落石", "--before", "5s", "--after", "1min").exit_code == 0
    assert desk.run("mark", "kit-1").exit_code == 0
    with Catalogue.open(desk.path, now_us=1) as store:
        wants = store.wants(open_only=True)
    assert [(w.purpose, w.kit, w.device, w.note) for w in wants] == [
        (Purpose.KEEP, "kit-1", "ball-1", "rocks on the road"),
        (Purpose.KEEP, "kit-1", "", "落石"),
        (Purpose.KEEP, "kit-1", "", ""),
    ]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("want kit-1/ball-1 -5m", ConfigError),
        ("want kit-1 -5m now", ConfigError),
        ("want kit-1/ball-1 noon now", ConfigError),
        ("want kit-1/ball-1 now -5m", ConfigError),
        ("want kit-1/ball-1 -5m now --layer everything", ConfigError),
        ("want kit-9/ball-1 -5m now", ArchiveError),
        ("want kit-1/ball-9 -5m now", ArchiveError),
        ("want cancel 0000", ConfigError),
        ("want cancel 0000000000000000", ArchiveError),
        ("want first 0000000000000000", ArchiveError),
        ("mark kit-1/ball-9", ArchiveError),
        ("mark --before 30", ConfigError),
        ("window none-such", ArchiveError),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    desk: Desk, line: str, fault: type[Exception]
) -> None:
    done = desk.run(*line.split())
    assert isinstance(done.exception, fault)
    assert "\n" not in str(done.exception)


def test_the_window_is_told_as_text_json_and_a_page(desk: Desk, tmp_path: Path) -> None:
    text = desk.run("window", "g544").stdout
    assert max(map(words.columns, text.splitlines())) <= 80
    assert "G544 山体滑坡" in text
    assert "9/9 min" in text
    assert "Unknown 未知" in text
    told = desk.json("window")
    [stream] = told["streams"]
    assert (told["incident"], stream["minutes"][:9]) == ("g544", "p" * 9)
    page = tmp_path / "window.html"
    assert desk.run("window", "g544", "--html", str(page)).exit_code == 0
    html = page.read_text(encoding="utf-8")
    assert html.startswith("<!doctype html>")
    assert "<svg" in html
    done = desk.run("window", "g544", "--html", str(tmp_path / "none" / "x.html"))
    assert isinstance(done.exception, ConfigError)


def test_without_an_open_incident_the_window_is_that_of_the_newest(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    with Catalogue.open(desk.path, now_us=1) as store:
        store.close_incident("g544", desk.now_us)
    assert desk.json("window")["incident"] == "g544"
