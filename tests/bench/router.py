"""Frames a second through one input and three outputs, on one core: UDP in, a frame a datagram, and
UDP out. What counts is the router's processor time, as the machine is shared.

Beside it, in the same run: MAVProxy with the same input and outputs (run as a program, if `make
mavproxy` put it here), and pymavlink's parser, which is what a router built on it could not
exceed. pymavlink finds frames and decodes them in one step; ours only finds them.
"""

import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from pymavlink.dialects.v20 import all as dialect

from fieldlab.figure import Figure
from fieldlab.mavproxy import mavproxy, program
from fieldlab.router_load import Load, Measured, running_router, sinks
from fieldlink.codecs.mavlink import Framer

_FRAMES = 60_000
_PROXY_FRAMES = 6_000
_ROUNDS = 3
_CHUNK_BYTES = 4096


def measure() -> Sequence[Figure]:
    load, small = Load(_FRAMES), Load(_PROXY_FRAMES)
    with tempfile.TemporaryDirectory() as folder:
        ours = [_ours(load, Path(folder)) for _ in range(_ROUNDS)]
        proxy = [_proxy(small, Path(folder)) for _ in range(_ROUNDS)] if program() else []
    stream = b"".join(load.raws)
    parsed = [(_rate(_find, stream), _rate(_parse, stream)) for _ in range(_ROUNDS)]
    find, parse = (statistics.median(column) for column in zip(*parsed, strict=True))
    value = statistics.median(run.per_cpu_s for run in ours)
    whole = all(count == run.frames for run in ours for count in run.out)
    wall = statistics.median(run.frames / run.wall_s for run in ours)
    print(
        f"router {value:.0f} frames a second of a core, {wall:.0f} by the clock with sender and"
        f" receivers; frames found {find:.0f}/s, pymavlink parses {parse:.0f}/s"
    )
    figures = [
        Figure(
            name="router",
            value=value,
            unit="frames/s",
            limit=50_000,
            better="more",
            also=(("nothing lost on any output", whole),),
        ),
        Figure(
            name="router_parser", value=find, unit="frames/s", peer=parse, limit=2, better="more"
        ),
    ]
    if proxy:
        peer = statistics.median(min(run.out) / run.cpu_s for run in proxy)
        came = [min(run.out) / run.frames for run in proxy]
        print(f"MAVProxy {peer:.0f} frames a second of a core; {min(came):.0%} came out")
        figures.append(
            Figure(
                name="router_mavproxy",
                value=value,
                unit="frames/s",
                peer=peer,
                limit=5,
                better="more",
            )
        )
    return figures


def _count(data: bytes) -> int:
    return len(Framer().datagram(data))


def _ours(load: Load, folder: Path) -> Measured:
    with ExitStack() as stack:
        outputs = sinks(stack)
        pid, port = stack.enter_context(running_router(outputs, folder))
        return load.run(pid, port, outputs, _count)


def _proxy(load: Load, folder: Path) -> Measured:
    with ExitStack() as stack:
        outputs = sinks(stack)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        outs = [f"--out=udpout:127.0.0.1:{sink.getsockname()[1]}" for sink in outputs]
        options = [*outs, "--default-modules=", "--streamrate=-1"]
        running = stack.enter_context(mavproxy(f"udpin:127.0.0.1:{port}", folder, *options))
        _wait_for(running, port, load.raws[0], outputs)
        return load.run(running.pid, port, outputs, _count)


def _wait_for(
    running: "subprocess.Popen[str]", port: int, raw: bytes, outputs: list[socket.socket]
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(150):
            sender.sendto(raw, ("127.0.0.1", port))
            try:
                outputs[0].recv(65_536)
            except TimeoutError:
                if running.poll() is not None:
                    raise RuntimeError("MAVProxy ended") from None
                continue
            time.sleep(1)
            for sink in outputs:
                while _more(sink):
                    pass
            return
    raise RuntimeError("MAVProxy does not forward")


def _more(sink: socket.socket) -> bool:
    try:
        sink.recv(65_536)
    except TimeoutError:
        return False
    return True


def _rate(work: Callable[[bytes], int], stream: bytes) -> float:
    begun_s = time.process_time()
    frames = work(stream)
    return frames / (time.process_time() - begun_s)


def _find(stream: bytes) -> int:
    framer = Framer()
    pieces = range(0, len(stream), _CHUNK_BYTES)
    return sum(len(framer.feed(stream[at : at + _CHUNK_BYTES])) for at in pieces)


def _parse(stream: bytes) -> int:
    parser = dialect.MAVLink(None)
    pieces = range(0, len(stream), _CHUNK_BYTES)
    return sum(len(parser.parse_buffer(stream[at : at + _CHUNK_BYTES]) or []) for at in pieces)
