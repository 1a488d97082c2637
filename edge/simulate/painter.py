"""Moving pictures with a burnt-in clock and name: a libav pattern that scrolls, a ball, a text."""

from datetime import UTC, datetime
from typing import Any

import av
import av.filter
import cv2
import numpy as np

__all__ = ["PATTERNS", "Painter"]

PATTERNS = ("testsrc2", "mandelbrot", "smptehdbars", "sierpinski", "gradients", "pal75bars")
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_WHITE, _BLACK, _NEUTRAL = 235, 16, 128
_LEADING_FRAMES = 12  # some patterns begin empty


class Painter:
    """Paints frames of one camera, as numpy arrays in yuv420p layout.

    The pattern is drawn once and then scrolled: real motion for an encoder, at little cost.
    """

    def __init__(self, name: str, pattern: str, width: int, height: int) -> None:
        self._name, self._width, self._height = name, width, height
        self._background = _pattern(pattern, width, height)
        self._scale = max(0.4, height / 600)

    def paint(self, number: int, at_us: int, black: bool = False) -> Any:
        """Frame `number`, showing the instant `at_us` (UTC microseconds)."""
        width, height = self._width, self._height
        if black:
            picture = np.full((height * 3 // 2, width), _NEUTRAL, np.uint8)
            picture[:height] = _BLACK
            return picture
        step = number * 2 % width
        picture = np.empty_like(self._background)
        picture[:height] = np.roll(self._background[:height], step, axis=1)
        chroma = self._background[height:].reshape(-1, width // 2)
        picture[height:] = np.roll(chroma, step // 2, axis=1).reshape(height // 2, width)
        self._ball(picture, number)
        self._text(picture, at_us)
        return picture

    def _ball(self, picture: Any, number: int) -> None:
        radius = self._height // 12
        x = _bounce(number * 7, radius, self._width - radius)
        y = _bounce(number * 5, radius, self._height - radius)
        cv2.circle(picture[: self._height], (x, y), radius, _WHITE, -1)

    def _text(self, picture: Any, at_us: int) -> None:
        now = datetime.fromtimestamp(at_us / 1e6, UTC)
        text = f"{self._name} {now:%Y-%m-%d %H:%M:%S}.{now.microsecond // 100_000}Z"
        size, base = cv2.getTextSize(text, _FONT, self._scale, 2)
        bottom = size[1] + base + 8
        right = min(size[0] + 16, self._width)
        luma = picture[: self._height]
        luma[:bottom, :right] = _BLACK
        # Two planes of half the size each; a row of the array holds two rows of a plane.
        chroma = picture[self._height :].reshape(2, self._height // 2, self._width // 2)
        chroma[:, : bottom // 2, : right // 2] = _NEUTRAL
        cv2.putText(luma, text, (8, size[1] + 4), _FONT, self._scale, _WHITE, 2)


def _bounce(at: int, low: int, high: int) -> int:
    span = max(high - low, 1)
    return low + abs((at + span) % (2 * span) - span)


def _pattern(pattern: str, width: int, height: int) -> Any:
    graph = av.filter.Graph()
    source = graph.add(pattern, f"size={width}x{height}:rate=25")
    convert = graph.add("format", "yuv420p")
    sink = graph.add("buffersink")
    source.link_to(convert)
    convert.link_to(sink)
    graph.configure()
    frame: Any = None
    for _ in range(_LEADING_FRAMES):
        frame = graph.vpull()
    return frame.to_ndarray()
