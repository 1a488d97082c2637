"""Archived video with KLV, by the command beside a centre; Debian's ffmpeg reads it."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fieldlab.duty import Duty, open_duty
from fieldlab.klv import film, moments
from fieldlab.peers import need_program
from fieldlink.codecs.bundle import KLV_MEDIA_TYPE, Layer
from fieldlink.codecs.fault import ArchiveError
from fieldlink.codecs.klv import Record, Tag, decode, put_record
from fieldlink.codecs.telemetry import (
    KIT_DEVICE,
    POSITION,
    SHEAF_MEDIA_TYPE,
    SHEAF_STREAM,
    Block,
    Sample,
    encode_sheaf,
)
from fieldlink.relay.commands import app

START_US = 1_790_000_000_000_000
SETS = moments(10, from_us=START_US)
FROM, TO = "2026-09-21T14:13:20Z", "2026-09-21T14:13:30Z"
H264 = 'video/mp4; codecs="avc1.64000c"'


@pytest.fixture(scope="module")
def duty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Duty]:
    """A centre with an original that has KLV, one that has telemetry, and thin video in AV1."""
    folder = tmp_path_factory.mktemp("centre")
    picture = film(folder / "film.mp4")
    with open_duty(folder / "centre") as opened:
        for number in range(2):
            at_us = START_US + number * 1_000_000
            for device in ("uav-1", "uav-2"):
                opened.file(device, Layer.ORIGINAL, at_us, picture, seconds=1, media_type=H264)
        records = b"".join(put_record(Record(*one)) for one in SETS)
        opened.file(
            "uav-1", Layer.ORIGINAL, START_US, records, seconds=2, stream="klv",
            media_type=KLV_MEDIA_TYPE,
        )  # fmt: skip
        opened.file("uav-3", Layer.PROXY, START_US, b"av1", seconds=1)
        samples = tuple(
            Sample(START_US + n * 1_000_000, n, (310_000_000, 1_040_000_000, *[None] * 6))
            for n in range(3)
        )
        sheaf = encode_sheaf([Block("uav-2", "drone", POSITION, 1, samples)])
        opened.file(
            KIT_DEVICE, Layer.REPORT, START_US, sheaf, seconds=2, stream=SHEAF_STREAM,
            media_type=SHEAF_MEDIA_TYPE,
        )  # fmt: skip
        opened.telemetry.settle()
        yield opened


def exported(duty: Duty, out: Path, *more: str) -> dict[str, object]:
    config = out.with_suffix(".toml")
    config.write_text(f'state_dir = "{duty.folder}"\ncatalogue_url = "{duty.catalogue._url}"\n')
    argv = ["export", FROM, TO, str(out), "--config", str(config), "--json", *more]
    done = CliRunner().invoke(app, argv)
    if done.exception is not None:
        raise done.exception
    found: dict[str, object] = json.loads(done.output)
    assert found["bytes"] == out.stat().st_size
    return found


def inside(path: Path) -> bytes:
    argv = [need_program("ffmpeg"), "-v", "error", "-i", str(path), "-map", "0:d", "-f", "data"]
    return subprocess.run([*argv, "-"], check=True, capture_output=True).stdout


def test_an_original_is_exported_with_what_its_camera_sent(duty: Duty, tmp_path: Path) -> None:
    found = exported(duty, tmp_path / "a.ts", "--device", "uav-1")
    assert (found["pictures"], found["sets"], found["sets_made"]) == (20, 10, 0)
    assert inside(tmp_path / "a.ts") == b"".join(data for _, data in SETS)


def test_or_with_what_the_catalogue_has_of_it(duty: Duty, tmp_path: Path) -> None:
    found = exported(duty, tmp_path / "a.ts", "--device", "uav-2", "--rate", "2")
    assert (found["sets"], found["sets_made"], found["thin"]) == (4, 4, False)
    data = inside(tmp_path / "a.ts")
    first = decode(data[: len(data) // 4])
    assert first.time_us == START_US
    assert first.number(Tag.LAT) == pytest.approx(31.0, abs=1e-7)


def test_what_cannot_be_exported_is_said_and_leaves_no_file(duty: Duty, tmp_path: Path) -> None:
    out = tmp_path / "a.ts"
    for argv, said in (
        ([], "name it with --device"),
        (["--device", "uav-3"], "only thin video in AV1 has come"),
        (["--device", "nobody"], "none came"),
    ):
        with pytest.raises(ArchiveError, match=said):
            exported(duty, out, *argv)
        assert not out.exists()
