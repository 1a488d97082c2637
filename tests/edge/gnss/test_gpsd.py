"""What gpsd says, line by line (as of gpsd 3.22, JSON protocol 3.14), and a real one."""

import asyncio
import contextlib
import datetime
import json
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlab.intake import FakeIntake
from fieldlab.peers import need_program
from fieldlab.receiver import AT_US, Observed, on_a_loop, receiver, running, serving, spoken, until
from fieldlink.codecs.fault import CodecError, SourceError
from fieldlink.codecs.nmea import Fix
from fieldlink.codecs.telemetry import KIT_DEVICE
from fieldlink.edge.gnss.adapter import Gnss
from fieldlink.edge.gnss.gpsd import Pulse, Said, Sky, read_line, watch
from fieldlink.edge.simulate.track import Track

EARLIEST = datetime.date(2026, 1, 1)
TPV = {
    "class": "TPV",
    "device": "/dev/ttyUSB0",
    "status": 3,
    "mode": 3,
    "time": "2026-05-28T09:27:25.000Z",
    "lat": 34.235390833,
    "lon": 108.942386833,
    "altHAE": 384.2,
    "altMSL": 412.5,
    "alt": 412.5,
    "track": 360.0,
    "speed": 1.25,
    "eph": 1.9,
}


def said(**fields: object) -> object:
    return read_line(json.dumps({**TPV, **fields}).encode(), 7, EARLIEST)


def test_a_position_is_read() -> None:
    fix = said()
    assert isinstance(fix, Fix)
    assert (fix.lat, fix.lon, fix.alt) == (34.235390833, 108.942386833, 412.5)
    assert (fix.heading, fix.speed, fix.accuracy, fix.quality) == (0.0, 1.25, 1.9, 4)
    assert (fix.heard_us, fix.time_us) == (7, 1_779_960_445_000_000)


@pytest.mark.parametrize("fields", [{"mode": 1}, {"mode": 0}, {"lat": None}, {"lat": 0, "lon": 0}])
def test_no_fix_is_none(fields: dict[str, object]) -> None:
    fix = said(**fields)
    assert isinstance(fix, Fix)
    assert not fix.valid
    assert (fix.time_us, fix.quality) == (None, 0)


def test_a_rolled_over_date_is_not_believed() -> None:
    fix = said(time="2006-10-12T09:27:25.000Z")
    assert isinstance(fix, Fix)
    assert fix.valid
    assert fix.time_us is None


def test_old_gpsd_has_one_altitude() -> None:
    fix = read_line(b'{"class":"TPV","mode":3,"lat":1,"lon":2,"alt":5.5}', 0, EARLIEST)
    assert isinstance(fix, Fix)
    assert fix.alt == 5.5
    two = said(mode=2)
    assert isinstance(two, Fix)
    assert two.alt is None, "a height without a third dimension is a guess"


def test_satellites_are_counted() -> None:
    sky = {"class": "SKY", "satellites": [{"PRN": 1, "used": True}, {"PRN": 2, "used": False}]}
    assert read_line(json.dumps(sky).encode(), 0, EARLIEST) == Sky(1, 2)
    assert read_line(b'{"class":"SKY","nSat":22,"uSat":14}', 0, EARLIEST) == Sky(14, 22)
    assert read_line(b'{"class":"SKY","hdop":1.2}', 0, EARLIEST) is None


def test_a_pulse_is_read() -> None:
    line = (
        b'{"class":"PPS","device":"/dev/ttyS0","real_sec":1779960445,"real_nsec":0,'
        b'"clock_sec":1779960444,"clock_nsec":999750000,"precision":-20}'
    )
    assert read_line(line, 0, EARLIEST) == Pulse(1_779_960_445_000_000, 1_779_960_444_999_750)


def test_gpsds_own_words() -> None:
    assert read_line(b'{"class":"DEVICES","devices":[]}', 0, EARLIEST) == Said(0, "")
    assert read_line(b'{"class":"ERROR","message":"no"}', 0, EARLIEST) == Said(None, "no")
    assert read_line(b'{"class":"VERSION","release":"3.22"}', 0, EARLIEST) is None
    assert json.loads(watch("/dev/ttyUSB0")[len("?WATCH=") : -2])["device"] == "/dev/ttyUSB0"


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[1]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"class":"TPV","mode":3,"lat":1e999,"lon":2}',
        b'{"class":"TPV","mode":3,"lat":NaN,"lon":2}',
        b'{"class":"TPV","mode":3,"lat":"34","lon":2}',
        b'{"class":"TPV","mode":true,"lat":34,"lon":2}',
        b'{"class":"TPV","mode":3,"lat":34,"lon":%s}' % (b"9" * 4000),
        b'{"class":"TPV","mode":3,"lat":34,"lon":2,"time":5}',
        b'{"class":"TPV","mode":3,"lat":34,"lon":2,"time":"0000-00-00"}',
        b'{"class":"PPS"}',
    ],
)
def test_what_is_wrong_is_one_error(line: bytes) -> None:
    with pytest.raises(CodecError):
        read_line(line, 0, EARLIEST)


VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30))


@given(st.sampled_from(["TPV", "SKY", "PPS", "DEVICES", "ERROR"]), st.data())
def test_hostile_values_are_one_error(kind: str, data: st.DataObject) -> None:
    names = [*TPV, "uSat", "nSat", "satellites", "devices", "message", "real_sec", "clock_nsec"]
    fields = data.draw(st.dictionaries(st.sampled_from(names), VALUES))
    try:
        read_line(json.dumps({**fields, "class": kind}).encode(), 0, EARLIEST)
    except CodecError:
        return


@on_a_loop
async def test_a_line_without_end_from_gpsd_is_refused() -> None:
    async with serving(b"x" * 300_000) as port:
        gnss = Gnss(receiver(url=f"gpsd://127.0.0.1:{port}"), FakeIntake(), None)
        with pytest.raises(SourceError, match="not-gpsd"):
            await gnss.run(lambda: None)


@on_a_loop
async def test_gpsd_without_a_receiver_says_so() -> None:
    async with serving(b'{"class":"DEVICES","devices":[]}\r\n') as port:
        gnss = Gnss(receiver(url=f"gpsd://127.0.0.1:{port}"), FakeIntake(), None)
        with pytest.raises(SourceError, match="no receiver"):
            await gnss.run(lambda: None)
        assert "gpsd 没有接收机" in gnss.report()["said"]


@on_a_loop
async def test_a_real_gpsd_is_understood(tmp_path: Path) -> None:
    """gpsd from gpsfake, which plays our receiver's sentences to it over a pty."""
    gpsfake, _ = need_program("gpsfake"), need_program("gpsd")
    log = tmp_path / "walk.nmea"
    log.write_bytes(b"".join(spoken(n) for n in range(60)))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    intake, observed = FakeIntake(), Observed()
    gnss = Gnss(receiver(url=f"gpsd://127.0.0.1:{port}", every="100ms"), intake, observed)
    environment = {**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}
    fake = subprocess.Popen(  # noqa: ASYNC220 - begins, and is not waited for
        [gpsfake, "-q", "-c", "0.02", "-P", str(port), str(log)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        until_s = time.monotonic() + 20
        while len(intake.records) < 5 and time.monotonic() < until_s:
            with contextlib.suppress(SourceError):
                async with running(gnss) as task:
                    await until(lambda: len(intake.records) >= 5, task)
            await asyncio.sleep(0.1)
    finally:
        os.killpg(fake.pid, 15)
        fake.wait(10)
    # Until the first date has come gpsd knows no time.
    found = [one for one in intake.readings(KIT_DEVICE, "position") if one.device_us is not None]
    assert len(found) >= 3
    track = Track("gnss", 34.2353908, 108.9423868)
    for one in found:
        assert one.device_us is not None
        place = track.at((one.device_us - AT_US) / 1e6)
        assert one.values["lat"] == pytest.approx(place.lat, abs=1e-7)
        assert one.values["lon"] == pytest.approx(place.lon, abs=1e-7)
        assert one.values["fix"] == 1
    assert observed.readings
    assert not intake.refused


@on_a_loop
async def test_an_instant_that_is_said_twice_tells_the_time_once() -> None:
    """gpsd says an instant anew with each sentence: only the first is in time for a clock."""
    lines = [
        json.dumps({**TPV, "time": f"2026-05-28T09:27:{second}.000Z"}).encode() + b"\r\n"
        for second in (25, 25, 26, 26, 26, 27)
    ]
    observed = Observed()
    async with serving(b"".join(lines)) as port:
        gnss = Gnss(receiver(url=f"gpsd://127.0.0.1:{port}"), FakeIntake(), observed)
        async with running(gnss) as task:
            await until(lambda: len(observed.readings) >= 3, task)
    instants = [true_us for _, true_us, _, _ in observed.readings]
    assert [instant - instants[0] for instant in instants] == [0, 1_000_000, 2_000_000]
