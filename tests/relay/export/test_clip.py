"""Archived video with KLV, by the command beside a centre; Debian's ffmpeg reads it."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fieldlab.duty import Duty, open_duty
from fieldlab.klv import film, moments
from fieldlab.peers import need_program
from fieldlink.codecs.bundle import KLV_MEDIA_TYPE, Layer
from fieldlink.codecs.fault import ArchiveError
from fieldlink.codecs.klv import Narrator, Record, Tag, decode, put_record
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
from fieldlink.systemd.transport import Clip

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


def test_a_kit_that_says_a_piece_lasts_for_years_keeps_nobody_busy_for_years(
    duty: Duty, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = film(tmp_path / "film.mp4")
    for number, seconds in enumerate((2.5e9, 1)):
        at_us = START_US + number * 1_000_000
        duty.file("uav-4", Layer.ORIGINAL, at_us, picture, seconds=seconds, media_type=H264)
    asked: list[int] = []

    def between(self: Narrator, from_us: int, to_us: int) -> list[tuple[int, bytes]]:
        asked.append(to_us - from_us)
        return []

    monkeypatch.setattr(Narrator, "between", between)
    found = exported(duty, tmp_path / "a.ts", "--device", "uav-4")
    assert found["pictures"] == 20
    assert max(asked) <= 11_000_000  # of ten seconds that were asked for


def test_an_export_that_fails_leaves_nothing_where_the_centre_may_not_write(
    duty: Duty, tmp_path: Path
) -> None:
    """Root goes on as the centre's owner, who may not remove what root has begun."""
    if os.getuid() != 0:
        pytest.skip("needs root")
    owner, folder = 65_534, duty.folder
    paths = [folder, *folder.rglob("*")]
    parents = [one for one in tmp_path.parents if one.stat().st_uid == 0 and one != Path("/")]
    modes = {one: one.stat().st_mode for one in (*parents, *folder.parents) if one != Path("/")}
    for one in modes:
        one.chmod(modes[one] | 0o011)
    for one in paths:
        os.chown(one, owner, owner, follow_symlinks=False)
    mine = tmp_path / "mine"
    mine.mkdir(mode=0o711)
    try:
        with pytest.raises(ArchiveError, match="none came"):
            exported(duty, mine / "a.ts", "--device", "nobody")
        assert [one.name for one in mine.iterdir()] == ["a.toml"]
        found = exported(duty, mine / "a.ts", "--device", "uav-1")
        assert found["pictures"] == 20
        assert sorted(one.name for one in mine.iterdir()) == ["a.toml", "a.ts"]
    finally:
        os.seteuid(0)
        os.setegid(0)
        for one in paths:
            os.chown(one, 0, 0, follow_symlinks=False)
        for one, mode in modes.items():
            one.chmod(mode)


def test_an_export_that_is_killed_leaves_no_file_of_that_name(
    duty: Duty, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, there = tmp_path / "a.ts", []

    def write(self: Clip, pieces: object) -> Iterator[bytes]:
        yield b"half"
        there.append(out.exists())  # whoever is killed now leaves this
        raise KeyboardInterrupt

    monkeypatch.setattr(Clip, "write", write)
    with suppress(BaseException):
        exported(duty, out, "--device", "uav-1")
    assert there == [False]
    assert [one.name for one in tmp_path.iterdir()] == ["a.toml"]
