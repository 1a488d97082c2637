"""Recorded flights as frames: .tlog here, .bin, .ulg and .srt made into MAVLink by their own
modules."""

from collections.abc import Iterator
from io import BufferedReader
from typing import Literal, NamedTuple, Protocol

from fieldlink.codecs.fault import SourceError
from fieldlink.codecs.mavlink import TlogReader

__all__ = ["LogFile", "Logged", "read_log"]

_READ_BYTES = 262_144


class LogFile(Protocol):
    """A file that may be read from its beginning more than once: a Path, or one that somebody else
    has opened.
    """

    @property
    def name(self) -> str:
        """What it is called, without folders."""

    @property
    def suffix(self) -> str:
        """The ending of its name."""

    def open(self, mode: Literal["rb"], /) -> BufferedReader:
        """Its bytes, from the beginning."""


class Logged(NamedTuple):
    """A frame of a recorded flight: when it was said (UTC; since the start of the log, where it
    has no date), and the byte of the file where what it was made of begins.
    """

    at_us: int
    raw: bytes
    offset: int


def read_log(path: LogFile) -> Iterator[Logged]:
    """The frames of a file, by its name: .tlog, .bin, .ulg or .srt.

    Raises:
        SourceError: it cannot be read; or, behind the last frame that could be, "damaged" or
            "truncated" with the byte where.
    """
    kind = path.suffix.lower()
    try:
        if kind == ".tlog":
            yield from _tlog(path)
        elif kind == ".bin":
            # Each has much to import, for those who replay only.
            from fieldlink.drone.connection.dataflash import dataflash_frames

            yield from dataflash_frames(path)
        elif kind == ".ulg":
            from fieldlink.drone.connection.ulog import ulog_frames

            yield from ulog_frames(path)
        elif kind == ".srt":
            from fieldlink.drone.connection.subtitles import subtitle_frames

            yield from subtitle_frames(path)
        else:
            raise SourceError("format", f"{path.name} is no .tlog, .bin, .ulg or .srt file")
    except OSError as error:
        raise SourceError("not-found", f"{path}: {error.strerror or error}") from error


def _tlog(path: LogFile) -> Iterator[Logged]:
    reader = TlogReader(path.name)
    with path.open("rb") as file:
        while True:
            data = file.read(_READ_BYTES)
            records, wrong = reader.feed(data, final=not data)
            for record in records:
                yield Logged(record.at_us, record.frame.raw, record.offset)
            if wrong is not None:
                raise SourceError(wrong.reason, f"{path.name}: {wrong.detail}") from wrong
            if not data:
                return
