"""Media frames as RTP payloads: H.264 (RFC 6184) and AAC (RFC 3640, AAC-hbr); sender reports."""

from collections.abc import Iterator
from dataclasses import dataclass

from fieldlink.codecs.mp4.nal import nal_units

__all__ = ["MAX_PAYLOAD_BYTES", "RtpSender", "aac_payloads", "h264_payloads", "sender_report"]

MAX_PAYLOAD_BYTES = 1400
_VERSION = 0x80
_MARKER = 0x80
_FU_A = 28
_START, _END = 0x80, 0x40
_SENDER_REPORT = 200
_NTP_EPOCH_S = 2_208_988_800


@dataclass(slots=True)
class RtpSender:
    """Numbers the packets of one track (RFC 3550 5.1)."""

    payload_type: int
    source: int
    sequence: int = 0
    packets: int = 0
    octets: int = 0

    def packet(self, payload: bytes, timestamp: int, marker: bool) -> bytes:
        """`payload` behind its header; `timestamp` in ticks of the track's clock."""
        second = self.payload_type | (_MARKER if marker else 0)
        header = bytes([_VERSION, second]) + self.sequence.to_bytes(2)
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.packets += 1
        self.octets += len(payload)
        return header + (timestamp & 0xFFFFFFFF).to_bytes(4) + self.source.to_bytes(4) + payload


def h264_payloads(access_unit: bytes, limit: int = MAX_PAYLOAD_BYTES) -> Iterator[bytes]:
    """An Annex B access unit as payloads: single NAL units (5.6) and fragments (5.8, FU-A)."""
    for unit in nal_units(access_unit):
        if not unit or unit[0] & 0x1F == 9:  # access unit delimiters mean nothing in RTP
            continue
        if len(unit) <= limit:
            yield unit
            continue
        yield from _fragments(unit, limit - 2)


def _fragments(unit: bytes, size: int) -> Iterator[bytes]:
    indicator, kind = unit[0] & 0xE0 | _FU_A, unit[0] & 0x1F
    for at in range(1, len(unit), size):
        first = _START if at == 1 else 0
        last = _END if at + size >= len(unit) else 0
        yield bytes([indicator, first | last | kind]) + unit[at : at + size]


def aac_payloads(frame: bytes, limit: int = MAX_PAYLOAD_BYTES) -> Iterator[bytes]:
    """A raw AAC frame behind one AU header of 13 bits size, 3 bits index (3.3.6)."""
    header = (16).to_bytes(2) + (len(frame) << 3 & 0xFFFF).to_bytes(2)
    for at in range(0, len(frame), limit):
        yield header + frame[at : at + limit]


def sender_report(sender: RtpSender, utc_us: int, timestamp: int) -> bytes:
    """RTCP SR (RFC 3550 6.4.1): `timestamp` of the track is the instant `utc_us`."""
    seconds, micros = divmod(utc_us, 1_000_000)
    ntp = (seconds + _NTP_EPOCH_S & 0xFFFFFFFF) << 32 | (micros << 32) // 1_000_000
    fields = (timestamp, sender.packets, sender.octets)
    body = b"".join((field & 0xFFFFFFFF).to_bytes(4) for field in fields)
    head = bytes([_VERSION, _SENDER_REPORT]) + (6).to_bytes(2) + sender.source.to_bytes(4)
    return head + ntp.to_bytes(8) + body
