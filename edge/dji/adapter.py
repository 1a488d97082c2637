"""DJI gateways as one of the kit's adapters: the sessions on the kit's broker, what they learn to
the intake, their video to capture, and the page that Pilot 2 loads.
"""

import asyncio
import hashlib
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bcrypt

from fieldlink.codecs.fault import ConfigError, LinkError, SourceError
from fieldlink.drone.dji import Cloud, LiveNeeds, Pace, Shell
from fieldlink.edge.control import Command
from fieldlink.edge.device_api.access import AGENT, agent_secret
from fieldlink.edge.device_api.broker import from_here, kept_ports
from fieldlink.edge.device_api.desk import kit_addresses
from fieldlink.edge.device_api.registry import Device, Registry
from fieldlink.edge.device_api.settings import DeviceApiSettings, split_device_url
from fieldlink.edge.dji.api import add_api
from fieldlink.edge.dji.desk import do_asked
from fieldlink.edge.dji.flights import DjiFlights
from fieldlink.edge.dji.front import Front
from fieldlink.edge.dji.page import PageServer, PilotFacts
from fieldlink.edge.dji.receivers import Cameras, Pushed, Receivers
from fieldlink.edge.dji.settings import DjiSettings, load_keys
from fieldlink.edge.dji.told import VIA, Told
from fieldlink.edge.dji.uploads import Uploads
from fieldlink.edge.dji.wording import brief
from fieldlink.edge.records import Records
from fieldlink.edge.telemetry.ports import Intake, KitTime
from fieldlink.systemd.service import Beat
from fieldlink.systemd.tls import TlsPeer

__all__ = ["VIA", "Dji", "make_dji"]

_MAX_PASSWORD = 72  # bytes that bcrypt looks at
_NO_KEYS = (
    "dji-app.toml is missing: Pilot 2 lets no page in without the keys of a DJI developer account "
    "缺少大疆开发者密钥文件"
)


