"""The video of aircraft as devices of the kit: streams that cameras offer, and those that somebody
adds, recorded while they are there.

The first stream of an aircraft has the aircraft's own name, further ones have -2, -3 behind it,
thermal ones after the others; a stream keeps its name for as long as it is known. What is
configured as a [[device]] goes first, by name and by URL. A camera that falls silent is recorded on
while pictures come: its radio is often not the way of its video.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from fieldlink.drone.camera import CameraKey, CameraState, Stream
from fieldlink.drone.camera.places import KINDS, shown, url_of
from fieldlink.edge.drone.media import Media
from fieldlink.edge.source.settings import DeviceKind, DeviceSettings
from fieldlink.edge.source.url import mask_url, place_of

__all__ = ["Video", "Videos", "device_of", "stream_report"]

_SETTLE_US = 5_000_000  # so long the other streams of a camera may take to be said
_AGAIN_US = 30_000_000
_GONE_US = 120_000_000
_MOST = 16
_MOST_OF_ONE = 8
_OPEN = "15s"

Id = tuple[CameraKey, int]


@dataclass
class Video:
    """A stream and how it is recorded. `of` is its camera and number, None when somebody added it;
    `why` it is not recorded.
    """

    name: str
    vehicle: str
    of: Id | None = None
    stream: Stream | None = None
    url: str | None = None
    why: str = ""
    wanted: bool = True
    attached: DeviceSettings | None = None
    tried_us: int | None = None
    silent_us: int = 0
    seen: bool = False
    gone: bool = False  # its camera is forgotten


class Videos:
    """`auto` says whether an aircraft's streams are recorded by themselves, `peer_of` where a link
    comes from, `aircraft` the names of all that are known: one's video is never called as another.
    """

    def __init__(
        self,
        media: Media | None,
        auto: Callable[[int], bool],
        peer_of: Callable[[str], str | None],
        aircraft: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self.all: dict[str, Video] = {}
        self._media, self._auto, self._peer_of = media, auto, peer_of
        self._aircraft = aircraft

    def find(self, camera: CameraState, number: int) -> Video | None:
        """The video of a camera's stream."""
        return next((one for one in self.all.values() if one.of == (camera.key, number)), None)

    def add(self, name: str, url: str, vehicle: str) -> Video:
        """A stream that somebody wants recorded until the agent ends. It takes the place of one
        that was added before and stopped.

        Raises:
            ValueError: there is one of this name, there are too many, or nothing can be opened.
        """
        for one in [one for one in self.all.values() if one.of is None and not one.wanted]:
            if one.attached is None and (one.name == name or len(self.all) >= _MOST):
                del self.all[one.name]
        if name in self.all or (self._media is not None and name in self._media.report()):
            stop = f"fieldlink drone video stop {name} first, or " if name in self.all else ""
            raise ValueError(f"{name} is recorded already; {stop}choose another name 名称已被使用")
        if len(self.all) >= _MOST:
            raise ValueError(f"{_MOST} streams are recorded at most 已达上限")
        video = Video(name, vehicle, url=url)
        try:
            device_of(video)
        except ValidationError as error:
            raise ValueError(error.errors()[0]["msg"].partition(", ")[2]) from error
        self.all[name] = video
        return video

    def look(
        self, sysid: int, vehicle: str, cameras: Iterable[tuple[CameraState, int]], now_us: int
    ) -> None:
        """What the cameras of an aircraft offer, each with how long it is silent."""
        found: dict[Id, tuple[CameraState, Stream, int]] = {
            (camera.key, stream.number): (camera, stream, silent_us)
            for camera, silent_us in cameras
            for stream in camera.streams.values()
            if _is_settled(camera, now_us)
        }
        known = {one.of: one for one in self.all.values() if one.of is not None}
        fresh = [of for of in found if of not in known]
        # The aircraft's name goes to a camera on the gimbal, by which its pictures are placed.
        fresh.sort(
            key=lambda of: (
                found[of][1].thermal, not found[of][0].gimbal, found[of][0].number, of[1]
            )
        )  # fmt: skip
        for of in fresh:
            self._name(of, vehicle, wanted=self._auto(sysid))
        for video in self.all.values():
            if video.of is None or video.of[0][0] != sysid:
                continue
            here = found.get(video.of)
            video.gone = here is None and video.seen
            if here is not None:
                video.seen = True
                camera, video.stream, video.silent_us = here
                video.url, why = url_of(video.stream, self._peer_of(camera.link))
                video.why = why or (video.why if video.attached is None and video.url else "")

    def _name(self, of: Id, vehicle: str, *, wanted: bool) -> None:
        if len(self.all) >= _MOST:
            return
        others = {*self._aircraft()} - {vehicle}
        for number in range(1, _MOST_OF_ONE + 1):
            name = vehicle if number == 1 else f"{vehicle[:30].rstrip('-_')}-{number}"
            if name not in self.all and name not in others:
                self.all[name] = Video(name, vehicle, of, wanted=wanted)
                return

    async def arrange(self, now_us: int) -> None:
        """Record what is wanted and there, and nothing else."""
        if self._media is None:
            return
        report = self._media.report()
        for video in list(self.all.values()):
            live = video.attached is not None and report.get(video.name, {}).get("state") == "live"
            over = (video.gone or video.silent_us > _GONE_US) and not live
            if video.attached is not None and (over or not video.wanted or _moved(video, now_us)):
                await self._media.detach(video.name)
                video.attached, video.tried_us = None, None
            if over and video.gone:
                del self.all[video.name]
            elif video.attached is None and video.wanted and video.url and not over:
                await self._attach(self._media, video, now_us)

    async def _attach(self, media: Media, video: Video, now_us: int) -> None:
        if video.tried_us is not None and now_us - video.tried_us < _AGAIN_US:
            return
        video.tried_us = now_us
        twin = self._twin(video)
        if twin is not None:
            video.why = f"{twin} is the same stream 与其为同一视频"
            return
        try:
            device = device_of(video)
        except ValidationError:
            video.why = "its name or address cannot be one of a device; name it in the settings"
            return
        if video.name in media.report() and video.name not in media.configured:
            video.why = "another device of this name is recorded 同名设备已在记录"
        elif await media.attach(device):
            video.attached, video.why = device, ""
        else:
            video.why = "the settings have a [[device]] of its name or URL 设置中已有该设备"

    def _twin(self, video: Video) -> str | None:
        """Another that is recorded from the same place."""
        return next(
            (
                one.name
                for one in self.all.values()
                if one is not video
                and one.attached is not None
                and place_of(one.attached.url) == place_of(video.url or "")
            ),
            None,
        )

    def kept(self) -> list[Video]:
        """What people decided: those that they added, and those that they do not want."""
        return [one for one in self.all.values() if one.of is None or not one.wanted]

    def restore(self, kept: Iterable[Video]) -> None:
        """Take up what was decided before the links were opened anew. A camera's stream is known
        by its camera and number again.
        """
        for video in kept:
            self.all[video.name] = replace(
                video, attached=None, tried_us=None, seen=False, silent_us=0
            )

    async def end(self) -> None:
        """Nothing of aircraft is recorded any more."""
        for video in self.all.values():
            if video.attached is not None and self._media is not None:
                await self._media.detach(video.name)
                video.attached = None

    def report(self) -> list[dict[str, Any]]:
        """Each of them, without secrets."""
        recorded = self._media.report() if self._media is not None else {}
        return [
            {
                "name": video.name,
                "vehicle": video.vehicle,
                "source": "camera" if video.of is not None else "added",
                "camera": None if video.of is None else video.of[0][1],
                "url": mask_url(video.url) if video.url else None,
                "state": _state(video, recorded.get(video.name, {})),
                "why": video.why or str(recorded.get(video.name, {}).get("reason") or ""),
                "fps": recorded.get(video.name, {}).get("fps") if video.attached else None,
                "stream": None if video.stream is None else stream_report(video.stream),
            }
            for video in sorted(self.all.values(), key=lambda one: one.name)
        ]


