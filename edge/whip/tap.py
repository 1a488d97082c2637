"""aiortc as a source of encoded packets: the one place that reaches into it.

Its receiver always decodes, and its decoder hears nothing of losses. But everything that it
receives goes through its jitter buffer, decrypted and depayloaded, and the buffer's answer decides
whether a keyframe is asked for: one of ours there sees each packet and gives the decoder nothing.
Its sender reports are heard on the way. Both are private to aiortc, whose version is pinned; a test
holds them.
"""

from collections.abc import Callable
from typing import Any

from aiortc import RTCRtpReceiver
from aiortc.rtp import RtcpSrPacket, RtpPacket

__all__ = ["tap"]

_BUFFER = "_RTCRtpReceiver__jitter_buffer"
_NTP_EPOCH_S = 2_208_988_800
_MAX_SOURCES = 16  # picture and its retransmission, and those of a publisher that began anew


class _Buffer:
    """In the place of aiortc's jitter buffer."""

    def __init__(self, packet: Callable[[RtpPacket], bool]) -> None:
        self._packet = packet

    def add(self, packet: RtpPacket) -> tuple[bool, None]:
        """Whether a picture loss is to be told; never a frame to decode."""
        return self._packet(packet), None


def tap(
    receiver: RTCRtpReceiver,
    packet: Callable[[RtpPacket], bool],
    report: Callable[[int, int], None],
    flooded: Callable[[], None],
) -> None:
    """Give each packet of `receiver` to `packet`, which says whether a keyframe is needed, and of
    each sender report its date (UTC microseconds) and RTP time to `report`. When there are more
    sources than one track can have, `flooded` is called: aiortc remembers each for ever.

    Raises:
        RuntimeError: this aiortc is another than the one that this is made for.
    """
    if not hasattr(receiver, _BUFFER) or not all(
        hasattr(receiver, name) for name in ("_handle_rtcp_packet", "_handle_rtp_packet")
    ):
        raise RuntimeError("this version of aiortc is not the one that Fieldlink is made for")
    setattr(receiver, _BUFFER, _Buffer(packet))
    usual, take = receiver._handle_rtcp_packet, receiver._handle_rtp_packet
    sources: set[int] = set()

    async def received(taken: RtpPacket, arrival_time_ms: int) -> None:
        if taken.ssrc not in sources:
            if len(sources) >= _MAX_SOURCES:
                flooded()
                return
            sources.add(taken.ssrc)
        await take(taken, arrival_time_ms=arrival_time_ms)

    async def heard(said: Any) -> None:
        if isinstance(said, RtcpSrPacket):
            ntp = said.sender_info.ntp_timestamp
            date_us = ((ntp >> 32) - _NTP_EPOCH_S) * 1_000_000 + ((ntp & 0xFFFFFFFF) * 10**6 >> 32)
            report(date_us, said.sender_info.rtp_timestamp)
        await usual(said)

    receiver._handle_rtcp_packet = heard  # type: ignore[method-assign, assignment]
    receiver._handle_rtp_packet = received  # type: ignore[method-assign, assignment]