class Dji:
    """The DJI gateways of a kit: those that are registered with a serial number."""

    name = "dji"

    def __init__(
        self,
        settings: DjiSettings,
        api: DeviceApiSettings,
        state_dir: Path,
        intake: Intake,
        time_: KitTime,
        cameras: Cameras | None,
        pushed: Pushed | None = None,
        *,
        records: Records | None = None,
        keep_free: int = 0,
        pace: Pace | None = None,
    ) -> None:
        if settings.live != "whip":
            pushed = None
        self.settings = settings, api, state_dir, pushed, keep_free
        self._settings, self._api, self._state_dir = settings, api, state_dir
        self._intake, self._time = intake, time_
        self._pace = pace or Pace()
        self._registry = Registry(state_dir / "device-api")
        self._by_sn: dict[str, Device] = {}
        self._reason = "not started yet"
        self._receivers = Receivers(
            cameras,
            time_,
            first_port=settings.rtmp_port,
            most=settings.streams,
            name_of=lambda gateway: getattr(self._by_sn.get(gateway), "name", None),
            address=self._address,
            pushed=pushed,
        )
        self._cloud: Cloud | None = None
        self._shell: Shell | None = None
        self._front: Front | None = None
        self._wishes: dict[str, LiveNeeds] = {}  # of people, over new connections
        self._uploads: Uploads | None = None
        self._flights: DjiFlights | None = None
        if records is not None:
            self._flights = DjiFlights(
                state_dir / "dji-flights", records.add, time_.now_us, self._may_speak
            )
        if records is not None and settings.uploads.enabled:
            self._uploads = Uploads(
                settings.uploads,
                state_dir / "dji-uploads",
                records,
                time_.now_us,
                device_of=self._by_sn_of,
                host=settings.page_host,
                address=self._address,
                keep_free=keep_free,
            )
        self.told = Told(intake, self._by_sn_of, self._flights)
        self._has_keys = False

    @property
    def commands(self) -> Mapping[str, Command]:
        """For the control socket: {"do": "dji", "act": "list" | "start" | ..., ...}."""
        return {"dji": self.command}

    async def run(self, beat: Beat) -> None:
        """Serve gateways until cancelled.

        Raises:
            LinkError: the broker cannot be reached, or is gone.
            SourceError, OSError: a file is damaged, or the page's port is taken.
        """
        beat()
        try:
            self._registry.refresh()
            await self._serve(beat)
        except ConfigError as error:  # a damaged file stops this, and no camera
            self._reason = str(error)
            raise SourceError("settings", str(error)) from error
        except (LinkError, OSError) as error:
            self._reason = str(error)
            raise

    async def _serve(self, beat: Beat) -> None:
        settings, folder = self._settings, self._registry.folder
        keys = load_keys(settings, self._state_dir)
        self._has_keys = keys is not None
        told = keys.plain() if keys else {}
        host, port, tls = self._broker()
        secret = agent_secret(folder)
        if self._api.url is None:
            self._front = Front(self._api.host, settings.mqtt_port, (host, port))
        self._cloud = Cloud(
            sink=self.told,
            media=self._receivers,
            needs=LiveNeeds(settings.cameras, settings.quality),
            make_id=lambda: str(uuid.uuid4()),
            wall_ms=lambda: self._time.now_us() // 1000,
            config={**told, "ntp_server_host": settings.clock_host or self._address()}
            if told
            else {},
            files=self._uploads,
            wishes=self._wishes,
            pace=self._pace,
        )
        self._shell = Shell(
            self._cloud, host, port, tls=tls, login=(AGENT, secret), on_tick=self._look
        )
        facts = PilotFacts(
            keys=told,
            broker=f"tcp://{self._told_broker(host, port)}",
            workspace=_workspace(secret),
            grant=self._grant,
        )
        page = PageServer(settings.page_host, settings.page_port, facts, self._admits)
        self._look()
        runs = {"broker": self._shell.run, "video": self._receivers.run, "page": page.run}
        if self._front is not None:
            runs["front"] = self._front.run
        if self._flights is not None:
            runs["flights"] = self._flights.run
        if self._uploads is not None:
            add_api(page.app, self._uploads, self._whose, facts.workspace)
            runs["uploads"] = self._uploads.run
        tasks = [asyncio.create_task(run(beat), name=f"dji {what}") for what, run in runs.items()]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            self._cloud.close()
            self._cloud = self._shell = None
            await asyncio.shield(self._receivers.end())

    def _broker(self) -> tuple[str, int, TlsPeer | None]:
        if self._api.url is not None:
            tls, host, port = split_device_url(self._api.url)
            return host, port, TlsPeer(self._api.ca) if tls else None
        port = kept_ports(self._api, self._registry.folder)[False]
        return from_here(self._api.host), port, None

    def _told_broker(self, host: str, port: int) -> str:
        """Where controllers find it: the front, or somebody else's broker itself."""
        if self._front is not None:
            return f"{self._address()}:{self._settings.mqtt_port}"
        here = host in ("localhost", "127.0.0.1", "::1")
        return f"{self._address() if here else host}:{port}"

    def _address(self) -> str:
        told = self._settings.address or self._api.address
        if told is None and self._api.host not in ("0.0.0.0", "::"):  # noqa: S104  # compared
            told = self._api.host
        return told or next(iter(kit_addresses()), "127.0.0.1")

    def _look(self) -> None:
        try:
            self._registry.refresh()
            self._reason = "" if self._has_keys else _NO_KEYS
            self._intake.keep(VIA, self._may_speak)
        except ConfigError as error:  # those that are known go on
            self._reason = str(error)
        self._by_sn = {one.dji: one for one in self._registry.devices.values() if one.dji}
        if self._cloud is not None and self._by_sn.keys() != self._cloud.gateways.keys():
            self._cloud.register(self._by_sn)

    def _by_sn_of(self, gateway: str) -> Device | None:
        return self._by_sn.get(gateway)

    def _grant(self, name: str) -> Mapping[str, str]:
        device = self._registry.devices.get(name)
        return self._uploads.grant(device) if self._uploads and device else {}

    def _whose(self, token: str) -> str | None:
        return self._uploads.gateway_of(token, self._registry.devices) if self._uploads else None

    def _may_speak(self, name: str) -> bool:
        names = [one.name for one in self._registry.devices.values() if one.dji]
        return any(name in (one, f"{one}-dock", f"{one}-rc") for one in names)

    def _admits(self, name: str, password: str) -> bool:
        """Whether the page may open for these: a registered gateway with its password."""
        device = self._registry.devices.get(name)
        if device is None or device.dji is None:
            return False
        if not (password.isascii() and password.isprintable() and len(password) <= _MAX_PASSWORD):
            return False  # none of the kit's is so, and bcrypt takes not everything
        return bcrypt.checkpw(password.encode(), device.bcrypt.encode())

    def report(self) -> dict[str, Any]:
        """How it is: state, reason, and each gateway by its name."""
        cloud, up = self._cloud, self._shell is not None and self._shell.is_up
        gateways = cloud.report(time.monotonic()) if cloud else {}
        found = {
            "state": "up" if up else "down",
            "reason": self._reason or (self._uploads.fault if self._uploads else ""),
            "gateways": {
                self._by_sn[sn].name: {"sn": sn, **found, "live": self._received(found["live"])}
                for sn, found in gateways.items()
                if sn in self._by_sn
            },
            "connections": dict(self._front.counts) if self._front else {},
            "refused": cloud.counts["refused"] if cloud else 0,
            "name_taken": sorted(self._receivers.refused),
            "uploads": self._uploads.report() if self._uploads else None,
            "flights": self._flights.report() if self._flights else None,
        }
        return {**found, "said": brief(found) if up else ""}

    def _received(self, live: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**one, "received": self._receivers.received(one["video"])} for one in live]

    async def command(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """What people ask; see `desk`."""
        await asyncio.sleep(0)
        if asked.get("act") == "list":
            return {"ok": True, **self.report()}
        cloud = self._cloud
        found = {
            one.name: cloud.gateways[sn]
            for sn, one in self._by_sn.items()
            if cloud is not None and sn in cloud.gateways
        }
        return do_asked(asked, found, self._wishes, self._settings.cameras, time.monotonic())


def _workspace(secret: str) -> str:
    """An id that is the same after every start, and of no meaning to anybody else."""
    return str(uuid.UUID(bytes=hashlib.sha256(secret.encode()).digest()[:16], version=4))


def make_dji(
    settings: DjiSettings,
    api: DeviceApiSettings,
    state_dir: Path,
    intake: Intake,
    time_: KitTime,
    cameras: Cameras | None,
    pushed: Pushed | None = None,
    *,
    records: Records | None = None,
    keep_free: int = 0,
    pace: Pace | None = None,
) -> list[Dji]:
    """The adapter, if it is wanted; `keep_free` bytes of the disk are left by what it takes in.
    `pace` is that of the sessions.
    """
    if not settings.enabled:
        return []
    made = Dji(
        *(settings, api, state_dir, intake, time_, cameras, pushed),
        records=records,
        keep_free=keep_free,
        pace=pace,
    )
    return [made]
