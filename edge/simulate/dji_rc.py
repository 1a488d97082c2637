"""A DJI remote controller with an aircraft, as DJI Pilot 2 speaks: what it says and how it fails.

Everything follows from the plan, what it hears, and the time since it began. Video is pushed by
whoever is given as `video`; a start that cannot be pushed fails as a real one does, with 513006.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from fieldlink.codecs.dji import (
    Aircraft,
    Camera,
    Capacity,
    Envelope,
    LiveDevice,
    Pack,
    Payload,
    Remote,
    SubDevice,
    Topic,
    Topology,
    UrlType,
    Video,
    Way,
    capacity_data,
    osd_data,
    product_of,
    read_envelope,
    read_result,
    read_topic,
    topology_data,
    write_envelope,
)
from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.geo import Pose
from fieldlink.edge.simulate.dji_media import Errand
from fieldlink.edge.simulate.track import Gait, Track

__all__ = ["DjiFault", "DjiRc", "DjiRcPlan", "Pusher", "Saying"]

FLY = Gait(
    cruise_mps=9.0,
    turning_mps=3.0,
    acceleration_mps2=2.0,
    turn_rate_dps=45,
    leg_m=(80, 300),
    turns_deg=(-90, -45, 45, 90),
    sway_deg=10,
    stop_chance=0.3,
    stop_s=(4, 15),
    radius_m=900,
)
_OSD_S = 2.0
_TOPO_S = 3.0
_LATE_S = 4.0
_SILENT_S = 8.0
_ANSWER_S = 0.05
_CAMERA, _FPV = "53-0-0", "39-0-7"
_START, _STOP = "live_start_push", "live_stop_push"


class DjiFault(StrEnum):
    """How it fails, as real ones do."""

    BUSY = "busy"  # the first two starts fail with 513006
    CONGESTED = "congested"  # the first start, or the next, fails with 513015
    PAUSED = "paused"  # the first start, or the next, fails with 513017
    SILENCE = "silence"  # the first start is not answered, nor what is asked of it again
    LATE = "late"  # answers come after four seconds
    DUPLICATE = "duplicate"  # answers come twice
    SPLIT = "split"  # properties come in parts, as a dock's do
    ZERO = "zero"  # the position is 0/0
    UNKNOWN = "unknown"  # modes and properties that nobody has heard of
    NO_PICTURE = "no-picture"  # it says that it is live and sends nothing
    EXPIRED = "expired"  # the first upload of each file is with credentials that have ended
    BROKEN = "broken"  # the first upload of each file breaks off half way
    TWICE = "twice"  # it says twice that it brought a file


_TROUBLES = {
    DjiFault.BUSY: (513006, 513006),
    DjiFault.CONGESTED: (513015,),
    DjiFault.PAUSED: (513017,),
}


class Pusher(Protocol):
    """Pushes video."""

    def start(self, url: str) -> bool:
        """Push to `url` from now on; False: nobody takes it."""

    def stop(self) -> None:
        """Push no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DjiRcPlan:
    """Who it is, where it flies, and how it fails."""

    rc: str = "9N9CN2J0012CXY"
    aircraft: str = "1581F5BMD228Q00A82XX"
    seed: int = 1
    lat: float = 34.23
    lon: float = 108.95
    faults: frozenset[DjiFault] = frozenset()
    quick: bool = False  # silent for one question, and late with one answer
    quick_s: float = 3.2  # how late that is: it is asked again after 3 s
    files: tuple[str, ...] = ()  # that it brings: photos, and videos that end in .MP4


@dataclass(frozen=True, slots=True)
class Saying:
    """A message, and when it goes out, in seconds since the start."""

    at_s: float
    topic: str
    payload: bytes


