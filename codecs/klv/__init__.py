"""KLV of aircraft's video: the UAS Datalink Local Set (MISB ST 0601), in what libav delivers of a
data stream. `local_set` and `values` are the standard; `framer` finds sets, `records` keeps what
came, `moment` is a set in the kit's own terms.
"""

from .ber import KlvError
from .framer import Framer, Stray
from .items import ITEMS, Item, Tag
from .local_set import KEY, MAX_SET_BYTES, LocalSet, checksum, decode, encode
from .moment import camera_angles, compose, corners, platform_angles, relative_angles
from .narrator import Narrator
from .records import Record, put_record, read_records
from .security import Classification, Security, decode_security, encode_security
from .values import Imap, Value

__all__ = [
    "ITEMS",
    "KEY",
    "MAX_SET_BYTES",
    "Classification",
    "Framer",
    "Imap",
    "Item",
    "KlvError",
    "LocalSet",
    "Narrator",
    "Record",
    "Security",
    "Stray",
    "Tag",
    "Value",
    "camera_angles",
    "checksum",
    "compose",
    "corners",
    "decode",
    "decode_security",
    "encode",
    "encode_security",
    "platform_angles",
    "put_record",
    "read_records",
    "relative_angles",
]
