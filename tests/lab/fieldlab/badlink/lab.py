"""A kit's and a centre's network with bad links between them, for as long as a `with` lasts.

    with lab(load_scenario("vsat"), seed=1) as net:
        net.centre.popen(["iperf3", "-s"])
        net.kit.run(["iperf3", "-c", SERVICE])
        net.link("vsat").cut()

The centre has one address, `SERVICE`, which the kit reaches over every link: a socket picks one by
SO_BINDTODEVICE (the link's name) or by its source address, and without either takes the first.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fieldlab.badlink.line import Counters
from fieldlab.badlink.messages import conditions_from, dump, scenario_told
from fieldlab.badlink.namespace import (
    CENTRE,
    KIT,
    Namespace,
    lock_run,
    remove_leftovers,
    remove_run,
    unusable,
)
from fieldlab.badlink.scenario import Burst, Conditions, Link, Scenario, Way

__all__ = ["SERVICE", "LinkHandle", "Net", "Reading", "lab"]

SERVICE = "10.99.0.1"
_LAB = Path(__file__).resolve().parents[2]
# What Linux sets where nobody has tuned it; a machine under test may have been.
_USUAL_RMEM = (4096, 131_072, 6_291_456)
_USUAL_WMEM = (4096, 16_384, 4_194_304)


@dataclass(frozen=True)
class Reading:
    """A link's counters at a time of CLOCK_MONOTONIC, both ways, and how it is then."""

    at_us: int
    to_centre: Counters
    to_kit: Counters
    conditions: dict[Way, Conditions]


class LinkHandle:
    """A link of a running laboratory."""

    def __init__(self, net: "Net", number: int, link: Link) -> None:
        self._net = net
        self.name = link.name
        self.kit_address = f"10.200.{number}.1"
        self.centre_address = f"10.200.{number}.2"
        self._number = number

    def cut(self) -> Reading:
        """Drop everything, both ways, what is under way included. Nobody is told."""
        return self.set(up=False)

    def restore(self) -> Reading:
        """Let packets through again."""
        return self.set(up=True)

    def set(self, way: Way | None = None, **changes: Any) -> Reading:
        """Change fields of `Conditions`, one way or both; its counters just after."""
        burst = changes.get("burst")
        if isinstance(burst, Burst):
            changes["burst"] = vars(burst)
        ways = {each.value: changes for each in Way if way in (None, each)}
        return _reading(self._net.tell({"do": "set", "link": self.name, "ways": ways}))

    def counters(self) -> Reading:
        """What has gone through so far."""
        return _reading(self._net.tell({"do": "read", "link": self.name}))

    def unplug(self) -> None:
        """Take the kit's modem away: its interface goes down, and the routes over it go."""
        self._net.kit.configure(f"link set {self.name} down")

    def plug(self) -> None:
        """Put the modem back."""
        self._net.kit.configure(*_kit_lines(self._number, self.name))


class Net:
    """A running laboratory."""

    def __init__(self, scenario: Scenario, run: int, control: socket.socket) -> None:
        self.scenario = scenario
        self.kit = Namespace(run, KIT)
        self.centre = Namespace(run, CENTRE)
        self.links = [LinkHandle(self, n, link) for n, link in enumerate(scenario.links, 1)]
        self._control = control
        self._answers = control.makefile("rb")
        self._lock = threading.Lock()

    def link(self, name: str) -> LinkHandle:
        """The link of that name."""
        return next(link for link in self.links if link.name == name)

    def begin(self) -> int:
        """Start the scenario's clock; until then links are fast and perfect. Returns the time.

        The time is CLOCK_MONOTONIC's, in microseconds. The counters start at zero.
        """
        begun_us: int = self.tell({"do": "begin"})["begun_us"]
        return begun_us

    def tell(self, message: dict[str, Any]) -> dict[str, Any]:
        """Say something to the forwarder; its answer."""
        with self._lock:
            self._control.sendall(dump(message))
            answer = self._answers.readline()
        if not answer:
            raise ConnectionError("the process that carries the laboratory's packets has died")
        told: dict[str, Any] = json.loads(answer)
        return told

    def configure(self, congestion: str, centre_rmem: tuple[int, int, int]) -> None:
        """Give devices their addresses and routes, and the kernel its settings."""
        for side, rmem in ((self.kit, _USUAL_RMEM), (self.centre, centre_rmem)):
            devices = ["all", "default", *(link.name for link in self.links)]
            values = {f"net__ipv4__conf__{device}__rp_filter": "0" for device in devices}
            values["net__ipv6__conf__all__disable_ipv6"] = "1"  # its chatter would be counted
            values["net__ipv4__tcp_congestion_control"] = congestion
            values["net__ipv4__tcp_rmem"] = " ".join(map(str, rmem))
            values["net__ipv4__tcp_wmem"] = " ".join(map(str, _USUAL_WMEM))
            side.sysctl(**values)
        self.centre.configure(f"addr add {SERVICE}/32 dev lo")
        for number, link in enumerate(self.links, 1):
            self.kit.configure(
                f"addr add {link.kit_address} peer {link.centre_address} dev {link.name}",
                f"rule add from {link.kit_address} lookup {100 + number}",
                *_kit_lines(number, link.name),
            )
            self.centre.configure(
                f"addr add {link.centre_address} peer {link.kit_address} dev {link.name}",
                f"link set {link.name} up txqueuelen 2000",
            )


