"""The exercise's programs: started as separate processes, watched, ended, none left behind."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from fieldlink.codecs.fault import FieldlinkError

__all__ = ["Actor", "Actors", "fieldlink_argv", "run_command"]

_STOP_S = 20.0
_TAIL_LINES = 12


def fieldlink_argv(*arguments: str) -> list[str]:
    """The command line that runs `fieldlink` with this very interpreter and installation."""
    return [sys.executable, "-m", "fieldlink.systemd.command", *arguments]


def run_command(*arguments: str, timeout_s: float = 60.0) -> str:
    """Run `fieldlink` to its end and return what it printed.

    Raises:
        FieldlinkError: it failed; the message holds its last words.
    """
    done = subprocess.run(
        fieldlink_argv(*arguments), capture_output=True, text=True, timeout=timeout_s, check=False
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-800:]
        raise FieldlinkError(f"fieldlink {' '.join(arguments[:2])} failed: {said}")
    return done.stdout


class Actor:
    """One program of the exercise, its output going to a log file of its own; `told` are variables
    of its environment, for what is nobody else's to read.
    """

    def __init__(self, name: str, argv: Sequence[str], log: Path, **told: str) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as sink:
            self._process = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C is the exercise's to handle, in its own order
                env={**os.environ, "PYTHONUNBUFFERED": "1", **told},
            )

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the program is still there."""
        return self._process.poll() is None

    def tail(self) -> str:
        """Its last words, for a message."""
        lines = self.log.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
        return "\n".join(lines)

    def check(self) -> None:
        """Raise if the program has ended.

        Raises:
            FieldlinkError: it has; with its exit status and its last words.
        """
        if not self.running:
            code = self._process.returncode
            raise FieldlinkError(f"{self.name} ended with status {code}; it said:\n{self.tail()}")

    def stop(self, timeout_s: float = _STOP_S) -> int:
        """End the program: SIGTERM, then SIGKILL to its whole session; returns its status."""
        if self.running:
            self._process.terminate()
            try:
                self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        return self._process.returncode


class Actors:
    """All programs of one exercise, in the order they were started; ended in the reverse."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._actors: list[Actor] = []

    def start(self, name: str, *arguments: str, **told: str) -> Actor:
        """Start `fieldlink` with `arguments` under `name`."""
        actor = Actor(name, fieldlink_argv(*arguments), self._folder / f"{name}.log", **told)
        self._actors.append(actor)
        return actor

    def check(self) -> None:
        """Raise if any program has ended by itself.

        Raises:
            FieldlinkError: one has.
        """
        for actor in self._actors:
            actor.check()

    def retire(self, actor: Actor) -> int:
        """End `actor` on purpose and forget it."""
        self._actors.remove(actor)
        return actor.stop()

    def stop(self) -> None:
        """End what is still running, the last started first."""
        while self._actors:
            self._actors.pop().stop()


def wait_for(what: str, actors: Actors, deadline_s: float, step_s: float = 0.2) -> Iterator[float]:
    """Yield the seconds waited until the caller breaks off.

    Raises:
        FieldlinkError: a program ended, or `deadline_s` seconds went by.
    """
    began = time.monotonic()
    while (waited := time.monotonic() - began) < deadline_s:
        actors.check()
        yield waited
        time.sleep(step_s)
    raise FieldlinkError(f"{what} took more than {deadline_s:.0f} s; see the logs of the exercise")
