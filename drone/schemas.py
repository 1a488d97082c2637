"""The streams of an aircraft beside position and battery, in natural units."""

from fieldlink.codecs.telemetry import Column, Schema

__all__ = ["ATTITUDE", "CAMERA", "FLIGHT", "GIMBAL", "LINK"]

FLIGHT = Schema(
    "flight",
    (
        Column("mode", is_text=True),  # LOITER, AUTO.MISSION, ...: ArduPilot's and PX4's names
        Column("armed"),  # 0, 1
        Column("state", is_text=True),  # MAV_STATE: standby, active, critical, ...
        Column("landed", is_text=True),  # on-ground, in-air, takeoff, landing
        Column("height", "m", 1),  # above home
        Column("groundspeed", "m/s", 1),
        Column("airspeed", "m/s", 1),
        Column("climb", "m/s", 1),
        Column("throttle", "%"),
        Column("home_lat", "deg", 7),
        Column("home_lon", "deg", 7),
        Column("home_distance", "m"),
        Column("waypoint"),  # the one that is flown to
        Column("waypoints"),  # how many the mission has
        Column("waypoint_distance", "m"),
        Column("mission", is_text=True),  # none, not-started, active, paused, complete
        Column("load", "%", 1),  # of the autopilot's processor
        Column("failed", is_text=True),  # sensors that are in use and not well; empty: none
        Column("ekf", "", 2),  # the worst of the estimator's test ratios: above 1 it is bad
    ),
)
ATTITUDE = Schema(
    "attitude",
    (
        Column("roll", "deg", 1),  # right wing down +
        Column("pitch", "deg", 1),  # nose up +
        Column("yaw", "deg", 1),  # where the nose points: 0 north, clockwise
    ),
)
GIMBAL = Schema(
    "gimbal",
    (
        Column("roll", "deg", 1),
        Column("pitch", "deg", 1),  # down -
        Column("yaw", "deg", 1),  # where the camera looks: 0 north, clockwise
        Column("yaw_relative", "deg", 1),  # from the nose, right +
        Column("target_lat", "deg", 7),  # the middle of the picture on the ground
        Column("target_lon", "deg", 7),
        Column("hfov", "deg", 1),
        Column("vfov", "deg", 1),
    ),
)
CAMERA = Schema(
    "camera",
    (
        Column("model", is_text=True),  # maker and model
        Column("mode", is_text=True),  # photo, video, survey
        Column("recording"),  # on its own card: 0, 1
        Column("recording_s", "s"),
        Column("taking"),  # a picture just now: 0, 1
        Column("photos"),  # taken since it was started
        Column("zoom", "%", 1),  # of its range
        Column("focus", "%", 1),
        Column("storage", is_text=True),  # empty, unformatted, ready, not-supported
        Column("storage_free", "MiBy"),
        Column("storage_total", "MiBy"),
        Column("hfov", "deg", 1),
        Column("vfov", "deg", 1),
    ),
)
LINK = Schema(
    "link",
    (
        Column("name", is_text=True),  # of the endpoint that it was heard on last
        Column("loss", "%", 1),  # of the last minute, by the numbers in sequence
        Column("rssi"),  # of the radios, 0 to 254, in units of their own
        Column("remote_rssi"),
        Column("noise"),
        Column("remote_noise"),
        Column("rx_errors"),  # since the radio began
    ),
)
