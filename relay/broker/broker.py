"""The broker as a service: an embedded nats-server, watched and told who is admitted.

With `url` in its settings it is somebody else's, and only the list of revoked certificates is
kept up to date for it.
"""

import ipaddress
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fieldlink.relay.broker.config import OWNERS, broker_config
from fieldlink.relay.broker.settings import BrokerSettings, split_broker_url
from fieldlink.relay.pki.admission import Member
from fieldlink.relay.pki.authority import Authority
from fieldlink.systemd.durable import make_folder
from fieldlink.systemd.nats import Finding, NatsServer, kept_port
from fieldlink.systemd.service import Row

__all__ = ["Broker", "BrokerEvent"]


@dataclass(frozen=True, slots=True)
class BrokerEvent:
    """Something the broker refused: what kind (`Finding`), whose (None: nobody proved), words, and
    how often.
    """

    kind: str
    kit: str | None
    text: str
    count: int


class Broker:
    """Give its `rows` to the service; call `reload` whenever admissions change.

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
        self._on_event = on_event
        self._lock = threading.Lock()
        self.told: frozenset[Member] = frozenset()
        self._server: NatsServer | None = None
        if settings.url is None:
            make_folder(folder)
            self._port = settings.port or kept_port(folder / "port", settings.host)
            self._server = NatsServer(
                folder,
                self._config,
                setting="broker.url",
                owners=OWNERS,
                on_finding=self._found,
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
        return self._server.pid if self._server else None

    @property
    def reloads(self) -> int:
        """How often the running broker has said that it took a reload in."""
        return self._server.reloads if self._server else 0

    def rows(self) -> list[Row]:
        """The tasks that keep the embedded broker running; none for a broker by URL."""
        if self._server is None:
            return []
        return [Row("broker", self._server.run), Row("broker-events", self._server.run_findings)]

    async def ready(self) -> None:
        """Wait until the embedded broker serves; one by URL may be tried at any time."""
        if self._server is not None:
            await self._server.ready()

    def reload(self) -> None:
        """Let the broker know who is admitted now; whoever no longer is gets cut off.

        May be called on any thread. A broker by URL reads the list of revoked certificates
        itself (docs/components/broker.md).

        Raises:
            OSError: a file cannot be written.
        """
        if self._server is not None:
            self._server.reload()
        else:
            self._admitted()

    def _admitted(self) -> list[Member]:
        with self._lock:
            self._authority.write_crl(self._revoked(), self._clock())
            members = sorted(self._members())
            self.told = frozenset(members)
            return members

    def _config(self) -> str:
        members, store = self._admitted(), self._folder / "store"
        return broker_config(self._settings, self._port, self._authority.tls, store, members)

    def _found(self, finding: Finding) -> None:
        self._on_event(BrokerEvent(finding.kind, finding.owner, finding.text, finding.count))
