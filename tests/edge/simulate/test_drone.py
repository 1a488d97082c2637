"""A simulated aircraft, with pymavlink and MAVSDK as ground stations, and as a kit sees it."""

import asyncio
import json
import math
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from pymavlink import mavutil
from pymavlink.dialects.v20 import all as dialect
from typer.testing import CliRunner

import fieldlab
from fieldlab.peers import need_module
from fieldlab.routers import until
from fieldlink.codecs.mavlink import Framer, name_of
from fieldlink.drone.commanding.flying import Move, ways
from fieldlink.drone.vehicle import Fleet, Measured
from fieldlink.edge.simulate.aircraft import Aircraft
from fieldlink.edge.simulate.aircraft_answers import Answers, parameters
from fieldlink.edge.simulate.aircraft_camera import CameraPart
from fieldlink.edge.simulate.aircraft_link import fly
from fieldlink.edge.simulate.aircraft_plan import AircraftFault, AircraftPlan
from fieldlink.edge.simulate.commands import app
from fieldlink.edge.simulate.flight import FlightPlan, Phase

_NOW_US = 1_795_000_000_000_000
_SHORT = FlightPlan(begin_s=2, look_s=20, rest_s=5, height_m=30, away_m=120, radius_m=40)


class Seen:
    """What a kit makes of what the aircraft says, in virtual time."""

    def __init__(self, plan: AircraftPlan) -> None:
        self.craft = Aircraft(plan)
        self.fleet = Fleet(lambda link: 5_000_000)
        self.framer = Framer("radio")
        self.values: dict[str, list[dict[str, Any]]] = {}
        self.alarms: list[tuple[str, str, bool]] = []
        self.names: Counter[str] = Counter()
        self.unfixed = 0

    def until(self, end_s: float) -> "Seen":
        """Fly until `end_s`."""
        while self.craft.after_s < end_s:
            after_s = round(self.craft.after_s + 0.1, 1)
            now_us = round(after_s * 1e6)
            said = list(self.fleet.tick(now_us))
            for raw in self.craft.say(after_s, _NOW_US + now_us):
                for frame in self.framer.feed(raw, _NOW_US + now_us):
                    self.names[name_of(frame.msgid)] += 1
                    said += self.fleet.take(frame, now_us)
            for one in said:
                if isinstance(one, Measured):
                    self.unfixed += one.no_fix
                    self.values.setdefault(one.schema.stream, []).append(dict(one.values))
                else:
                    self.alarms.append((one.kind.name, one.subject, one.active))
        return self


def _plan(**more: Any) -> AircraftPlan:
    return AircraftPlan(flight=_SHORT, **more)


