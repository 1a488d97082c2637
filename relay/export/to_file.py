"""One file of telemetry, of a flight or of video, written beside a running centre."""

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from fieldlink.codecs.fault import ConfigError
from fieldlink.codecs.tracks import geojson, gpx, kml
from fieldlink.relay.archive import Archive
from fieldlink.relay.beside import as_caller, now_us, opened
from fieldlink.relay.catalogue import Catalogue, StoredFlight
from fieldlink.relay.export.clip import CentreClip, ClipOptions
from fieldlink.relay.export.csv_file import csv_file
from fieldlink.relay.export.gather import Asked, gather_table, gather_tracks
from fieldlink.relay.export.parquet import parquet
from fieldlink.relay.flights.detail import detail_of
from fieldlink.relay.flights.tlog import recording_of
from fieldlink.relay.flights.track import flight_tracks
from fieldlink.relay.originals.gather import choose, joined, originals
from fieldlink.relay.telemetry.history import History

__all__ = [
    "CLIP",
    "FLIGHT_FORMS",
    "FORMS",
    "export_clip",
    "export_flight",
    "export_original",
    "export_to",
]

_TRACKS = {"geojson": geojson, "gpx": gpx, "kml": kml}
FORMS = (*_TRACKS, "csv", "parquet")
CLIP = "ts"
FLIGHT_FORMS = ("tlog", *_TRACKS)


def export_to(file: Path, config: Path | None, asked: Asked, stream: str) -> int:
    """Write what is `asked` for (of `stream`, for a table) to `file`; its ending says how.
    Returns how many bytes that was.

    Raises:
        ConfigError: its ending is none, it is there already, or it cannot be written.
        ArchiveError: there is no centre, or nothing of that name.
    """
    form = _form(file, FORMS, CLIP)

    def write(target: BinaryIO) -> None:
        with opened(config) as (_settings, catalogue):
            for piece in _pieces(catalogue, asked, form, stream):
                target.write(piece)

    return _written(file, write)


def export_flight(
    file: Path, config: Path | None, choose: Callable[[Catalogue], StoredFlight]
) -> tuple[int, str]:
    """Write the flight that `choose` finds to `file`; its ending says how. Returns how many bytes
    that was, and the numbers of pieces that are missing of a recording, like 3,7-9.

    Raises:
        ConfigError: its ending is none, it is there already, or it cannot be written.
        ArchiveError: there is no centre, no such flight, or nothing of its recording.
    """
    form = _form(file, FLIGHT_FORMS)
    missing = ""

    def write(target: BinaryIO) -> None:
        nonlocal missing
        with opened(config) as (settings, catalogue):
            flight = choose(catalogue)
            if form in _TRACKS:
                found = flight_tracks(catalogue, History(catalogue), flight, now_us())
                target.writelines(map(str.encode, _TRACKS[form](found)))
                return
            archive = Archive.open(settings.archive_root, write=False)
            detail = detail_of(catalogue, archive, flight)
            recording = recording_of(catalogue, settings.archive_root, detail)
            target.writelines(recording.read(0, recording.size))
            missing = recording.holes

    return _written(file, write), missing


def export_clip(
    file: Path, config: Path | None, asked: Asked, options: ClipOptions
) -> dict[str, Any]:
    """Write the video that is `asked` for, with KLV beside it, to `file`. Returns what is in it.

    Raises:
        ConfigError: it is there already, or it cannot be written.
        ArchiveError: there is no centre, or no video of that time.
        SourceError: libav cannot write it.
    """
    report: dict[str, Any] = {}

    def write(target: BinaryIO) -> None:
        with opened(config) as (settings, catalogue):
            clip = CentreClip(catalogue, settings.archive_root, asked, options)
            target.writelines(clip.write())
            report.update(clip.report())

    size = _written(file, write)
    return {"file": str(file), "bytes": size, **report}


def export_original(
    file: Path, config: Path | None, which: str, kit: str | None, device: str | None
) -> int:
    """Write the original that `which` names to `file`; how many bytes that was.

    Raises:
        ConfigError: it is there already, or cannot be written.
        ArchiveError: there is no centre, no such original, or it has not come whole.
    """

    def write(target: BinaryIO) -> None:
        with opened(config) as (settings, catalogue):
            archive = Archive.open(settings.archive_root, write=False)
            found = originals(catalogue, archive, kit=kit, device=device)
            target.writelines(joined(archive, choose(found, which)))

    return _written(file, write)


def _form(file: Path, forms: Sequence[str], *others: str) -> str:
    form = file.suffix.removeprefix(".").lower()
    if form not in forms:
        raise ConfigError(f"{file}: end its name in one of {', '.join((*forms, *others))}")
    return form


def _written(file: Path, write: Callable[[BinaryIO], None]) -> int:
    """Whole under its name or not at all, whatever ends it."""
    if os.path.lexists(file):
        raise ConfigError(f"{file}: is there already; name another")
    part = file.with_name(f".{file.name[:40]}.{secrets.token_hex(4)}.part")
    try:
        # As whoever gave the command, before the centre's owner takes over, and after.
        with part.open("xb") as target:
            try:
                write(target)
                target.flush()
                os.fsync(target.fileno())
                size = target.tell()
            except BaseException:
                as_caller()
                part.unlink(missing_ok=True)
                raise
        as_caller()
        part.rename(file)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written ({error.strerror}); name another") from error
    return size


def _pieces(catalogue: Catalogue, asked: Asked, form: str, stream: str) -> Iterator[bytes]:
    history = History(catalogue)
    if form in _TRACKS:
        return map(str.encode, _TRACKS[form](gather_tracks(catalogue, history, asked)))
    table = gather_table(catalogue, history, asked, stream)
    return parquet(table) if form == "parquet" else map(str.encode, csv_file(table))
