"""The receiver of the kit on a pty as its serial port, behind TCP, and behind a real gpsd."""

import asyncio
import contextlib
import os
import pty
import termios
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldlab.intake import FakeIntake
from fieldlab.receiver import AT_US, Observed, on_a_loop, receiver, running, serving, spoken, until
from fieldlink.codecs.fault import SourceError
from fieldlink.codecs.nmea import Fix, sentences_of
from fieldlink.codecs.telemetry import KIT_DEVICE, Flag
from fieldlink.edge.clock.clock import KitClock, steady_us
from fieldlink.edge.clock.measure import Origin
from fieldlink.edge.clock_check import ClockState
from fieldlink.edge.gnss.adapter import Gnss, make_gnss
from fieldlink.edge.gnss.settings import place_of
from fieldlink.edge.gnss.trial import check_gnss
from fieldlink.edge.simulate.track import Track

NO_FIX = Fix(0, satellites=2)


@pytest.fixture
def line() -> Iterator[tuple[int, str]]:
    """A serial line: our end, and the path of the kit's."""
    ours, theirs = pty.openpty()
    path = os.ttyname(theirs)
    os.close(theirs)
    yield ours, path
    with contextlib.suppress(OSError):
        os.close(ours)


async def opened(ours: int) -> None:
    """Until the kit has the port open; what is said before that is thrown away."""
    async with asyncio.timeout(10):
        while termios.tcgetattr(ours)[3] & termios.ICANON:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)


@on_a_loop
async def test_a_receiver_on_a_serial_port_says_where_the_kit_is(line: tuple[int, str]) -> None:
    ours, path = line
    intake, observed = FakeIntake(), Observed()
    gnss = Gnss(receiver(url=path, baud=9600, every="100ms"), intake, observed)
    async with running(gnss) as task:
        await opened(ours)
        os.write(ours, b"\x00\xb5b\x01" + spoken(0))
        await until(lambda: len(intake.records) == 1, task)
        os.write(ours, b"$GNRMC,garbled*00\r\n" + spoken(1))
        await until(lambda: len(intake.records) == 2, task)
        assert gnss.report()["said"].startswith("fix 已定位, 14 satellites 颗卫星, last sentence")
        os.write(ours, spoken(2, NO_FIX))
        await until(lambda: len(intake.records) == 3, task)
        assert "未定位" in gnss.report()["said"]
        before_us = steady_us()
        os.close(ours)  # the cable is pulled
        with pytest.raises(SourceError, match="unplugged"):
            await until(lambda: False, task)
        assert gnss.report()["state"] == "down"
        assert "USB" in gnss.report()["said"]
    first, second, third = intake.readings(KIT_DEVICE, "position")
    place = Track("gnss", 34.2353908, 108.9423868).at(1)
    assert second.values["lat"] == pytest.approx(place.lat, abs=1e-8)
    assert second.values["lon"] == pytest.approx(place.lon, abs=1e-8)
    assert second.values["accuracy"] == pytest.approx(1.4, abs=0.01)
    assert (first.device_us, second.device_us) == (AT_US, AT_US + 1_000_000)
    assert third.flags == Flag.NO_FIX
    assert (third.values["lat"], third.values["satellites"], third.device_us) == (None, 2, None)
    assert intake.refused == {(KIT_DEVICE, "nmea-checksum"): 1}
    assert [reading[:2] for reading in observed.readings] == [
        (Origin.GNSS, AT_US + 200_000),
        (Origin.GNSS, AT_US + 1_200_000),
    ]
    assert all(0 <= before_us - at_us < 20_000_000 for _, _, at_us, _ in observed.readings)


@on_a_loop
async def test_a_speed_is_found_by_itself(line: tuple[int, str]) -> None:
    ours, path = line
    began_us = steady_us()
    fast = Gnss(receiver(url=path), FakeIntake(), None, steady=lambda: began_us + hurried(began_us))

    def speak(n: int) -> None:
        # A pty carries bytes whatever the speed is, so this end speaks only at its own.
        attributes = termios.tcgetattr(ours)
        os.write(ours, spoken(n) if attributes[5] == termios.B38400 else b"\xf0\x0f\xe1")

    async with asyncio.timeout(20):
        for _ in range(3):
            task = asyncio.create_task(fast.run(lambda: None))
            for n in range(100):
                if task.done() or fast.report()["state"] == "live":
                    break
                speak(n)
                await asyncio.sleep(0.05)
            task.cancel()
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
            if isinstance(outcome, SourceError):
                assert outcome.reason == "no-nmea"
    assert fast.report()["baud"] == 38400
    assert fast.report()["state"] == "live"


def hurried(began_us: int) -> int:
    """Time passes 20 times as fast."""
    return (steady_us() - began_us) * 20


@on_a_loop
async def test_a_port_that_is_not_there_says_what_to_do() -> None:
    gnss = Gnss(receiver(url="/dev/ttyUSB77"), FakeIntake(), None)
    with pytest.raises(SourceError, match="plug the receiver in"):
        await gnss.run(lambda: None)
    assert "请检查 USB 线" in gnss.report()["said"]


