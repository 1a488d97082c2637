"""What others carry over the same bad links: iperf3, rsync, and mosquitto's bridge.

Each takes a fresh laboratory, as the kit's trials do; all use the congestion control that the
laboratory sets for its namespaces (BBR), so that it is not what is compared.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fieldlab.badlink.lab import SERVICE, Net, Reading, lab
from fieldlab.badlink.scenario import Link, Scenario
from fieldlab.bridge import Plan
from fieldlab.peers import need_program

__all__ = ["Bridged", "bridge", "iperf", "rsync"]

_LAB = Path(__file__).parents[1]
_ENVIRONMENT = {**os.environ, "PYTHONPATH": str(_LAB)}
_RSYNC_PORT = 8730
Links = Scenario | Sequence[Link]


@dataclass(frozen=True)
class Bridged:
    """What came out of a bridge; times are seconds since the kit's first packet."""

    took_s: float  # until the last message
    bulk: list[tuple[float, int]]  # when each came, and its size
    alarms_s: dict[str, list[float]]  # by topic, how long each was on its way
    alarms_came_s: list[float]
    readings: dict[str, Reading]

    def goodput_bps(self, begin_s: float = 0.0, end_s: float | None = None) -> float:
        """Bulk that came in between, bit/s."""
        end_s = self.took_s if end_s is None else end_s
        came = sum(size for at_s, size in self.bulk if begin_s <= at_s <= end_s)
        return came * 8 / (end_s - begin_s)


def iperf(links: Links, seconds: float, *, seed: int = 1, **options: Any) -> float:
    """Payload bit/s of one iperf3 connection with BBR, as its receiver measures it."""
    program = need_program("iperf3")
    with lab(links, seed=seed, **options) as net:
        net.centre.popen([program, "-s", "-1"], stdout=subprocess.DEVNULL)
        time.sleep(1)  # it does not say when it listens
        argv = [program, "-c", SERVICE, "-C", "bbr", "-t", str(round(seconds)), "-J"]
        done = net.kit.run(argv, capture_output=True, text=True, timeout=seconds + 60)
    told = json.loads(done.stdout)
    if "end" not in told or "sum_received" not in told["end"]:
        raise RuntimeError(f"iperf3: {told.get('error', done.stderr)}")
    return float(told["end"]["sum_received"]["bits_per_second"])


def rsync(
    links: Links, total_bytes: int, file_bytes: int, *, seed: int = 1, **options: Any
) -> tuple[float, dict[str, Reading]]:
    """Payload bit/s of rsync to its own daemon, from its first packet to its end; the counters."""
    program = need_program("rsync")
    with (
        tempfile.TemporaryDirectory(prefix="fieldlink-rsync-") as folder,
        lab(links, seed=seed, **options) as net,
    ):
        source, sink = Path(folder, "out"), Path(folder, "in")
        source.mkdir()
        sink.mkdir()
        chance = random.Random(seed)
        count = -(-total_bytes // file_bytes)
        for number in range(count):
            (source / f"{number:05}").write_bytes(chance.randbytes(file_bytes))
        settings = Path(folder, "rsyncd.conf")
        settings.write_text(
            f"port = {_RSYNC_PORT}\nuse chroot = no\nuid = {os.getuid()}\ngid = {os.getgid()}\n"
            f"lock file = {folder}/lock\n[in]\npath = {sink}\nread only = no\n"
        )
        argv = [program, "--daemon", "--no-detach", f"--config={settings}"]
        net.centre.popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.5)  # it does not say when it listens
        to = f"rsync://{SERVICE}:{_RSYNC_PORT}/in/"
        net.kit.run([program, "-r", "-W", f"{source}/", to], check=True, timeout=1200)
        end_us = time.monotonic_ns() // 1000
        readings = _readings(net)
    return count * file_bytes * 8e6 / (end_us - _first_us(readings)), readings


