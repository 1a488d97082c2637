"""The cameras of a kit's aircraft at work: asked over the router, told to the intake, their streams
recorded.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fieldlink.codecs.mavlink import Frame
from fieldlink.drone.camera import Ask, Cameras, CameraState
from fieldlink.drone.camera.state import CAMERA_FLAGS
from fieldlink.drone.commanding import CommandError
from fieldlink.drone.router.policy import policy_of
from fieldlink.drone.vehicle import Key
from fieldlink.drone.vehicle.twins import Twins
from fieldlink.edge.drone.doing import Deck
from fieldlink.edge.drone.roster import Roster, endpoint_of
from fieldlink.edge.drone.videos import Videos, stream_report

__all__ = ["Eyes", "watch_cameras"]

_TICK_S = 0.25
_MAX_ASKING = 16
# How much more seldom is asked there; where bytes cost, not at all.
_PACES = {"lan": 1.0, "lte": 6.0}
_LOOK_S = 8.0
_ANSWER_S = 10.0


class Eyes:
    """One for each deck (`Deck.part`)."""

    def __init__(self, deck: Deck) -> None:
        self.deck = deck
        self._roster = Roster(deck.settings)
        profiles = {one.name: policy_of(one).profile.name for one in deck.settings.endpoint}
        self._paces = {name: _PACES.get(profile) for name, profile in profiles.items()}
        self.cameras = Cameras(self._pace, self._owner)
        self.videos = Videos(deck.media, self._auto, self._peer, self._aircraft)
        self.twins = Twins()
        self._asking: set[asyncio.Task[None]] = set()
        self._runs = 0

    def _pace(self, link: str) -> float | None:
        return self._paces.get(endpoint_of(link))

    def _owner(self, sysid: int) -> Key:
        known = [key for key in self.deck.names().values() if key[0] == sysid]
        return min(known, default=(sysid, 1))

    def _auto(self, sysid: int) -> bool:
        settings = self.deck.settings
        own = next((one.video for one in settings.vehicle if one.sysid == sysid), None)
        return (own or settings.video) == "auto"

    def _aircraft(self) -> set[str]:
        return {one.name for one in self.deck.settings.vehicle} | {*self.deck.names()}

    def _peer(self, link: str) -> str | None:
        """The address behind a link; None for what is no network."""
        for endpoint in self.deck.router.endpoints:
            for way, (port, _) in endpoint.ports.items():
                host, colon, number = way.name.rpartition(":")
                if port.name == link and colon and number.isdecimal():
                    return host.strip("[]") or None
        return None

    def name_of(self, sysid: int) -> str:
        """The device that a system's first autopilot is."""
        owner = self._owner(sysid)
        found = [name for name, key in self.deck.names().items() if key == owner]
        return found[0] if found else self._roster.name(sysid)

    async def run(self) -> None:
        """Work until cancelled."""
        end = self.deck.router.tap(self._heard)
        self._runs += 1
        try:
            while True:
                await self._look(_now_us())
                await asyncio.sleep(_TICK_S)
        finally:
            self._runs -= 1
            end()
            for task in self._asking:
                task.cancel()
            await asyncio.shield(self.videos.end())

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Watching while the block runs, where no agent's row does."""
        if self._runs:
            yield
            return
        task = asyncio.create_task(self.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _heard(self, frame: Frame) -> None:
        if self._pace(frame.link) is not None and not self._roster.is_played(frame.link):
            self.twins.take(frame, _now_us())
        self.deck.tell(self.cameras.take(frame, _now_us()))

    async def _look(self, now_us: int) -> None:
        self.deck.tell(self.cameras.tick(now_us))
        for task in [one for one in self._asking if one.done()]:
            self._asking.discard(task)
            task.result()  # it ends with an error only when that is ours
        if len(self._asking) < _MAX_ASKING:
            for ask in self.cameras.asks(now_us):
                self._asking.add(asyncio.create_task(self._ask(ask), name="camera ask"))
        systems = {key[0] for key in self.cameras.cameras}
        systems |= {one.of[0][0] for one in self.videos.all.values() if one.of is not None}
        for sysid in systems:
            cameras = [
                (camera, self.cameras.silent_us(camera, now_us))
                for camera in self.cameras.of_system(sysid)
                if not self._roster.is_played(camera.link)  # what it names was there then
            ]
            self.videos.look(sysid, self.name_of(sysid), cameras, now_us)
        await self.videos.arrange(now_us)

    async def _ask(self, ask: Ask) -> None:
        result: int | None = None
        try:
            # A question takes no time: whoever is "in progress" for ever takes nobody's turn.
            async with asyncio.timeout(_ANSWER_S):
                answer = await self.deck.commander.command(
                    ask.target, ask.command, ask.params, tries=1
                )
            result = answer.result
        except TimeoutError:
            result = None
        except CommandError as error:
            result = error.answer.result if error.answer is not None else None
        self.cameras.answered(ask, result, _now_us())

    async def find(self, name: str, vehicle: Key, number: int = 0) -> CameraState:
        """A camera of an aircraft: the first, or the one of this number. Where nobody watched
        until now it is waited for.

        Raises:
            CommandError: there is none.
        """
        loop = asyncio.get_running_loop()
        until_s = loop.time() + (_LOOK_S if self.deck.alone else 0.0)
        while True:
            found = self.cameras.of_system(vehicle[0])
            known = [one for one in found if one.flags is not None]
            right = [one for one in known if number in (0, one.number)]
            if right:
                return right[0]
            if loop.time() >= until_s:
                break
            await asyncio.sleep(_TICK_S)
        there = ", ".join(str(one.number) for one in known)
        if known:
            raise CommandError(
                "not-heard", f"{name} has no camera {number} 无此相机; there is 现有: {there}"
            )
        raise CommandError("not-heard", f"no camera of {name} is heard 未发现相机")

    def report(self, sysid: int) -> dict[str, Any]:
        """The cameras and the gimbal of an aircraft, as its report has them."""
        now_us = _now_us()
        gimbal = self.cameras.gimbals.get(sysid)
        return {
            "cameras": [
                camera_report(one, self.cameras.silent_us(one, now_us), now_us, self.videos)
                for one in self.cameras.of_system(sysid)
            ],
            "gimbal": gimbal.report() if gimbal is not None else None,
            "two": any(self.are_two(key) for key in self.deck.names().values() if key[0] == sysid),
        }

    def are_two(self, vehicle: Key) -> bool:
        """Whether two aircraft speak as this one."""
        return self.twins.seen(vehicle, _now_us())

    def has_yaw(self, sysid: int) -> bool | None:
        """Whether the gimbal turns to the sides by itself: by the settings, or as it says."""
        own = next((one for one in self.deck.settings.vehicle if one.sysid == sysid), None)
        if own is not None and own.gimbal_yaw is not None:
            return own.gimbal_yaw
        gimbal = self.cameras.gimbals.get(sysid)
        return gimbal.has_yaw if gimbal is not None else None


def camera_report(
    camera: CameraState, silent_us: int, now_us: int, videos: Videos
) -> dict[str, Any]:
    """How a camera is, for people and programs; what is unknown is None."""
    flags = camera.flags
    recorded = {video.of: video.name for video in videos.all.values()}
    return {
        "camera": camera.number,
        "component": camera.key[1],
        "vendor": camera.vendor or None,
        "firmware": camera.firmware or None,
        "width": camera.width,
        "height": camera.height,
        "can": None if flags is None else [n for bit, n in CAMERA_FLAGS.items() if flags & bit],
        "silent_s": round(silent_us / 1e6, 1),
        **camera.values(now_us),
        "streams": [
            {**stream_report(one), "device": recorded.get((camera.key, one.number))}
            for _, one in sorted(camera.streams.items())
        ],
    }


async def watch_cameras(deck: Deck) -> None:
    """A row of the agent's router."""
    await deck.part(Eyes).run()


def _now_us() -> int:
    return time.monotonic_ns() // 1000
