"""`python -m fieldlab.mavsdk_peer autopilot|ground URL`: MAVSDK on a side of a router, in a process
of its own (it is a C++ library with threads of its own).

The autopilot has 20 parameters and a position; the ground station asks for them and prints JSON.
"""

import json
import sys
import threading

from mavsdk import ComponentType, Configuration, Mavsdk
from mavsdk.plugins.param import Param
from mavsdk.plugins.param_server import ParamServer
from mavsdk.plugins.telemetry import Telemetry
from mavsdk.plugins.telemetry_server import Heading, Position, TelemetryServer, VelocityNed

COUNT = 20
_PATIENCE_S = 15.0


def _autopilot(url: str) -> None:
    made = Mavsdk(Configuration.create_with_component_type(ComponentType.AUTOPILOT))
    component = made.server_component_by_type(ComponentType.AUTOPILOT)
    parameters = ParamServer(component)
    for number in range(COUNT):
        parameters.provide_param_int(f"P_{number}", number)
    telemetry = TelemetryServer(component)
    made.add_any_connection(url)
    stop = threading.Event()
    while not stop.wait(0.1):  # until it is ended
        telemetry.publish_position(
            Position(30.12345, 103.5, 488.0, 52.0), VelocityNed(1.0, 0.0, 0.0), Heading(90.0)
        )


def _ground(url: str) -> None:
    made = Mavsdk(Configuration.create_with_component_type(ComponentType.GROUND_STATION))
    made.add_any_connection(url)
    system = made.first_autopilot(_PATIENCE_S)
    if system is None:
        sys.exit("no autopilot was found")
    placed = threading.Event()
    places: list[Position] = []

    def on_position(position: Position, _: object) -> None:
        places.append(position)
        placed.set()

    telemetry = Telemetry(system)
    telemetry.subscribe_position(on_position)
    count = len(Param(system).get_all_params().int_params)
    if not placed.wait(_PATIENCE_S):
        sys.exit("no position came")
    found = {"parameters": count, "lat": places[0].latitude_deg}
    sys.stdout.write(f"\n{json.dumps(found)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    {"autopilot": _autopilot, "ground": _ground}[sys.argv[1]](sys.argv[2])
