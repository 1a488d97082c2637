"""`python -m fieldlab.mavsdk_planner autopilot|planner URL`: MAVSDK as an aircraft that keeps
parameters and a mission and answers commands, and as the ground station that gave it the mission;
in processes of their own. Each line of standard output is a JSON object.

The planner then takes lines with {"plan": text, "waypoints": text}, and says what it reads there.
"""

import json
import os
import sys
import threading
from typing import Any

from mavsdk import ComponentType, Configuration, Mavsdk
from mavsdk.plugins.action_server import ActionServer, AllowableFlightModes, FlightMode
from mavsdk.plugins.mission_raw import MissionItem, MissionRaw
from mavsdk.plugins.mission_raw_server import MissionRawServer
from mavsdk.plugins.param_server import ParamServer

INTS, ITEMS = 60, 12
_PATIENCE_S = 20.0


def _say(**fields: Any) -> None:
    sys.stdout.write(f"\n{json.dumps(fields)}\n")
    sys.stdout.flush()


def _autopilot(url: str) -> None:
    made = Mavsdk(Configuration.create_with_component_type(ComponentType.AUTOPILOT))
    component = made.server_component_by_type(ComponentType.AUTOPILOT)
    parameters = ParamServer(component)
    for number in range(INTS):
        parameters.provide_param_int(f"INT_{number}", number * 1000 - 7)
    parameters.provide_param_float("FLOAT", 3.14159)
    plans, actions = MissionRawServer(component), ActionServer(component)
    plans.subscribe_incoming_mission(lambda *_: None)
    actions.set_allowable_flight_modes(AllowableFlightModes(True, True, True))
    actions.subscribe_flight_mode_change(lambda _, mode, __: _say(mode=FlightMode(mode).name))
    made.add_any_connection(url)
    threading.Event().wait()  # until it is ended


def _planner(url: str) -> None:
    made = Mavsdk(Configuration.create_with_component_type(ComponentType.GROUND_STATION))
    made.add_any_connection(url)
    system = made.first_autopilot(_PATIENCE_S)
    if system is None:
        sys.exit("no autopilot was found")
    plans = MissionRaw(system)
    plans.upload_mission(
        [
            MissionItem(
                at, 3, 16, int(at == 0), 1, 2.5, 0, 0, float("nan"),
                342_353_900 + at * 100, 1_089_423_860 + at, 50.0 + at, 0,
            )
            for at in range(ITEMS)
        ]
    )  # fmt: skip
    _say(uploaded=ITEMS)
    for line in sys.stdin:
        files = json.loads(line)
        whole = plans.import_qgroundcontrol_mission_from_string(files["plan"])
        plain = plans.import_mission_planner_mission_from_string(files["waypoints"])
        _say(
            mission=_items(whole.mission_items),
            fence=_items(whole.geofence_items),
            rally=_items(whole.rally_items),
            plain=_items(plain.mission_items),
        )
    os._exit(0)


def _items(items: Any) -> list[list[float]]:
    return [[one.command, one.frame, one.x, one.y, round(one.z, 3), one.param1] for one in items]


if __name__ == "__main__":
    {"autopilot": _autopilot, "planner": _planner}[sys.argv[1]](sys.argv[2])
