"""DJI's subtitles into the record: samples in step with their video, and a flight for these."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from fieldlink.codecs.dji import Subtitles, read_subtitles
from fieldlink.codecs.fault import CodecError, SourceError
from fieldlink.drone.dji.subtitles import subtitle_samples
from fieldlink.drone.record import FlightIndex
from fieldlink.drone.record.pieces import flight_draft
from fieldlink.edge.importing.order import Order, Place, can_be
from fieldlink.edge.importing.samples import SampleWriter

__all__ = ["Told", "read_told", "record_told", "record_way"]

_EVERY_US = 200_000  # of 30 blocks a second; the aircraft knows where it is ten times at most
_UNDATED = (
    " has no times that can be; say when its video began: --began 2026-05-01T08:30:00+08:00"
    " 没有时间，请用 --began 指定"
)


@dataclass(frozen=True, slots=True)
class Told:
    """What subtitles say; their first moment of video is `begin_us`."""

    read: Subtitles
    begin_us: int
    damage: str = ""


def read_told(
    data: bytes, name: str, order: Order, now_us: int, movie_us: int | None = None
) -> Told:
    """The subtitles in `data`. `movie_us` is when the video itself says that it began; a time that
    cannot be at `now_us` is none.

    Raises:
        SourceError: they are none, or nobody says when that was.
    """
    try:
        read = read_subtitles(data)
    except CodecError as error:
        raise SourceError(error.reason, f"{name}: {error.detail}") from error
    begin_us = order.began_us if order.began_us is not None else _began_us(read, order, now_us)
    if begin_us is None:
        begin_us = movie_us
    if begin_us is None:
        raise SourceError("undated", name + _UNDATED)
    damage = "" if read.damage is None else f"{name}: {read.damage}"
    return Told(read, begin_us, damage)


def _began_us(read: Subtitles, order: Order, now_us: int) -> int | None:
    for one in read.samples:
        if one.taken is not None:
            at_us = round(one.taken.replace(tzinfo=order.zone).timestamp() * 1e6)
            began_us = at_us - one.start_ms * 1000
            if can_be(began_us, now_us):
                return began_us
    return None


def record_told(told: Told, device: str, samples: SampleWriter) -> tuple[int, int]:
    """Store the samples of `device`, at most five a second of each stream; from when to when.

    Raises:
        FieldlinkError: the spool cannot take it.
    """
    # By their place in the video and not by the aircraft's seconds, so that both keep step.
    placed = tuple(replace(one, taken=None) for one in told.read.samples)
    last: dict[str, int] = {}
    first_us = end_us = told.begin_us
    read = replace(told.read, samples=placed)
    for at_us, schema, values, flags in subtitle_samples(read, UTC, told.begin_us):
        if at_us - last.get(schema.stream, at_us - _EVERY_US) < _EVERY_US:
            continue
        last[schema.stream] = at_us
        samples.take(device, at_us, schema, values, flags)
        end_us = at_us
    samples.flush()
    return first_us, end_us


def record_way(device: str, first_us: int, end_us: int, mark: str, place: Place) -> str:
    """A flight of what a video shows, without frames or pieces, as DJI's live ones; its name.

    Raises:
        FieldlinkError: the spool cannot take it.
    """
    at = datetime.fromtimestamp(first_us / 1e6, UTC)
    ident = f"{at:%Y%m%dt%H%M%S}-{at.microsecond // 1000:03d}-{mark}"
    index = FlightIndex(device, 0, ident, True, first_us, max(first_us, end_us), "imported")
    content = json.dumps(index.to_dict(), ensure_ascii=False).encode()
    place.add(flight_draft(index, place.clock()), content)
    return ident
