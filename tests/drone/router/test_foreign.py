"""Software written by others, through the router: MAVSDK and MAVProxy."""

import json
import os
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path

from pymavlink import mavutil

import fieldlab
from fieldlab.mavproxy import mavproxy, parameters
from fieldlab.peers import need_module
from fieldlab.routers import router, until

LOCAL = "127.0.0.1"


def test_mavsdk_as_autopilot_and_as_ground_station_on_a_thinned_link() -> None:
    need_module("mavsdk")
    lab = str(Path(fieldlab.__file__).parents[1])
    command = [sys.executable, "-m", "fieldlab.mavsdk_peer"]
    environment = {**os.environ, "PYTHONPATH": lab}
    with ExitStack() as stack:
        made = stack.enter_context(
            router(
                {"name": "uav", "connect": f"udpin:{LOCAL}:0"},
                {"name": "gcs", "connect": f"tcpin:{LOCAL}:0", "profile": "sat"},
                {"name": "other", "connect": f"udpin:{LOCAL}:0", "profile": "sat"},
            )
        )
        other = mavutil.mavlink_connection(
            f"udpout:{LOCAL}:{made.port('other')}", source_system=254
        )
        stack.enter_context(closing(other))
        other.mav.heartbeat_send(6, 8, 0, 0, 4)
        autopilot = stack.enter_context(
            subprocess.Popen(
                [*command, "autopilot", f"udpout://{LOCAL}:{made.port('uav')}"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        )
        stack.callback(autopilot.kill)
        ground = subprocess.run(
            [*command, "ground", f"tcpout://{LOCAL}:{made.port('gcs')}"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env=environment,
        )
        assert json.loads(ground.stdout.splitlines()[-1]) == {"parameters": 20, "lat": 30.12345}
        (link,) = made.endpoint("other")["links"]
        assert link["thinned"] >= 20  # who did not ask was given no parameters


def test_mavproxy_downloads_parameters_while_another_endpoint_is_thinned(tmp_path: Path) -> None:
    with ExitStack() as stack:
        made = stack.enter_context(
            router(
                {"name": "uav", "connect": f"udpin:{LOCAL}:0"},
                {"name": "proxy", "connect": f"tcpin:{LOCAL}:0", "profile": "sat"},
                {"name": "thin", "connect": f"udpin:{LOCAL}:0", "profile": "sat"},
            )
        )
        thin = mavutil.mavlink_connection(f"udpout:{LOCAL}:{made.port('thin')}", source_system=254)
        stack.enter_context(closing(thin))
        thin.mav.heartbeat_send(6, 8, 0, 0, 4)
        where = f"udpout:{LOCAL}:{made.port('uav')}"
        asked = stack.enter_context(parameters(where, 400))
        running = stack.enter_context(mavproxy(f"tcp:{LOCAL}:{made.port('proxy')}", tmp_path))
        saved = tmp_path / "mav.parm"
        until(lambda: saved.is_file() and saved.read_text().count("\n") >= 400, "parameters", 60)
        assert running.poll() is None
        assert asked["lists"] >= 1
        kinds = set()
        while (message := thin.recv_match()) is not None:
            kinds.add(message.get_type())
        assert "ATTITUDE" in kinds
        assert "PARAM_VALUE" not in kinds
