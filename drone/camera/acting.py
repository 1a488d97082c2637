"""What people have cameras and gimbals do, through a commander. (MAVLink common.xml, MAV_CMD.)

A camera that is a component of its own is spoken to there, with camera number 0; one that is
attached to an autopilot is spoken to by the autopilot, with its number (1 to 6).
"""

import math
from collections.abc import Callable

from fieldlink.drone.camera.state import CameraState
from fieldlink.drone.commanding import Answer, Commander, CommandError
from fieldlink.drone.vehicle.names import ARDUPILOT

__all__ = ["MODES", "Gimbaling", "photo", "record", "set_mode", "stream", "turns_aircraft", "zoom"]

_IMAGE, _VIDEO_START, _VIDEO_STOP = 2000, 2500, 2501
_STREAM_START, _STREAM_STOP = 2502, 2503
_MODE, _ZOOM = 530, 531
_PITCH_YAW, _ROI, _MOUNT = 1000, 195, 205
_STEP, _CONTINUOUS, _RANGE = 0, 1, 2  # CAMERA_ZOOM_TYPE
_NEUTRAL, _YAW_LOCK = 2, 16  # GIMBAL_MANAGER_FLAGS
_MOUNT_NEUTRAL, _MOUNT_TARGET = 1, 2  # MAV_MOUNT_MODE
MODES = {"photo": 0, "video": 1, "survey": 2}
"""CAMERA_MODE, in our words."""
_ABOVE_SEA, _ABOVE_HOME = 0, 3  # MAV_FRAME_GLOBAL, MAV_FRAME_GLOBAL_RELATIVE_ALT
_NAN = math.nan
_UNKNOWN_COMMAND = ("unsupported", "denied", "failed")


def _check(camera: CameraState, what: str, said: str) -> None:
    if camera.can(what) is False:
        raise CommandError("unsupported", f"this camera says that it cannot 该相机不支持: {said}")


async def photo(commander: Commander, camera: CameraState, sequence: int) -> Answer:
    """Take one picture. `sequence` counts them, so that one that is asked for twice on a bad link
    is taken once.

    Raises:
        CommandError: it was not taken.
    """
    _check(camera, "photo", "take pictures 拍照")
    # Sequence numbers are for one picture only (MAV_CMD_IMAGE_START_CAPTURE).
    params = (camera.key[2], 0.0, 1.0, float(sequence))
    return await commander.command(camera.key[:2], _IMAGE, params)


async def record(commander: Commander, camera: CameraState, *, on: bool) -> Answer:
    """Begin or end to record on the camera's own card.

    Raises:
        CommandError: it did not.
    """
    _check(camera, "video", "record video 录像")
    number = float(camera.key[2])
    if on:
        return await commander.command(camera.key[:2], _VIDEO_START, (0.0, 0.0, number))
    return await commander.command(camera.key[:2], _VIDEO_STOP, (0.0, number))


async def zoom(commander: Commander, camera: CameraState, to: str) -> Answer:
    """Zoom: "in", "out" and "stop" at the camera's speed, or to a percentage of its range.

    Raises:
        CommandError: it did not, or `to` is none of these.
    """
    _check(camera, "zoom", "zoom 变焦")
    kind, value = _zoom(to)
    number = float(camera.key[2])
    return await commander.command(camera.key[:2], _ZOOM, (kind, value, number))


def _zoom(to: str) -> tuple[float, float]:
    speeds = {"in": 1.0, "out": -1.0, "stop": 0.0}
    if to in speeds:
        return _CONTINUOUS, speeds[to]
    try:
        level = float(to.removesuffix("%"))
    except ValueError:
        level = _NAN
    if not 0 <= level <= 100:
        raise CommandError(
            "refused",
            f"{to[:20]!r}: use in, out, stop or 0 to 100 (percent) 请用 in、out、stop 或 0 到 100",
        )
    return _RANGE, level


async def set_mode(commander: Commander, camera: CameraState, mode: str) -> Answer:
    """Have it take pictures, video, or a survey's pictures.

    Raises:
        CommandError: it did not, or there is no such mode.
    """
    if mode not in MODES:
        raise CommandError("refused", f"{mode[:20]!r}: use one of {', '.join(MODES)}")
    _check(camera, "modes", "change its mode 切换模式")
    number = float(camera.key[2])
    return await commander.command(camera.key[:2], _MODE, (number, float(MODES[mode])))


