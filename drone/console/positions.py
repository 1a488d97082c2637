"""Files from cards and ground stations as tracks: where an aircraft was, up to the damage."""

import csv
import datetime
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fieldlink.codecs.dji import read_subtitles
from fieldlink.codecs.fault import CodecError, SourceError
from fieldlink.codecs.mavlink import tlog_record
from fieldlink.codecs.telemetry import POSITION
from fieldlink.codecs.tracks import Fix, Track, geojson, gpx, instant, kml, number
from fieldlink.drone.connection.logs import read_log
from fieldlink.drone.record.importing import shift_of
from fieldlink.drone.record.reading import Verdict, verify
from fieldlink.drone.record.tracks import flight_track, systems

__all__ = ["FORMATS", "Positions", "damage_words", "read_bounded", "read_positions", "tracks_of"]

_KLV = frozenset((".ts", ".m2ts", ".mts", ".mpg", ".klv", ".klvs"))
_MAX_BYTES = 2_000_000_000
_COLUMNS = ("time", "device", "lat", "lon", "alt", "heading", "speed")


@dataclass(frozen=True, slots=True)
class Positions:
    """`damage` is what is wrong with the file, and where; empty for one that is whole."""

    tracks: list[Track]
    damage: str = ""


def read_positions(
    path: Path, zone: datetime.tzinfo = datetime.UTC, began_us: int | None = None
) -> Positions:
    """A .srt, .tlog, .bin, .ulg, .ts or .klv file as tracks, one for each aircraft. `zone` is that
    of the times in subtitles, `began_us` the beginning of a log or of subtitles without dates.

    Raises:
        SourceError: nothing of it can be read.
    """
    kind = path.suffix.lower()
    if kind == ".srt":
        return _subtitles(path, zone, began_us)
    if kind == ".tlog":
        data = read_bounded(path)
        return Positions(tracks_of(data, path.stem), damage_words(verify(data)))
    if kind in _KLV:
        return _klv(path)
    frames, damage, shift_us = bytearray(), "", None
    try:
        for logged in read_log(path):
            if shift_us is None:
                shift_us = shift_of(path, logged.at_us, began_us)
            frames += tlog_record(logged.raw, logged.at_us + shift_us)
    except SourceError as error:
        if not frames:
            raise
        damage = str(error)
    return Positions(tracks_of(bytes(frames), path.stem), damage)


def read_bounded(path: Path) -> bytes:
    """All of a file.

    Raises:
        SourceError: it cannot be read, or is larger than 2 GB.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise SourceError("size", f"{path.name} is larger than 2 GB; cut it into flights")
        return path.read_bytes()
    except OSError as error:
        raise SourceError("not-found", f"{path}: {error.strerror or error}") from error


def tracks_of(data: bytes, name: str) -> list[Track]:
    """The aircraft in the bytes of a .tlog file; `name` is what one alone is called."""
    found = systems(data)
    names = {one: name if len(found) == 1 else f"{name}-{one}" for one in found}
    return [
        Track("", names[one], "drone", list(flight_track(data, names[one], one).fixes))
        for one in found
    ]


def damage_words(verdict: Verdict) -> str:
    """Where a .tlog file is damaged; empty if it is whole."""
    if not verdict.damages:
        return ""
    first, last = verdict.damages[0], verdict.damages[-1]
    ends = last.end == verdict.size
    count = len(verdict.damages) + verdict.damages_more
    where = f"{first.reason}: bytes {first.start} to {first.end} of {verdict.size} hold no record"
    if count > 1:
        where += f", and so {count - 1} more spans"
    return where + (
        f"; the last good record ends at byte {last.start}" if ends else "; what follows is read"
    )


def _subtitles(path: Path, zone: datetime.tzinfo, began_us: int | None) -> Positions:
    from fieldlink.drone.dji.subtitles import subtitle_samples

    try:
        read = read_subtitles(read_bounded(path))
    except CodecError as error:
        raise SourceError(error.reason, f"{path.name}: {error.detail}") from error
    fixes = [
        Fix(time_us, values["lat"], values["lon"], values["alt"], None, values["speed"])  # type: ignore[arg-type]
        for time_us, schema, values, _ in subtitle_samples(read, zone, began_us)
        if schema is POSITION and values["lat"] is not None
    ]
    damage = "" if read.damage is None else f"damaged: {path.name}: {read.damage}"
    if not fixes and any(one.lat is not None for one in read.samples):
        raise SourceError("undated", f"{path.name} has no times; say when its video began: --began")
    return Positions([Track("", path.stem, "drone", fixes)], damage)


def _klv(path: Path) -> Positions:
    from fieldlink.drone.console.klv_files import klv_track, read_klv

    found = read_klv(path)
    damage = f"damaged: {path.name}: {found.damage}" if found.bad else ""
    return Positions([klv_track(found, path.stem)], damage)


def _csv(tracks: Iterable[Track]) -> Iterator[str]:
    yield ",".join(_COLUMNS) + "\n"
    for track in tracks:
        for fix in track.fixes:
            line = io.StringIO()
            row = [
                instant(fix.time_us),
                _name(track.device),
                number(fix.lat, 7),
                number(fix.lon, 7),
            ]
            more = ((fix.alt, 2), (fix.heading, 1), (fix.speed, 2))
            row += ["" if value is None else number(value, places) for value, places in more]
            csv.writer(line, lineterminator="\n").writerow(row)
            yield line.getvalue()


def _name(text: str) -> str:
    # A file's name must not become a spreadsheet's formula.
    return f"'{text}" if text[:1] in "=+-@" else text


FORMATS: dict[str, Callable[[Iterable[Track]], Iterator[str]]] = {
    "kml": kml,
    "gpx": gpx,
    "csv": _csv,
    "geojson": geojson,
}
"""What tracks are written as, by the file's ending."""
