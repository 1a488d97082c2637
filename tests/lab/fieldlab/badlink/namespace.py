"""The two namespaces of a laboratory, and that nothing of them is left behind.

A run holds a lock in `/run/fieldlink-lab` for as long as one of its processes lives; what is there
without a lock is an earlier run's that was killed, and goes when the next one starts.
"""

import contextlib
import ctypes
import fcntl
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = [
    "CENTRE",
    "KIT",
    "Namespace",
    "enter",
    "lock_run",
    "remove_leftovers",
    "remove_run",
    "unusable",
]

KIT, CENTRE = "kit", "centre"
_LOCKS = Path("/run/fieldlink-lab")
_NETNS = Path("/run/netns")
_NAME = re.compile(r"fieldlink-(\d+)-(?:kit|centre)")
_CLONE_NEWNET = 0x40000000
_KILL_AFTER_S = 10.0


class Namespace:
    """One side of the laboratory; programs run in it with the environment given."""

    def __init__(self, run: int, side: str) -> None:
        self.name = f"fieldlink-{run}-{side}"
        self._started: list[subprocess.Popen[Any]] = []

    def create(self) -> None:
        """Make it, with nothing in it but a loopback interface."""
        _ip("netns", "add", self.name)
        self.configure("link set lo up")

    def configure(self, *lines: str) -> None:
        """Each line an `ip` command without the word ip."""
        script = "".join(f"{line}\n" for line in lines)
        argv = ["ip", "-n", self.name, "-batch", "-"]
        subprocess.run(argv, input=script, text=True, check=True, capture_output=True)

    def sysctl(self, **values: str) -> None:
        """Set values below /proc/sys; double underscores are slashes."""
        pairs = " && ".join(
            f"echo '{value}' > /proc/sys/{key.replace('__', '/')}" for key, value in values.items()
        )
        self.run(["sh", "-c", pairs], check=True)

    def argv(self, argv: Sequence[str | Path]) -> list[str]:
        """The command that runs `argv` in here, as the same process."""
        return ["nsenter", f"--net={_NETNS / self.name}", "--", *map(str, argv)]

    def run(self, argv: Sequence[str | Path], **options: Any) -> "subprocess.CompletedProcess[Any]":
        """`subprocess.run` in here."""
        return subprocess.run(self.argv(argv), **{"check": False, **options})

    def popen(self, argv: Sequence[str | Path], **options: Any) -> "subprocess.Popen[Any]":
        """`subprocess.Popen` in here; ended with the laboratory if it still runs then."""
        process = subprocess.Popen(self.argv(argv), **options)
        self._started.append(process)
        return process

    def stop(self) -> None:
        """End what was started here, and wait for it."""
        running = [process for process in self._started if process.poll() is None]
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(_KILL_AFTER_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for process in self._started:
            for pipe in filter(None, (process.stdin, process.stdout, process.stderr)):
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def enter(namespace: str | int) -> None:
    """Move this thread into a namespace, given by its name or an open descriptor."""
    if isinstance(namespace, str):
        handle = os.open(_NETNS / namespace, os.O_RDONLY | os.O_CLOEXEC)
        try:
            enter(handle)
        finally:
            os.close(handle)
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "cannot enter a network namespace")


def lock_run() -> tuple[int, int]:
    """A number for a new run and the descriptor that holds its lock."""
    _LOCKS.mkdir(mode=0o755, exist_ok=True)
    number = os.getpid()
    while True:
        handle = os.open(_LOCKS / str(number), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if _take(handle):
            return number, handle
        os.close(handle)
        number += 100_000


def remove_leftovers() -> list[str]:
    """Remove the namespaces of runs that nobody holds any more; returns their names."""
    if not _NETNS.is_dir():
        return []
    names = [path.name for path in _NETNS.iterdir()]
    runs = {int(match[1]) for name in names if (match := _NAME.fullmatch(name))}
    _LOCKS.mkdir(mode=0o755, exist_ok=True)
    left = []
    for run in runs:
        handle = os.open(_LOCKS / str(run), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if _take(handle):
            left += remove_run(run)
        os.close(handle)
    return left


def remove_run(run: int) -> list[str]:
    """Kill what runs in the namespaces of a run, and remove them and its lock."""
    names = [f"fieldlink-{run}-{side}" for side in (KIT, CENTRE)]
    names = [name for name in names if (_NETNS / name).exists()]
    for name in names:
        for _ in range(50):
            pids = [pid for pid in _pids(name) if pid != os.getpid()]
            for pid in pids:
                _kill(pid)
            if not pids:
                break
            time.sleep(0.02)
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
    (_LOCKS / str(run)).unlink(missing_ok=True)
    return names


def unusable() -> str | None:
    """Why no laboratory can be made here; None if one can."""
    if not Path("/proc/self/ns/net").exists():
        return "a bad link needs Linux and its network namespaces"
    if os.geteuid() != 0:
        return "a bad link needs root: it makes network namespaces and TUN devices (sudo does)"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "a bad link needs /dev/net/tun (modprobe tun; in a container --device /dev/net/tun)"
    lacking = [name for name in ("ip", "nsenter") if shutil.which(name) is None]
    if lacking:
        return f"a bad link needs {' and '.join(lacking)} (packages iproute2, util-linux)"
    return None


def _take(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _pids(name: str) -> list[int]:
    said = subprocess.run(
        ["ip", "netns", "pids", name], capture_output=True, text=True, check=False
    )
    return [int(word) for word in said.stdout.split()]


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)
