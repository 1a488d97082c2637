"""WHIP as one of the kit's adapters: the server, who may publish, and how it goes."""

import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fieldlink.codecs.fault import ConfigError, SourceError
from fieldlink.edge.control import Command
from fieldlink.edge.device_api.desk import open_ca
from fieldlink.edge.device_api.settings import DeviceApiSettings
from fieldlink.edge.whip.desk import WhipDesk
from fieldlink.edge.whip.hub import Hub
from fieldlink.edge.whip.settings import WhipSettings
from fieldlink.edge.whip.tokens import Tokens
from fieldlink.edge.whip.wording import brief
from fieldlink.systemd.service import Beat

if TYPE_CHECKING:
    from fieldlink.edge.whip.server import Listener, WhipServer

__all__ = ["Whip", "make_whip"]


class Whip:
    """The publishers of a kit."""

    name = "whip"

    def __init__(
        self,
        settings: WhipSettings,
        api: DeviceApiSettings,
        state_dir: Path,
        hub: Hub,
        clock: Callable[[], int],
    ) -> None:
        self.settings = settings, api.address, state_dir
        self._settings, self._api, self._state_dir = settings, api, state_dir
        self._hub, self._clock = hub, clock
        self._tokens = Tokens(state_dir / "whip")
        self._desk = WhipDesk(settings, Tokens(state_dir / "whip"), state_dir, hub)
        self._server: WhipServer | None = None
        self._reason = ""

    @property
    def commands(self) -> Mapping[str, Command]:
        """For the control socket: whip-add, whip-remove, whip-list."""
        return {**self._desk.commands, "whip": self._told}

    async def run(self, beat: Beat) -> None:
        """Take in publishers until cancelled.

        Raises:
            SourceError, OSError: a file is damaged, or a port is taken.
        """
        # Its libraries are loaded only on a kit that takes in publishers.
        from fieldlink.edge.whip.server import WhipServer

        beat()
        try:
            self._tokens.refresh()
            listeners = self._listeners()
        except ConfigError as error:  # a damaged file stops this, and no camera
            raise SourceError("settings", str(error)) from error
        settings = self._settings
        self._server = WhipServer(
            self._hub,
            listeners,
            self._admits,
            most=settings.max_sessions,
            origins=settings.origins,
            clock=self._clock,
            udp_ports=settings.media_ports,
        )
        try:
            await self._server.run(beat)
        finally:
            self._server = None

    def _listeners(self) -> "list[Listener]":
        from fieldlink.edge.whip.server import Listener

        settings, found = self._settings, []
        if settings.tls:
            told = self._api.model_copy(update={"address": settings.address or self._api.address})
            ca = open_ca(told, self._state_dir / "device-api")
            # Read at once: the device API makes its own under the same name.
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(ca.certificate, ca.key)
            found.append(Listener(settings.host, settings.tls_port, "whip.tls_port", tls))
        if settings.plain:
            found.append(Listener(settings.host, settings.port, "whip.port"))
        return found

    def _admits(self, name: str, hashed: str) -> bool:
        """On the server's thread."""
        try:
            self._tokens.refresh()
            self._reason = ""
        except ConfigError as error:  # those that are known go on
            self._reason = str(error)
        return self._tokens.admits(name, hashed) | self._hub.admits(name, hashed)

    def report(self) -> dict[str, Any]:
        """How it is: state, reason, each publisher by its device, and what was answered."""
        server = self._server
        found = {
            "state": "up" if server is not None else "down",
            "reason": self._reason,
            "sessions": len(server.sessions) if server else 0,
            "mounts": {name: self._hub.mount(name).report() for name in self._hub.names()},
            "counts": dict(server.sessions.counts) if server else {},
        }
        return {**found, "said": brief(found) if server is not None else ""}

    async def _told(self, _asked: Mapping[str, Any]) -> dict[str, Any]:
        return {"ok": True, **self.report()}


def make_whip(
    settings: WhipSettings,
    api: DeviceApiSettings,
    state_dir: Path,
    hub: Hub | None,
    clock: Callable[[], int],
) -> list[Whip]:
    """The adapter, if it is wanted."""
    if not settings.enabled or hub is None:
        return []
    return [Whip(settings, api, state_dir, hub, clock)]
