"""Where a gimbal's camera looks, of the three messages in which gimbals say it."""

import math

from fieldlink.codecs.mavlink import id_of
from fieldlink.drone.vehicle.measures import Values, attitude
from fieldlink.drone.vehicle.reading import Fields, finite, known
from fieldlink.drone.vehicle.state import VehicleState

__all__ = ["DEVICE", "FOV", "ORIENTATION", "STATUS", "gimbal"]

DEVICE = id_of("GIMBAL_DEVICE_ATTITUDE_STATUS")
ORIENTATION, STATUS, FOV = (
    id_of(name) for name in ("MOUNT_ORIENTATION", "MOUNT_STATUS", "CAMERA_FOV_STATUS")
)
_YAW_LOCK, _VEHICLE_FRAME, _EARTH_FRAME = 16, 32, 64
_NO_PLACE = 2**31 - 1
_UPRIGHT = math.sin(math.radians(89))


def gimbal(state: VehicleState, now_us: int) -> Values:
    """GIMBAL. Where one of the two yaws is said, the vehicle's own gives the other."""
    found = _angles(state, now_us)
    nose = attitude(state, now_us).get("yaw")
    yaw, relative = found.get("yaw"), found.get("yaw_relative")
    if isinstance(nose, float):
        if yaw is None and isinstance(relative, float):
            found["yaw"] = (relative + nose) % 360
        elif relative is None and isinstance(yaw, float):
            found["yaw_relative"] = (yaw - nose + 180) % 360 - 180
    if (fov := state.last(FOV, now_us)) is not None:
        found |= _picture(fov)
    return found


def _angles(state: VehicleState, now_us: int) -> Values:
    if (device := state.last(DEVICE, now_us)) is not None:
        return _quaternion(device)
    if (said := state.last(ORIENTATION, now_us)) is not None:
        absolute = finite(said["yaw_absolute"])
        relative = finite(said["yaw"])
        return {
            "roll": finite(said["roll"]),
            "pitch": finite(said["pitch"]),
            # An extension: 0 where it is not sent, which is north as well.
            "yaw": absolute % 360 if absolute else None,
            "yaw_relative": None if relative is None else _turned(relative),
        }
    if (mount := state.last(STATUS, now_us)) is not None:
        return {
            "pitch": mount["pointing_a"] / 100,
            "roll": mount["pointing_b"] / 100,
            "yaw_relative": _turned(mount["pointing_c"] / 100),
        }
    return {}


def _quaternion(said: Fields) -> Values:
    w, x, y, z = said["q"]
    size = math.sqrt(w * w + x * x + y * y + z * z)
    if not (math.isfinite(size) and 0.9 < size < 1.1):
        return {}
    w, x, y, z = w / size, x / size, y / size, z / size
    roll = math.degrees(math.atan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y)))
    sine = max(-1.0, min(1.0, 2 * (w * y - z * x)))
    pitch = math.degrees(math.asin(sine))
    yaw = math.degrees(math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)))
    if abs(sine) > _UPRIGHT:
        # Straight down yaw and roll turn about one line, and noise would share it out between them.
        roll, yaw = 0.0, math.degrees(2 * math.atan2(z, w))
    flags = said["flags"]
    # Older devices set neither: then a locked yaw is one from north (Gimbal Protocol v2).
    north = flags & _EARTH_FRAME or (flags & _YAW_LOCK and not flags & _VEHICLE_FRAME)
    turn: Values = {"yaw": yaw % 360} if north else {"yaw_relative": yaw}
    return {"roll": roll, "pitch": pitch, **turn}


def _picture(fov: Fields) -> Values:
    lat, lon = known(fov["lat_image"], _NO_PLACE, 1e-7), known(fov["lon_image"], _NO_PLACE, 1e-7)
    placed = lat is not None and lon is not None and (lat or lon)
    return {
        "target_lat": lat if placed else None,
        "target_lon": lon if placed else None,
        "hfov": finite(fov["hfov"]) or None,
        "vfov": finite(fov["vfov"]) or None,
    }


def _turned(degrees: float) -> float:
    return (degrees + 180) % 360 - 180
