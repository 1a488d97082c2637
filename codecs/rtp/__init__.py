"""RTSP 1.0 and RTP as a camera speaks them: requests, replies, media packets (RFC 2326, 3550)."""

from .packets import RtpSender, aac_payloads, h264_payloads, sender_report
from .requests import Request, RequestReader, reply
from .session_description import SoundTrack, session_description

__all__ = [
    "Request",
    "RequestReader",
    "RtpSender",
    "SoundTrack",
    "aac_payloads",
    "h264_payloads",
    "reply",
    "sender_report",
    "session_description",
]
