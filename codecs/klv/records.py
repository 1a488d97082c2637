"""KLV on record: what a data stream delivered, packet by packet, with the time of each.

A record is the time (8 bytes, UTC microseconds of the kit's clock), the length (4 bytes) and as
many bytes, exactly as they came. All numbers are big-endian.
"""

from collections.abc import Iterator
from typing import NamedTuple

from .ber import KlvError

__all__ = ["HEAD_BYTES", "MAX_RECORD_BYTES", "Record", "put_record", "read_records"]

HEAD_BYTES = 12
MAX_RECORD_BYTES = 1_048_576


class Record(NamedTuple):
    """One packet, and when what it says was."""

    time_us: int
    data: bytes


def put_record(record: Record) -> bytes:
    """Its bytes.

    Raises:
        KlvError: it is too large, or its time none.
    """
    if len(record.data) > MAX_RECORD_BYTES:
        raise KlvError("size", f"a record of more than {MAX_RECORD_BYTES} bytes", 0)
    if not 0 <= record.time_us < 2**63:
        raise KlvError("time", f"{record.time_us} is no time", 0)
    return record.time_us.to_bytes(8) + len(record.data).to_bytes(4) + record.data


def read_records(data: bytes) -> Iterator[Record]:
    """The records in `data`, up to the damage.

    Raises:
        KlvError: it is damaged or cut off.
    """
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at + 8 : at + HEAD_BYTES])
        body = at + HEAD_BYTES
        if body > len(data) or length > MAX_RECORD_BYTES or body + length > len(data):
            raise KlvError("truncated", "a record ends in the middle", at)
        yield Record(int.from_bytes(data[at : at + 8]), data[body : body + length])
        at = body + length
