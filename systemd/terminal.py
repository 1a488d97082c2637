"""What may be printed on a terminal, and how a command ends.

Names, reasons and errors can come from a peer. A terminal obeys control characters, and a reader
is fooled by characters that reorder text, so whatever a peer wrote passes through `printable`.
"""

import select
import sys
from collections.abc import Iterator
from typing import TextIO
from unicodedata import east_asian_width

from fieldlink.codecs.fault import ConfigError, FieldlinkError, LinkError

__all__ = [
    "columns",
    "exit_code",
    "fault_lines",
    "faults_in",
    "printable",
    "reader_is_gone",
    "wrapped",
]

_MAX_CHARS = 2000


def printable(text: str, max_chars: int = _MAX_CHARS) -> str:
    """`text` on one line of at most about `max_chars`, each character that does not print escaped.

    Control characters, line ends, and marks that reorder or hide text become `\\x1b` or
    `\\u202e`; Chinese and every other script stay as they are.
    """
    kept = text if len(text) <= max_chars else f"{text[:max_chars]}…"
    return "".join(c if c.isprintable() else _escaped(c) for c in kept)


def _escaped(character: str) -> str:
    # ascii() also takes lone surrogates, which no terminal can be sent.
    return ascii(character)[1:-1]


def columns(text: str) -> int:
    """How many columns of a terminal `text` takes: Chinese characters take two."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def wrapped(text: str, width: int) -> Iterator[str]:
    """`text` broken into lines of at most `width` columns where words allow: where two spaces
    part what belongs together, else between words.
    """
    line = ""
    for part in text.split("  ") if columns(text) > width else ():
        longer = f"{line}  {part}" if line else part
        if columns(longer) > width and columns(line) >= width // 2:  # no line of one short word
            yield from _by_words(line, width)
            longer = part
        line = longer
    yield from _by_words(line or text, width)


def _by_words(text: str, width: int) -> Iterator[str]:
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if line and columns(longer.rstrip()) > width:
            yield line.rstrip()
            longer = word
        line = longer
    yield line.rstrip()


def faults_in(error: BaseException) -> list[FieldlinkError]:
    """The errors raised on purpose in `error`, out of groups too; empty if anything else is in it.

    A service's tasks fail together as one exception group. If one of them has a bug, the whole
    group is shown as it is, with its traceback.
    """
    leaves = list(_leaves(error))
    known = [leaf for leaf in leaves if isinstance(leaf, FieldlinkError)]
    return known if len(known) == len(leaves) else []


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        yield error
        return
    for inner in error.exceptions:
        yield from _leaves(inner)


def fault_lines(fault: FieldlinkError) -> list[str]:
    """What a person reads about `fault`: one line for each thing that is wrong."""
    return [printable(line) for line in str(fault).splitlines() if line.strip()]


def exit_code(fault: FieldlinkError) -> int:
    """The exit status that `fault` ends a command with: 2 settings, 3 link down, 1 the rest."""
    if isinstance(fault, ConfigError):
        return 2
    return 3 if isinstance(fault, LinkError) else 1


def reader_is_gone(stream: TextIO | None = None) -> bool:
    """Whether whoever read `stream` (standard output) has closed its end, as `head` does."""
    try:
        number = (stream or sys.stdout).fileno()
    except (OSError, ValueError):
        return True
    poll = select.poll()
    poll.register(number, 0)  # errors and hang-ups are always reported
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))
