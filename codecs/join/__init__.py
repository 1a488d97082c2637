"""The join code: one string that a person reads out, types or pastes to bring a kit to a centre."""

from .code import DEFAULT_PORT, FINGERPRINT_BYTES, SECRET_BYTES, JoinCode
from .text import decode_join_code, encode_join_code

__all__ = [
    "DEFAULT_PORT",
    "FINGERPRINT_BYTES",
    "SECRET_BYTES",
    "JoinCode",
    "decode_join_code",
    "encode_join_code",
]
