"""What a picture looks like: whether it is worth a still, and what is wrong with it if not."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

__all__ = ["FrozenWatch", "Look", "look_at"]

_THUMB_SIZE = (64, 36)
_BLACK_LEVEL = 32.0  # of 255; video black is 16
_FLAT_CONTRAST = 3.0
_BRIGHT_PART = 0.005
_SAME_MEAN = 0.4
_SAME_MAX = 4.0
_FROZEN_US = 3_000_000
_LONGEST_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Look:
    """`sharpness` is the variance of the Laplacian; `fault` is "", "black" or "blank"."""

    sharpness: float
    fault: str
    thumb: Any


def look_at(luma: Any) -> Look:
    """Judge a picture by its luma plane (8 bits)."""
    thumb = cv2.resize(luma, _THUMB_SIZE, interpolation=cv2.INTER_AREA).astype(np.float32)
    contrast = float(thumb.std())
    bright = float((thumb > _BLACK_LEVEL).mean())
    fault = ""
    if bright < _BRIGHT_PART:
        fault = "black"
    elif contrast < _FLAT_CONTRAST:  # one grey, green or white field: no picture either
        fault = "blank"
    # 16 bits hold the Laplacian of 8-bit pixels, at a quarter of the cost of 64-bit floats.
    _, deviation = cv2.meanStdDev(cv2.Laplacian(luma, cv2.CV_16S))
    return Look(float(deviation[0, 0]) ** 2, fault, thumb)


class FrozenWatch:
    """Notices a camera that sends the same picture again and again."""

    def __init__(self) -> None:
        self._reference: Any = None
        self._since_us = 0

    def is_frozen(self, look: Look, at_us: int) -> bool:
        """Whether the picture has been the same for 3 s, compression noise aside."""
        was_set = not 0 <= at_us - self._since_us < _LONGEST_US  # the clock was set
        if self._reference is None or was_set or not self._same(look.thumb):
            self._reference, self._since_us = look.thumb, at_us
            return False
        return at_us - self._since_us >= _FROZEN_US

    @property
    def since_us(self) -> int:
        """Since when the picture is what it is."""
        return self._since_us

    def _same(self, thumb: Any) -> bool:
        difference = np.abs(thumb - self._reference)
        return bool(difference.mean() < _SAME_MEAN and difference.max() < _SAME_MAX)
