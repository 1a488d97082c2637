"""Where controllers connect: MQTT 5 or 3.1.1, any QoS, in front of the kit's own broker.

DJI documents MQTT 5.0; the kit's broker speaks 3.1.1 and cuts off whoever publishes with QoS 2
(measured: nats-server 2.11). Names, passwords and permissions stay the broker's.
"""

import asyncio
import contextlib
from collections import Counter

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.mqtt import Translator
from fieldlink.systemd.service import Beat

__all__ = ["Front"]

_PIECE = 64 * 1024
_CONNECT_S = 10.0
_MAX_CONNECTIONS = 64
_BEAT_S = 1.0


class Front:
    """Listens on `host`:`port` for clients of the broker at `broker`."""

    def __init__(self, host: str, port: int, broker: tuple[str, int]) -> None:
        self._place, self._broker = (host, port), broker
        self._open: set[asyncio.Task[None]] = set()
        self.counts: Counter[str] = Counter()

    async def run(self, beat: Beat) -> None:
        """Serve until cancelled.

        Raises:
            OSError: the port cannot be had.
        """
        server = await asyncio.start_server(self._begin, *self._place, limit=_PIECE)
        try:
            while True:
                beat()
                await asyncio.sleep(_BEAT_S)
        finally:
            server.close()
            for task in list(self._open):
                task.cancel()
            if self._open:
                await asyncio.wait(self._open)
            await server.wait_closed()

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= _MAX_CONNECTIONS:
            self.counts["full"] += 1
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(
            self._connection(reader, writer), name="dji front"
        )
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        made = Translator()
        broker: asyncio.StreamWriter | None = None
        try:
            async with asyncio.timeout(_CONNECT_S):
                while not (first := made.take_to_broker()):
                    if not (data := await reader.read(_PIECE)):
                        return
                    made.from_client(data)
                heard, broker = await asyncio.open_connection(*self._broker, limit=_PIECE)
            self.counts[f"version {made.version}"] += 1
            broker.write(first)
            await self._both(made, reader, writer, heard, broker)
        except CodecError:
            self.counts["malformed"] += 1
        except (OSError, TimeoutError):
            self.counts["lost"] += 1
        finally:
            for end in (writer, broker):
                if end is not None:
                    with contextlib.suppress(OSError):
                        end.close()

    async def _both(
        self,
        made: Translator,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        heard: asyncio.StreamReader,
        broker: asyncio.StreamWriter,
    ) -> None:
        async def up() -> None:
            while data := await reader.read(_PIECE):
                made.from_client(data)
                await send()

        async def down() -> None:
            while data := await heard.read(_PIECE):
                made.from_broker(data)
                await send()

        async def send() -> None:
            broker.write(made.take_to_broker())
            writer.write(made.take_to_client())
            await broker.drain()
            await writer.drain()

        ways = [asyncio.create_task(way()) for way in (up, down)]
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in done:
                way.result()
        finally:
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)
