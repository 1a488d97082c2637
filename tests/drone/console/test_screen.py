"""What operators see of links and vehicles, and that screens end as they should."""

import asyncio
import io
import os
import signal

import pytest

from fieldlab.aircraft import flight, peer
from fieldlink.codecs.fault import ConfigError
from fieldlink.codecs.mavlink import Framer
from fieldlink.drone.console.alone import Alone, endpoints_of
from fieldlink.drone.console.screen import Screen, until_interrupted
from fieldlink.drone.console.wording import (
    link_lines,
    policy_lines,
    profile_lines,
    vehicle_lines,
    watch_lines,
)
from fieldlink.drone.router import RouterSettings
from fieldlink.drone.router.policy import policy_of
from fieldlink.drone.router.profiles import PROFILES
from fieldlink.systemd.terminal import columns


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _alone() -> Alone:
    alone = Alone(RouterSettings(endpoint=endpoints_of(["udpin:127.0.0.1:0"])), {1: "m300"})
    framer = Framer("link-1")
    port = alone.router.core.attach("link-1", policy_of(alone.router.settings.endpoint[0]), 0)
    text = peer(1).statustext_encode(3, b"Compass variance \x1b[2J").pack(peer(1))
    for _, raw in [*flight(3), (0, text)]:
        alone.router.core.receive(port, framer.datagram(raw), 1)
    return alone


def test_a_vehicle_is_shown_with_what_it_does_and_said() -> None:
    report = _alone().report()
    (line,) = vehicle_lines(report)
    assert line.startswith("m300: system 1/1 ")
    assert "30.1234" in line
    assert "67 %" in line
    shown = watch_lines(report)
    assert any("error" in line and "Compass variance" in line for line in shown)
    assert watch_lines(report, "other")[0].startswith("other is not heard yet")
    assert vehicle_lines({}) == ["no aircraft is heard 没有收到飞机"]


def test_a_screen_breaks_long_lines_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("LINES", "20")
    terminal = _Terminal()
    with Screen(terminal) as screen:
        screen.show(["  link radio OK (9 packets, 0 lost, 0.0% loss)", "  相机 " + "录像中 " * 5])
    shown = terminal.getvalue().rpartition("\x1b[?1049l")[2].splitlines()
    assert shown[:2] == ["  link radio OK (9", "      packets, 0 lost, 0.0%"]
    assert shown[2] == "      loss)"
    assert max(map(columns, shown)) <= 30
    assert "".join(shown).count("录像中") == 5


def test_a_link_that_is_not_there_says_why() -> None:
    down = {"name": "r", "connect": "/dev/ttyX", "state": "down", "reason": "gone", "links": []}
    assert link_lines({"endpoints": [down]}) == ["link r DOWN 断开 (/dev/ttyX): gone"]
    assert "没有配置" in link_lines({})[0]


def test_rates_are_told_as_a_person_reads_them() -> None:
    sat = "\n".join(profile_lines(PROFILES["sat"]))
    assert "1 Hz  ATTITUDE GLOBAL_POSITION_INT HEARTBEAT VFR_HUD" in sat
    assert "never 不发  all others" in sat
    (endpoint,) = endpoints_of(["udpout:10.0.0.2:14550@beidou"])
    assert endpoint.profile == "beidou"
    assert "0.2 Hz  HIGH_LATENCY2" in "\n".join(policy_lines("x", policy_of(endpoint)))
    with pytest.raises(ConfigError, match=r"nonsense: write udpin:host:port"):
        endpoints_of(["nonsense"])


def test_a_terminal_is_left_as_it_was_with_the_last_lines_on_it() -> None:
    stream = _Terminal()
    with Screen(stream) as screen:
        screen.show(["first"])
        screen.show(["second \x1b[2J"])
    said = stream.getvalue()
    assert said.startswith("\x1b[?1049h\x1b[?25l\x1b[?7l")
    assert said.endswith("\x1b[?7h\x1b[?25h\x1b[?1049lsecond \\x1b[2J\n")
    plain = io.StringIO()
    with Screen(plain) as screen:
        screen.show(["only"])
    assert plain.getvalue() == "only\n\n"


def test_who_asks_for_a_rate_once_is_told_one() -> None:
    alone = _alone()
    core = alone.router.core
    (port,) = core.ports.values()
    framer = Framer("link-1")
    for at_us, raw in flight(8, seed=2):
        core.receive(port, framer.datagram(raw), at_us + 1)
        core.tick(at_us + 1, at_us + 1, healthy=True)
    assert 1000 < port.stats.rate_bytes_s(8_000_000) < 3000


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_is_a_good_end(number: int) -> None:
    ended = []

    async def work() -> None:
        os.kill(os.getpid(), number)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append(True)

    until_interrupted(work())
    assert ended == [True]
