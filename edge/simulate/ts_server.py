"""MPEG-TS for one camera: to whoever connects by TCP, or to one UDP address."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import av

from fieldlink.edge.simulate.faults import Faults
from fieldlink.edge.simulate.studio import Unit

__all__ = ["TsServer"]

_DATAGRAM_BYTES = 7 * 188
_MAX_BEHIND_BYTES = 4_000_000


class TsServer:
    """Muxes units once and sends the same bytes to everybody; the stream finds itself in step."""

    def __init__(self, templates: list[Any], faults: Faults, *, udp: bool) -> None:
        self._faults, self._udp = faults, udp
        self._pending = bytearray()
        self._container = av.open(_Collector(self._pending), "w", format="mpegts")
        self._streams = {s.type: self._container.add_stream_from_template(s) for s in templates}
        self._server: asyncio.Server | None = None
        self._clients: dict[asyncio.StreamWriter, float] = {}
        self._datagrams: asyncio.DatagramTransport | None = None

    async def listen(self, host: str, port: int) -> str:
        """Listen by TCP, or send to `host` and `port` by UDP. The URL to open."""
        if self._udp:
            loop = asyncio.get_running_loop()
            self._datagrams, _ = await loop.create_datagram_endpoint(
                asyncio.DatagramProtocol, remote_addr=(host, port)
            )
            return f"udp://{host}:{port}"
        self._server = await asyncio.start_server(self._serve, host, port)
        return f"tcp://{host}:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """End every connection."""
        for writer in list(self._clients):
            writer.close()
        if self._datagrams is not None:
            self._datagrams.close()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def publish(self, unit: Unit) -> None:
        """Mux `unit` and send what comes of it."""
        stream = self._streams.get(unit.kind)
        if stream is None:
            return
        packet = av.Packet(unit.data)
        packet.time_base = stream.time_base
        packet.pts = packet.dts = round(unit.at_s / stream.time_base)
        packet.is_keyframe = unit.keyframe
        packet.stream = stream
        self._container.mux_one(packet)
        data = bytes(self._pending)
        self._pending.clear()
        if self._datagrams is not None:
            for at in range(0, len(data), _DATAGRAM_BYTES):
                self._datagrams.sendto(data[at : at + _DATAGRAM_BYTES])
        for writer, since_s in list(self._clients.items()):
            self._send(writer, since_s, data)

    def _send(self, writer: asyncio.StreamWriter, since_s: float, data: bytes) -> None:
        drop_s = self._faults.drop_after_s
        behind = writer.transport.get_write_buffer_size() > _MAX_BEHIND_BYTES
        if behind or (drop_s is not None and time.monotonic() - since_s >= drop_s):
            writer.transport.abort()
        elif not self._faults.hang:
            writer.write(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients[writer] = time.monotonic()
        try:
            while await reader.read(4096):
                pass  # a viewer has nothing to say
        except ConnectionError:
            pass  # it went; so does its entry
        finally:
            del self._clients[writer]
            writer.close()


class _Collector:
    """A file that libav writes to and whose bytes are taken away."""

    def __init__(self, into: bytearray) -> None:
        self.write: Callable[[bytes], int] = lambda data: _extend(into, data)


def _extend(into: bytearray, data: bytes) -> int:
    into += data
    return len(data)