def bridge(
    links: Links,
    plan: Plan,
    *,
    until: Callable[[int, int], bool] | None = None,
    limit_s: float = 900.0,
    seed: int = 1,
    **options: Any,
) -> Bridged:
    """Two mosquittos, the kit's bridging to the centre's at QoS 1, and a plan's messages.

    `until` is told how many bulk messages and alarms have come and says whether that is all; it
    is all of the backlog and all alarms without it.
    """
    with (
        tempfile.TemporaryDirectory(prefix="fieldlink-bridge-") as folder,
        lab(links, seed=seed, **options) as net,
    ):
        out = Path(folder, "came")
        with _mosquittos(net, Path(folder)):
            _said(net.centre.popen(_end("count", str(out)), **_PIPED))
            _said(net.kit.popen(_end("publish", plan.as_json()), **_PIPED))
            enough = until or (lambda bulk, alarms: bulk >= plan.backlog and alarms >= plan.alarms)
            end = time.monotonic() + limit_s
            while not enough(*_counts(out)):
                if time.monotonic() > end:
                    raise TimeoutError(f"the bridge brought {_counts(out)} in {limit_s:g} s")
                time.sleep(0.5)
            readings = _readings(net)
        first_s = (_first_us(readings) - time.monotonic_ns() // 1000) / 1e6 + time.time()
        return _bridged(_lines(out), first_s, readings)


_PIPED: dict[str, Any] = {"stdout": subprocess.PIPE, "text": True, "env": _ENVIRONMENT}


def _end(*words: str) -> list[str]:
    return [sys.executable, "-m", "fieldlab.bridge", *words]


def _said(process: "subprocess.Popen[str]") -> None:
    """Wait until the process says that it is ready."""
    assert process.stdout is not None
    if not process.stdout.readline():
        raise RuntimeError(f"{process.args!r} ended")


@contextmanager
def _mosquittos(net: Net, folder: Path) -> Iterator[None]:
    program = need_program("mosquitto")
    common = "allow_anonymous true\nset_tcp_nodelay true\nmax_queued_messages 0\nuser root\n"
    (folder / "centre.conf").write_text(f"listener 1883 0.0.0.0\n{common}")
    (folder / "kit.conf").write_text(
        f"listener 1883 127.0.0.1\n{common}"
        f"connection up\naddress {SERVICE}:1883\ntopic # out 1\ncleansession false\n"
        "bridge_protocol_version mqttv311\nrestart_timeout 1\n"
    )
    for side, name in ((net.centre, "centre"), (net.kit, "kit")):
        with (folder / f"{name}.log").open("wb") as log:
            side.popen([program, "-c", folder / f"{name}.conf"], stdout=log, stderr=log)
    yield


def _lines(out: Path) -> list[dict[str, Any]]:
    if not out.exists():
        return []
    lines = out.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _counts(out: Path) -> tuple[int, int]:
    lines = _lines(out)
    alarms = sum("sent_s" in line for line in lines)
    bulk = sum(not line["topic"].startswith(("alarm/", "$SYS")) for line in lines)
    return bulk, alarms


def _bridged(lines: list[dict[str, Any]], first_s: float, readings: dict[str, Reading]) -> Bridged:
    alarms: dict[str, list[float]] = {}
    for line in lines:
        if "sent_s" in line:
            alarms.setdefault(line["topic"], []).append(line["came_s"] - line["sent_s"])
    bulk = [
        (line["came_s"] - first_s, line["size"])
        for line in lines
        if not line["topic"].startswith(("alarm/", "$SYS"))
    ]
    came_s = [line["came_s"] - first_s for line in lines if "sent_s" in line]
    took_s = max([at_s for at_s, _ in bulk] + came_s)
    return Bridged(took_s, bulk, alarms, came_s, readings)


def _readings(net: Net) -> dict[str, Reading]:
    return {link.name: link.counters() for link in net.links}


def _first_us(readings: dict[str, Reading]) -> int:
    """When the kit's first packet was offered."""
    times = [reading.to_centre.first_us for reading in readings.values()]
    return min(at_us for at_us in times if at_us is not None)
