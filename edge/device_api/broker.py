"""Where devices and the agent meet: the kit's own broker, one for each listener, or one by URL.

A nats-server has one MQTT listener. With and without TLS are therefore two servers that know
nothing of each other; the agent is a client of both.
"""

import ipaddress
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from fieldlink.codecs.device_api import MAX_MESSAGE_BYTES
from fieldlink.edge.device_api.access import agent_secret, nats_users, write_mosquitto_files
from fieldlink.edge.device_api.certificate import SERVER_NAME, DeviceCa
from fieldlink.edge.device_api.registry import Registry, hash_bcrypt
from fieldlink.edge.device_api.settings import DeviceApiSettings, split_device_url
from fieldlink.systemd.durable import make_folder
from fieldlink.systemd.nats import Finding, NatsServer, kept_port, nats_config, tls_block
from fieldlink.systemd.service import Beat
from fieldlink.systemd.tls import TlsPeer

__all__ = ["ForeignBroker", "Meeting", "OwnBroker", "from_here", "kept_ports"]

_MAX_PENDING_BYTES = 16 * 1024 * 1024
_MAX_STORE_BYTES = 64 * 1024 * 1024
_MAX_MEMORY_BYTES = 16 * 1024 * 1024


class Meeting(Protocol):
    """A broker, as the agent sees it."""

    host: str
    port: int
    tls: TlsPeer | None
    secret: str

    async def run(self, beat: Beat) -> None:
        """Keep it running until cancelled; nothing to do for one by URL."""

    async def run_findings(self, beat: Beat) -> None:
        """Tell what it refused until cancelled."""

    async def ready(self) -> None:
        """Wait until it may be tried."""

    def reload(self) -> None:
        """Let it know which devices there are."""


def kept_ports(settings: DeviceApiSettings, folder: Path) -> dict[bool, int]:
    """The ports of the kit's own broker: {True: the one with TLS, False: without}.

    Raises:
        OSError, ConfigError: a port is to be chosen and cannot be kept.
    """
    ports = {}
    for tls, on, port in (
        (True, settings.tls, settings.tls_port),
        (False, settings.plain, settings.port),
    ):
        if on:
            place = folder / ("tls" if tls else "plain")
            if not port:
                make_folder(place)
            ports[tls] = port or kept_port(place / "port", settings.host)
    return ports


class OwnBroker:
    """The kit's own nats-server, with TLS if `ca` is there."""

    def __init__(
        self,
        settings: DeviceApiSettings,
        registry: Registry,
        port: int,
        ca: DeviceCa | None,
        on_finding: Callable[[Finding], None],
    ) -> None:
        self._settings, self._registry, self._ca = settings, registry, ca
        self._folder = registry.folder / ("tls" if ca else "plain")
        self.host, self.port = from_here(settings.host), port
        self.tls = TlsPeer(ca.ca, SERVER_NAME) if ca else None
        self.secret = agent_secret(registry.folder)
        self._hash = hash_bcrypt(self.secret)
        self._server = NatsServer(
            self._folder, self._config, setting="device_api.url", on_finding=on_finding
        )

    @property
    def pid(self) -> int | None:
        """Its process; None while it is down."""
        return self._server.pid

    @property
    def reloads(self) -> int:
        """How often it has said that it took a reload in."""
        return self._server.reloads

    async def run(self, beat: Beat) -> None:
        """Keep it running until cancelled."""
        # Custody is the spool's: what a broker kept of an earlier life (sessions, and messages
        # that somebody had retained) is of no use, and a power cut may have torn it.
        shutil.rmtree(self._folder / "store", ignore_errors=True)
        await self._server.run(beat)

    async def run_findings(self, beat: Beat) -> None:
        """Tell what it refused until cancelled."""
        await self._server.run_findings(beat)

    async def ready(self) -> None:
        """Wait until it serves."""
        await self._server.ready()

    def reload(self) -> None:
        """Let it know which devices there are; whoever no longer is gets cut off."""
        self._server.reload()

    def _config(self) -> str:
        ca = self._ca
        return nats_config(
            name="fieldlink-kit",
            host=self._settings.host,
            port=self.port,
            store=self._folder / "store",
            users=nats_users(self._registry.devices.values(), self._hash),
            max_payload_bytes=MAX_MESSAGE_BYTES + 1024,  # it counts the topic in
            max_pending_bytes=_MAX_PENDING_BYTES,
            max_connections=self._settings.max_connections + 1,
            max_file_store_bytes=_MAX_STORE_BYTES,
            max_memory_store_bytes=_MAX_MEMORY_BYTES,
            tls=tls_block(ca.certificate, ca.key) if ca else None,
        )


class ForeignBroker:
    """A broker that somebody else runs; the kit writes its password file and access list."""

    def __init__(self, settings: DeviceApiSettings, registry: Registry) -> None:
        self._registry = registry
        tls, self.host, self.port = split_device_url(settings.url or "")
        self.tls = TlsPeer(settings.ca) if tls else None
        self.secret = agent_secret(registry.folder)
        self.reload()

    async def run(self, beat: Beat) -> None:
        """Nothing to keep running."""

    async def run_findings(self, beat: Beat) -> None:
        """Nothing is told."""

    async def ready(self) -> None:
        """It may be tried at any time."""

    def reload(self) -> None:
        """Write its files anew; whoever runs it has it read them."""
        devices = self._registry.devices.values()
        write_mosquitto_files(self._registry.folder, devices, self.secret)


def from_here(host: str) -> str:
    """Where a server that listens on `host` is reached from this machine."""
    ip = ipaddress.ip_address(host)
    if ip.is_unspecified:
        return "127.0.0.1" if ip.version == 4 else "::1"
    return str(ip)
