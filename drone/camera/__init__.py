"""Cameras and gimbals of aircraft: found, asked, their state, their streams, and what moves them.

Pure but for `acting`, which asks through a commander: frames and the time go in. `cameras` knows
all; `component` and `wishes` are what to ask whom, `state` and `gimbal` what is known, `places`
where a stream is to be had.
"""

from fieldlink.drone.camera.cameras import Cameras
from fieldlink.drone.camera.gimbal import GimbalState
from fieldlink.drone.camera.state import CameraKey, CameraState, Stream
from fieldlink.drone.camera.wishes import Ask

__all__ = ["Ask", "CameraKey", "CameraState", "Cameras", "GimbalState", "Stream"]
