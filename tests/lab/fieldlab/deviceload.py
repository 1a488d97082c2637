"""Many devices at once, as cheaply as Python speaks MQTT 3.1.1: for measuring who listens to them.

    python -m fieldlab.deviceload LOGINS RATE SECONDS [BATCH]

LOGINS holds a device's URI a line. Each device sends RATE readings a second, BATCH of them in a
message, and counts its receipts. At the end one line of JSON: sent, receipts, refused.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

from fieldlink.edge.device_api.credentials import Credentials

__all__ = ["main"]

_QUIET_S = 5.0


def _text(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(2, "big") + raw


def _packet(kind: int, body: bytes) -> bytes:
    length, rest = bytearray(), len(body)
    while True:
        rest, digit = divmod(rest, 128)
        length.append(digit | (0x80 if rest else 0))
        if not rest:
            return bytes([kind]) + bytes(length) + body


class _Device:
    """One connection. MQTT 3.1.1 (OASIS), sections 3.1, 3.3 and 3.8; QoS 0 both ways."""

    def __init__(self, login: Credentials) -> None:
        self.login = login
        self.sent, self.receipts, self.refused = 0, 0, 0

    async def run(self, rate: float, seconds: float, batch: int, start_s: float) -> None:
        reader, writer = await asyncio.open_connection(self.login.host, self.login.port)
        name = self.login.name
        head = _text("MQTT") + bytes([4, 0xC2]) + (120).to_bytes(2, "big")
        writer.write(_packet(0x10, head + _text(name) + _text(name) + _text(self.login.password)))
        writer.write(_packet(0x82, b"\0\1" + _text(f"fl/dev/{name}/receipt") + b"\0"))
        hearing = asyncio.create_task(self._hear(reader))
        await asyncio.sleep(max(0.0, start_s - time.monotonic()))
        count = round(rate * seconds / batch)
        topic, boot = _text(f"fl/dev/{name}/position"), int(time.time())
        for number in range(count):
            readings = [
                {
                    "lat": 34.23 + number * 1e-5,
                    "lon": 108.95,
                    "alt": 512.25,
                    "speed": 1.4,
                    "heading": 90.0,
                    "satellites": 12,
                    "fix": 1,
                    "time_ms": time.time_ns() // 1_000_000,
                    "seq": number * batch + at,
                    "boot": boot,
                }
                for at in range(batch)
            ]
            said = json.dumps(readings if batch > 1 else readings[0])
            writer.write(_packet(0x30, topic + said.encode()))
            self.sent += batch
            due_s = start_s + (number + 1) * batch / rate
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        end_s = time.monotonic() + _QUIET_S
        while self.receipts < count and time.monotonic() < end_s:
            await asyncio.sleep(0.1)
        hearing.cancel()
        writer.close()

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        while True:
            (kind,) = await reader.readexactly(1)
            length, shift = 0, 0
            while True:
                (digit,) = await reader.readexactly(1)
                length |= (digit & 0x7F) << shift
                shift += 7
                if digit < 0x80:
                    break
            body = await reader.readexactly(length)
            if kind & 0xF0 == 0x30:
                self.receipts += 1
                self.refused += b'"ok":true' not in body


async def main(logins: str, rate: float, seconds: float, batch: int = 1) -> dict[str, int]:
    """Speak; what was sent and answered, in messages and readings."""
    devices = [_Device(Credentials.parse(line)) for line in logins.split()]
    begin_s = time.monotonic() + 3.0
    await asyncio.gather(
        *(
            device.run(rate, seconds, batch, begin_s + at / len(devices) / rate * batch)
            for at, device in enumerate(devices)
        )
    )
    return {
        "sent": sum(device.sent for device in devices),
        "receipts": sum(device.receipts for device in devices),
        "refused": sum(device.refused for device in devices),
    }


if __name__ == "__main__":
    _, path, rate_, seconds_, *rest = sys.argv
    devices_ = Path(path).read_text()
    answer = asyncio.run(main(devices_, float(rate_), float(seconds_), *map(int, rest)))
    sys.stdout.write(json.dumps(answer) + "\n")