@on_a_loop
async def test_two_do_not_read_one_port(line: tuple[int, str]) -> None:
    ours, path = line
    first = Gnss(receiver(url=path, baud=9600), FakeIntake(), None)
    async with running(first) as task:
        await opened(ours)
        os.write(ours, spoken(0))
        await until(lambda: first.report()["state"] == "live", task)
        with pytest.raises(SourceError, match="used by another program"):
            await Gnss(receiver(url=path), FakeIntake(), None).run(lambda: None)


@on_a_loop
async def test_zero_and_simulated_positions_are_marked() -> None:
    zero = Fix(0, lat=0.0, lon=0.0, satellites=4, quality=1)
    simulated = Fix(0, lat=34.0, lon=108.0, satellites=9, quality=8)
    intake, observed = FakeIntake(), Observed()
    async with serving(spoken(0, zero) + spoken(1, simulated)) as port:
        gnss = Gnss(receiver(url=f"socket://127.0.0.1:{port}", every="100ms"), intake, observed)
        async with running(gnss) as task:
            await until(lambda: len(intake.records) == 2, task)
    first, second = intake.readings(KIT_DEVICE)
    assert first.flags == Flag.ZERO | Flag.NO_FIX
    assert first.values["lat"] is None
    assert second.flags == Flag.EXERCISE
    assert observed.readings == [], "a simulator's time is nobody's"


@on_a_loop
async def test_positions_come_no_oftener_than_is_set() -> None:
    intake = FakeIntake()
    async with serving(b"".join(spoken(n) for n in range(50))) as port:
        gnss = Gnss(receiver(url=f"socket://127.0.0.1:{port}"), intake, None)
        async with running(gnss) as task:
            await until(lambda: gnss.report()["recorded"] > 0, task)
            await asyncio.sleep(0.05)
    assert len(intake.records) == 1


@on_a_loop
async def test_a_receiver_that_falls_silent_is_down() -> None:
    began_us = steady_us()
    async with serving(spoken(0)) as port:
        gnss = Gnss(
            receiver(url=f"socket://127.0.0.1:{port}"),
            FakeIntake(),
            None,
            steady=lambda: began_us + hurried(began_us),
        )
        with pytest.raises(SourceError, match="silent"):
            async with asyncio.timeout(10):
                await gnss.run(lambda: None)


@on_a_loop
async def test_a_kit_in_1970_gets_right_times_from_its_receiver(line: tuple[int, str]) -> None:
    """Everything together: sentences on a serial port set the kit's clock right."""
    ours, path = line
    started_us = steady_us()
    clock = KitClock(
        system=lambda: 3_600_000_000 + steady_us() - started_us,
        kernel=lambda: ClockState(False, None),
    )
    assert clock.now_us() < 86_400_000_000
    (gnss,) = make_gnss(receiver(url=path, baud=9600, every="100ms"), FakeIntake(), clock.observe)
    async with running(gnss) as task:
        await opened(ours)
        while clock.error_us() is None:
            at_us = AT_US + steady_us() - started_us
            os.write(ours, sentences_of(Fix(0, lat=34.2, lon=108.9, quality=1), at_us))
            await asyncio.sleep(0.02)
            assert not task.done()
    truth_us = AT_US + steady_us() - started_us
    error_us = clock.error_us()
    assert error_us is not None
    assert abs(clock.now_us() - truth_us) <= error_us < 600_000


@pytest.mark.parametrize(
    ("url", "scheme"),
    [
        ("/dev/ttyUSB0", "serial"),
        ("/dev/serial/by-id/usb-u-blox_AG_-_www.u-blox.com-if00", "serial"),
        ("socket://192.0.2.7:5000", "socket"),
        ("gpsd://127.0.0.1", "gpsd"),
        ("gpsd://[::1]:2947/dev/ttyUSB0", "gpsd"),
    ],
)
def test_urls_that_are_understood(url: str, scheme: str) -> None:
    assert place_of(url).scheme == scheme


@pytest.mark.parametrize(
    "url",
    [
        "ttyUSB0",
        "/etc/passwd",
        "/dev/../etc/passwd",
        "/dev/tty\x00",
        "socket://host",
        "socket://a:b@host:1",
        "gpsd://",
        "gpsd://h:x",
        "\n",
    ],
)
def test_urls_that_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"use|write|port"):
        place_of(url)


def test_without_a_url_there_is_no_receiver() -> None:
    assert make_gnss(receiver(), FakeIntake(), None) == []


def test_the_check_tries_the_receiver(line: tuple[int, str], tmp_path: Path) -> None:
    ours, path = line
    control, done = tmp_path / "control.sock", threading.Event()

    def speak() -> None:
        for n in range(100):
            os.write(ours, spoken(n))
            if done.wait(0.1):
                return

    speaking = threading.Thread(target=speak, daemon=True)
    speaking.start()
    (finding,) = check_gnss(receiver(url=path), control)
    done.set()
    assert finding.ok
    assert finding.english.startswith("fix 已定位, 14 satellites")
    (missing,) = check_gnss(receiver(url="/dev/ttyUSB77"), control)
    assert not missing.ok
    assert "plug the receiver in" in missing.english
    assert check_gnss(receiver(), control) == []
    speaking.join()
