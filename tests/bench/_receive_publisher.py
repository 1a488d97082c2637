"""The kit of the benchmark `receive`: publishes chunks with a window, and tells how long it took.

    python -m ... FOLDER PORT ROUND TOTAL_MB

A subscriber answers either with Ack frames, as the centre does, or with the plain number of
bytes that it has got so far.
"""

import asyncio
import random
import sys
import threading
import time
from pathlib import Path

from fieldlab.receiving import Bundle, make_bundle
from fieldlink.codecs.wire import Ack, Verdict, decode_frame, down_filter, encode_frame, up_topic
from fieldlink.systemd.mqtt import MqttConnection, TlsFiles

KIT = "kit-a"
CHUNK_BYTES = 256 * 1024
BUNDLE_BYTES = 4 * CHUNK_BYTES
_WINDOW_BYTES = 24 * 1024 * 1024


class _Window:
    """How much is unanswered; `wait` holds the sender back."""

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._sent_bytes = 0
        self._plain_bytes = 0
        self._held: dict[bytes, int] = {}

    def wait(self, size: int) -> None:
        with self._change:
            if not self._change.wait_for(lambda: self._open() + size <= _WINDOW_BYTES, 60):
                raise TimeoutError(f"{self._open()} bytes are not answered")
            self._sent_bytes += size

    def finish(self) -> None:
        with self._change:
            if not self._change.wait_for(lambda: self._open() <= 0, 60):
                raise TimeoutError(f"{self._open()} bytes are not answered at the end")

    def on_message(self, _topic: str, payload: bytes) -> None:
        with self._change:
            if payload[:1] != b"\xf1":
                self._plain_bytes = int(payload)
            else:
                frame = decode_frame(payload)
                for item in frame.items if isinstance(frame, Ack) else ():
                    whole = item.verdict is Verdict.CUSTODY
                    # Custody alone ends a bundle: its last chunk counts when it is durable.
                    held = item.ranges.held_bytes
                    self._held[item.bundle] = BUNDLE_BYTES if whole else held
            self._change.notify_all()

    def _open(self) -> int:
        return self._sent_bytes - self._plain_bytes - sum(self._held.values())


def _frames(round_number: int, total_bytes: int) -> list[bytes]:
    content = random.Random(round_number).randbytes(BUNDLE_BYTES)
    frames = []
    for number in range(total_bytes // BUNDLE_BYTES):
        own = number.to_bytes(8, "big") + content[8:]
        bundle: Bundle = make_bundle(own, sequence=number, spool=round_number.to_bytes(8, "big"))
        for start in range(0, BUNDLE_BYTES, CHUNK_BYTES):
            end = start + CHUNK_BYTES
            frames.append(encode_frame(bundle.chunk(start, end, with_manifest=not start)))
    return frames


async def _publish(folder: Path, port: int, frames: list[bytes]) -> float:
    window = _Window()
    connection = await MqttConnection.open(
        "127.0.0.1",
        port,
        client_id=KIT,
        tls=TlsFiles(folder / "ca.crt", folder / "kit.crt", folder / "kit.key"),
        subscriptions=[down_filter(KIT)],
        on_message=window.on_message,
    )
    began = time.perf_counter()
    await asyncio.to_thread(_send_all, connection, window, frames)
    took_s = time.perf_counter() - began
    await connection.close()
    return took_s


def _send_all(connection: MqttConnection, window: _Window, frames: list[bytes]) -> None:
    topic = up_topic(KIT, "chunk")
    for frame in frames:
        window.wait(CHUNK_BYTES)
        connection.publish(topic, frame)
    window.finish()


if __name__ == "__main__":
    where, port, round_number, total_mb = sys.argv[1:]
    made = _frames(int(round_number), int(total_mb) * 1024 * 1024)
    print(asyncio.run(_publish(Path(where), int(port), made)))
