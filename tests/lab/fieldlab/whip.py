"""Publishers by WHIP: aiortc sending packets that are encoded already, and a clip for it."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from av.bitstream import BitStreamFilterContext

__all__ = ["Clip", "Publisher", "pictures_of", "publish", "tone"]

_FPS = 25


class Clip:
    """`seconds` of moving H.264, a keyframe each second: one packet a picture, with start codes."""

    def __init__(self, seconds: float, width: int = 320, height: int = 180) -> None:
        encoder = av.CodecContext.create("libx264", "w")
        encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
        encoder.time_base = Fraction(1, _FPS)
        encoder.gop_size = _FPS
        encoder.options = {
            "tune": "zerolatency",
            "preset": "ultrafast",
            "x264-params": "keyint=25:min-keyint=25:scenecut=0:repeat-headers=1:slices=1",
        }
        self.packets: list[bytes] = []
        for number in range(round(seconds * _FPS)):
            frame = av.VideoFrame.from_ndarray(_painted(number, width, height), format="rgb24")
            frame.pts = number
            self.packets += [bytes(one) for one in encoder.encode(frame.reformat(format="yuv420p"))]
        self.packets += [bytes(one) for one in encoder.encode(None)]


def _painted(number: int, width: int, height: int) -> Any:
    picture = np.empty((height, width, 3), np.uint8)
    picture[..., 0] = np.arange(width)[None, :] + number * 5 & 255
    picture[..., 1] = np.arange(height)[:, None] & 255
    picture[..., 2] = 90
    picture[height // 4 : height // 2, (number * 7) % (width - 40) :][:, :40] = 250
    return picture


def tone(seconds: float) -> list[bytes]:
    """A tone in Opus, 20 ms a packet."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "stereo", "s16"
    encoder.bit_rate = 48_000
    packets = []
    for number in range(round(seconds * 50)):
        at = np.arange(number * 960, (number + 1) * 960)
        wave = (np.sin(at * 2 * np.pi * 440 / 48_000) * 8000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.repeat(wave, 2)[None, :], "s16", "stereo")
        frame.sample_rate, frame.pts = 48_000, number * 960
        packets += [bytes(one) for one in encoder.encode(frame)]
    return packets


class Encoded(MediaStreamTrack):
    """Sends packets as they are, `speed` times as fast as they play, again and again if `loop`."""

    def __init__(
        self, kind: str, packets: Sequence[bytes], ticks: Fraction, speed: float, loop: bool
    ) -> None:
        super().__init__()
        self.kind = kind
        self._packets, self._ticks, self._speed, self._again = packets, ticks, speed, loop
        self._at = 0
        self._began_s: float | None = None
        self.wanted = asyncio.Event()
        self.wanted.set()

    async def recv(self) -> Any:
        """The next packet, when it is due."""
        await self.wanted.wait()
        if self._at >= len(self._packets) and not self._again:
            await asyncio.Event().wait()  # the connection stays, and nothing more comes
        loop = asyncio.get_running_loop()
        if self._began_s is None:
            self._began_s = loop.time() - float(self._at * self._ticks) / self._speed
        due_s = self._began_s + float(self._at * self._ticks) / self._speed
        await asyncio.sleep(max(due_s - loop.time(), 0))
        packet = av.Packet(self._packets[self._at % len(self._packets)])
        packet.pts, packet.time_base = self._at, self._ticks
        self._at += 1
        return packet


class Publisher:
    """A publisher that is connected or about to be."""

    def __init__(self, speed: float = 1.0, loop: bool = False) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._speed, self._loop = speed, loop
        self.tracks: list[Encoded] = []
        self.senders: list[RTCRtpSender] = []
        self.location = ""
        self.etag = ""
        self.answer = ""

    def add(self, video: Sequence[bytes], audio: Sequence[bytes] = ()) -> None:
        """Have these to send."""
        for kind, packets, ticks in (
            ("audio", audio, Fraction(1, 50)),
            ("video", video, Fraction(1, _FPS)),
        ):
            if packets:
                track = Encoded(kind, packets, ticks, self._speed, self._loop)
                self.tracks.append(track)
                self.senders.append(self.connection.addTrack(track))
        for transceiver in self.connection.getTransceivers():
            transceiver.direction = "sendonly"
            if transceiver.kind == "video":
                known = RTCRtpSender.getCapabilities("video")
                assert known is not None
                transceiver.setCodecPreferences(
                    [one for one in known.codecs if one.mimeType in ("video/H264", "video/rtx")]
                )

    async def offer(self) -> str:
        """The offer, with the candidates of this machine."""
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return str(self.connection.localDescription.sdp)

    async def post(self, url: str, token: str, offer: str, **options: Any) -> httpx.Response:
        """Send the offer; the answer is taken if it was good."""
        async with httpx.AsyncClient(**options) as client:
            answer = await client.post(
                url,
                content=offer,
                headers={"Content-Type": "application/sdp", "Authorization": f"Bearer {token}"},
            )
        if answer.status_code == 201:
            self.location, self.etag = answer.headers["Location"], answer.headers["ETag"]
            self.answer = answer.text
            await self.connection.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        return answer


@asynccontextmanager
async def publish(
    url: str,
    token: str,
    video: Sequence[bytes],
    audio: Sequence[bytes] = (),
    *,
    speed: float = 1.0,
    loop: bool = False,
) -> AsyncIterator[Publisher]:
    """A publisher that sends these, until the block ends."""
    made = Publisher(speed, loop)
    try:
        made.add(video, audio)
        answer = await made.post(url, token, await made.offer())
        assert answer.status_code == 201, answer.text
        yield made
    finally:
        await made.connection.close()


def pictures_of(clip: Path) -> list[bytes]:
    """The pictures of a file in H.264, with start codes and parameter sets."""
    container: Any = av.open(str(clip))
    with container:
        stream = container.streams.video[0]
        annex_b = BitStreamFilterContext("h264_mp4toannexb", stream)
        return [
            bytes(one)
            for packet in container.demux(stream)
            for one in (annex_b.filter(packet) if packet.size else annex_b.filter(None))
        ]


async def _forever(clip: Path, token: str, url: str) -> None:
    pictures = pictures_of(clip)
    async with publish(url, token, pictures, tone(len(pictures) / _FPS), loop=True):
        print("publishing", flush=True)  # noqa: T201 - whoever started it waits for this line
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_forever(Path(sys.argv[1]), *sys.argv[2:]))
