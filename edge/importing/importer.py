"""One file into the record, whatever it is. Blocks on the disk; runs on a thread.

What was imported is known by its content. Whatever is stored has names and numbers that follow from
the file, so that one that is taken in again, as after a kill in the middle, is at the centre once.
"""

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

from fieldlink.codecs.bundle import IMPORTED, Draft
from fieldlink.codecs.fault import ConfigError, SourceError, SpoolError
from fieldlink.codecs.taken import Taken
from fieldlink.codecs.telemetry import Poses
from fieldlink.edge.importing.held import HeldFile
from fieldlink.edge.importing.keeping import examine_movie, examine_photo, keep_file
from fieldlink.edge.importing.logs import import_flights
from fieldlink.edge.importing.order import Order, Place, can_be
from fieldlink.edge.importing.samples import SampleWriter
from fieldlink.edge.importing.subtitles import Told, read_told, record_told, record_way
from fieldlink.edge.originals.spooling import Add
from fieldlink.edge.spool import State

__all__ = ["Result", "import_file", "whole_add"]

_CHUNK_BYTES = 1 << 20
_MAX_SUBTITLES = 64 * 1024 * 1024
_MOST_SAID = 50
_MARK_CHARS = 8


@dataclass
class Result:
    """What became of a file. `damage` is what is wrong with it, empty for one that is whole;
    `known` that it was imported before, and nothing was stored.
    """

    name: str
    sha256: str = ""
    known: bool = False
    devices: list[str] = field(default_factory=list)
    flights: list[str] = field(default_factory=list)
    first_us: int | None = None
    last_us: int | None = None
    frames: int = 0
    tlog_pieces: int = 0
    samples: int = 0
    kept: str = ""
    parts: int = 0
    video_pieces: int = 0
    stills: int = 0
    damage: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For programs."""
        return dict(vars(self))

    def span(self, first_us: int, last_us: int) -> None:
        """It tells of this time."""
        self.first_us = first_us if self.first_us is None else min(self.first_us, first_us)
        self.last_us = last_us if self.last_us is None else max(self.last_us, last_us)

    def hurt(self, damage: str) -> None:
        """Something is wrong with it."""
        self.damage = "; ".join(part for part in (self.damage, damage) if part)


def whole_add(store: Add) -> Add:
    """`store` that takes no refusal for an answer.

    Raises (when called):
        FieldlinkError: the spool does not have the bundle.
    """

    def add(draft: Draft, content: bytes) -> Any:
        stored = store(draft, content)
        if getattr(stored, "state", None) is State.GIVEN_UP:
            raise SpoolError("the disk is full, and nothing in the spool is worth less")
        return stored

    return add


def import_file(file: HeldFile, beside: HeldFile | None, order: Order, place: Place) -> Result:
    """Take in `file`; `beside` are the subtitles that lie beside a video.

    Raises:
        ConfigError, SourceError: nothing was taken in, with why.
        FieldlinkError: the spool cannot take it; what it has is taken in once all the same.
    """
    kind = order.kind
    if order.began_us is not None and not can_be(order.began_us, place.clock()):
        raise ConfigError("--began: nothing began then, by the clock of this kit 时间不可信")
    digest = _digest(file)
    before = place.find(digest)
    if before is not None and not order.again:
        return _known(file.name, digest, before)
    result = Result(file.name, digest)
    place = replace(place, add=_marked(place.add, digest[:_MARK_CHARS]))
    # Subtitles give the same samples and the same flight, with their video or alone.
    mark = _mark(digest if beside is None else _digest(beside), order)
    epoch = int.from_bytes(bytes.fromhex(mark)[:7].ljust(7, b"\1"))
    samples = SampleWriter(place.add, place.clock, epoch)
    if kind == "log":
        _log(file, order, place, samples, result, mark[:_MARK_CHARS])
    elif kind == "photo":
        taken = examine_photo(file, order, place.clock())
        _keep(file, order.vehicle, place, result, taken)
    else:
        _pictures(file, beside, order, place, samples, result, mark[:_MARK_CHARS])
    result.samples = samples.written
    place.note(
        {
            "sha256": digest,
            "name": file.name,
            "at_us": place.clock(),
            "devices": result.devices,
            "flights": result.flights[:_MOST_SAID],
            "damage": result.damage,
        },
    )
    return result


def _marked(store: Add, mark: str) -> Add:
    """`store` of bundles that say that they are of another time, and of which file."""

    def add(draft: Draft, content: bytes) -> Any:
        return store(replace(draft, meta={**draft.meta, IMPORTED: mark}), content)

    return add


def _digest(file: HeldFile) -> str:
    digest, at = hashlib.sha256(), 0
    try:
        while data := file.read(at, _CHUNK_BYTES):
            digest.update(data)
            at += len(data)
    except OSError as error:
        raise SourceError("not-found", f"{file.name}: {error.strerror or error}") from error
    if not at:
        raise SourceError("empty", f"{file.name} is empty")
    return digest.hexdigest()


def _mark(digest: str, order: Order) -> str:
    """What names and numbers are made of: another aircraft or another beginning is another flight
    of the same file."""
    told = f"{digest}\n{order.vehicle}\n{order.began_us}\n{order.zone.utcoffset(None)}"
    return hashlib.sha256(told.encode()).hexdigest()


def _known(name: str, digest: str, before: dict[str, Any]) -> Result:
    devices = [str(one) for one in before.get("devices", ())]
    flights = [str(one) for one in before.get("flights", ())]
    return Result(name, digest, known=True, devices=devices, flights=flights)


def _log(
    file: HeldFile, order: Order, place: Place, samples: SampleWriter, result: Result, mark: str
) -> None:
    done = import_flights(file, order, place, samples, mark)
    result.devices = [*done.devices]
    result.flights = [one.ident for one in done.indexes][:_MOST_SAID]
    result.frames, result.tlog_pieces = done.frames, done.pieces
    if done.first_us is not None:
        result.span(done.first_us, done.last_us)
    result.hurt(done.damage)
    # A whole .tlog is in its pieces; of what is none of ours, and behind damage, only the file is.
    if result.devices and (file.suffix.lower() != ".tlog" or done.damage):
        taken = Taken(at_us=result.first_us)
        _keep(file, result.devices[0], place, result, taken)


def _pictures(
    file: HeldFile,
    beside: HeldFile | None,
    order: Order,
    place: Place,
    samples: SampleWriter,
    result: Result,
    mark: str,
) -> None:
    """A video with its subtitles, or the subtitles alone."""
    video = order.kind == "video"
    taken = examine_movie(file, order, place.clock()) if video else Taken()
    told = _told(file, beside, order, taken, place, result, video=video)
    begin_us = told.begin_us if told is not None else taken.at_us
    if begin_us is None:
        raise SourceError(
            "undated",
            f"{file.name} does not say when it began, and no subtitles do; say it: --began"
            " 2026-05-01T08:30:00+08:00 视频没有时间，请用 --began 指定",
        )
    device = order.vehicle
    result.span(begin_us, begin_us + (taken.duration_us or 0))
    if told is not None:
        result.span(*record_told(told, device, samples))
    _keep(file, device, place, result, Taken(begin_us, taken.duration_us, taken.lat, taken.lon))
    if beside is not None:
        about = {"beside": result.kept}
        keep_file(beside, device, _digest(beside), place, Taken(begin_us), about)
    if video and order.pieces:
        _play(file, device, begin_us, samples.poses.get(device, Poses()), place, result)
    assert result.last_us is not None  # noqa: S101 - a span was given above
    result.flights = [record_way(device, begin_us, result.last_us, mark, place)]


def _told(
    file: HeldFile,
    beside: HeldFile | None,
    order: Order,
    taken: Taken,
    place: Place,
    result: Result,
    *,
    video: bool,
) -> Told | None:
    """The subtitles of the file, beside it, or in it. A video goes in without those that cannot be
    read."""
    source = file if not video else beside
    try:
        if source is None:
            from fieldlink.edge.importing.videos import embedded_subtitles

            data, name = embedded_subtitles(file), file.name
            if not data:
                return None
        else:
            if source.size > _MAX_SUBTITLES:
                raise SourceError("size", f"{source.name} is larger than 64 MiB")
            data, name = source.read(0, _MAX_SUBTITLES), source.name
        told = read_told(data, name, order, place.clock(), taken.at_us)
    except SourceError as error:
        if not video:
            raise
        if source is not None or error.reason not in ("srt", "truncated"):
            result.hurt(str(error))
        return None
    result.hurt(told.damage)
    return told


def _play(
    file: HeldFile,
    device: str,
    begin_us: int,
    poses: Poses,
    place: Place,
    result: Result,
) -> None:
    from fieldlink.edge.importing.videos import play_in

    try:
        made = play_in(file, device, begin_us, place, poses)
    except SourceError as error:  # the file itself is stored
        result.hurt(str(error))
        return
    result.video_pieces, result.stills = made.pieces, made.stills
    if made.end_us is not None:
        result.span(begin_us, made.end_us)
    result.hurt(made.damage)


def _keep(file: HeldFile, device: str, place: Place, result: Result, taken: Taken) -> None:
    about = {"flight": result.flights[0]} if result.flights else {}
    result.kept, result.parts = keep_file(file, device, result.sha256, place, taken, about)
    result.devices = result.devices or [device]
    if taken.at_us is not None:
        result.span(taken.at_us, taken.at_us + (taken.duration_us or 0))
