"""Where live video comes in, by RTMP or by WHIP; it is recorded as a camera.

RTMP: libav takes in one stream on one port, from whoever connects first, whatever name it pushes
to. So a port is open only while its video is wanted. WHIP: all come by one port, each with a token
that is good only so long.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from fieldlink.codecs.bundle import check_name
from fieldlink.codecs.dji import VideoId
from fieldlink.codecs.fault import CodecError
from fieldlink.edge.source.settings import DeviceKind, DeviceSettings
from fieldlink.edge.telemetry.ports import KitTime
from fieldlink.edge.whip.desk import publish_url
from fieldlink.edge.whip.hub import Hub
from fieldlink.edge.whip.settings import WhipSettings
from fieldlink.systemd.service import Beat

__all__ = ["Cameras", "Pushed", "Receivers"]

_BEAT_S = 1.0
_FRESH_US = 4_000_000
_OPEN = "1min"


class Cameras(Protocol):
    """What records cameras that come and go (`fieldlink.edge.devices`)."""

    async def attach(self, device: DeviceSettings) -> bool:
        """Record it until `detach`; False: it cannot be."""

    async def detach(self, name: str) -> None:
        """It is gone."""

    def report(self) -> dict[str, dict[str, Any]]:
        """How each is, by name."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """WHIP: where publishers come, and who lets them in."""

    settings: WhipSettings
    hub: Hub


class Receivers:
    """`Media` of the sessions. `name_of` gives a gateway's name, `address` the kit's own."""

    def __init__(
        self,
        cameras: Cameras | None,
        time: KitTime,
        *,
        first_port: int,
        most: int,
        name_of: Callable[[str], str | None],
        address: Callable[[], str],
        pushed: Pushed | None = None,
    ) -> None:
        self._cameras, self._time = cameras, time
        self._ports = range(first_port, first_port + most)
        self._name_of, self._address = name_of, address
        self._pushed = pushed
        self._open: dict[VideoId, DeviceSettings] = {}
        self._taken: dict[VideoId, int] = {}
        self._wishes: asyncio.Queue[tuple[str, DeviceSettings | None]] = asyncio.Queue()
        self.refused: set[str] = set()

    def open(self, gateway: str, video: VideoId) -> str | None:
        """Wait for `video`; the URL to push it to, None: no port, or no name, is left."""
        name = _device_name(self._name_of(gateway), video.camera)
        free = [port for port in self._ports if port not in self._taken.values()]
        taken = {device.name for device in self._open.values()}
        if self._cameras is None or name is None or name in taken or not free:
            return None
        path = f"live/{video.sn}-{video.camera}"
        listen = f"rtmp://0.0.0.0:{free[0]}/{path}?listen=1"
        url = f"rtmp://{self._address()}:{free[0]}/{path}"
        if self._pushed is not None:
            token = self._pushed.hub.invite(name)
            place = publish_url(self._pushed.settings, name, self._address(), plain=True)
            listen, url = "whip:", f"{place}?token={token}"
        told = {"name": name, "kind": DeviceKind.DRONE, "url": listen, "open_timeout": _OPEN}
        aircraft = self._name_of(gateway)
        if name != aircraft:
            told["carrier"] = aircraft or ""
        device = DeviceSettings.model_validate(told)
        self._open[video], self._taken[video] = device, free[0]
        self._wishes.put_nowait((name, device))
        return url

    def close(self, video: VideoId) -> None:
        """Listen for it no more."""
        device = self._open.pop(video, None)
        self._taken.pop(video, None)
        if device is not None:
            if self._pushed is not None:
                self._pushed.hub.dismiss(device.name)
            self._wishes.put_nowait((device.name, None))

    def came(self, video: VideoId) -> bool:
        """Whether pictures of it came within the last seconds."""
        device = self._open.get(video)
        if device is None or self._cameras is None:
            return False
        found = self._cameras.report().get(device.name, {})
        last_us = found.get("last_packet_us")
        fresh = last_us is not None and self._time.now_us() - last_us < _FRESH_US
        return fresh and found.get("state") == "live"

    def received(self, video: str) -> dict[str, Any] | None:
        """What is received of a video, by its id as text: pictures a second, how many, and how long
        ago the last data came; None: it is not awaited.
        """
        device = next((one for key, one in self._open.items() if str(key) == video), None)
        if device is None or self._cameras is None:
            return None
        found = self._cameras.report().get(device.name, {})
        last_us = found.get("last_packet_us")
        age_s = None if last_us is None else max(self._time.now_us() - last_us, 0) / 1e6
        return {
            "device": device.name,
            "state": found.get("state", "waiting"),
            "fps": found.get("fps"),
            "frames": found.get("counts", {}).get("frames", 0),
            "age_s": None if age_s is None else round(age_s, 1),
        }

    async def run(self, beat: Beat) -> None:
        """Attach and detach cameras in the order they were wanted, until cancelled."""
        while True:
            beat()
            try:
                async with asyncio.timeout(_BEAT_S):
                    name, device = await self._wishes.get()
            except TimeoutError:
                continue
            await self._fulfil(name, device)

    async def _fulfil(self, name: str, device: DeviceSettings | None) -> None:
        if self._cameras is None:
            return
        if device is None:
            await self._cameras.detach(name)
            self.refused.discard(name)
        elif not await self._cameras.attach(device):
            self.refused.add(name)

    async def end(self) -> None:
        """Do what is still wished for; nothing is open after that."""
        for video in list(self._open):
            self.close(video)
        while not self._wishes.empty():
            await self._fulfil(*self._wishes.get_nowait())


def _device_name(name: str | None, camera: str) -> str | None:
    """The camera on the first gimbal is the aircraft itself; others have their index behind it."""
    if name is None:
        return None
    made = name if camera.endswith("-0") else f"{name}-{camera.lower()}"
    try:
        return check_name("device", made)
    except CodecError:
        return None
