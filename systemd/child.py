"""A supervised child process: started, watched, restarted with backoff, never left behind.

The child gets SIGTERM from the kernel when this process dies in whatever way (PR_SET_PDEATHSIG).
A tiny Python program sets that and then becomes the child; doing it between fork and exec is
not safe in a process that has threads.
"""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from shutil import which

from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from fieldlink.codecs.fault import ConfigError

from .service import Beat

__all__ = ["Child"]

_MAX_LINE_BYTES = 8192
_STEADY_S = 30.0  # a child that lived this long starts again with the shortest backoff
_GRACE_S = 5.0
_BECOME = (
    "import ctypes, os, signal, sys\n"
    "ctypes.CDLL(None).prctl(1, signal.SIGTERM)\n"  # 1: PR_SET_PDEATHSIG
    "if os.getppid() != int(sys.argv[1]): sys.exit(0)\n"
    "os.execv(sys.argv[2], sys.argv[3:])\n"
)


class _Ended(Exception):  # noqa: N818  # weather of its own kind, never leaves this module
    """The child ended by itself."""


class Child:
    """One child process under the name `name`.

    `argv` is asked anew for each start. `on_line` gets every line that the child prints.
    `ready` says whether it serves by now; without it a started child counts as ready.
    `backoff_s` is the shortest wait before a restart; the longest is 50 times that.
    """

    def __init__(
        self,
        name: str,
        argv: Callable[[], Sequence[str]],
        *,
        env: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] = lambda line: None,
        ready: Callable[[], Awaitable[bool]] | None = None,
        backoff_s: float = 0.2,
    ) -> None:
        self.name = name
        self.starts = 0
        self._argv = argv
        self._env = env
        self._on_line = on_line
        self._ready = ready
        self._backoff_s = backoff_s
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id; None while it is down."""
        return self._process.pid if self._process is not None else None

    def signal(self, number: signal.Signals) -> None:
        """Send `number` to the child if it runs."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def run(self, beat: Beat) -> None:
        """Keep the child running until cancelled; beats while it is ready.

        Raises:
            ConfigError: there is no such program.
        """
        while True:
            # Leaves the inner loop, and so forgets the backoff, after a steady life.
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(_Ended),
                wait=wait_random_exponential(self._backoff_s, max=50 * self._backoff_s),
            ):
                with attempt:
                    await self._live(beat)

    async def _live(self, beat: Beat) -> None:
        began = time.monotonic()
        process = self._process = await self._start()
        self.starts += 1
        reader = asyncio.create_task(self._read(process), name=f"{self.name} output")
        pulse = asyncio.create_task(self._beat(beat), name=f"{self.name} beat")
        try:
            status = await process.wait()
        finally:
            pulse.cancel()
            await _finish(process)
            self._process = None
            await reader
        self._on_line(f"{self.name} ended with status {status}")
        if pulse.done() and not pulse.cancelled():
            pulse.result()  # a probe that raised is a bug: it goes up
        if time.monotonic() - began < _STEADY_S:
            raise _Ended

    async def _start(self) -> asyncio.subprocess.Process:
        argv = [os.fspath(part) for part in self._argv()]
        program = which(argv[0])
        if program is None:
            raise ConfigError(f"{self.name}: there is no program {argv[0]}; install it")
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-S", "-c", _BECOME, str(os.getpid()), program, *argv),
            env=self._env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def _beat(self, beat: Beat) -> None:
        # The probe asks another process, which sets no event of ours.
        while self._ready is not None and not await self._ready():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        while True:
            beat()
            await asyncio.sleep(1.0)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        stream = process.stdout
        if stream is None:  # cannot be: it was asked for
            return
        rest = b""
        while data := await stream.read(65536):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._say(line)
            if len(rest) > _MAX_LINE_BYTES:
                self._say(rest)
                rest = b""
        if rest:
            self._say(rest)

    def _say(self, line: bytes) -> None:
        text = line[:_MAX_LINE_BYTES].decode("utf-8", "replace").rstrip()
        if text:
            self._on_line("".join(c if c.isprintable() else " " for c in text))


async def _finish(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_GRACE_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
