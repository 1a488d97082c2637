"""Every mount by its name, and the guests: publishers that the kit itself has asked to come."""

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable
from typing import Any

from fieldlink.edge.source.libav import LibavSource
from fieldlink.edge.source.media import Adapter
from fieldlink.edge.source.settings import DeviceSettings
from fieldlink.edge.source.url import is_whip
from fieldlink.edge.whip.mount import Mount
from fieldlink.edge.whip.source import WhipSource

__all__ = ["Hub", "token_hash"]

_MAX_MOUNTS = 256
_NOBODY = "0" * 64


def token_hash(token: str) -> str:
    """A token as it is kept. Tokens are 256 random bits: nobody finds one by its plain hash."""
    return hashlib.sha256(token.encode()).hexdigest()


class Hub:
    """Shared by the recorders, which read, and the server, which receives. Any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._mounts: dict[str, Mount] = {}
        self._guests: dict[str, str] = {}

    def mount(self, name: str) -> Mount:
        """The mount of `name`, made on first use."""
        with self._lock:
            found = self._mounts.get(name)
            if found is None:
                if len(self._mounts) >= _MAX_MOUNTS:
                    self._forget()
                found = self._mounts[name] = Mount(name)
            return found

    def _forget(self) -> None:
        gone = [name for name, mount in self._mounts.items() if not mount.is_wanted()]
        for name in gone:
            del self._mounts[name]

    def wanted(self, name: str) -> Mount | None:
        """The mount of `name` if a recorder is there for it."""
        with self._lock:
            found = self._mounts.get(name)
        return found if found is not None and found.is_wanted() else None

    def invite(self, name: str) -> str:
        """A token for one who publishes as `name` until `dismiss`; the one before it ends."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._guests[name] = token_hash(token)
        return token

    def dismiss(self, name: str) -> None:
        """Its token is good no more."""
        with self._lock:
            self._guests.pop(name, None)

    def admits(self, name: str, hashed: str) -> bool:
        """Whether `hashed` is the hash of the guest's token."""
        with self._lock:
            known = self._guests.get(name, _NOBODY)
        return hmac.compare_digest(known, hashed)

    # --- for the recorders -----------------------------------------------------------------------

    def opened(self, device: DeviceSettings, clock: Callable[[], int]) -> Adapter:
        """The adapter of `device`: of its mount, or libav's for its URL."""
        if not is_whip(device.url):
            return LibavSource(device, clock)
        return WhipSource(device, self.mount(device.name))

    def waits(self, device: DeviceSettings) -> bool:
        """Whether somebody publishes to `device`, so that no time is lost before it is opened."""
        return is_whip(device.url) and self.mount(device.name).waits

    def report(self, device: DeviceSettings) -> dict[str, Any] | None:
        """How `device` is received; None for one that is not pushed."""
        return self.mount(device.name).report() if is_whip(device.url) else None

    def names(self) -> list[str]:
        """The mounts that a recorder is there for."""
        with self._lock:
            mounts = list(self._mounts.values())
        return sorted(mount.name for mount in mounts if mount.is_wanted())
