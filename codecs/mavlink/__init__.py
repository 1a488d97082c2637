"""MAVLink 1 and 2 as a bridge needs them: frames and their headers, not their payloads.

`framer` finds the frames in bytes, `table` says what a frame of an id must look like, `compose`
makes frames, `signing` makes and checks signatures, `tlog` reads and writes records of flights,
`senders` tells autopilots from
others, `high_latency` is the one message that is made here. Source: the MAVLink developer guide
(Serialization, Message signing), and the dialects of pymavlink.
"""

from .compose import HEARTBEAT, compose, heartbeat
from .frame import MAX_FRAME_BYTES, Frame
from .framer import Framer, FramerCounts
from .high_latency import HIGH_LATENCY2, HighLatency2
from .senders import is_autopilot, is_autopilots
from .signing import Verifier, sign, signature_time
from .table import Entry, entry, id_of, ids_of, name_of, target_of
from .tlog import TlogReader, TlogRecord, tlog_record

__all__ = [
    "HEARTBEAT",
    "HIGH_LATENCY2",
    "MAX_FRAME_BYTES",
    "Entry",
    "Frame",
    "Framer",
    "FramerCounts",
    "HighLatency2",
    "TlogReader",
    "TlogRecord",
    "Verifier",
    "compose",
    "entry",
    "heartbeat",
    "id_of",
    "ids_of",
    "is_autopilot",
    "is_autopilots",
    "name_of",
    "sign",
    "signature_time",
    "target_of",
    "tlog_record",
]
