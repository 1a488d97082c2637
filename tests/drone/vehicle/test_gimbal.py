"""Where gimbals say that they look, by pymavlink, as samples."""

import math
from typing import Any

import pytest
from pymavlink.quaternion import Quaternion

from fieldlab.autopilot import Autopilot
from fieldlink.codecs.mavlink import Frame
from fieldlink.drone.vehicle import Fleet, Measured

_I32 = 2**31 - 1


def _values(fleet: Fleet, frame: Frame, stream: str, now_us: int = 0) -> dict[str, Any] | None:
    """The sample of `stream` that `frame` makes, None if none."""
    for said in fleet.take(frame, now_us):
        if isinstance(said, Measured) and said.schema.stream == stream:
            return said.values
    return None


def _fleet(vehicle: Autopilot) -> Fleet:
    fleet = Fleet()
    fleet.take(vehicle.beat(), 0)
    return fleet


def test_a_gimbal_of_its_own_component_looks_where_the_nose_and_it_say() -> None:
    vehicle, camera = Autopilot(), Autopilot(compid=154, kind=26, autopilot=8)
    fleet = _fleet(vehicle)
    fleet.take(camera.beat(), 0)
    assert len(fleet.vehicles) == 1
    fleet.take(vehicle.say("attitude", 0, 0.0, 0.0, math.radians(350), 0.0, 0.0, 0.0), 0)
    half = math.radians(-45) / 2
    q = (math.cos(half), 0.0, math.sin(half), 0.0)  # 45 degrees down, straight ahead
    looks = camera.say("gimbal_device_attitude_status", 1, 0, 0, 32, q, 0.0, 0.0, 0.0, 0)
    values = _values(fleet, looks, "gimbal")
    assert values is not None
    assert values["pitch"] == pytest.approx(-45, abs=0.01)
    assert values["yaw"] == pytest.approx(350, abs=0.01)
    assert values["yaw_relative"] == pytest.approx(0, abs=0.01)
    fov = camera.say(
        "camera_fov_status", 0, 0, 0, 0, _I32, _I32, _I32, q, math.nan, 40.0
    )  # fmt: skip
    values = _values(fleet, fov, "gimbal", 2_000_000)
    assert values is not None
    assert (values["target_lat"], values["hfov"], values["vfov"]) == (None, None, 40.0)


@pytest.mark.parametrize("yaw", [-170.0, -30.0, 0.0, 100.0])
def test_straight_down_all_of_the_turn_is_yaw(yaw: float) -> None:
    vehicle, camera = Autopilot(), Autopilot(compid=154, kind=26, autopilot=8)
    fleet = _fleet(vehicle)
    fleet.take(camera.beat(), 0)
    half, turned = math.radians(-89.99) / 2, math.radians(yaw) / 2
    # Of yaw and pitch, and of a roll that is the gimbal's noise.
    q = Quaternion([math.cos(turned), 0, 0, math.sin(turned)])
    q = q * Quaternion([math.cos(half), 0, math.sin(half), 0])
    q = q * Quaternion([1.0, 2e-4, 0, 0])
    looks = camera.say("gimbal_device_attitude_status", 1, 0, 0, 64, list(q.q), 0.0, 0.0, 0.0, 0)
    values = _values(fleet, looks, "gimbal")
    assert values is not None
    assert values["pitch"] == pytest.approx(-90, abs=0.05)
    assert (values["yaw"] - yaw + 180) % 360 - 180 == pytest.approx(0, abs=0.1)
    assert values["roll"] == 0.0


def test_an_older_mount_turns_with_the_vehicle() -> None:
    vehicle = Autopilot()
    fleet = _fleet(vehicle)
    fleet.take(vehicle.say("attitude", 0, 0.0, 0.0, math.radians(100), 0.0, 0.0, 0.0), 0)
    values = _values(fleet, vehicle.say("mount_status", 0, 0, -9000, 0, 27_000), "gimbal")
    assert values is not None
    assert (values["pitch"], values["yaw_relative"]) == (-90.0, -90.0)
    assert values["yaw"] == pytest.approx(10)
