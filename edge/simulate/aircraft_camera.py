"""The camera and the gimbal of a simulated aircraft, by MAVLink's camera and gimbal protocols."""

import math
from collections.abc import Callable
from typing import Any, ClassVar

from fieldlink.edge.simulate.aircraft import Aircraft
from fieldlink.edge.simulate.aircraft_plan import CAMERA, PILOT
from fieldlink.edge.simulate.aircraft_says import quaternion

__all__ = ["CameraPart"]

_ACCEPTED, _DENIED, _UNSUPPORTED = 0, 2, 3
# CAMERA_CAP_FLAGS: video, image, modes, pictures in any of them, zoom, video stream.
_ABLE = 1 | 2 | 4 | 8 | 64 | 256
_ZOOM_S = 1.8  # so many times in a second, while it zooms on
_RTSP, _MPEG_TS = 0, 3
_RUNNING = 1
_PITCH = (-90.0, 30.0)
_CAPACITY_MIB = 60_000.0


class CameraPart:
    """Does what its camera and gimbal are told. Results are MAV_RESULT; None: no answer."""

    COMMANDS: ClassVar = frozenset(
        (195, 197, 205, 521, 522, 525, 527, 530, 531, 1000, 1001, 2000, 2001, 2500, 2501)
    ) | frozenset((2502, 2503, 2504, 2505))

    def __init__(self, craft: Aircraft) -> None:
        self._craft = craft
        self._says: dict[int, Callable[[], None]] = {
            259: self._information,
            260: self._settings,
            261: self._storage,
            262: self._capturing,
            269: self._stream,
            270: self._stream_status,
            271: lambda: self._tell("camera_fov_status"),
            280: self._manager,
            283: self._device,
            285: lambda: self._tell("gimbal_device_attitude_status"),
        }
        self._images_left, self._image_every_s, self._image_due_s = 0, 0.0, 0.0
        self._streaming, self._mode = True, 1
        self._zooming, self._zoomed_s = 0.0, 0.0

    def due(self) -> None:
        """Take the pictures of a series when it is time; zoom on."""
        if self._zooming:
            self._zoom_on()
        if self._images_left and self._craft.after_s >= self._image_due_s:
            self._images_left -= 1
            self._image_due_s = self._craft.after_s + self._image_every_s
            self._photo()

    def do(self, command: int, of: list[float]) -> int | None:
        """Do `command` with its seven parameters."""
        craft = self._craft
        match command:
            case 512:
                return _DENIED if craft.plan.old else self._say(round(of[0]))
            case 521 | 522 | 525 | 527 | 2504 | 2505:
                old = {521: 259, 522: 260, 525: 261, 527: 262, 2504: 269, 2505: 270}
                return self._say(old[command])
            case 2000:
                self._images_left = max(1, round(of[2]))
                self._image_every_s, self._image_due_s = max(0.5, of[1]), craft.after_s
                return _ACCEPTED
            case 2001:
                self._images_left = 0
                return _ACCEPTED
            case 2500 | 2501:
                craft.recording_since_s = craft.after_s if command == 2500 else None
                self._capturing()
                return _ACCEPTED
            case 2502 | 2503:
                self._streaming = command == 2502
                return _ACCEPTED
            case 530:
                return self._set_mode(of[1])
            case 531:
                return self._zoom(round(of[0]), of[1])
        return self._gimbal(command, of)

    def _gimbal(self, command: int, of: list[float]) -> int:
        craft = self._craft
        match command:
            case 1000:
                if not (math.isfinite(of[0]) and math.isfinite(of[1])):
                    return _DENIED
                locked = round(of[4]) & 16  # GIMBAL_MANAGER_FLAGS_YAW_LOCK: in the earth frame
                self._point(of[0], of[1] if locked else of[1] + craft.flight.yaw)
            case 205:
                self._point(of[0], of[2] + craft.flight.yaw)
            case 195:
                self._point(*_towards(craft, of[4], of[5], of[6]))
            case 197:
                craft.pointed = None
            case 1001:
                pass
            case _:
                return _UNSUPPORTED
        return _ACCEPTED

    def _point(self, pitch: float, bearing: float) -> None:
        self._craft.pointed = max(_PITCH[0], min(_PITCH[1], pitch)), bearing % 360

    def _zoom(self, kind: int, value: float) -> int:
        craft = self._craft
        if not math.isfinite(value):
            return _DENIED
        self._zooming = 0.0
        match kind:
            case 0:  # a step
                craft.zoom += 0.5 * math.copysign(1, value)
            case 1:  # on and on: -1 wide, 0 stop, 1 tele
                self._zooming, self._zoomed_s = max(-1.0, min(1.0, value)), craft.after_s
            case 2:  # 0 to 100 of its range
                craft.zoom = 1 + 9 * value / 100
            case _:
                return _UNSUPPORTED
        craft.zoom = max(1.0, min(10.0, craft.zoom))
        self._settings()
        return _ACCEPTED

    def _zoom_on(self) -> None:
        craft = self._craft
        grown = craft.zoom * _ZOOM_S ** (self._zooming * (craft.after_s - self._zoomed_s))
        craft.zoom, self._zoomed_s = max(1.0, min(10.0, grown)), craft.after_s
        if craft.zoom != grown:  # the end of its range
            self._zooming = 0.0
            self._settings()

    def _set_mode(self, mode: float) -> int:
        if mode not in (0, 1, 2):
            return _DENIED
        self._mode = round(mode)
        self._settings()
        return _ACCEPTED

    def _say(self, msgid: int) -> int:
        said = self._says.get(msgid)
        if said is None or not self._craft.plan.video:
            return _UNSUPPORTED
        said()
        return _ACCEPTED

    def _put(self, message: str, *fields: Any) -> None:
        self._craft.put(message, *fields, of=CAMERA)

    def _tell(self, name: str) -> None:
        self._craft.tell(name)

    def _ms(self) -> int:
        return round(self._craft.after_s * 1000)

    def _information(self) -> None:
        plan = self._craft.plan
        focal_mm = 6.3 / 2 / math.tan(math.radians(plan.hfov / 2))
        self._put(
            "camera_information", self._ms(), list(b"Fieldlink".ljust(32, b"\0")),
            list(b"Simulator".ljust(32, b"\0")), 1, focal_mm, 6.3, 4.7, 1920, 1080, 0, _ABLE, 0,
            b"", 154, 0,
        )  # fmt: skip

    def _settings(self) -> None:
        zoom = (self._craft.zoom - 1) / 9 * 100
        self._put("camera_settings", self._ms(), self._mode, zoom, math.nan)

    def _storage(self) -> None:
        used = 12.0 * self._craft.photos + 1_200.0
        self._put(
            "storage_information", self._ms(), 1, 1, 2, _CAPACITY_MIB, used, _CAPACITY_MIB - used,
            90.0, 60.0, 4, b"card", 0,
        )  # fmt: skip

    def _capturing(self) -> None:
        craft, since_s = self._craft, self._craft.recording_since_s
        for_ms = round((craft.after_s - since_s) * 1000) if since_s is not None else 0
        self._put(
            "camera_capture_status", self._ms(), 2 if self._images_left else 0,
            int(since_s is not None), self._image_every_s, for_ms,
            _CAPACITY_MIB - 12 * craft.photos, craft.photos,
        )  # fmt: skip

    def _stream(self) -> None:
        plan = self._craft.plan
        kind = _RTSP if plan.video.startswith("rtsp") else _MPEG_TS
        self._put(
            "video_stream_information", 1, 1, kind, _RUNNING if self._streaming else 0, 15.0, 960,
            540, 1_500_000, 0, round(plan.hfov), b"camera", plan.video.encode(), 1,
        )  # fmt: skip

    def _stream_status(self) -> None:
        self._put(
            "video_stream_status", 1, _RUNNING if self._streaming else 0, 15.0, 960, 540,
            1_500_000, 0, round(self._craft.plan.hfov),
        )  # fmt: skip

    def _manager(self) -> None:
        # The autopilot is its gimbal's manager; angles in radians.
        pitch = [math.radians(one) for one in _PITCH]
        able = 2 | 8 | 16 | 32 | 256 | 512 | 1024 | 2048 | 65_536 | 131_072
        self._craft.put(
            "gimbal_manager_information", self._ms(), able, 154, 0, 0, *pitch, -math.pi, math.pi,
            of=PILOT,
        )  # fmt: skip

    def _device(self) -> None:
        pitch = [math.radians(one) for one in _PITCH]
        self._craft.put(
            "gimbal_device_information", self._ms(), b"Fieldlink", b"Simulator", b"", 1, 1, 0,
            2 | 8 | 16 | 32 | 256 | 512 | 1024 | 2048, 0, 0, 0, *pitch, -math.pi, math.pi, of=154,
        )  # fmt: skip

    def _photo(self) -> None:
        craft = self._craft
        craft.photos += 1
        flight = craft.flight
        pitch, bearing = craft.gimbal()
        self._put(
            "camera_image_captured", self._ms(), craft.now_us, 0, round(flight.lat * 1e7),
            round(flight.lon * 1e7), round(flight.alt_m * 1000), round(flight.height_m * 1000),
            quaternion(0.0, pitch, bearing), craft.photos - 1, 1, b"",
        )  # fmt: skip


def _towards(craft: Aircraft, lat: float, lon: float, alt_m: float) -> tuple[float, float]:
    """Pitch and bearing of a place; `alt_m` above home."""
    flight = craft.flight
    north = (lat - flight.lat) * 111_320
    east = (lon - flight.lon) * 111_320 * math.cos(math.radians(flight.lat))
    pitch = math.degrees(math.atan2(alt_m - flight.height_m, math.hypot(north, east)))
    return pitch, math.degrees(math.atan2(east, north))