def test_it_takes_off_circles_comes_back_and_lands_and_its_kit_sees_it() -> None:
    seen = Seen(_plan(video="rtsp://127.0.0.1/x")).until(110)
    flight = seen.values["flight"]
    armed = [one["armed"] for one in flight]
    began = armed.index(1)
    assert began > 0
    assert 0 in armed[began:]  # it is over; the next one has begun
    heights = [one["height"] for one in flight if one.get("height") is not None]
    assert 28 < max(heights) < 34
    assert {one["mode"] for one in flight} >= {"AUTO", "RTL", "LAND", "LOITER"}
    looking = [one for one in seen.values["gimbal"] if one.get("target_lat") is not None]
    middle = _SHORT.lat + _SHORT.away_m / 111_320
    circling = looking[len(looking) // 2]
    assert circling["target_lat"] == pytest.approx(middle, abs=2e-5)
    assert circling["pitch"] < -20
    assert seen.values["battery"][-1]["level"] < seen.values["battery"][0]["level"]
    assert seen.framer.counts.bad == 0
    assert not any(active for _, _, active in seen.alarms)


@pytest.mark.parametrize(
    ("fault", "shows"),
    [
        (AircraftFault.NO_FIX, lambda seen: seen.unfixed > 10),
        (AircraftFault.ZERO, lambda seen: seen.values["position"][-1].get("lat") is None),
        (AircraftFault.BATTERY, lambda seen: ("LOW_BATTERY", "battery.level", True) in seen.alarms),
        (AircraftFault.FENCE, lambda seen: any(a[0] == "GEOFENCE" for a in seen.alarms)),
        (AircraftFault.SILENCE, lambda seen: any(a[0] == "SILENCE" for a in seen.alarms)),
        (AircraftFault.NOISE, lambda seen: seen.framer.counts.bad > 10),
        (AircraftFault.LOSS, lambda seen: seen.names["ATTITUDE"] < 500),
        (AircraftFault.JUMP, lambda seen: max(p["lat"] for p in seen.values["position"]) > 38),
    ],
)
def test_it_fails_as_real_ones_do(fault: AircraftFault, shows: Any) -> None:
    assert shows(Seen(_plan(fault=fault, fault_after_s=12.0)).until(60))


def test_a_frozen_one_says_the_same_for_ever() -> None:
    seen = Seen(_plan(fault=AircraftFault.FROZEN, fault_after_s=12.0)).until(30)
    heights = [one["height"] for one in seen.values["flight"][-10:]]
    assert len(set(heights)) == 1
    assert 20 < heights[0] < 31


@contextmanager
def _flying(plan: AircraftPlan) -> Iterator[int]:
    """The aircraft on a thread, listening at the port."""
    ports: list[int] = []
    loop = asyncio.new_event_loop()
    task: list[asyncio.Task[Any]] = []

    async def main() -> None:
        task.append(asyncio.ensure_future(fly(plan, "udpin:127.0.0.1:0", ready=ports.append)))
        await task[0]

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
    thread.start()
    try:
        yield until(lambda: ports, "the aircraft to listen")[0]
    finally:
        loop.call_soon_threadsafe(task[0].cancel)
        thread.join(10)
        loop.close()


def test_pymavlink_downloads_its_parameters_and_mission_and_points_its_gimbal() -> None:
    plan = AircraftPlan(video="rtsp://127.0.0.1:1/x", flight=FlightPlan(begin_s=1))
    with (
        _flying(plan) as port,
        closing(mavutil.mavlink_connection(f"udpout:127.0.0.1:{port}", source_system=255)) as gcs,
    ):

        def heard(kind: str, true: Any = lambda message: True) -> Any:
            def one() -> Any:
                message = gcs.recv_match(type=kind)
                return message if message is not None and true(message) else None

            return until(one, f"{kind} to come")

        gcs.mav.heartbeat_send(6, 8, 0, 0, 4)
        assert heard("HEARTBEAT", lambda m: m.get_srcComponent() == 1).autopilot == 3
        gcs.mav.param_request_list_send(1, 1)
        wanted = parameters(1)
        got: dict[str, float] = {}
        while len(got) < len(wanted):
            message = heard("PARAM_VALUE")
            got[message.param_id] = message.param_value
        assert got == pytest.approx(wanted, rel=1e-6)
        gcs.mav.mission_request_list_send(1, 1, 0)
        count = heard("MISSION_COUNT").count
        items = []
        for seq in range(count):
            gcs.mav.mission_request_int_send(1, 1, seq, 0)
            items.append(heard("MISSION_ITEM_INT", lambda m, n=seq: m.seq == n))
        assert [one.command for one in items] == [16, 22, 16, 16, 16, 16, 20]
        gcs.mav.command_long_send(1, 1, 1000, 0, -45, 90, math.nan, math.nan, 16, 0, 154)
        assert heard("COMMAND_ACK", lambda m: m.command == 1000).result == 0
        said = heard("GIMBAL_DEVICE_ATTITUDE_STATUS", lambda m: _pitch(m.q) < -44)
        assert _pitch(said.q) == pytest.approx(-45, abs=0.1)
        gcs.mav.command_long_send(1, 100, 512, 0, 269, 0, 0, 0, 0, 0, 0)
        assert heard("VIDEO_STREAM_INFORMATION").uri == plan.video
        gcs.mav.command_long_send(1, 100, 2000, 0, 0, 0, 2, 0, 0, 0, 0)
        assert [heard("CAMERA_IMAGE_CAPTURED").image_index for _ in "ab"] == [0, 1]
        gcs.mav.command_long_send(1, 1, 33_333, 0, 0, 0, 0, 0, 0, 0, 0)
        assert heard("COMMAND_ACK", lambda m: m.command == 33_333).result == 3


def _pitch(q: Any) -> float:
    return math.degrees(math.asin(2 * (q[0] * q[2] - q[3] * q[1])))


def test_mavsdk_takes_it_for_an_aircraft() -> None:
    need_module("mavsdk")
    lab = str(Path(fieldlab.__file__).parents[1])
    with _flying(AircraftPlan(flight=FlightPlan(begin_s=1))) as port:
        ground = subprocess.run(
            [sys.executable, "-m", "fieldlab.mavsdk_peer", "ground", f"udpout://127.0.0.1:{port}"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env={**os.environ, "PYTHONPATH": lab},
        )
    said = json.loads(ground.stdout.splitlines()[-1])
    whole = [value for value in parameters(1).values() if float(value).is_integer()]
    assert said["parameters"] == len(whole)  # it counts those
    assert said["lat"] == pytest.approx(34.23, abs=0.01)


def test_its_camera_zooms_on_until_it_is_stopped_and_changes_its_mode() -> None:
    craft = Aircraft(_plan(video="rtsp://127.0.0.1/x"))
    camera = CameraPart(craft)
    assert camera.do(531, [1.0, 1.0, 0, 0, 0, 0, 0]) == 0
    for after_s in (1.0, 2.0):
        craft.say(after_s, 0)
        camera.due()
    assert craft.zoom == pytest.approx(1.8**2)
    assert camera.do(531, [1.0, 0.0, 0, 0, 0, 0, 0]) == 0
    craft.say(9.0, 0)
    camera.due()
    assert craft.zoom == pytest.approx(1.8**2)
    assert camera.do(530, [0.0, 0.0, 0, 0, 0, 0, 0]) == 0
    assert camera.do(530, [0.0, 7.0, 0, 0, 0, 0, 0]) == 2
    said = [f for raw in craft.say(9.1, 0) for f in Framer("x").datagram(raw)]
    modes = [f.payload[4] for f in said if name_of(f.msgid) == "CAMERA_SETTINGS"]
    assert modes[-1] == 0


def test_an_old_camera_answers_the_old_requests_only() -> None:
    craft = Aircraft(_plan(video="rtsp://127.0.0.1/x", old=True))
    camera = CameraPart(craft)
    assert camera.do(512, [269.0, 0, 0, 0, 0, 0, 0]) == 2
    assert camera.do(2504, [0.0] * 7) == 0
    assert [name_of(f.msgid) for raw in craft.say(0.1, 0) for f in Framer().datagram(raw)].count(
        "VIDEO_STREAM_INFORMATION"
    ) == 1


def test_it_holds_goes_on_and_lands_when_told() -> None:
    craft = Aircraft(_plan())
    assert not craft.flight.told(Phase.RETURN)  # it stands
    craft.say(25.0, 0)
    assert craft.flight.told(Phase.HOLD)
    before = craft.flight.north_m
    craft.say(30.0, 0)
    assert craft.flight.north_m == before
    assert craft.flight.told(Phase.CIRCLE)
    craft.say(30.5, 0)
    assert craft.flight.phase is not Phase.HOLD
    assert craft.flight.told(Phase.LAND)
    while craft.flight.armed and craft.after_s < 90:
        craft.say(craft.after_s + 1, 0)
    assert craft.flight.phase is Phase.GROUND


@pytest.mark.parametrize(
    ("move", "phase"),
    [(Move.HOLD, Phase.HOLD), (Move.RETURN, Phase.RETURN), (Move.LAND, Phase.LAND)],
)
def test_it_does_what_a_kit_tells_a_copter(move: Move, phase: Phase) -> None:
    craft = Aircraft(_plan())
    craft.say(25.0, 0)
    way = ways(move, autopilot=3, kind=2)[0]
    params = [*way.params, *[0.0] * (7 - len(way.params))]
    Answers(craft).heard(dialect.MAVLink_command_long_message(1, 1, way.command, 0, *params))
    assert craft.flight.phase is phase


def test_its_command_prints_settings_and_a_summary() -> None:
    run = CliRunner().invoke(app, ["drone", "--settings"])
    assert 'connect = "udpin:127.0.0.1:14550"' in run.stdout
    run = CliRunner().invoke(
        app, ["drone", "udpout:127.0.0.1:9", "--video", "off", "--seconds", "0.3", "--json"]
    )
    assert json.loads(run.stdout)["flights"] == 0
    wrong = CliRunner().invoke(app, ["drone", "nonsense:1"])
    assert wrong.exit_code == 2
