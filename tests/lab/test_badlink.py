"""The bad link over real namespaces: packets, addresses, routes, and nothing left behind."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from fieldlab.badlink.lab import SERVICE, Net, lab
from fieldlab.badlink.namespace import remove_leftovers
from fieldlab.badlink.scenario import Scenario, Way, even_link
from fieldlab.peers import need_badlink

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
LINKS = (even_link("sat", 4_000_000, 100), even_link("lte", 8_000_000, 40))
# Sends 200 kB to whoever connects.
GIVE = """
import socket
with socket.create_server(("", 7000)) as server:
    while True:
        peer, _ = server.accept()
        with peer:
            peer.sendall(bytes(200_000))
"""
TAKE = """
import socket, sys
with socket.socket() as peer:
    if sys.argv[1] != "-":
        peer.setsockopt(socket.SOL_SOCKET, 25, sys.argv[1].encode())
    if sys.argv[2] != "-":
        peer.bind((sys.argv[2], 0))
    peer.settimeout(30)
    peer.connect(("10.99.0.1", 7000))
    got = 0
    while data := peer.recv(65536):
        got += len(data)
print(got, peer.getsockname()[0] if peer.fileno() >= 0 else "")
"""


@pytest.fixture
def net() -> Iterator[Net]:
    """Two links, and a server at the centre."""
    need_badlink()
    with lab(LINKS, seed=1) as net:
        net.centre.popen([sys.executable, "-c", GIVE])
        yield net


def take(net: Net, device: str = "-", source: str = "-") -> int:
    """Fetch from the centre's server; how many bytes came."""
    argv = [sys.executable, "-c", TAKE, device, source]
    for _ in range(100):
        done = net.kit.run(argv, capture_output=True, text=True)
        if "refused" not in done.stderr:
            break
        time.sleep(0.05)  # the server is not there yet
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[0])


def test_the_first_link_is_taken_unless_a_socket_picks_another(net: Net) -> None:
    sat, lte = net.links
    assert take(net) == 200_000
    assert sat.counters().to_kit.delivered_bytes > 200_000
    assert lte.counters().to_kit.delivered_bytes == 0
    assert take(net, device="lte") == 200_000
    assert take(net, source=lte.kit_address) == 200_000
    assert lte.counters().to_kit.delivered_bytes > 400_000
    assert sat.counters().to_kit.delivered_bytes < 300_000
    packets = lte.counters().to_kit
    assert packets.offered == packets.delivered + packets.dropped
    assert packets.busy_us == pytest.approx(packets.delivered_bytes, rel=0.01)  # 1 us a byte


def test_a_cut_link_carries_nothing_and_counts_it(net: Net) -> None:
    take(net)
    sat = net.link("sat")
    before = sat.cut()
    ping = ["ping", "-c", "2", "-i", "0.2", "-W", "1", SERVICE]
    assert net.kit.run(ping, capture_output=True).returncode == 1
    after = sat.restore()
    assert (after.to_centre - before.to_centre).down >= 2
    assert (after.to_centre - before.to_centre).delivered == 0
    assert net.kit.run(ping, capture_output=True).returncode == 0


def test_an_echo_takes_the_round_trip(net: Net) -> None:
    said = net.kit.run(["ping", "-c", "5", "-i", "0.2", SERVICE], capture_output=True, text=True)
    shortest_ms = float(re.search(r"= ([\d.]+)/", said.stdout)[1])  # type: ignore[index]
    assert shortest_ms >= 100.3  # 84 bytes at 4 Mbit/s, twice, and the delays
    net.link("sat").set(Way.TO_KIT, delay_us=0)
    said = net.kit.run(["ping", "-c", "2", "-i", "0.2", SERVICE], capture_output=True, text=True)
    shorter_ms = float(re.search(r"= ([\d.]+)/", said.stdout)[1])  # type: ignore[index]
    assert 50.3 <= shorter_ms < shortest_ms


def test_an_unplugged_modem_leaves_the_other_link_and_comes_back(net: Net) -> None:
    take(net)
    net.link("sat").unplug()
    before = net.link("lte").counters().to_kit.delivered_bytes
    assert take(net) == 200_000
    assert net.link("lte").counters().to_kit.delivered_bytes > before + 200_000
    net.link("sat").plug()
    before = net.link("sat").counters().to_kit.delivered_bytes
    assert take(net) == 200_000
    assert net.link("sat").counters().to_kit.delivered_bytes > before + 200_000


def test_links_are_perfect_until_the_scenario_begins_and_its_outages_come() -> None:
    need_badlink()
    slow = even_link("sat", 64_000, 3_000)
    told = Scenario(title="", links=(slow,))
    with lab(told, begin=False) as net:
        net.centre.popen([sys.executable, "-c", GIVE])
        assert take(net) == 200_000
        assert net.begin() <= time.monotonic_ns() // 1000
        reading = net.link("sat").counters()
        assert reading.to_kit.offered == 0
        assert reading.conditions[Way.TO_KIT] == slow.to_kit


@contextmanager
def victim() -> Iterator[tuple["subprocess.Popen[str]", str, int]]:
    """A laboratory in a process of its own, its kit's namespace and a program in that."""
    code = (
        "import time\nfrom fieldlab.badlink.lab import lab\n"
        "from fieldlab.badlink.scenario import even_link\n"
        "with lab([even_link('sat', 10**6, 100)]) as net:\n"
        "    child = net.kit.popen(['sleep', '1000'])\n"
        "    print(net.kit.name, child.pid, flush=True)\n    time.sleep(1000)\n"
    )
    argv = [sys.executable, "-c", code]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=ENVIRONMENT
    ) as process:
        assert process.stdout is not None
        name, child = process.stdout.readline().split()
        assert Path("/run/netns", name).exists()
        yield process, name, int(child)
        process.kill()


def wait_gone(name: str, child: int) -> None:
    """Until neither the namespace nor the program is there."""
    end = time.monotonic() + 20
    while Path("/run/netns", name).exists() or Path("/proc", str(child)).exists():
        assert time.monotonic() < end, "something is left"
        time.sleep(0.05)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_laboratory_that_is_killed_leaves_nothing_behind(how: signal.Signals) -> None:
    need_badlink()
    with victim() as (process, name, child):
        process.send_signal(how)
        process.wait()
        wait_gone(name, child)
        assert name not in remove_leftovers()


def test_what_is_left_when_the_forwarder_is_killed_as_well_goes_with_the_next_run() -> None:
    need_badlink()
    with victim() as (process, name, child):
        children = psutil.Process(process.pid).children()
        (forwarder,) = (each for each in children if each.pid != child)
        assert name not in remove_leftovers()  # somebody holds it
        forwarder.kill()
        process.kill()
        process.wait()
        end = time.monotonic() + 20
        while name not in remove_leftovers():
            assert time.monotonic() < end
            time.sleep(0.05)
        wait_gone(name, child)


def test_a_command_may_be_tried_by_hand_over_a_profile() -> None:
    need_badlink()
    argv = [sys.executable, "-m", "fieldlab.badlink", "mesh"]
    argv += ["--seed", "2", "--", "ping", "-c", "1", SERVICE]
    done = subprocess.run(argv, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert "1 packets transmitted" in done.stdout
    assert "mesh to the centre: 1 packets, 84 bytes offered" in done.stderr


def test_an_unknown_profile_or_a_machine_that_cannot_is_told_in_a_sentence() -> None:
    argv = [sys.executable, "-m", "fieldlab.badlink", "starlink"]
    done = subprocess.run(argv, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "three-cuts" in done.stderr
