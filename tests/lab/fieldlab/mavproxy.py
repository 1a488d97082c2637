"""MAVProxy as an external program (it is under the GPL: it is run, never imported), and an aircraft
whose parameters it downloads.

It is installed by `make mavproxy` into a virtual environment of its own, or named by
FIELDLINK_MAVPROXY.
"""

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymavlink import mavutil

from fieldlab.peers import missing

__all__ = ["mavproxy", "parameters", "program"]

_HERE = Path(__file__).resolve().parents[3]


def program() -> list[str]:
    """How it is started, [] if it is not here."""
    named = os.environ.get("FIELDLINK_MAVPROXY")
    found = Path(named) if named else _HERE / ".make" / "mavproxy" / "bin" / "mavproxy.py"
    return [str(found.parent / "python"), str(found)] if found.is_file() else []


@contextmanager
def mavproxy(master: str, folder: Path, *options: str) -> Iterator["subprocess.Popen[str]"]:
    """MAVProxy connected to `master`, its files in `folder`; without it the test ends."""
    if not program():
        missing("MAVProxy is not here: make mavproxy installs it beside the product and tests")
    home = {**os.environ, "HOME": str(folder), "PYTHONWARNINGS": "ignore", "TERM": "dumb"}
    command = [*program(), f"--master={master}", "--non-interactive", f"--state-basedir={folder}"]
    with subprocess.Popen(
        [*command, *options],
        cwd=folder,
        env=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


@contextmanager
def parameters(where: str, count: int) -> Iterator[dict[str, Any]]:
    """An aircraft at `where` that has `count` parameters, says its attitude 50 times a second,
    and counts what it was asked.
    """
    asked = {"lists": 0, "reads": 0}
    stop = threading.Event()

    def say(uav: Any, index: int) -> None:
        uav.mav.param_value_send(b"P_%d" % index, float(index), 9, count, index)

    def work() -> None:
        uav = mavutil.mavlink_connection(where, source_system=1, source_component=1)
        turn = 0
        while not stop.wait(0.02):
            if turn % 50 == 0:
                uav.mav.heartbeat_send(2, 3, 81, 4, 4)
            uav.mav.attitude_send(turn * 20, 0, 0, 0, 0, 0, 0)
            turn += 1
            while (message := uav.recv_match()) is not None:
                if message.get_type() == "PARAM_REQUEST_LIST":
                    asked["lists"] += 1
                    for index in range(count):
                        say(uav, index)
                elif message.get_type() == "PARAM_REQUEST_READ" and message.param_index >= 0:
                    asked["reads"] += 1
                    say(uav, message.param_index)
        uav.close()

    thread = threading.Thread(target=work, name="aircraft")
    thread.start()
    try:
        yield asked
    finally:
        stop.set()
        thread.join(10)
