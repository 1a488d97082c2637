"""A service is a table of rows: named tasks in one task group that live and end together.

A row that raises or returns ends the service; SIGTERM and SIGINT cancel every row and wait for
them, for a bounded time. systemd's watchdog is fed only while every row's last beat is fresh.
"""

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from .notify import Notifier

__all__ = ["Beat", "Row", "RowEnded", "serve"]

_log = logging.getLogger(__name__)
_LOOK_S = 1.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT)

Beat = Callable[[], None]


@dataclass(frozen=True)
class Row:
    """One named task. `run(beat)` calls `beat` when it first works, and then at least every
    `stale_after_s` seconds for as long as it is healthy; waiting for weather is healthy.
    """

    name: str
    run: Callable[[Beat], Awaitable[None]]
    stale_after_s: float = 30.0


class RowEnded(RuntimeError):  # noqa: N818  # an end, and only sometimes an error's
    """A row returned although nobody had asked the service to stop."""


class _Pulse:
    """When each row last beat; `beat` may be called on any thread."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._limits = {row.name: row.stale_after_s for row in rows}
        if len(self._limits) != len(rows):
            raise ValueError(f"two rows have one name: {[row.name for row in rows]}")
        self._last = dict.fromkeys(self._limits, time.monotonic())
        self._begun: set[str] = set()

    def beat(self, name: str) -> None:
        self._last[name] = time.monotonic()
        self._begun.add(name)

    @property
    def complete(self) -> bool:
        """Whether every row has beaten at least once."""
        return len(self._begun) == len(self._limits)

    def stale(self) -> list[str]:
        """The rows whose last beat is too long ago."""
        now = time.monotonic()
        return [name for name, limit in self._limits.items() if now - self._last[name] > limit]


async def serve(
    rows: Sequence[Row],
    *,
    on_ready: Callable[[], None] | None = None,
    shutdown_s: float = 10.0,
) -> None:
    """Run `rows` until SIGTERM or SIGINT; then cancel them and return.

    `on_ready` is called once, when every row has beaten for the first time; systemd is told
    then as well. Rows that are not done `shutdown_s` seconds after the end began are named on
    standard error, and the process exits with status 1.

    Raises:
        RowEnded: a row returned early.
        Exception: whatever a row raised (a group if several did).
    """
    notifier = Notifier()
    pulse = _Pulse(rows)
    stop = asyncio.Event()
    tasks: list[asyncio.Task[None]] = []
    limit = threading.Timer(shutdown_s, _overrun, [tasks, shutdown_s])
    limit.daemon = True
    try:
        with _signals(stop):
            async with asyncio.TaskGroup() as group:
                group.create_task(_end_on(stop, tasks, limit), name="signals")
                group.create_task(_watch(notifier, pulse, on_ready, tasks), name="watchdog")
                tasks += [group.create_task(_run(row, pulse, limit), name=row.name) for row in rows]
                await stop.wait()
    except BaseExceptionGroup as errors:
        raise _alone(errors) from None
    finally:
        notifier.stopping()
        limit.cancel()


async def _run(row: Row, pulse: _Pulse, limit: threading.Timer) -> None:
    try:
        await row.run(lambda: pulse.beat(row.name))
    except asyncio.CancelledError:
        raise
    except BaseException:
        _begin(limit)
        raise
    _begin(limit)
    raise RowEnded(f"the task {row.name} ended although nobody asked it to")


def _alone(error: BaseException) -> BaseException:
    """The one error in a group of groups of one, which is what a person wants to read."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _begin(limit: threading.Timer) -> None:
    if limit.ident is None:  # several rows may fail together; a thread starts once
        limit.start()


async def _end_on(
    stop: asyncio.Event, tasks: list[asyncio.Task[None]], limit: threading.Timer
) -> None:
    await stop.wait()
    _begin(limit)
    for task in tasks:
        task.cancel()


async def _watch(
    notifier: Notifier,
    pulse: _Pulse,
    on_ready: Callable[[], None] | None,
    tasks: list[asyncio.Task[None]],
) -> None:
    named: list[str] = []
    while not pulse.complete:
        if tasks and all(task.done() for task in tasks):
            return
        await asyncio.sleep(0.02)
    notifier.ready()
    if on_ready is not None:
        on_ready()
    period_s = min(_LOOK_S, (notifier.watchdog_s or _LOOK_S * 4) / 4)
    while not all(task.done() for task in tasks):
        stale = pulse.stale()
        if not stale:
            notifier.alive()
        elif stale != named:
            _log.error("no sign of life from: %s", ", ".join(stale))
        named = stale
        await asyncio.wait(tasks, timeout=period_s)


@contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    main = threading.current_thread() is threading.main_thread()
    for number in _SIGNALS if main else ():
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in _SIGNALS if main else ():
            loop.remove_signal_handler(number)


def _overrun(tasks: list[asyncio.Task[None]], shutdown_s: float) -> None:
    left = ", ".join(task.get_name() for task in tasks if not task.done())
    sys.stderr.write(f"gave up waiting for {left or 'nothing'} after {shutdown_s:g} s\n")
    sys.stderr.flush()
    os._exit(1)
