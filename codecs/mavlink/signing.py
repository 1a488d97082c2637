"""Signatures of MAVLink 2 (Message signing): made, and checked against replays.

Behind the frame follow the link's id, a time in units of 10 us since 2015-01-01 (48 bits), and the
first 48 bits of SHA-256 over key, frame, id and time. A frame's time has to be later than the last
one of its stream (system, component, link id); the first of a stream may be at most a minute behind
the latest time known here, which is to be kept over restarts: `Verifier.timestamp`.
"""

from hashlib import sha256
from hmac import compare_digest

from .frame import Frame

__all__ = ["KEY_BYTES", "MINUTE", "Verifier", "sign", "signature", "signature_time"]

KEY_BYTES = 32
MINUTE = 6_000_000
_EPOCH_US = 1_420_070_400_000_000  # 2015-01-01T00:00:00Z
_MOST = (1 << 48) - 1
_MAX_STREAMS = 1024


def signature_time(at_us: int) -> int:
    """UTC microseconds as a signature has them; 0 for what was before 2015."""
    return min(max((at_us - _EPOCH_US) // 10, 0), _MOST)


def signature(frame: bytes, key: bytes, link_id: int, timestamp: int) -> bytes:
    """The 13 bytes that go behind `frame`, whose flags have to say already that it is signed."""
    tail = bytes((link_id,)) + timestamp.to_bytes(6, "little")
    return tail + sha256(key + frame + tail).digest()[:6]


def sign(frame: bytes, key: bytes, link_id: int, timestamp: int) -> bytes:
    """A MAVLink 2 frame that is not signed yet, signed: flag, checksum and signature.

    Raises:
        ValueError: it is no such frame, or its message is not known.
    """
    from .compose import compose  # it needs this module

    if len(frame) < 12 or frame[0] != 0xFD or frame[2]:
        raise ValueError("only an unsigned frame of MAVLink 2 can be signed")
    return compose(
        int.from_bytes(frame[7:10], "little"),
        frame[10:-2],
        sysid=frame[5],
        compid=frame[6],
        seq=frame[4],
        key=key,
        link_id=link_id,
        timestamp=timestamp,
    )


class Verifier:
    """Judges the frames of everybody who has `key`. `timestamp` is the latest time seen; begin
    with the one that was kept.
    """

    def __init__(self, key: bytes, timestamp: int = 0) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a signing key has {KEY_BYTES} bytes, not {len(key)}")
        self._key = key
        self.timestamp = timestamp
        self._streams: dict[tuple[int, int, int], int] = {}

    def refusal(self, frame: Frame) -> str | None:
        """Why `frame` is not to be believed: "unsigned", "forged", "replayed" or "old"; None when
        it is right, and then it counts as seen.
        """
        if not frame.signed:
            return "unsigned"
        raw = frame.raw
        # Constant time: an attacker who can time us must not find the bytes one by one.
        if not compare_digest(sha256(self._key + raw[:-6]).digest()[:6], raw[-6:]):
            return "forged"
        time = int.from_bytes(raw[-12:-6], "little")
        stream = frame.sysid, frame.compid, raw[-13]
        last = self._streams.pop(stream, None)
        if last is not None and time <= last:
            self._streams[stream] = last
            return "replayed"
        if last is None and time + MINUTE < self.timestamp:
            return "old"
        # The stream heard last stands last, so that the one silent longest makes room.
        self._streams[stream] = time
        if len(self._streams) > _MAX_STREAMS:
            del self._streams[next(iter(self._streams))]
        self.timestamp = max(self.timestamp, time)
        return None
