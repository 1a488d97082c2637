"""One file of telemetry, written beside a running centre."""

from collections.abc import Iterator
from pathlib import Path

from fieldlink.codecs.fault import ConfigError
from fieldlink.codecs.tracks import geojson, gpx, kml
from fieldlink.relay.beside import opened
from fieldlink.relay.catalogue import Catalogue
from fieldlink.relay.export.csv_file import csv_file
from fieldlink.relay.export.gather import Asked, gather_table, gather_tracks
from fieldlink.relay.export.parquet import parquet
from fieldlink.relay.telemetry.history import History

__all__ = ["FORMS", "export_to"]

_TRACKS = {"geojson": geojson, "gpx": gpx, "kml": kml}
FORMS = (*_TRACKS, "csv", "parquet")


def export_to(file: Path, config: Path | None, asked: Asked, stream: str) -> int:
    """Write what is `asked` for (of `stream`, for a table) to `file`; its ending says how.
    Returns how many bytes that was.

    Raises:
        ConfigError: its ending is none, it is there already, or it cannot be written.
        ArchiveError: there is no centre, or nothing of that name.
    """
    form = file.suffix.removeprefix(".").lower()
    if form not in FORMS:
        raise ConfigError(f"{file}: end its name in one of {', '.join(FORMS)}")
    try:
        # As whoever gave the command, before the centre's owner takes over.
        with file.open("xb") as target:
            try:
                with opened(config) as (_settings, catalogue):
                    for piece in _pieces(catalogue, asked, form, stream):
                        target.write(piece)
                return target.tell()
            except BaseException:
                file.unlink(missing_ok=True)
                raise
    except FileExistsError as error:
        raise ConfigError(f"{file}: is there already; name another") from error
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written ({error.strerror}); name another") from error


def _pieces(catalogue: Catalogue, asked: Asked, form: str, stream: str) -> Iterator[bytes]:
    history = History(catalogue)
    if form in _TRACKS:
        return map(str.encode, _TRACKS[form](gather_tracks(catalogue, history, asked)))
    table = gather_table(catalogue, history, asked, stream)
    return parquet(table) if form == "parquet" else map(str.encode, csv_file(table))