async def stream(commander: Commander, camera: CameraState, number: int, *, on: bool) -> Answer:
    """Have it send one of its video streams, or no more.

    Raises:
        CommandError: it did not.
    """
    command = _STREAM_START if on else _STREAM_STOP
    return await commander.command(camera.key[:2], command, (float(number), float(camera.key[2])))


def turns_aircraft(
    has_yaw: bool | None, *, yaw: bool, place: bool, autopilot: int = ARDUPILOT
) -> bool:
    """Whether looking there may turn the aircraft: where the gimbal has no yaw, or nobody knows,
    ArduPilot turns the whole aircraft to the side or to the place (Copter, set_roi and
    DO_MOUNT_CONTROL). PX4 turns a copter on its mission to a place whatever its gimbal can, unless
    MIS_MNT_YAW_CTL is set (Mission::heading_sp_update); of others nobody knows.
    """
    if place and autopilot != ARDUPILOT:
        return True
    return (yaw or place) and has_yaw is not True


class Gimbaling:
    """A gimbal's commands. `target` is its manager, or the autopilot where none is known; `allow`
    is called before anything that may turn the aircraft, and raises where that is not allowed.
    `autopilot` is the aircraft's MAV_AUTOPILOT.
    """

    def __init__(
        self,
        commander: Commander,
        target: tuple[int, int],
        has_yaw: bool | None,
        allow: Callable[[], None],
        autopilot: int = ARDUPILOT,
    ) -> None:
        self._commander, self._target = commander, target
        self._has_yaw, self._allow, self._autopilot = has_yaw, allow, autopilot

    async def neutral(self) -> Answer:
        """Look ahead, as it does when it is switched on.

        Raises:
            CommandError: it did not.
        """
        return await self._either(
            (_PITCH_YAW, (_NAN, _NAN, _NAN, _NAN, float(_NEUTRAL), 0.0, 0.0)),
            (_MOUNT, (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, float(_MOUNT_NEUTRAL))),
        )

    async def point(
        self, pitch: float, yaw: float | None, *, north: bool, side: float | None
    ) -> Answer:
        """Look up or down (down negative), and to a side: `yaw` from the nose, right positive, or
        with `north` from north. Without `yaw` it stays where it looks, at `side` from the nose.

        Raises:
            CommandError: it did not, or it may not.
        """
        if turns_aircraft(self._has_yaw, yaw=yaw is not None, place=False):
            self._allow()
        # ArduPilot (AP_Mount) takes pitch and yaw together, or nothing.
        turned = yaw if yaw is not None else (side or 0.0) if self._has_yaw else 0.0
        flags = float(_YAW_LOCK) if north and yaw is not None else 0.0
        first = _PITCH_YAW, (pitch, turned, _NAN, _NAN, flags, 0.0, 0.0)
        old = _MOUNT, (pitch, 0.0, turned, 0.0, 0.0, 0.0, float(_MOUNT_TARGET))
        # The old command turns a copter whose gimbal has no yaw, even by nothing, and knows no
        # north.
        old_is_right = not (north and yaw is not None)
        if old_is_right and (self._has_yaw or yaw is not None):
            return await self._either(first, old)
        return await self._commander.command(self._target, *first)

    async def look_at(self, lat: float, lon: float, alt_m: float | None) -> Answer:
        """Look at a place, and follow it; `alt_m` above the sea, None: as high as home.

        Raises:
            CommandError: it did not, or it may not.
        """
        if turns_aircraft(self._has_yaw, yaw=False, place=True, autopilot=self._autopilot):
            self._allow()
        params = (0.0, 0.0, 0.0, 0.0, lat, lon, alt_m or 0.0)
        frame = _ABOVE_HOME if alt_m is None else _ABOVE_SEA
        return await self._commander.command(self._target, _ROI, params, frame=frame)

    async def _either(
        self, new: tuple[int, tuple[float, ...]], old: tuple[int, tuple[float, ...]]
    ) -> Answer:
        try:
            return await self._commander.command(self._target, *new)
        except CommandError as error:
            if error.reason not in _UNKNOWN_COMMAND:
                raise
        return await self._commander.command(self._target, *old)
