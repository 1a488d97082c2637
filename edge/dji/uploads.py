"""Originals of DJI aircraft: what gateways are told of the kit's store, and what becomes of what
they say of their files.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fieldlink.codecs.dji import Upload, storage_data
from fieldlink.codecs.fault import FieldlinkError
from fieldlink.edge.device_api.registry import Device
from fieldlink.edge.dji.settings import UploadSettings
from fieldlink.edge.originals.credentials import LIFETIME_S
from fieldlink.edge.originals.room import Bounds
from fieldlink.edge.originals.service import Originals
from fieldlink.edge.records import Records
from fieldlink.systemd.service import Beat

__all__ = ["Uploads"]

_AGAIN_S = 15
_NOTHING: dict[str, Any] = {
    "files": 0, "bytes": 0, "uploads": 0, "waiting_bytes": 0, "counts": {}, "refused": {},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the store listens, and what it is called there."""

    host: str
    address: Callable[[], str]
    port: int


class Uploads:
    """`Files` of the sessions. `device_of` gives a gateway's registration."""

    def __init__(
        self,
        settings: UploadSettings,
        folder: Path,
        records: Records,
        clock: Callable[[], int],
        *,
        device_of: Callable[[str], Device | None],
        host: str,
        address: Callable[[], str],
        keep_free: int,
    ) -> None:
        self.settings = settings
        self._folder, self._records, self._clock = folder, records, clock
        self._device_of = device_of
        self._place = _Place(host, address, settings.port)
        self._bounds = Bounds(settings.largest, settings.room, keep_free)
        self.originals: Originals | None = None
        self.fault = ""

    async def open(self) -> None:
        """Make the store ready.

        Raises:
            OSError, FieldlinkError: its folder cannot be used.
        """
        self.originals = await asyncio.to_thread(
            Originals,
            self._folder,
            add=self._records.add,
            read=self._records.read,
            device_of=self._name_of,
            clock=self._clock,
            bounds=self._bounds,
        )

    async def run(self, beat: Beat) -> None:
        """Serve the store until cancelled. While it cannot be, aircraft are heard all the same: it
        is tried again, and the reason is in the report.
        """
        place = self._place
        while True:
            try:
                await self.open()
                self.fault = ""
                if self.originals is not None:
                    await self.originals.run(place.host, place.port, "dji.uploads.port", beat)
            except (OSError, FieldlinkError) as error:
                self.fault = str(error)
            finally:
                await asyncio.shield(self.close())
            for _ in range(_AGAIN_S):
                beat()
                await asyncio.sleep(1.0)

    async def close(self) -> None:
        """Nothing is taken in any more."""
        made, self.originals = self.originals, None
        if made is not None:
            await asyncio.to_thread(made.close)

    def _name_of(self, gateway: str) -> str | None:
        device = self._device_of(gateway)
        return None if device is None else device.name

    # --- what the sessions ask ----------------------------------------------------------------

    def storage(self, gateway: str) -> Mapping[str, Any] | None:
        """The output of storage_config_get, with credentials for an hour."""
        made = self.originals
        if made is None or self._name_of(gateway) is None:
            return None
        lease = made.lease(gateway)
        keys = {
            "access_key_id": lease.key_id,
            "access_key_secret": lease.secret,
            "security_token": lease.token,
        }
        endpoint = f"http://{self._place.address()}:{self._place.port}"
        where = made.place(gateway)
        return storage_data(self.settings.provider, endpoint, where, keys, LIFETIME_S)

    def brought(self, gateway: str, upload: Upload, done: Callable[[bool], None]) -> None:
        """Put what is said of a file beside it; `done` when the spool has both."""
        if self.originals is None or upload.failed:
            done(False)
            return
        prints = upload.fingerprint, upload.tiny_fingerprint
        self.originals.tell(gateway, upload.key, upload.about(), done, prints)

    def zone_s(self) -> int:
        """As this machine has it: controllers fly where the kit stands."""
        return time.localtime().tm_gmtoff

    # --- what Pilot 2 asks by HTTP --------------------------------------------------------------

    def grant(self, device: Device) -> dict[str, str]:
        """What the page tells Pilot 2: its pass, and what it is to bring by itself."""
        if self.originals is None:
            return {}
        token = self.originals.issuer.grant(device.name, device.bcrypt, self._clock())
        return {"token": token, "auto": self.settings.auto}

    def gateway_of(self, token: str, devices: Mapping[str, Device]) -> str | None:
        """The gateway whose pass that is; None: nobody's."""
        if self.originals is None:
            return None

        def bound(name: str) -> str | None:
            return devices[name].bcrypt if name in devices else None

        name = self.originals.issuer.whose(token, bound, self._clock())
        return None if name is None else devices[name].dji

    def report(self) -> dict[str, Any]:
        """How it is, for people and programs."""
        if self.originals is None:
            return {"state": "down", **_NOTHING, "reason": self.fault}
        return {"state": "up", **self.originals.report()}
