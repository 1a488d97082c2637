"""The process that carries the packets: `python -m fieldlab.badlink.forward RUN SOCKET LOCK`.

It makes the TUN devices in the run's two namespaces, so that they go when it goes, and moves
packets between the two of each link as their lines say. When the laboratory's end of the socket
closes, for whatever reason, it removes the run.
"""

import contextlib
import dataclasses
import fcntl
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from fieldlab.badlink.line import Line
from fieldlab.badlink.messages import conditions_from, dump, scenario_from
from fieldlab.badlink.namespace import CENTRE, KIT, enter, remove_run
from fieldlab.badlink.scenario import Change, Conditions, Scenario, Way

_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_BATCH = 64  # packets read from a device before the others have their turn
_LARGEST_PACKET = 65_536
# What the links are like until the scenario begins.
_CLEAR = Conditions(rate_bps=1_000_000_000, queue_bytes=8_000_000, delay_us=0)


@dataclass
class _Pipe:
    """A direction: what is read from one device goes, through the line, to the other."""

    link: str
    way: Way
    source: int
    sink: int
    line: Line[bytes]

    def read(self, now_us: int) -> None:
        """Take what the device has."""
        for _ in range(_BATCH):
            try:
                packet = os.read(self.source, _LARGEST_PACKET)
            except BlockingIOError:
                return
            except OSError:  # the device is down (ip link set down)
                return
            self.line.offer(packet, len(packet), now_us)

    def write(self, now_us: int) -> None:
        """Give the other device what has come through."""
        for packet in self.line.arrived(now_us):
            # A device that is down or full takes nothing, as a cable would.
            with contextlib.suppress(OSError):
                os.write(self.sink, packet)


class Forwarder:
    """All the links of a run."""

    def __init__(self, run: int, scenario: Scenario, seed: int) -> None:
        self._scenario = scenario
        self._seed = seed
        self._begun_us: int | None = None
        self._changes: deque[Change] = deque()
        devices = _devices(run, [link.name for link in scenario.links])
        self._pipes: list[_Pipe] = []
        for link in scenario.links:
            kit, centre = devices[link.name]
            for way, source, sink in ((Way.TO_CENTRE, kit, centre), (Way.TO_KIT, centre, kit)):
                pipe = _Pipe(link.name, way, source, sink, self._line(link.name, way, _CLEAR))
                self._pipes.append(pipe)

    def _line(self, link: str, way: Way, conditions: Conditions) -> Line[bytes]:
        return Line(conditions, f"{self._seed} {link} {way.value}", _now_us())

    def begin(self) -> None:
        """The scenario's clock starts, and the counters with it."""
        now_us = self._begun_us = _now_us()
        self._changes = deque(self._scenario.changes)
        for pipe in self._pipes:
            pipe.write(now_us)
            conditions = self._scenario.link(pipe.link).way(pipe.way)
            pipe.line = self._line(pipe.link, pipe.way, conditions)

    def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do as the laboratory says; what it hears back."""
        now_us = _now_us()
        if order["do"] == "begin":
            self.begin()
        elif order["do"] == "set":
            new = {Way(way): told for way, told in order["ways"].items()}
            for pipe in self._of(order["link"]):
                if pipe.way in new:
                    self._set(pipe, new[pipe.way], now_us)
        else:
            for pipe in self._of(order["link"]):
                pipe.write(now_us)
        ways = {
            pipe.way.value: {
                "counters": dataclasses.asdict(pipe.line.counters),
                "conditions": dataclasses.asdict(pipe.line.conditions),
            }
            for pipe in self._of(order.get("link"))
        }
        return {"at_us": now_us, "begun_us": self._begun_us, "ways": ways}

    def _of(self, link: str | None) -> list[_Pipe]:
        return [pipe for pipe in self._pipes if pipe.link == link]

    @staticmethod
    def _set(pipe: _Pipe, told: dict[str, Any], now_us: int) -> None:
        before = dataclasses.asdict(pipe.line.conditions)
        pipe.line.change(conditions_from({**before, **told}), now_us)

    def run(self, control: socket.socket) -> None:
        """Carry packets until the other end of `control` closes."""
        orders = control.makefile("rb")
        sources = {pipe.source: pipe for pipe in self._pipes}
        ears = [control.fileno(), *sources]
        while True:
            now_us = _now_us()
            while self._changes and self._changes[0].at_us + (self._begun_us or 0) <= now_us:
                self._happen(self._changes.popleft(), now_us)
            for pipe in self._pipes:
                pipe.write(now_us)
            ready, _, _ = select.select(ears, [], [], self._pause_s())
            now_us = _now_us()
            for ear in ready:
                if ear in sources:
                    sources[ear].read(now_us)
                    continue
                order = orders.readline()
                if not order:
                    return
                control.sendall(dump(self.obey(json.loads(order))))

    def _happen(self, change: Change, now_us: int) -> None:
        for pipe in self._of(change.link):
            now = change.to_centre if pipe.way is Way.TO_CENTRE else change.to_kit
            pipe.line.change(now, now_us)

    def _pause_s(self) -> float | None:
        dues = [due for pipe in self._pipes if (due := pipe.line.due_us) is not None]
        if self._changes:
            dues.append(self._changes[0].at_us + (self._begun_us or 0))
        return max(0.0, (min(dues) - _now_us()) / 1e6) if dues else None


def _devices(run: int, links: list[str]) -> dict[str, tuple[int, int]]:
    """The two ends of each link: TUN devices named after it, in the kit's and the centre's."""
    ends: dict[str, list[int]] = {link: [] for link in links}
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    for side in (KIT, CENTRE):
        enter(f"fieldlink-{run}-{side}")
        for link in links:
            handle = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            request = struct.pack("16sH22x", link.encode(), _IFF_TUN | _IFF_NO_PI)
            fcntl.ioctl(handle, _TUNSETIFF, request)
            ends[link].append(handle)
    enter(home)
    os.close(home)
    return {link: (kit, centre) for link, (kit, centre) in ends.items()}


def _now_us() -> int:
    return time.monotonic_ns() // 1000


def _hurry() -> None:
    """Go first on a busy machine: a late packet would be the laboratory's, not the link's."""
    with contextlib.suppress(PermissionError):
        policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(0, policy, os.sched_param(1))


def main() -> None:
    """Serve one laboratory."""
    run, handle, _lock = map(int, sys.argv[1:])
    control = socket.socket(fileno=handle)
    # The laboratory decides when this ends, also when somebody presses Ctrl-C.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        told = json.loads(control.makefile("rb").readline())
        forwarder = Forwarder(run, scenario_from(told["scenario"]), told["seed"])
        _hurry()
        control.sendall(dump({"ready": True}))
        forwarder.run(control)
    except ConnectionError:
        pass
    finally:
        remove_run(run)


if __name__ == "__main__":
    main()
