"""What may be asked of the cameras and gimbals of aircraft, as verbs of `drone-do`."""

import asyncio
import time
from collections.abc import Mapping
from itertools import count
from typing import Any

from fieldlink.drone.camera import CameraState
from fieldlink.drone.camera.acting import Gimbaling, photo, record, set_mode, zoom
from fieldlink.drone.commanding import Answer, CommandError
from fieldlink.drone.vehicle import Key
from fieldlink.edge.drone.doing import Deck, Doer
from fieldlink.edge.drone.eyes import Eyes
from fieldlink.edge.drone.permit import note, permit

__all__ = ["camera_doers"]

_TAKEN_S, _SHOWN_S = 6.0, 4.0
_LOOK_S = 0.1
# Cameras that remember the last number across starts of this program are told a new one.
_numbers = count(int(time.time()) % 1_000_000 + 1)


def camera_doers(deck: Deck) -> Mapping[str, Doer]:
    """The verbs."""
    made = _CameraDoers(deck)
    return {
        "camera.info": made.info,
        "camera.photo": made.photo,
        "camera.record": made.record,
        "camera.zoom": made.zoom,
        "camera.mode": made.mode,
        "gimbal.show": made.gimbal_show,
        "gimbal.point": made.gimbal_point,
    }


class _CameraDoers:
    def __init__(self, deck: Deck) -> None:
        self._deck = deck

    @property
    def _eyes(self) -> Eyes:
        return self._deck.part(Eyes)

    async def info(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The cameras of an aircraft, or of all."""
        async with self._eyes.at_work():
            if asked.get("vehicle") or len(self._deck.names()) <= 1:
                name, key = self._deck.find(asked)
                await self._eyes.find(name, key)
                await self._settled(key)
                names = {name: key}
            else:
                names = dict(self._deck.names())
            return {
                "vehicles": [
                    {"name": name, **self._eyes.report(key[0])} for name, key in names.items()
                ]
            }

    async def photo(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Take a picture; what the camera says of it, if it says something in time."""
        async with self._eyes.at_work():
            name, _, camera = await self._camera(asked)
            before = self._eyes.cameras.pictures.get(camera.key)
            await photo(self._deck.commander, camera, next(_numbers))
            fields = await self._until(lambda: self._new_picture(camera, before), _TAKEN_S)
            taken = fields is not None and fields["capture_result"] == 1
            if fields is not None and not taken:
                raise CommandError("failed", "the camera says that the picture was not taken")
            self._eyes.cameras.refresh(camera.key, _now_us())
            return {
                **_of(name, camera),
                "confirmed": taken,
                "index": None if fields is None else fields["image_index"],
            }

    def _new_picture(self, camera: CameraState, before: Any) -> Any:
        found = self._eyes.cameras.pictures.get(camera.key)
        return found[0] if found is not None and found is not before else None

    async def record(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Begin or end to record on the camera's card; what it says of that."""
        on = bool(asked.get("on"))
        async with self._eyes.at_work():
            name, _, camera = await self._camera(asked)
            await record(self._deck.commander, camera, on=on)
            self._eyes.cameras.refresh(camera.key, _now_us())

            def shown() -> Any:
                return camera.values(_now_us())["recording"] == int(on) or None

            confirmed = await self._until(shown, _SHOWN_S)
            return {**_of(name, camera), "on": on, "confirmed": bool(confirmed)}

    async def zoom(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Zoom in, out, stop, or to a percentage."""
        async with self._eyes.at_work():
            name, _, camera = await self._camera(asked)
            await zoom(self._deck.commander, camera, str(asked.get("to", "")))
            self._eyes.cameras.refresh(camera.key, _now_us())
            return {**_of(name, camera), "to": str(asked.get("to", ""))}

    async def mode(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Pictures, video, or a survey's pictures."""
        async with self._eyes.at_work():
            name, _, camera = await self._camera(asked)
            await set_mode(self._deck.commander, camera, str(asked.get("mode", "")))
            self._eyes.cameras.refresh(camera.key, _now_us())
            return {**_of(name, camera), "mode": str(asked.get("mode", ""))}

    async def _camera(self, asked: Mapping[str, Any]) -> tuple[str, Key, CameraState]:
        name, key = self._deck.find(asked)
        number = asked.get("camera") or 0
        if not isinstance(number, int):
            raise CommandError("refused", "camera is a number: 1 is the first")
        return name, key, await self._eyes.find(name, key, number)

    async def _until(self, shown: Any, patience_s: float) -> Any:
        """What `shown` gives as soon as it gives something; None when that takes too long."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + patience_s
        while True:
            found = shown()
            if found is not None or loop.time() >= until_s:
                return found
            await asyncio.sleep(_LOOK_S)

    async def _settled(self, key: Key) -> None:
        """Wait until all is asked, where nobody watched until now."""
        if self._deck.alone:
            cameras = self._eyes.cameras
            await self._until(lambda: cameras.settled(key[0], _now_us()) or None, _TAKEN_S)

    async def gimbal_show(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """What is known of a gimbal."""
        async with self._eyes.at_work():
            name, key = self._deck.find(asked)
            await self._settled(key)
            gimbal = self._eyes.report(key[0])["gimbal"]
            return {
                "vehicle": name,
                "gimbal": gimbal,
                "turns_by_itself": self._eyes.has_yaw(key[0]),
                "looks": self._deck.fleet.looks(key, _now_us()),
            }

    async def gimbal_point(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Look somewhere."""
        async with self._eyes.at_work():
            name, key = self._deck.find(asked)
            cameras = self._eyes.cameras
            await self._settled(key)
            gimbal = cameras.gimbals.get(key[0])
            target = gimbal.manager if gimbal is not None and gimbal.manager else key
            turned: list[str] = []

            def allow() -> None:
                permit(self._deck, asked, name, _what(asked))
                turned.append(_what(asked))

            vehicle = self._deck.fleet.vehicles.get(key)
            gimbaling = Gimbaling(
                self._deck.commander,
                target,
                self._eyes.has_yaw(key[0]),
                allow,
                vehicle.state.autopilot if vehicle is not None else 0,
            )
            answer = "no answer"
            try:
                answer = f"result {(await self._pointed(gimbaling, key, asked)).result}"
            except CommandError as error:
                answer = error.reason
                raise
            finally:
                if turned:
                    note(self._deck, asked, key, f"gimbal of {name}: {turned[0]}", answer)
            return {"vehicle": name, "said": _what(asked)}

    async def _pointed(self, gimbaling: Gimbaling, key: Key, asked: Mapping[str, Any]) -> Answer:
        pitch, yaw = _number(asked, "pitch", -180, 180), _number(asked, "yaw", -360, 360)
        lat, lon = _number(asked, "lat", -90, 90), _number(asked, "lon", -180, 180)
        ways = [asked.get("home") is True, pitch is not None or yaw is not None, lat is not None]
        if sum(ways) != 1 or (lat is None) != (lon is None):
            raise CommandError(
                "refused", "say one of: --pitch and --yaw; --lat and --lon; --home 请选择一种"
            )
        if ways[0]:
            return await gimbaling.neutral()
        if lat is not None and lon is not None:
            return await gimbaling.look_at(lat, lon, _number(asked, "alt", -500, 9000))
        looks = self._deck.fleet.looks(key, _now_us())
        side, now = _angle(looks.get("yaw_relative")), _angle(looks.get("pitch"))
        return await gimbaling.point(
            pitch if pitch is not None else now or 0.0,
            yaw,
            north=asked.get("north") is True,
            side=side,
        )


def _of(name: str, camera: CameraState) -> dict[str, Any]:
    return {"vehicle": name, "camera": camera.number}


def _angle(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _number(asked: Mapping[str, Any], name: str, least: float, most: float) -> float | None:
    value = asked.get(name)
    if value is None:
        return None
    right = isinstance(value, int | float) and not isinstance(value, bool)
    if not right or not least <= value <= most:  # which NaN is not
        raise CommandError("refused", f"{name} is {least:g} to {most:g}")
    return float(value)


def _what(asked: Mapping[str, Any]) -> str:
    """What a gimbal is asked to do, in words."""
    if asked.get("home") is True:
        return "look ahead 回中"
    if asked.get("lat") is not None:
        return f"look at {asked['lat']}, {asked.get('lon')} 指向地点"
    parts = [f"pitch {asked['pitch']}" if asked.get("pitch") is not None else ""]
    frame = " from north" if asked.get("north") is True else ""
    parts += [f"yaw {asked['yaw']}{frame}" if asked.get("yaw") is not None else ""]
    return f"look {', '.join(part for part in parts if part)} 转动云台"


def _now_us() -> int:
    return time.monotonic_ns() // 1000
