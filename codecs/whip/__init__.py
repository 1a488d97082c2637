"""WHIP (RFC 9725) as values: offers, answers, later candidates, and RTP packets to frames."""

from .assembly import Assembly, Frame
from .candidates import Fragment, read_candidates, read_fragment
from .gate import Gate, Picture, begins_picture
from .offer import Offer, finish_answer, read_offer

__all__ = [
    "Assembly",
    "Fragment",
    "Frame",
    "Gate",
    "Offer",
    "Picture",
    "begins_picture",
    "finish_answer",
    "read_candidates",
    "read_fragment",
    "read_offer",
]
