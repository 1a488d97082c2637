"""How thin a minute of video may go, from what capture made down to nothing but reports.

The sizes and rates were chosen by measurement (docs/components/fit.md): at every rate the size of
the picture with the best SSIM against the original, as far as the encoder keeps to the rate.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

__all__ = ["FULL", "LADDER", "REPORTS", "Level", "Rung"]


class Level(IntEnum):
    """What kind of thinning a rung is; the higher, the thinner."""

    FULL = 0
    THINNER = 1
    FEWER_FRAMES = 2
    STILLS = 3
    REPORTS = 4


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder: rates in bit/s, the size as bounds in pixels, seconds between
    stills, and how large a still may be.
    """

    level: Level
    video_bps: int = 0
    audio_bps: int = 0
    width: int = 0
    height: int = 0
    fps: int = 0
    still_every_s: float = 10.0
    still_bytes: int = 12_000

    @property
    def is_video(self) -> bool:
        """Whether minutes go as video that is encoded anew."""
        return self.level in (Level.THINNER, Level.FEWER_FRAMES)

    @property
    def media_bps(self) -> float:
        """Bits a second of a rendition, its container included."""
        return (self.video_bps + self.audio_bps) * 1.03


def _video(kbps: int, audio: int, size: tuple[int, int], fps: int, every_s: float) -> Rung:
    level = Level.THINNER if kbps >= 16 else Level.FEWER_FRAMES
    width, height = size
    still_bytes = 8_000 if kbps >= 64 else 4_000
    return Rung(level, kbps * 1000, audio * 1000, width, height, fps, every_s, still_bytes)


_L, _M, _S, _XS = (640, 360), (512, 288), (448, 252), (384, 216)

LADDER: Final[tuple[Rung, ...]] = (
    Rung(Level.FULL, still_bytes=1 << 21),
    _video(400, 24, _L, 25, 10),
    _video(320, 24, _L, 25, 10),
    _video(250, 24, _L, 15, 10),
    _video(200, 24, _L, 12, 10),
    _video(160, 24, _L, 10, 10),
    _video(125, 24, _L, 10, 10),
    _video(100, 24, _L, 10, 10),
    _video(80, 16, _L, 10, 15),
    _video(64, 12, _L, 10, 20),
    _video(50, 10, _L, 8, 30),
    _video(40, 8, _L, 8, 60),
    _video(32, 8, _M, 8, 60),
    _video(25, 6, _M, 8, 60),
    _video(20, 0, _S, 8, 60),
    _video(16, 0, _S, 8, 60),
    _video(12, 0, _XS, 5, 60),
    _video(8, 0, _XS, 3, 60),
    _video(5, 0, _XS, 1, 60),
    Rung(Level.STILLS, still_every_s=10, still_bytes=5_000),
    Rung(Level.STILLS, still_every_s=15, still_bytes=4_000),
    Rung(Level.STILLS, still_every_s=20, still_bytes=4_000),
    Rung(Level.STILLS, still_every_s=30, still_bytes=4_000),
    Rung(Level.STILLS, still_every_s=60, still_bytes=4_000),
    Rung(Level.REPORTS, still_every_s=60, still_bytes=4_000),
)
"""From the best to the thinnest; each costs less than the one before it."""

FULL: Final = 0
"""The rung where nothing is thinned."""

REPORTS: Final = len(LADDER) - 1
"""The rung where only reports go."""
