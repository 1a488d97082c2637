"""A router in a process of its own, with one UDP input and three UDP outputs, and a load for it.

`python -m fieldlab.router_load SETTINGS.json` runs the router and prints the port of its input. The
load is a closed loop: a burst is sent when the one before has come out of every output, so that
nothing is lost in a socket's buffer, and what is measured is the router's processor time.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import psutil

from fieldlab.aircraft import flight
from fieldlink.drone.router import Router, RouterSettings

__all__ = ["Load", "Measured", "running_router", "sinks"]

LOCAL = "127.0.0.1"
_BURST = 64
_PATIENCE_S = 30.0


@dataclass(frozen=True)
class Measured:
    """What a load of `frames` took: of the router's processor, and by the clock; how many came out
    of each output."""

    frames: int
    cpu_s: float
    wall_s: float
    out: tuple[int, ...]

    @property
    def per_cpu_s(self) -> float:
        """Frames for each second of one core."""
        return self.frames / self.cpu_s


def sinks(stack: ExitStack, count: int = 3) -> list[socket.socket]:
    """Sockets that the router sends to."""
    made = []
    for _ in range(count):
        sink = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
        sink.bind((LOCAL, 0))
        sink.settimeout(0.2)
        made.append(sink)
    return made


@contextmanager
def running_router(outputs: list[socket.socket], folder: Path) -> Iterator[tuple[int, int]]:
    """The router with these outputs: its process and its input's port."""
    rows = [{"name": "uav", "connect": f"udpin:{LOCAL}:0"}]
    for number, sink in enumerate(outputs):
        rows.append({"name": f"out{number}", "connect": f"udpout:{LOCAL}:{sink.getsockname()[1]}"})
    settings = folder / "router.json"
    settings.write_text(json.dumps({"endpoint": rows, "heartbeat": False}), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(
        [sys.executable, "-m", "fieldlab.router_load", str(settings)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as running:
        try:
            assert running.stdout is not None
            yield running.pid, int(running.stdout.readline())
        finally:
            running.kill()


class Load:
    """Frames of an aircraft, sent to a router whose outputs are `outputs`."""

    def __init__(self, frames: int) -> None:
        rate = sum(1 for _ in flight(10)) / 10
        self.raws = [raw for _, raw in flight(frames / rate)]

    def run(
        self, pid: int, port: int, outputs: list[socket.socket], count: Callable[[bytes], int]
    ) -> Measured:
        """Send all; `count` says how many frames are in a datagram."""
        process = psutil.Process(pid)
        came = [0] * len(outputs)
        sent = 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.connect((LOCAL, port))
            before = sum(process.cpu_times()[:2])
            begun_s = monotonic()
            for start in range(0, len(self.raws), _BURST):
                burst = self.raws[start : start + _BURST]
                for raw in burst:
                    sender.send(raw)
                sent += len(burst)
                for index, sink in enumerate(outputs):
                    came[index] += _drain(sink, sent - came[index], count)
            wall_s = monotonic() - begun_s
            cpu_s = sum(process.cpu_times()[:2]) - before
        return Measured(sent, cpu_s, wall_s, tuple(came))


def _drain(sink: socket.socket, wanted: int, count: Callable[[bytes], int]) -> int:
    came = 0
    while came < wanted:
        try:
            came += count(sink.recv(65_536))
        except TimeoutError:  # lost: it is counted as not there
            break
    return came


async def _serve(settings: RouterSettings) -> None:
    router = Router(settings)
    said = False

    def beat() -> None:
        nonlocal said
        port = getattr(router.endpoints[0].connection, "port", 0)
        if port and not said and all(endpoint.ports for endpoint in router.endpoints[1:]):
            said = True
            sys.stdout.write(f"{port}\n")
            sys.stdout.flush()

    await router.run(beat)


if __name__ == "__main__":
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    asyncio.run(_serve(RouterSettings.model_validate_json(text)))
