"""The flights that a kit holds: in its spool, and growing in its folder. Changes nothing."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fieldlink.codecs.bundle import FLIGHT_MEDIA_TYPE, TLOG_MEDIA_TYPE, Layer
from fieldlink.codecs.fault import CodecError, ConfigError, SpoolError
from fieldlink.drone.console.recordings import Part, Recording
from fieldlink.drone.record import FlightIndex, verify
from fieldlink.drone.record.pieces import piece_of_name
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.spool import SpoolView, Stored

__all__ = ["find", "kit_recordings"]

_MAX_INDEX_BYTES = 4_000_000


@contextmanager
def kit_recordings(settings: EdgeSettings) -> Iterator[list[Recording]]:
    """What the kit holds, by start; the pieces can be read while the block runs.

    Raises:
        SpoolError: the spool cannot be read.
    """
    found: dict[tuple[str, str], Recording] = {}
    view = None
    if (settings.spool_dir / "index.db").exists():
        view = SpoolView.open(settings.spool_dir)
    try:
        if view is not None and view.is_laid_out:
            for item in view.bundles():
                _take(found, view, item)
        _take_growing(found, settings.state_dir / "flights")
        for one in found.values():
            one.parts.sort(key=lambda part: part.number)
        yield sorted(found.values(), key=lambda one: (one.start_us, one.device))
    finally:
        if view is not None:
            view.close()


def find(recordings: list[Recording], name: str) -> Recording:
    """The one whose name is, or begins with, `name`; "last" is the last flight.

    Raises:
        ConfigError: there is none, or more than one.
    """
    if name == "last":
        flights = [one for one in recordings if one.armed] or recordings
        matching = flights[-1:]
    else:
        exact = [one for one in recordings if one.name == name]
        matching = exact or [one for one in recordings if one.name.startswith(name)]
    if len(matching) == 1:
        return matching[0]
    if matching:
        few = ", ".join(f"{one.name} of {one.device}" for one in matching[:5])
        raise ConfigError(f"{name}: there are {len(matching)} such recordings ({few}); say more")
    raise ConfigError(f"{name}: no such recording; see fieldlink drone record list")


def _take(found: dict[tuple[str, str], Recording], view: SpoolView, item: Stored) -> None:
    manifest = item.manifest
    if manifest.media_type not in (TLOG_MEDIA_TYPE, FLIGHT_MEDIA_TYPE):
        return
    meta = manifest.meta
    one = _one(found, manifest.device, str(meta.get("flight", "")), manifest.start_us)
    one.start_us = min(one.start_us, manifest.start_us)
    one.end_us = max(one.end_us, manifest.end_us)
    if manifest.media_type == FLIGHT_MEDIA_TYPE:
        one.index = _index(view, item)
        one.armed = True
        return
    if manifest.layer is not Layer.ORIGINAL:
        return
    one.armed = bool(meta.get("armed"))
    system, number, frames = (_whole(meta.get(key)) for key in ("system", "piece", "frames"))
    one.system = system
    if all(part.number != number for part in one.parts):  # stored twice around a kill
        one.frames += frames
        read = _reader(view, item)
        check = _checker(view, item)
        one.parts.append(Part(number, manifest.size, item.state.value, read, check))


def _one(
    found: dict[tuple[str, str], Recording], device: str, flight: str, start_us: int
) -> Recording:
    made = Recording(flight, device, 0, False, start_us, start_us, 0)
    return found.setdefault((device, flight), made)


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _reader(view: SpoolView, item: Stored) -> Callable[[], bytes | None]:
    return lambda: view.content(item, 0, item.manifest.size)


def _checker(view: SpoolView, item: Stored) -> Callable[[], str]:
    return lambda: view.check(item)


def _index(view: SpoolView, item: Stored) -> FlightIndex | None:
    if item.manifest.size > _MAX_INDEX_BYTES:
        return None
    data = view.content(item, 0, item.manifest.size)
    if data is None:
        return None
    try:
        return FlightIndex.from_dict(json.loads(data))
    except (CodecError, ValueError):
        return None  # `fieldlink edge spool verify` says that it is damaged


def _take_growing(found: dict[tuple[str, str], Recording], folder: Path) -> None:
    try:
        files = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        raise SpoolError(f"{folder}: {error.strerror or error}") from error
    for file in files:
        piece = piece_of_name(file.name)
        if piece is None:
            continue
        data = _bytes(file)
        if data is None:
            continue
        verdict = verify(data)
        start_us = verdict.first_us or 0
        one = _one(found, piece.device, piece.flight, start_us)
        one.system, one.armed = piece.system, piece.armed
        one.end_us = max(one.end_us, verdict.last_us or 0)
        if all(part.number != piece.number for part in one.parts):
            one.frames += verdict.records
            one.parts.append(Part(piece.number, len(data), "growing", _again(file)))


def _again(file: Path) -> Callable[[], bytes | None]:
    return lambda: _bytes(file)


def _bytes(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:  # it has gone to the spool in this moment
        return None
