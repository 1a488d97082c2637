"""Flight subtitles: the .SRT file that DJI aircraft write beside a video.

Blocks of a number, a span and a few lines; what the lines say differs by model (`dialects`). A file
that breaks off, as when the battery is pulled, is read up to the damage.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fieldlink.codecs.fault import CodecError

from .dialects import DIALECTS, Dialect, Subtitle

__all__ = ["MAX_SUBTITLE_BYTES", "Damage", "Subtitles", "read_subtitles"]

MAX_SUBTITLE_BYTES = 64 * 1024 * 1024
_MAX_SAMPLES = 500_000  # four hours, thirty a second
_MAX_LINE = 2_000
# A Matrice 300 ends a minute's last block at 00:00:60,000.
_TIME = r"(\d{1,3}):([0-5]\d):([0-5]\d|60)[,.](\d{1,3})"
_SPAN = re.compile(rf"{_TIME} *--> *{_TIME}")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,80}>")


@dataclass(frozen=True, slots=True)
class Damage:
    """Where a file stops making sense: its line (from 1), its block's number, and what is wrong."""

    line: int
    block: int
    what: str

    def __str__(self) -> str:
        return f"line {self.line} (block {self.block}): {self.what}"


@dataclass(frozen=True, slots=True)
class Subtitles:
    """What was read. `dialect` names the format; `damage` is None for a file that is whole."""

    dialect: str
    samples: tuple[Subtitle, ...]
    damage: Damage | None = None


@dataclass(frozen=True, slots=True)
class _Block:
    line: int
    lines: tuple[str, ...]


def read_subtitles(data: bytes) -> Subtitles:
    """The samples in a .SRT file, in order, up to the first damage.

    Raises:
        CodecError: too long, or not even the first block is a flight subtitle of a known kind.
    """
    if len(data) > MAX_SUBTITLE_BYTES:
        raise CodecError("size", f"a subtitle file of {len(data)} bytes; {MAX_SUBTITLE_BYTES} are")
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="replace")
    samples: list[Subtitle] = []
    dialect: Dialect | None = None
    damage: Damage | None = None
    for number, block in enumerate(_blocks(text), 1):
        try:
            start_ms, end_ms, said = _head(block)
            dialect = dialect or _dialect(said)
            sample = dialect.read(said, start_ms, end_ms)
            if samples and start_ms < samples[-1].start_ms:
                raise CodecError("srt", "its time runs backwards")
        except CodecError as error:
            damage = Damage(block.line, number, error.detail)
            break
        if len(samples) >= _MAX_SAMPLES:
            damage = Damage(
                block.line, number, f"more than {_MAX_SAMPLES} blocks; the rest is not read"
            )
            break
        samples.append(sample)
    if dialect is None or not samples:
        where = f": {damage}" if damage else ""
        raise CodecError("srt", f"these are no flight subtitles{where}")
    return Subtitles(dialect.name, tuple(samples), damage)


def _blocks(text: str) -> Iterator[_Block]:
    """Runs of lines between empty ones."""
    lines: list[str] = []
    begin = 1
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip("\r\x00 \t")
        if line:
            if not lines:
                begin = number
            lines.append(line[:_MAX_LINE])
        elif lines:
            yield _Block(begin, tuple(lines))
            lines = []
    if lines:
        yield _Block(begin, tuple(lines))


def _head(block: _Block) -> tuple[int, int, str]:
    if len(block.lines) < 3:
        raise CodecError("srt", "the block is cut off")
    if not block.lines[0].isdecimal():
        raise CodecError("srt", "it does not begin with a number")
    match = _SPAN.fullmatch(block.lines[1])
    if match is None:
        raise CodecError("srt", "its second line is no span of time")
    numbers = [int(part) for part in match.groups()]
    return (
        _ms(numbers[:4], match[4]),
        _ms(numbers[4:], match[8]),
        _TAG.sub("", "\n".join(block.lines[2:])),
    )


def _ms(parts: list[int], fraction: str) -> int:
    hours, minutes, seconds, _ = parts
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + int(fraction.ljust(3, "0"))


def _dialect(said: str) -> Dialect:
    for dialect in DIALECTS:
        if dialect.knows(said):
            return dialect
    raise CodecError("srt", "its lines are of no model that is known")
