"""What an endpoint that takes nothing costs another: the time from an aircraft's datagram to the
ground station's socket, through a router in a process of its own, with and without a TCP endpoint
beside it that is connected and never read.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from fieldlab.aircraft import flight
from fieldlab.figure import Figure

_LOCAL = "127.0.0.1"
_FRAMES = 4_000
_ROUNDS = 3
_STUCK_BYTES = 4_000_000


def measure() -> Figure:
    alone, beside, stuck_bytes = [], [], []
    for _ in range(_ROUNDS):
        alone.append(_delays_ms(stalled=False)[0])
        delay_ms, sent = _delays_ms(stalled=True)
        beside.append(delay_ms)
        stuck_bytes.append(sent)
    value, peer = statistics.median(beside), statistics.median(alone)
    print(
        f"95 of 100 frames within {value:.3f} ms beside a stalled endpoint, {peer:.3f} ms without"
    )
    return Figure(
        name="endpoint_stall",
        value=value,
        unit="ms",
        peer=peer,
        limit=1.5,
        better="less",
        also=(("the stalled endpoint really was", min(stuck_bytes) >= _STUCK_BYTES),),
    )


def _delays_ms(*, stalled: bool) -> tuple[float, int]:
    """The delay that 95 of 100 frames keep, and how much was meant for the stalled endpoint."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        gcs = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        gcs.bind((_LOCAL, 0))
        gcs.settimeout(10)
        server = stack.enter_context(socket.create_server((_LOCAL, 0)))
        # Before it listens: a connection has what its listener had.
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        rows = [
            {"name": "uav", "connect": f"udpin:{_LOCAL}:0"},
            {"name": "gcs", "connect": f"udpout:{_LOCAL}:{gcs.getsockname()[1]}"},
        ]
        if stalled:
            rows.append({"name": "stuck", "connect": f"tcp:{_LOCAL}:{server.getsockname()[1]}"})
        settings = folder / "router.json"
        settings.write_text(json.dumps({"endpoint": rows, "heartbeat": False}), encoding="utf-8")
        running = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "fieldlab.router_load", str(settings)],
                stdout=subprocess.PIPE,
                text=True,
                env=os.environ,
            )
        )
        stack.callback(running.kill)
        assert running.stdout is not None
        port = int(running.stdout.readline())
        uav = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        uav.connect((_LOCAL, port))
        sent = 0
        if stalled:
            stack.enter_context(server.accept()[0])  # and never read
            sent = _fill(uav, gcs)
        return _timed(uav, gcs), sent


def _fill(uav: socket.socket, gcs: socket.socket) -> int:
    """Send until nothing more fits anywhere on the way to the stalled endpoint."""
    sent = 0
    raws = [raw for _, raw in flight(60)]
    while sent < _STUCK_BYTES:
        for raw in raws:
            uav.send(raw)
            sent += len(gcs.recv(65_536))
    return sent


def _timed(uav: socket.socket, gcs: socket.socket) -> float:
    delays = []
    for _, raw in flight(_FRAMES / 40):
        begun_s = time.perf_counter()
        uav.send(raw)
        gcs.recv(65_536)
        delays.append(time.perf_counter() - begun_s)
        time.sleep(0.0005)
    return statistics.quantiles(delays, n=20)[-1] * 1e3
