"""A running nats-server: started, watched, and told when its configuration changes."""

import asyncio
import contextlib
import logging
import re
import signal
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from fieldlink.systemd.child import Child
from fieldlink.systemd.durable import make_folder, write_durably
from fieldlink.systemd.service import Beat

from .config import server_program
from .findings import Finding, Findings
from .output import read_line

__all__ = ["NatsServer"]

_log = logging.getLogger(__name__)


class NatsServer:
    """Run `run` and `run_findings` as tasks; call `reload` when what `config` gives has changed.

    `config` is asked at each start and reload, on the thread that calls `reload` or the event
    loop's, by one at a time. `owners` are the lines that say whose a connection is (`read_line`),
    `setting` what is set to do without this server. `reloads` counts how often it has said that it
    took a reload in. `on_finding` runs on the event loop and must not block.
    """

    def __init__(
        self,
        folder: Path,
        config: Callable[[], str],
        *,
        setting: str,
        owners: Sequence[re.Pattern[str]] = (),
        on_finding: Callable[[Finding], None] = lambda finding: None,
    ) -> None:
        make_folder(folder)
        self.path = folder / "nats.conf"
        self.reloads = 0
        self._config, self._owners, self._setting = config, owners, setting
        self._findings = Findings(on_finding)
        self._lock = threading.Lock()
        self._up = asyncio.Event()
        self._child = Child("nats-server", self._argv, on_line=self._heard, ready=self._is_ready)

    @property
    def pid(self) -> int | None:
        """Its process; None while it is down."""
        return self._child.pid

    async def run(self, beat: Beat) -> None:
        """Keep it running until cancelled.

        Raises:
            ConfigError: the program is missing.
        """
        await self._child.run(beat)

    async def run_findings(self, beat: Beat) -> None:
        """Tell once a second what it refused, until cancelled."""
        await self._findings.run(beat)

    async def ready(self) -> None:
        """Wait until it serves."""
        await self._up.wait()

    def reload(self) -> None:
        """Have it take in what `config` gives now, if that has changed; on any thread.

        Raises:
            OSError: the file cannot be written.
        """
        with self._lock:
            if self._write():
                self._child.signal(signal.SIGHUP)

    def _write(self) -> bool:
        text = self._config().encode()
        with contextlib.suppress(FileNotFoundError):
            if self.path.read_bytes() == text:
                return False
        write_durably(self.path, text)
        return True

    def _argv(self) -> list[str]:
        self._up.clear()
        self._findings.restarted()
        with self._lock:
            self._write()
        return [str(server_program(self._setting)), "-c", str(self.path)]

    async def _is_ready(self) -> bool:
        return self._up.is_set()

    def _heard(self, text: str) -> None:
        line = read_line(text, self._owners)
        if line is None:
            _log.debug("%s", text)
        elif line.kind == "ready":
            self._up.set()
        elif line.kind == "reloaded":
            self.reloads += 1
        else:
            self._findings.add(line)
            if line.kind == "reload-failed":
                # It goes on with the old users: somebody put out would stay. Start it anew.
                self._child.signal(signal.SIGTERM)
