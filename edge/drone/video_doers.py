"""What may be asked of the video of aircraft, as verbs of `drone-do`."""

import asyncio
import base64
import json
import time
from collections.abc import Mapping
from typing import Any

from fieldlink.codecs.bundle import check_name
from fieldlink.codecs.fault import CodecError
from fieldlink.drone.camera.acting import stream
from fieldlink.drone.commanding import CommandError
from fieldlink.edge.capture.recorder import Recorder
from fieldlink.edge.capture.settings import (
    CaptureSettings,
    OriginalSettings,
    ProxySettings,
    StillSettings,
)
from fieldlink.edge.capture.shot import Shot
from fieldlink.edge.drone.doing import Deck, Doer
from fieldlink.edge.drone.eyes import Eyes
from fieldlink.edge.drone.media import Media
from fieldlink.edge.drone.quality import capture_of, capture_report
from fieldlink.edge.drone.videos import Video, device_of

__all__ = ["video_doers"]

_FOUND_S, _PICTURE_S = 10.0, 20.0
_LOOK_S = 0.1


def video_doers(deck: Deck) -> Mapping[str, Doer]:
    """The verbs."""
    made = _VideoDoers(deck)
    return {
        "video.list": made.list,
        "video.add": made.add,
        "video.start": made.start,
        "video.stop": made.stop,
        "video.quality": made.quality,
        "video.snapshot": made.snapshot,
    }


class _VideoDoers:
    def __init__(self, deck: Deck) -> None:
        self._deck = deck

    @property
    def _eyes(self) -> Eyes:
        return self._deck.part(Eyes)

    @property
    def _media(self) -> Media:
        if self._deck.media is None:
            raise CommandError(
                "refused", "no agent runs here, so nothing is recorded 程序未运行，没有记录"
            )
        return self._deck.media

    async def list(self, _: Mapping[str, Any]) -> dict[str, Any]:
        """The streams of all aircraft."""
        async with self._eyes.at_work():
            if self._deck.alone:
                await self._found("")
            return {"videos": self._eyes.videos.report()}

    async def add(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Record a stream that no camera names, until the agent ends."""
        name, url = str(asked.get("name", "")), str(asked.get("url", ""))
        vehicle = str(asked.get("vehicle") or "")
        if vehicle and vehicle not in self._deck.names():
            self._deck.find(asked)  # raises, with the names that there are
        _ = self._media
        try:
            check_name("device", name)
            video = self._eyes.videos.add(name, url, vehicle or name)
        except CodecError as error:
            raise CommandError("refused", error.detail) from error
        except ValueError as error:
            raise CommandError("refused", str(error)) from error
        await self._eyes.videos.arrange(_now_us())
        if video.attached is None:
            del self._eyes.videos.all[name]
            raise CommandError("refused", video.why)
        return {"name": name, "block": _block(name, url, vehicle)}

    async def start(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Record a stream again, and have its camera send it."""
        _ = self._media
        video = self._video(asked)
        video.wanted, video.tried_us = True, None
        camera = await self._tell_camera(video, on=True)
        await self._eyes.videos.arrange(_now_us())
        return {"name": video.name, "camera": camera, "why": video.why}

    async def stop(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Record a stream no more; the camera goes on sending it, for others look too, unless it
        is told.
        """
        _ = self._media
        video = self._video(asked)
        video.wanted = False
        await self._eyes.videos.arrange(_now_us())
        told = asked.get("camera") is True
        camera = await self._tell_camera(video, on=False) if told else None
        return {"name": video.name, "camera": camera}

    async def _tell_camera(self, video: Video, *, on: bool) -> str | None:
        """What its camera answered: most send all the time, and know no such command."""
        camera = self._eyes.cameras.cameras.get(video.of[0]) if video.of is not None else None
        if camera is None or video.of is None:
            return None
        try:
            await stream(self._deck.commander, camera, video.of[1], on=on)
        except CommandError as error:
            return error.reason
        return "ok"

    async def quality(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Record a device thinner or thicker, from the next piece on."""
        name = str(asked.get("name", ""))
        capture = capture_of(asked)
        found = self._media.adjust(name, capture)
        if found is None:
            there = ", ".join(sorted(self._media.report())) or "none 无"
            raise CommandError(
                "not-heard", f"{name} is not recorded 未在记录; there is 现有: {there}"
            )
        return {"name": name, **capture_report(found)}

    async def snapshot(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """A picture in full size, now."""
        name = str(asked.get("name", ""))
        if self._deck.media is None:
            shot = await self._seen(name)
        else:
            if name not in self._media.report():
                self._video(asked)  # raises, or it is known and not recorded
                raise CommandError(
                    "failed", f"{name} is not recorded now; see fieldlink drone video list 未在记录"
                )
            found = await self._media.shot(name, _PICTURE_S)
            if found is None:
                raise CommandError("no-answer", f"no picture of {name} came within 20 s 没有画面")
            shot = found
        return {
            "name": name,
            "width": shot.width,
            "height": shot.height,
            "at_us": shot.at_us,
            "kept": self._deck.media is not None,
            "jpeg": base64.b64encode(shot.content).decode("ascii"),
        }

    async def _seen(self, name: str) -> Shot:
        """A picture without an agent: the stream is opened for it."""
        async with self._eyes.at_work():
            video = await self._found(name)
            if video is None or video.url is None:
                why = video.why if video is not None else "no camera names such a stream 未发现视频"
                raise CommandError("not-heard", f"{name}: {why}")
            device = device_of(video)
        nothing = CaptureSettings(
            still=StillSettings(enabled=False),
            proxy=ProxySettings(enabled=False),
            original=OriginalSettings(enabled=False),
        )
        recorder = Recorder(
            device, nothing, sink=lambda *_: None, gap=lambda *_: None, clock=_utc_us
        )
        coming = recorder.shot()
        recorder.start()
        try:
            async with asyncio.timeout(_PICTURE_S):
                return await asyncio.wrap_future(coming)
        except TimeoutError as error:
            why = recorder.report()["reason"] or "no picture came within 20 s 没有画面"
            raise CommandError("no-answer", f"{name}: {why}") from error
        finally:
            await asyncio.shield(asyncio.to_thread(recorder.stop))

    def _video(self, asked: Mapping[str, Any]) -> Video:
        name = str(asked.get("name", ""))
        found = self._eyes.videos.all.get(name)
        if found is None:
            there = ", ".join(sorted(self._eyes.videos.all)) or "none 无"
            raise CommandError(
                "not-heard", f"{name or 'no name'}: no such video 没有; there is 现有: {there}"
            )
        return found

    async def _found(self, name: str) -> Video | None:
        """A video by its name ("": any), waited for where nobody watched until now."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + _FOUND_S
        while True:
            videos = self._eyes.videos.all
            found = videos.get(name) if name else next(iter(videos.values()), None)
            if (found is not None and (found.url or found.why)) or loop.time() >= until_s:
                return found
            await asyncio.sleep(_LOOK_S)


def _block(name: str, url: str, vehicle: str) -> str:
    """What makes it last, for edge.toml."""
    quoted = json.dumps(url, ensure_ascii=False)  # as TOML's basic strings
    lines = ["[[device]]", f'name = "{name}"', 'kind = "drone"', f"url = {quoted}"]
    if vehicle:
        lines.append(f'carrier = "{vehicle}"')
    return "\n".join(lines)


def _now_us() -> int:
    return time.monotonic_ns() // 1000


def _utc_us() -> int:
    return time.time_ns() // 1000