@contextlib.contextmanager
def lab(
    links: Scenario | Sequence[Link],
    *,
    seed: int = 1,
    begin: bool = True,
    congestion: str = "bbr",
    centre_rmem: tuple[int, int, int] = _USUAL_RMEM,
) -> Iterator[Net]:
    """Two namespaces joined by the links given; everything in them ends with the context.

    `begin=False` leaves the links perfect until `Net.begin`. `centre_rmem` is the centre's
    net.ipv4.tcp_rmem; the kit's, and both sides' tcp_wmem, are Linux's usual ones.

    Raises:
        PermissionError: this machine or user cannot; the message says what is missing.
    """
    reason = unusable()
    if reason:
        raise PermissionError(reason)
    scenario = links if isinstance(links, Scenario) else Scenario(title="", links=tuple(links))
    remove_leftovers()
    run, lock = lock_run()
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, lock)
        stack.callback(remove_run, run)
        ours, theirs = socket.socketpair()
        net = Net(scenario, run, ours)
        net.kit.create()
        net.centre.create()
        forwarder = _start_forwarder(run, theirs, lock)
        stack.callback(_wait, forwarder)
        stack.callback(ours.close)
        stack.callback(net._answers.close)
        net.tell({"scenario": scenario_told(scenario), "seed": seed})
        net.configure(congestion, centre_rmem)
        stack.callback(net.centre.stop)
        stack.callback(net.kit.stop)
        if begin:
            net.begin()
        yield net


def _start_forwarder(run: int, theirs: socket.socket, lock: int) -> "subprocess.Popen[bytes]":
    argv = [sys.executable, "-m", "fieldlab.badlink.forward"]
    argv += [str(run), str(theirs.fileno()), str(lock)]
    path = os.pathsep.join(filter(None, [str(_LAB), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path}
    with theirs:
        return subprocess.Popen(argv, env=environment, pass_fds=[theirs.fileno(), lock])


def _wait(forwarder: "subprocess.Popen[bytes]") -> None:
    try:
        forwarder.wait(10)
    except subprocess.TimeoutExpired:
        forwarder.kill()
        forwarder.wait()


def _kit_lines(number: int, name: str) -> list[str]:
    """What a device of the kit's needs each time it comes up: its routes go when it goes down."""
    source = f"src 10.200.{number}.1"
    return [
        f"link set {name} up txqueuelen 2000",
        f"route replace {SERVICE}/32 dev {name} {source} metric {100 * number}",
        f"route replace default dev {name} {source} table {100 + number}",
    ]


def _reading(told: dict[str, Any]) -> Reading:
    ways = told["ways"]
    return Reading(
        at_us=told["at_us"],
        to_centre=Counters(**ways[Way.TO_CENTRE.value]["counters"]),
        to_kit=Counters(**ways[Way.TO_KIT.value]["counters"]),
        conditions={way: conditions_from(ways[way.value]["conditions"]) for way in Way},
    )


def wait_us(until_us: int) -> None:
    """Sleep until a time of CLOCK_MONOTONIC."""
    time.sleep(max(0.0, until_us / 1e6 - time.monotonic()))
