"""Pushes a painted picture as H.264 over RTMP, as a controller that is live does."""

import threading
import time
from fractions import Fraction
from typing import Any

import av
import av.error

from fieldlink.edge.simulate.painter import Painter

__all__ = ["RtmpPusher"]

_FPS = 15


class RtmpPusher:
    """`start` and `stop` from one thread; it paints and pushes on its own."""

    def __init__(self, name: str, width: int = 640, height: int = 360) -> None:
        self._name, self._size = name, (width, height)
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self.frames = 0

    def start(self, url: str) -> bool:
        """Push to `url` until `stop`; False if nobody takes it."""
        self.stop()
        container = av.open(url, "w", format="flv")
        stream = _encoder(container, *self._size)
        try:
            # The RTMP handshake happens here, and holds Python's lock: whoever takes the stream has
            # to be another process.
            container.start_encoding()
        except (av.error.FFmpegError, OSError):
            return False
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(container, stream, self._stopped), name="rtmp-push", daemon=True
        )
        self._thread.start()
        return True

    def stop(self) -> None:
        """End it; does nothing if it is not on."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(5.0)
            self._thread = None

    @property
    def is_on(self) -> bool:
        """Whether it pushes."""
        return self._thread is not None and self._thread.is_alive()

    def _run(self, container: Any, stream: Any, stopped: threading.Event) -> None:
        try:
            with container:
                self._push(container, stream, stopped)
        except (av.error.FFmpegError, OSError):
            return  # whoever took it has gone

    def _push(self, container: Any, stream: Any, stopped: threading.Event) -> None:
        painter = Painter(self._name, "testsrc2", *self._size)
        began_s = time.monotonic()
        number = 0
        while not stopped.wait(max(0.0, began_s + number / _FPS - time.monotonic())):
            pixels = painter.paint(number, time.time_ns() // 1000)
            frame = av.VideoFrame.from_ndarray(pixels, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, _FPS)
            for packet in stream.encode(frame):
                container.mux(packet)
            number += 1
            self.frames = number


def _encoder(container: Any, width: int, height: int) -> Any:
    stream = container.add_stream("libx264", rate=_FPS)
    context = stream.codec_context
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.gop_size, context.bit_rate = _FPS, 500_000
    context.thread_count, context.max_b_frames = 1, 0
    context.options = {"preset": "ultrafast", "tune": "zerolatency"}
    return stream
