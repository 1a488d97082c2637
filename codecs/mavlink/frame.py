"""One frame: its bytes as they came, and its header."""

from typing import NamedTuple

__all__ = ["MAX_FRAME_BYTES", "SIGNATURE_BYTES", "STX1", "STX2", "Frame"]

STX1, STX2 = 0xFE, 0xFD
SIGNATURE_BYTES = 13
MAX_FRAME_BYTES = 10 + 255 + 2 + SIGNATURE_BYTES
"""The longest there is: MAVLink 2, signed."""


class Frame(NamedTuple):
    """A frame whose checksum is right, or whose id no dialect here has (`known` is False, and
    nothing could be checked). `at_us` is when it came, UTC; `link` is where from.
    """

    raw: bytes
    sysid: int
    compid: int
    msgid: int
    seq: int
    signed: bool
    version: int
    link: str
    at_us: int
    known: bool = True

    @property
    def payload(self) -> bytes:
        """The payload as it came: MAVLink 2 leaves out zeros at its end."""
        if self.version == 1:
            return self.raw[6:-2]
        return self.raw[10 : 10 + self.raw[1]]

    @property
    def signature(self) -> bytes:
        """Link id, timestamp and hash of a signed frame, 13 bytes; empty without."""
        return self.raw[-SIGNATURE_BYTES:] if self.signed else b""