@dataclass
class DjiRc:
    """`due(after_s, now_ms)` gives what it says by itself, `hear` what it answers."""

    plan: DjiRcPlan
    video: Pusher
    starts: int = 0
    online: bool = False
    live: str | None = None
    quality: int | None = None
    refused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._track = Track(f"{self.plan.seed} {self.plan.rc}", self.plan.lat, self.plan.lon, FLY)
        self._topo_s = 0.0
        self._osd_s = 0.0
        self._told_capacity = False
        self._silent_until_s = -1.0
        self._troubles = [
            code
            for fault, codes in _TROUBLES.items()
            if fault in self.plan.faults
            for code in codes
        ]
        copies = 2 if DjiFault.TWICE in self.plan.faults else 1
        self.errand = Errand(self.plan.rc, self.plan.files, copies)

    # --- what it says by itself ----------------------------------------------------------------

    def due(self, after_s: float, now_ms: int) -> Iterator[Saying]:
        """What is due; until it is answered it says who it is, and nothing else."""
        if not self.online:
            if after_s >= self._topo_s:
                self._topo_s = after_s + _TOPO_S
                data = topology_data(_topology(self.plan))
                yield self._said(Way.STATUS, self.plan.rc, data, after_s, now_ms, "update_topo")
            return
        if not self._told_capacity:
            self._told_capacity = True
            capacity = {"live_capacity": capacity_data(_capacity(self.plan))}
            yield self._said(Way.STATE, self.plan.rc, capacity, after_s, now_ms)
        if after_s >= self._osd_s:
            self._osd_s = after_s + _OSD_S
            yield from self._osd(after_s, now_ms)
        for topic, payload in self.errand.due(after_s, now_ms):
            yield Saying(after_s, topic, payload)

    def pose(self, after_s: float, now_ms: int) -> Pose:
        """Where its camera is."""
        told = self._aircraft(after_s)
        return Pose(
            now_ms * 1000,
            told.lat or 0.0,
            told.lon or 0.0,
            alt_m=told.height_m,
            height_m=told.elevation_m,
            gimbal_pitch=-35.0,
            gimbal_yaw=10.0,
        )

    def _osd(self, after_s: float, now_ms: int) -> Iterator[Saying]:
        faults = self.plan.faults
        data = osd_data(self._aircraft(after_s))
        if DjiFault.ZERO in faults:
            data |= {"latitude": 0, "longitude": 0}
            data["position_state"] = {"is_fixed": 1, "quality": 0, "gps_number": 3}
        if DjiFault.UNKNOWN in faults:
            data |= {"mode_code": 99, "new_in_2031": {"deep": [1, {"er": True}]}, "gear": "up"}
        keys = list(data)
        middle = len(keys) // 2
        parts = [keys[:middle], keys[middle:]] if DjiFault.SPLIT in faults else [keys]
        for part in parts:
            told = {key: data[key] for key in part}
            yield self._said(Way.OSD, self.plan.aircraft, told, after_s, now_ms)
        remote = Remote(
            level_percent=max(5, 96 - round(after_s / 120)),
            lat=self.plan.lat,
            lon=self.plan.lon,
            height_m=412.0,
            link_mode=0,
            radio_state=1,
            radio_quality=4,
        )
        yield self._said(Way.OSD, self.plan.rc, osd_data(remote), after_s, now_ms)

    def _aircraft(self, after_s: float) -> Aircraft:
        place = self._track.at(after_s)
        level = max(8, 100 - round(after_s / 18))
        return Aircraft(
            mode=3,
            gear=1,
            lat=round(place.lat, 7),
            lon=round(place.lon, 7),
            height_m=round(place.alt + 70, 1),
            elevation_m=80.0,
            yaw_deg=round((place.heading + 180) % 360 - 180, 1),
            pitch_deg=-3.0,
            roll_deg=0.4,
            speed_mps=round(place.speed, 1),
            climb_mps=0.0,
            wind_mps=3.1,
            wind_from=8,
            home_distance_m=200.0,
            level_percent=level,
            remaining_s=level * 20,
            return_percent=22,
            landing_percent=10,
            is_fixed=2,
            gps_quality=5,
            satellites=19,
            rtk_satellites=24,
            storage_total_kb=60_000_000,
            storage_used_kb=9_000_000,
            packs=(Pack(index=0, level_percent=level, voltage_mv=24_300, temperature_cel=33.3),),
            payloads=(
                Payload(index=_CAMERA, pitch_deg=-35.0, roll_deg=0.0, yaw_deg=10.0, zoom=2.0),
            ),
        )

    # --- what it answers -----------------------------------------------------------------------

    def hear(self, topic: str, payload: bytes, after_s: float, now_ms: int) -> list[Saying]:
        """What it says to that, some of it later."""
        try:
            way, envelope = read_topic(topic).way, read_envelope(payload)
            if way is Way.STATUS_REPLY and read_result(envelope.data) == 0:
                self.online = True
        except CodecError as error:
            self.refused.append(str(error))
            return []
        self.errand.hear(way, envelope)
        if way is not Way.SERVICES or not isinstance(envelope.data, dict):
            return []
        result = self._serve(envelope, after_s)
        if result is None:
            return []
        at_s = after_s + self._takes_s(envelope.method, result)
        answer = self._answer(envelope, result, at_s, now_ms)
        return [answer, answer] if DjiFault.DUPLICATE in self.plan.faults else [answer]

    def _takes_s(self, method: str | None, result: int) -> float:
        if DjiFault.LATE not in self.plan.faults:
            return _ANSWER_S
        if not self.plan.quick:
            return _LATE_S
        return self.plan.quick_s if (method, result) == (_START, 0) else _ANSWER_S

    def _serve(self, asked: Envelope, after_s: float) -> int | None:
        video = str(asked.data.get("video_id", ""))
        if video.split("/")[:2] != [self.plan.aircraft, _CAMERA]:
            return 513002
        if asked.method == _START:
            return self._start(asked, after_s)
        if asked.method == _STOP:
            self.video.stop()
            self.live = None
            return 0
        if asked.method == "live_set_quality":
            self.quality = asked.data.get("video_quality")
            return 0
        return 0 if asked.method == "live_lens_change" else 513014

    def _start(self, asked: Envelope, after_s: float) -> int | None:
        faults, self.starts = self.plan.faults, self.starts + 1
        if DjiFault.SILENCE in faults and (self.starts == 1 or after_s < self._silent_until_s):
            if self.starts == 1:
                self._silent_until_s = after_s + (
                    self.plan.quick_s / 3 if self.plan.quick else _SILENT_S
                )
            return None
        if self._troubles:
            return self._troubles.pop(0)
        if self.live is not None:
            return 513003
        url = str(asked.data.get("url", ""))
        if asked.data.get("url_type") != (
            UrlType.RTMP if url.startswith("rtmp:") else UrlType.WHIP
        ):
            return 513013
        if DjiFault.NO_PICTURE not in faults and not self.video.start(url):
            return 513006
        self.live, self.quality = url, asked.data.get("video_quality")
        return 0

    def _answer(self, asked: Envelope, result: int, at_s: float, now_ms: int) -> Saying:
        topic = Topic(Way.SERVICES_REPLY, self.plan.rc)
        return Saying(at_s, str(topic), write_envelope(asked.reply({"result": result}, now_ms)))

    def _said(
        self, way: Way, sn: str, data: Any, at_s: float, now_ms: int, method: str | None = None
    ) -> Saying:
        tid, bid = str(uuid.uuid4()), str(uuid.uuid4())
        envelope = Envelope(tid, bid, now_ms, data, method, self.plan.rc)
        return Saying(at_s, str(Topic(way, sn)), write_envelope(envelope))


def _topology(plan: DjiRcPlan) -> Topology:
    aircraft = SubDevice(plan.aircraft, product_of(67, 1), 67, 1, "A")
    return Topology(product_of(119, 0), (aircraft,), 119, 0)


def _capacity(plan: DjiRcPlan) -> Capacity:
    cameras = tuple(
        Camera(index, 1, (Video("normal-0", "normal", ("normal", "wide", "zoom")),))
        for index in (_FPV, _CAMERA)
    )
    return Capacity(1, (LiveDevice(plan.aircraft, 1, cameras),))
