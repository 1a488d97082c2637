"""Pushes a painted picture by WHIP, as a dock that is live does: encoded here, sent by aiortc."""

import asyncio
import threading
import time
from fractions import Fraction
from typing import Any

import av
import httpx
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)

from fieldlink.edge.simulate.painter import Painter

__all__ = ["WhipPusher"]

_FPS = 15
_ANSWER_S = 8.0


class WhipPusher:
    """`start` and `stop` from one thread; it paints and pushes on its own."""

    def __init__(self, name: str, width: int = 640, height: int = 360) -> None:
        self._name, self._size = name, (width, height)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Event | None = None
        self._answered = threading.Event()
        self._taken = False
        self.frames = 0

    def start(self, url: str) -> bool:
        """Push to `url` until `stop`; False if nobody takes it."""
        self.stop()
        self._answered.clear()
        self._taken = False
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._run(url)), name="whip-push", daemon=True
        )
        self._thread.start()
        self._answered.wait(_ANSWER_S)
        return self._taken

    def stop(self) -> None:
        """End it; does nothing if it is not on."""
        loop, ending = self._loop, self._ending
        if self._thread is not None and loop is not None and ending is not None:
            if self._thread.is_alive() and not loop.is_closed():
                loop.call_soon_threadsafe(ending.set)
            self._thread.join(5.0)
        self._thread = None

    @property
    def is_on(self) -> bool:
        """Whether it pushes."""
        return self._taken and self._thread is not None and self._thread.is_alive()

    async def _run(self, url: str) -> None:
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        try:
            connection.addTrack(_Painted(self._name, *self._size, self._count))
            await self._offer(connection, url)
            self._answered.set()
            if self._taken:
                await self._ending.wait()
        except (httpx.HTTPError, OSError):
            pass  # nobody is there
        finally:
            self._answered.set()
            await connection.close()

    async def _offer(self, connection: RTCPeerConnection, url: str) -> None:
        [transceiver] = connection.getTransceivers()
        transceiver.direction = "sendonly"
        known = RTCRtpSender.getCapabilities("video")
        wanted = ("video/H264", "video/rtx")
        transceiver.setCodecPreferences(
            [one for one in known.codecs if one.mimeType in wanted] if known else []
        )
        await connection.setLocalDescription(await connection.createOffer())
        async with httpx.AsyncClient(timeout=_ANSWER_S) as client:
            answer = await client.post(
                url,
                content=connection.localDescription.sdp,
                headers={"Content-Type": "application/sdp"},
            )
        if answer.status_code == 201:
            await connection.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
            self._taken = True

    def _count(self) -> None:
        self.frames += 1


class _Painted(MediaStreamTrack):
    """H.264 with start codes, a keyframe each second: sent as it is (aiortc encodes nothing)."""

    kind = "video"

    def __init__(self, name: str, width: int, height: int, sent: Any) -> None:
        super().__init__()
        self._painter = Painter(name, "testsrc2", width, height)
        self._sent = sent
        encoder: Any = av.CodecContext.create("libx264", "w")
        encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
        encoder.time_base, encoder.gop_size, encoder.bit_rate = Fraction(1, _FPS), _FPS, 500_000
        encoder.thread_count, encoder.max_b_frames = 1, 0
        encoder.options = {"preset": "ultrafast", "tune": "zerolatency"}
        self._encoder = encoder
        self._began_s = time.monotonic()
        self._number = 0

    async def recv(self) -> Any:
        """The next picture, when it is due."""
        number, self._number = self._number, self._number + 1
        await asyncio.sleep(max(self._began_s + number / _FPS - time.monotonic(), 0))
        pixels = self._painter.paint(number, time.time_ns() // 1000)
        frame = av.VideoFrame.from_ndarray(pixels, format="yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, _FPS)
        [packet] = self._encoder.encode(frame)
        packet.pts, packet.time_base = number, Fraction(1, _FPS)
        self._sent()
        return packet
