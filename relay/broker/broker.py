"""The broker as a service: an embedded nats-server, watched and told who is admitted.

With `url` in its settings it is somebody else's, and only the list of revoked certificates is
kept up to date for it.
"""

import asyncio
import contextlib
import ipaddress
import logging
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from fieldlink.codecs.fault import ConfigError
from fieldlink.relay.broker.config import broker_config, server_program
from fieldlink.relay.broker.findings import BrokerEvent, Findings
from fieldlink.relay.broker.output import read_line
from fieldlink.relay.broker.settings import BrokerSettings, split_broker_url
from fieldlink.relay.pki.admission import Member
from fieldlink.relay.pki.authority import Authority
from fieldlink.systemd.child import Child
from fieldlink.systemd.durable import make_folder, write_durably
from fieldlink.systemd.service import Row

__all__ = ["Broker", "BrokerEvent"]

_log = logging.getLogger(__name__)


class Broker:
    """Give its `rows` to the service; call `reload` whenever admissions change.

    `reloads` counts how often the running broker has said that it took a reload in.

    `members` and `revoked` are asked anew at each start and reload. `on_event` runs on the
    event loop and must not block. `clock` is UTC microseconds.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        authority: Authority,
        members: Callable[[], Sequence[Member]],
        *,
        folder: Path,
        clock: Callable[[], int],
        revoked: Callable[[], Sequence[str]] = tuple,
        on_event: Callable[[BrokerEvent], None] = lambda event: None,
    ) -> None:
        self._settings = settings
        self._authority = authority
        self._members = members
        self._revoked = revoked
        self._clock = clock
        self._folder = folder
        self._findings = Findings(on_event)
        self._lock = threading.Lock()
        self._up = asyncio.Event()
        self.reloads = 0
        self.told: frozenset[Member] = frozenset()
        self._child: Child | None = None
        if settings.url is None:
            make_folder(folder)
            self._port = settings.port or _kept_port(folder / "port", settings.host)
            self._child = Child(
                "nats-server", self._argv, on_line=self._heard, ready=self._is_ready
            )

    @property
    def address(self) -> tuple[str, int]:
        """Host and port for a connection from this machine."""
        if self._settings.url is not None:
            return split_broker_url(self._settings.url)
        ip = ipaddress.ip_address(self._settings.host)
        if ip.is_unspecified:
            return ("127.0.0.1" if ip.version == 4 else "::1"), self._port
        return str(ip), self._port

    @property
    def kit_address(self) -> tuple[str, int]:
        """Host and port for kits; an empty host is the one by which they reach the centre."""
        host, port = self.address
        if self._settings.url is None and ipaddress.ip_address(self._settings.host).is_unspecified:
            return "", port
        return host, port

    @property
    def pid(self) -> int | None:
        """The embedded broker's process; None while it is down, or when it is not ours."""
        return self._child.pid if self._child else None

    def rows(self) -> list[Row]:
        """The tasks that keep the embedded broker running; none for a broker by URL."""
        if self._child is None:
            return []
        return [Row("broker", self._child.run), Row("broker-events", self._findings.run)]

    async def ready(self) -> None:
        """Wait until the embedded broker serves; one by URL may be tried at any time."""
        if self._child is not None:
            await self._up.wait()

    def reload(self) -> None:
        """Let the broker know who is admitted now; whoever no longer is gets cut off.

        May be called on any thread. A broker by URL reads the list of revoked certificates
        itself (docs/components/broker.md).

        Raises:
            OSError: a file cannot be written.
        """
        with self._lock:
            self._authority.write_crl(self._revoked(), self._clock())
            if self._child is None:
                self.told = frozenset(self._members())
            elif self._write_config():
                self._child.signal(signal.SIGHUP)

    @property
    def _config(self) -> Path:
        return self._folder / "nats.conf"

    def _write_config(self) -> bool:
        members = sorted(self._members())
        self.told = frozenset(members)
        tls = self._authority.tls
        text = broker_config(self._settings, self._port, tls, self._folder / "store", members)
        with contextlib.suppress(FileNotFoundError):
            if self._config.read_bytes() == text.encode():
                return False
        write_durably(self._config, text.encode())
        return True

    def _argv(self) -> list[str]:
        self._up.clear()
        self._findings.restarted()
        with self._lock:
            self._authority.write_crl(self._revoked(), self._clock())
            self._write_config()
        return [str(server_program()), "-c", str(self._config)]

    async def _is_ready(self) -> bool:
        return self._up.is_set()

    def _heard(self, text: str) -> None:
        line = read_line(text)
        if line is None:
            _log.debug("%s", text)
        elif line.kind == "ready":
            self._up.set()
        elif line.kind == "reloaded":
            self.reloads += 1
        else:
            self._findings.add(line)
            if line.kind == "reload-failed" and self._child is not None:
                # It goes on with the old users: somebody revoked would stay. Start it anew.
                self._child.signal(signal.SIGTERM)


def _kept_port(path: Path, host: str) -> int:
    """A free port, the same one at every start: kits that have joined remember it."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        port = _free_port(host)
        write_durably(path, f"{port}\n".encode())
        return port
    if not text.strip().isdecimal() or not 0 < int(text) < 65536:
        raise ConfigError(f"{path}: damaged; write the broker's port into it, or remove it")
    return int(text)


def _free_port(host: str) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
