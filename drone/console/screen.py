"""Lines that are shown anew every second, on a terminal; and that end well."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from shutil import get_terminal_size
from typing import Any, TextIO

from fieldlink.systemd.terminal import columns, printable, wrapped

__all__ = ["Screen", "until_interrupted"]

# The second screen, without cursor, and with words that are too long cut off rather than wrapped.
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l\x1b[?7l", "\x1b[?7h\x1b[?25h\x1b[?1049l"
_HINT = "Ctrl-C ends 结束"
_HOME, _CLEAR_LINE, _CLEAR_REST = "\x1b[H", "\x1b[K", "\x1b[J"


class Screen:
    """A terminal's second screen, left as it was found, with the last lines printed on the first.
    What is no terminal is given each set of lines, one after the other.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._live = self._stream.isatty()
        self._last: list[str] = []

    def __enter__(self) -> "Screen":
        if self._live:
            self._write(_ENTER)
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._write(_LEAVE + "".join(f"{line}\n" for line in self._last))

    def show(self, lines: Sequence[str]) -> None:
        """Show `lines` in place of what was there."""
        self._last = [printable(line) for line in lines]
        if self._live:
            size = get_terminal_size()
            self._last = [part for line in self._last for part in _folded(line, size.columns)]
            rows = max(size.lines - 1, 1)  # what is below is in the last print
            body = "".join(f"{line}{_CLEAR_LINE}\r\n" for line in self._last[:rows])
            self._write(f"{_HOME}{body}{_HINT}{_CLEAR_REST}")
        else:
            self._write("".join(f"{line}\n" for line in [*self._last, ""]))

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()

    async def follow(
        self, reports: AsyncIterator[dict[str, Any]], lines: Callable[[Any], Sequence[str]]
    ) -> None:
        """Show each of `reports` until they end."""
        async for report in reports:
            self.show(lines(report))


def _folded(line: str, width: int) -> list[str]:
    """`line` in parts that fit, between words; each further one stands deeper than the first."""
    if columns(line) <= width:
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    first, *more = wrapped(line.strip(), max(width - len(indent) - 4, 1))
    return [indent + first, *(f"{indent}    {part}" for part in more)]


def until_interrupted(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` to its end, or to Ctrl-C or SIGTERM, which are good ends as well."""

    async def run() -> None:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()

    asyncio.run(run())
