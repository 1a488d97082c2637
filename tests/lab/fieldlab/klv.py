"""Films with KLV beside them, and streams of them as encoders of aircraft make them."""

import subprocess
from pathlib import Path

from fieldlab.peers import need_program
from fieldlink.codecs.geo import Pose
from fieldlink.codecs.klv import compose
from fieldlink.systemd.transport import Clip, Piece

__all__ = ["T0_US", "film", "moments", "stream", "synchronous"]

T0_US = 1_760_000_000_000_000
_PACKET = 188
_PRIVATE, _METADATA = 0x06, 0x15  # stream types (ISO/IEC 13818-1, 2.4.4.9)


def film(path: Path, *codecs: str, seconds: float = 1) -> bytes:
    """A film by ffmpeg, as a file of fragmented MP4."""
    argv = [need_program("ffmpeg"), "-v", "error", "-f", "lavfi"]
    argv += ["-i", f"testsrc2=size=160x120:rate=10:duration={seconds}"]
    argv += [*(codecs or ("-c:v", "libx264", "-bf", "2")), "-pix_fmt", "yuv420p", "-g", "5"]
    argv += ["-movflags", "empty_moov+default_base_moof+frag_keyframe", "-f", "mp4", str(path)]
    subprocess.run(argv, check=True, stderr=subprocess.DEVNULL)
    return path.read_bytes()


def moments(count: int, every_us: int = 200_000, from_us: int = T0_US) -> list[tuple[int, bytes]]:
    """An aircraft that flies north, one set after the other."""
    return [
        (at_us, compose(_pose(at_us, n), mission="t", designation="uav-1", speed=11.0))
        for n, at_us in enumerate(range(from_us, from_us + count * every_us, every_us))
    ]


def _pose(at_us: int, number: int) -> Pose:
    return Pose(
        at_us, 30.0 + number * 2e-5, 103.0, alt_m=500.0, height_m=100.0, heading=0.0, roll=3.0,
        pitch=2.0, gimbal_pitch=-45.0, gimbal_yaw=90.0, hfov=60.0, vfov=40.0,
    )  # fmt: skip


def stream(content: bytes, sets: list[tuple[int, bytes]], start_us: int = T0_US) -> bytes:
    """A transport stream of a film with `sets` beside it, in the asynchronous carriage."""
    clip = Clip(start_us, start_us + 3_600_000_000)
    return b"".join(clip.write([Piece(content, start_us, sets)]))


def synchronous(content: bytes, sets: list[tuple[int, bytes]]) -> bytes:
    """The same in the synchronous carriage (MISB ST 1402): stream type 0x15, stream id 0xFC, and
    each set in a metadata access unit cell (ISO/IEC 13818-1, 2.12.4.2).
    """
    cells = [
        (at_us, bytes((0, n & 0xFF, 0xDF)) + len(data).to_bytes(2) + data)
        for n, (at_us, data) in enumerate(sets)
    ]
    made = bytearray(stream(content, cells))
    for at in range(0, len(made), _PACKET):
        if made[at + 1] & 0x40:  # a payload begins here
            adapted = made[at + 3] & 0x20
            body = at + 4 + (made[at + 4] + 1 if adapted else 0)
            if made[body : body + 4] == b"\x00\x00\x01\xbd":
                made[body + 3] = 0xFC
            elif made[body + 1] == 2 and made[body] == 0:
                _retyped(made, body + 1)
    return bytes(made)


def _retyped(made: bytearray, at: int) -> None:
    """The program map table at `at`, with its private stream as one of metadata."""
    end = at + 3 + ((made[at + 1] & 0x0F) << 8 | made[at + 2]) - 4
    place = at + 12 + ((made[at + 10] & 0x0F) << 8 | made[at + 11])
    while place < end:
        if made[place] == _PRIVATE:
            made[place] = _METADATA
        place += 5 + ((made[place + 3] & 0x0F) << 8 | made[place + 4])
    made[end : end + 4] = _crc(bytes(made[at:end])).to_bytes(4)


def _crc(data: bytes) -> int:
    """CRC-32/MPEG-2 (ISO/IEC 13818-1, annex A)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
    return crc