def stream_report(stream: Stream) -> dict[str, Any]:
    """What a camera says of a stream."""
    return {
        "number": stream.number,
        "type": KINDS.get(stream.kind, str(stream.kind)),
        "name": stream.name or None,
        "uri": shown(stream.uri) or None,
        "encoding": {1: "h264", 2: "h265"}.get(stream.encoding),
        "thermal": stream.thermal,
        "running": stream.running,
        "width": stream.width,
        "height": stream.height,
        "fps": None if stream.fps is None else round(stream.fps, 2),
        "rate_bps": stream.rate_bps,
    }


def _state(video: Video, recorded: Mapping[str, Any]) -> str:
    if not video.wanted:
        return "off"
    if video.attached is None:
        return "waiting" if not video.why else "refused"
    return str(recorded.get("state", "connecting"))


def _is_settled(camera: CameraState, now_us: int) -> bool:
    streams = camera.streams.values()
    most = max((one.count for one in streams), default=0)
    first_us = min((one.seen_us for one in streams), default=now_us)
    return len(streams) >= min(most, _MOST_OF_ONE) or now_us - first_us > _SETTLE_US


def _moved(video: Video, now_us: int) -> bool:
    """Whether it comes from elsewhere now. An address that changes all the time is followed now and
    then: beginning anew costs the pictures of some seconds.
    """
    if video.attached is None or video.url is None or video.attached.url == video.url:
        return False
    return video.tried_us is None or now_us - video.tried_us >= _AGAIN_US


def device_of(video: Video) -> DeviceSettings:
    """The device that a video is recorded as.

    Raises:
        ValidationError: its name or URL cannot be a device's.
    """
    lens = None if video.stream is None else video.stream.hfov
    return DeviceSettings.model_validate(
        {
            "name": video.name,
            "kind": DeviceKind.DRONE,
            "url": video.url,
            "carrier": video.vehicle if video.vehicle != video.name else "",
            # Its stills need it where the camera does not say how far it is zoomed.
            "hfov": lens if lens is not None and 1 <= lens <= 170 else None,
            "open_timeout": _OPEN,
        }
    )
