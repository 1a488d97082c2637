"""The places in aiortc where packets are taken: they are private, and its version is pinned."""

import tomllib
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.codecs import CODECS
from aiortc.rtp import RtcpSenderInfo, RtcpSrPacket, RtpPacket

from fieldlink.edge.whip.tap import tap

pytestmark = pytest.mark.anyio
_NTP_2026 = 3_976_214_400 << 32  # 2026-01-01


def test_the_version_is_pinned_and_the_one_that_is_tested() -> None:
    project = tomllib.loads(Path(__file__).parents[3].joinpath("pyproject.toml").read_text())
    assert f"aiortc=={version('aiortc')}" in project["project"]["dependencies"]


async def test_each_packet_is_seen_depayloaded_and_none_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    receiver: Any = connection.addTransceiver("video", direction="recvonly").receiver
    h264 = next(one for one in CODECS["video"] if one.name == "H264")
    monkeypatch.setattr(receiver, "_RTCRtpReceiver__codecs", {96: h264})
    seen: list[Any] = []
    said: list[tuple[int, int]] = []
    lost: list[int] = []

    async def picture_lost(ssrc: int) -> None:
        lost.append(ssrc)

    monkeypatch.setattr(receiver, "_send_rtcp_pli", picture_lost)

    def take(packet: Any) -> bool:
        seen.append(packet)
        return len(seen) == 2

    tap(receiver, take, lambda date_us, ticks: said.append((date_us, ticks)), lambda: None)
    for number in range(3):
        packet = RtpPacket(
            payload_type=96, marker=1, sequence_number=number, timestamp=number * 3600, ssrc=7,
            payload=b"\x41\x9a" + bytes([number]),
        )  # fmt: skip
        await receiver._handle_rtp_packet(packet, 0)
    assert [one._data for one in seen] == [b"\0\0\0\1\x41\x9a" + bytes([n]) for n in range(3)]
    assert lost == [7], "a keyframe is asked for when the tap says so"
    assert receiver._RTCRtpReceiver__decoder_queue.empty()
    info = RtcpSenderInfo(
        ntp_timestamp=_NTP_2026 + (1 << 31), rtp_timestamp=90_000, packet_count=3, octet_count=9
    )
    await receiver._handle_rtcp_packet(RtcpSrPacket(ssrc=7, sender_info=info))
    assert said == [(1_767_225_600_500_000, 90_000)]
    assert receiver._RTCRtpReceiver__lsr[7], "aiortc answers the report as before"
    await connection.close()


def test_another_aiortc_is_refused() -> None:
    nothing: Any = SimpleNamespace()
    with pytest.raises(RuntimeError, match="aiortc"):
        tap(nothing, lambda _: False, lambda *_: None, lambda: None)


async def test_sources_without_end_are_told_and_not_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    receiver: Any = connection.addTransceiver("video", direction="recvonly").receiver
    h264 = next(one for one in CODECS["video"] if one.name == "H264")
    monkeypatch.setattr(receiver, "_RTCRtpReceiver__codecs", {96: h264})
    seen: list[Any] = []
    told: list[int] = []

    def take(packet: Any) -> bool:
        seen.append(packet.ssrc)
        return False

    tap(receiver, take, lambda *_: None, lambda: told.append(1))
    for number in range(40):
        packet = RtpPacket(
            payload_type=96, sequence_number=1, timestamp=0, ssrc=number, payload=b"\x41\x9a"
        )
        await receiver._handle_rtp_packet(packet, 0)
    assert len(seen) == len(receiver._RTCRtpReceiver__remote_streams) == 16
    assert len(told) == 24
    await connection.close()
