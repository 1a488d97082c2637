"""Originals at the centre: listed as they come, and joined when they have come whole."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fieldlab.fleet import Shelf
from fieldlink.codecs.bundle import (
    FILE_MEDIA_TYPE,
    FILE_STREAM,
    PART_MEDIA_TYPE,
    FileIndex,
    FilePart,
    Layer,
    content_hash,
)
from fieldlink.codecs.fault import ArchiveError, ConfigError
from fieldlink.relay.commands import app

NOW_US = 1_790_000_000_000_000
PIECES = [b"a" * 900_000, b"b" * 900_000, b"the end"]


def index(file: str, name: str, pieces: list[bytes], **about: Any) -> FileIndex:
    parts, at = [], 0
    for number, piece in enumerate(pieces):
        parts.append(FilePart(number, at, len(piece), content_hash(piece).hex()))
        at += len(piece)
    return FileIndex(file * 16, "drone-1", name, "video/mp4", at, tuple(parts), NOW_US, None, about)


class Centre:
    """A centre's folder that is filled, and then looked at."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shelf = Shelf(folder, now_us=NOW_US)
        self.config = folder / "relay.toml"
        self.config.write_text(f'state_dir = "{folder}"\n')

    def part(self, one: FileIndex, number: int, piece: bytes) -> None:
        meta = {"file": one.file, "part": number}
        self._file(Layer.ORIGINAL, piece, PART_MEDIA_TYPE, meta)

    def told(self, one: FileIndex) -> None:
        content = json.dumps(one.to_dict()).encode()
        self._file(Layer.REPORT, content, FILE_MEDIA_TYPE, {"file": one.file})

    def _file(self, layer: Layer, content: bytes, media_type: str, meta: dict[str, Any]) -> None:
        self.shelf.file(
            "drone-1", layer, NOW_US, content, stream=FILE_STREAM, media_type=media_type, meta=meta
        )
        self.shelf.commit()

    def run(self, *words: str) -> str:
        given = ["originals", *words, "--config", str(self.config)]
        done = CliRunner().invoke(app, given, catch_exceptions=False)
        assert done.exit_code == 0, done
        return done.stdout


@pytest.fixture
def centre(tmp_path: Path) -> Any:
    made = Centre(tmp_path)
    yield made
    made.shelf.close()


def test_a_file_that_was_cut_is_joined_when_all_of_it_has_come(centre: Centre) -> None:
    video = index("a", "DJI_0002.MP4", PIECES, lat=34.23, lon=108.95)
    centre.told(video)
    for number in (2, 0):
        centre.part(video, number, PIECES[number])
    [line] = centre.run("list").splitlines()
    assert "DJI_0002.MP4  kit-1/drone-1" in line
    assert "2 of 3 parts 部分  34.23000,108.95000" in line
    out = centre.folder / "out.mp4"
    with pytest.raises(ArchiveError, match=r"1 of 3 parts have not come \(1\)"):
        centre.run("export", "last", str(out))
    assert not out.exists()
    centre.part(video, 1, PIECES[1])
    centre.part(video, 1, PIECES[1])  # stored twice around a kill
    assert "1,800,007 bytes" in centre.run("export", "DJI_0002.MP4", str(out))
    assert out.read_bytes() == b"".join(PIECES)
    with pytest.raises(ConfigError, match="is there already"):
        centre.run("export", "last", str(out))


def test_the_last_index_counts_and_what_is_no_part_of_it_is_left_out(centre: Centre) -> None:
    photo = index("b", "DJI_0001.JPG", [b"photo"])
    centre.told(photo)
    centre.told(index("b", "DJI_0001.JPG", [b"photo"], flight_task="t-1"))
    centre.part(photo, 0, b"another")
    centre._file(Layer.REPORT, b'{"version": 1', FILE_MEDIA_TYPE, {})
    centre._file(Layer.ORIGINAL, b"x", PART_MEDIA_TYPE, {"file": photo.file, "part": "0"})
    [found] = json.loads(centre.run("list", "--json"))["originals"]
    assert (found["about"], found["parts_here"]) == ({"flight_task": "t-1"}, 0)
    centre.told(index("c", "DJI_0001.JPG", [b"photo"]))
    with pytest.raises(ArchiveError, match="there are 2"):
        centre.run("export", "DJI_0001.JPG", str(centre.folder / "x"))
    with pytest.raises(ArchiveError, match="no such original"):
        centre.run("export", "absent", str(centre.folder / "x"))


def test_a_part_that_was_damaged_at_the_centre_is_not_joined(centre: Centre) -> None:
    photo = index("d", "DJI_0003.JPG", [b"photo"])
    centre.told(photo)
    centre.part(photo, 0, b"photo")
    [path] = centre.shelf.root.rglob("*.part")
    path.write_bytes(b"phot0")
    with pytest.raises(ArchiveError, match="damaged"):
        centre.run("export", "dddd", str(centre.folder / "x"))
