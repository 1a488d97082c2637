"""An RTSP server for one camera: any number of clients, media interleaved on their connections."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.rtp import (
    Request,
    RequestReader,
    RtpSender,
    SoundTrack,
    aac_payloads,
    h264_payloads,
    reply,
    sender_report,
    session_description,
)
from fieldlink.codecs.rtp.requests import interleaved
from fieldlink.codecs.rtp.session_description import SOUND_TYPE, VIDEO_TYPE
from fieldlink.edge.simulate.faults import Faults
from fieldlink.edge.simulate.studio import Unit

__all__ = ["MediaServer", "RtspServer"]

_VIDEO_RATE_HZ = 90_000
_REPORT_EVERY_S = 5.0
_MAX_BEHIND_BYTES = 4_000_000
_METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN"


class MediaServer(Protocol):
    """Takes units on the event loop and serves them; `url` is known once it listens."""

    async def listen(self, host: str, port: int) -> str:
        """Listen; port 0 chooses one. The URL to open."""

    def publish(self, unit: Unit) -> None:
        """Send `unit` to everybody who plays."""

    async def close(self) -> None:
        """End every connection."""


@dataclass(slots=True)
class _Track:
    channel: int
    rate_hz: int
    sender: RtpSender
    reported_s: float = 0.0


@dataclass(slots=True, eq=False)
class _Client:
    writer: asyncio.StreamWriter
    session: str
    tracks: dict[str, _Track] = field(default_factory=dict)
    playing_since_s: float | None = None
    in_step: bool = False


class RtspServer:
    """Serves one stream at any path. `sound` is asked when a client wants a description."""

    def __init__(self, name: str, sound: Callable[[], SoundTrack | None], faults: Faults) -> None:
        self._name, self._sound, self._faults = name, sound, faults
        self._server: asyncio.Server | None = None
        self._clients: set[_Client] = set()
        self._keyframe = b""
        self._ready = asyncio.Event()
        self._serial = 0

    async def listen(self, host: str, port: int) -> str:
        """Listen; port 0 chooses one. The URL to open."""
        self._server = await asyncio.start_server(self._serve, host, port)
        at = self._server.sockets[0].getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        return f"rtsp://{shown}:{at}/{self._name}"

    async def close(self) -> None:
        """End every connection."""
        if self._server is not None:
            self._server.close()
        for client in list(self._clients):
            client.writer.close()
        if self._server is not None:
            await self._server.wait_closed()

    def publish(self, unit: Unit) -> None:
        """Send `unit` to everybody who plays."""
        if unit.kind == "video" and unit.keyframe:
            self._keyframe = unit.data
            self._ready.set()
        payloads = list((h264_payloads if unit.kind == "video" else aac_payloads)(unit.data))
        for client in list(self._clients):
            if client.playing_since_s is not None:
                self._send(client, unit, payloads)

    def _send(self, client: _Client, unit: Unit, payloads: list[bytes]) -> None:
        track = client.tracks.get(unit.kind)
        drop_s = self._faults.drop_after_s
        now_s = time.monotonic()
        if drop_s is not None and now_s - (client.playing_since_s or now_s) >= drop_s:
            client.writer.transport.abort()
            return
        if client.writer.transport.get_write_buffer_size() > _MAX_BEHIND_BYTES:
            client.in_step = False  # too slow: goes on at the next keyframe
        if unit.kind == "video" and unit.keyframe:
            client.in_step = True
        if track is None or not client.in_step:
            return
        ticks = int(unit.at_s * track.rate_hz)
        parts = []
        if now_s - track.reported_s >= _REPORT_EVERY_S:
            track.reported_s = now_s
            report = sender_report(track.sender, time.time_ns() // 1000, ticks)
            parts.append(interleaved(track.channel + 1, report))
        for number, payload in enumerate(payloads, 1):
            packet = track.sender.packet(payload, ticks, number == len(payloads))
            parts.append(interleaved(track.channel, packet))
        client.writer.write(b"".join(parts))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serial += 1
        client = _Client(writer, f"{self._serial:08d}")
        self._clients.add(client)
        requests = RequestReader()
        try:
            while data := await reader.read(65_536):
                if self._faults.hang:
                    continue
                for request in requests.feed(data):
                    writer.write(await self._answer(request, client))
                    if request.method == "TEARDOWN":
                        return
        except (ConnectionError, CodecError):
            pass  # the peer went, or does not speak RTSP: either way it is done here
        finally:
            self._clients.discard(client)
            writer.close()

    async def _answer(self, request: Request, client: _Client) -> bytes:
        if request.method == "OPTIONS":
            return reply(request, 200, {"Public": _METHODS})
        if request.method == "DESCRIBE":
            await self._ready.wait()
            body = session_description(self._name, self._keyframe, self._sound())
            headers = {"Content-Base": request.url.rstrip("/") + "/"}
            return reply(request, 200, {**headers, "Content-Type": "application/sdp"}, body)
        if request.method == "SETUP":
            return self._set_up(request, client)
        if request.method == "PLAY":
            if not client.tracks:
                return reply(request, 455)
            client.playing_since_s = time.monotonic()
            return reply(request, 200, {"Session": client.session, "Range": "npt=0.000-"})
        if request.method in ("GET_PARAMETER", "SET_PARAMETER", "TEARDOWN"):
            return reply(request, 200, {"Session": client.session})
        return reply(request, 501)

    def _set_up(self, request: Request, client: _Client) -> bytes:
        transport = request.headers.get("transport", "")
        if "RTP/AVP/TCP" not in transport:
            return reply(request, 461)
        sound = self._sound()
        is_sound = request.url.rstrip("/").endswith("/audio")
        if is_sound and sound is None:
            return reply(request, 404)
        kind = "audio" if is_sound else "video"
        rate_hz = sound.rate_hz if is_sound and sound is not None else _VIDEO_RATE_HZ
        payload_type = SOUND_TYPE if is_sound else VIDEO_TYPE
        channel = 2 * len(client.tracks)
        sender = RtpSender(payload_type, source=self._serial * 2 + is_sound)
        client.tracks[kind] = _Track(channel, rate_hz, sender)
        chosen = f"RTP/AVP/TCP;unicast;interleaved={channel}-{channel + 1}"
        session = f"{client.session};timeout=60"
        return reply(request, 200, {"Transport": chosen, "Session": session})
