"""Recorded flights as sources: what they say, when, and up to where."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pymavlink.dialects.v20 import all as dialect

from fieldlab.aircraft import flight
from fieldlab.flightlogs import UTC_US, dataflash, recording, ulog
from fieldlink.codecs.fault import SourceError
from fieldlink.codecs.mavlink import Framer, tlog_record
from fieldlink.drone.connection.logs import Logged, read_log
from fieldlink.drone.connection.open import make_connection
from fieldlink.drone.connection.ports import Way
from fieldlink.drone.connection.replay import Pace
from fieldlink.drone.connection.synthesis import Synthesis
from fieldlink.drone.vehicle import Fleet, Measured


def tlog(seconds: float = 5) -> bytes:
    return b"".join(tlog_record(raw, UTC_US + at_us) for at_us, raw in flight(seconds))


WRITERS = {".tlog": tlog, ".bin": dataflash, ".ulg": ulog}
kinds = pytest.mark.parametrize("kind", WRITERS)


def read(path: Path) -> tuple[list[Logged], SourceError | None]:
    found: list[Logged] = []
    try:
        found.extend(read_log(path))
    except SourceError as error:
        return found, error
    return found, None


def decoded(frames: list[Logged]) -> list[Any]:
    reader = dialect.MAVLink(None)
    return [message for frame in frames for message in reader.parse_buffer(frame.raw)]


@kinds
def test_a_log_is_played_as_what_the_aircraft_said(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"flight{kind}"
    path.write_bytes(WRITERS[kind]())
    frames, wrong = read(path)
    assert wrong is None
    said = decoded(frames)
    counts = Counter(message.get_type() for message in said)
    assert counts["HEARTBEAT"] == 5
    assert counts["ATTITUDE"] == 50
    assert counts["GLOBAL_POSITION_INT"] >= 5
    assert counts["GPS_RAW_INT"] >= 5
    assert frames[0].at_us // 1_000_000 in range(UTC_US // 10**6 - 1, UTC_US // 10**6 + 2)
    beat = next(message for message in said[20:] if message.get_type() == "HEARTBEAT")
    assert (beat.type, beat.base_mode & 128) == (2, 0 if kind == ".tlog" else 128)
    place = next(message for message in said if message.get_type() == "GLOBAL_POSITION_INT")
    assert place.lat == pytest.approx(301_234_500, abs=100)


def test_a_copter_says_what_it_logged(tmp_path: Path) -> None:
    path = tmp_path / "flight.bin"
    path.write_bytes(dataflash())
    last = {message.get_type(): message for message in decoded(read(path)[0])}
    assert last["STATUSTEXT"].text == "ArduCopter V4.5.1 (deadbeef)"
    assert (last["HEARTBEAT"].autopilot, last["HEARTBEAT"].custom_mode) == (3, 4)
    attitude = last["ATTITUDE"]
    assert (attitude.roll, attitude.pitch, attitude.yaw) == pytest.approx(
        (0.1745, -0.0873, 1.5708), abs=1e-3
    )
    battery = last["BATTERY_STATUS"]
    assert (battery.voltages[0], battery.battery_remaining, battery.current_consumed) == (
        15_800,
        67,
        500,
    )
    assert last["SYS_STATUS"].current_battery == 1200
    assert last["GPS_RAW_INT"].satellites_visible == 14
    assert (last["GLOBAL_POSITION_INT"].relative_alt, last["VFR_HUD"].heading) == (4000, 90)


def test_records_a_little_out_of_order_make_no_more_messages() -> None:
    aircraft = Synthesis(3)
    said = [
        logged
        for turn in range(100)
        for late_us in (0, 300_000)
        for logged in aircraft.tell("attitude", turn * 100_000 - late_us, 0, roll=0.1)
    ]
    kinds_ = Counter(message.get_type() for message in decoded(said))
    assert kinds_["HEARTBEAT"] <= 11
    assert kinds_["ATTITUDE"] <= 101
    # Far back: the autopilot began anew, and is heard at once.
    assert len(list(aircraft.tell("attitude", -20_000_000, 0, roll=0.1))) == 2


def test_a_quadrotor_of_px4_says_what_it_logged(tmp_path: Path) -> None:
    path = tmp_path / "flight.ulg"
    path.write_bytes(ulog())
    last = {message.get_type(): message for message in decoded(read(path)[0])}
    assert last["STATUSTEXT"].text == "[commander] Takeoff detected"
    # Mission: main mode 4, sub mode 4.
    assert (last["HEARTBEAT"].autopilot, last["HEARTBEAT"].custom_mode) == (12, 0x04040000)
    assert last["ATTITUDE"].yaw == pytest.approx(1.5708, abs=1e-3)
    assert last["GLOBAL_POSITION_INT"].alt == 540_000


@kinds
def test_a_truncated_file_plays_up_to_there_and_says_the_byte(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"flight{kind.upper()}"
    path.write_bytes(WRITERS[kind]())
    whole, _ = read(path)
    path.write_bytes(WRITERS[kind]()[:-5])
    frames, wrong = read(path)
    assert wrong is not None
    assert frames == whole[: len(frames)]
    assert len(frames) >= len(whole) - 3
    assert wrong.reason == "truncated"
    assert f"byte {whole[-1].offset}" in wrong.detail


@kinds
def test_a_damaged_file_plays_up_to_there_and_says_the_byte(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"flight{kind}"
    path.write_bytes(WRITERS[kind]())
    whole, _ = read(path)
    at = whole[60].offset
    data = WRITERS[kind]()
    path.write_bytes(data[:at] + bytes(200) + data[at:])
    frames, wrong = read(path)
    assert wrong is not None
    assert frames == [frame for frame in whole if frame.offset < at]
    assert (wrong.reason, f"byte {at} " in wrong.detail) == ("damaged", True)


def test_real_logs_play() -> None:
    frames, wrong = read(recording("ardupilot-test.BIN"))
    assert "byte 65512" in str(wrong)
    assert {message.get_type() for message in decoded(frames)} >= {"HEARTBEAT", "ATTITUDE"}
    frames, wrong = read(recording("px4-sample_log_small.ulg"))
    assert wrong is None
    texts = [m.text for m in decoded(frames) if m.get_type() == "STATUSTEXT"]
    assert texts[0] == "[commander] Takeoff detected"


class Listener:
    """A host that writes down what it hears."""

    def __init__(self) -> None:
        self.heard_: list[bytes] = []
        self.events: list[str] = []

    def joined(self, way: Way) -> None:
        self.events.append(f"joined {way.name}")

    def heard(self, way: Way, chunks: list[bytes]) -> bool:
        self.heard_ += chunks
        return True

    def ready(self, way: Way) -> None:
        raise AssertionError("nobody sends to a file")

    def left(self, way: Way) -> None:
        self.events.append(f"left {way.name}")


def test_a_file_is_played_to_its_end_or_its_damage(tmp_path: Path) -> None:
    path = tmp_path / "flight.tlog"
    path.write_bytes(tlog())
    listener = Listener()
    asyncio.run(make_connection(f"{path},speed=0,from=2").run(listener))
    assert listener.heard_ == [raw for at_us, raw in flight(5) if at_us >= 2_000_000]
    assert listener.events == ["joined flight.tlog", "left flight.tlog"]
    path.write_bytes(tlog()[:-1])
    listener = Listener()
    with pytest.raises(SourceError, match=r"truncated: flight.tlog: .* byte \d+"):
        asyncio.run(make_connection(f"{path},speed=0").run(listener))
    assert listener.heard_ == [raw for _, raw in flight(5)][:-1]
    with pytest.raises(SourceError, match="not-found"):
        asyncio.run(make_connection(f"{tmp_path}/none.bin").run(Listener()))


@pytest.mark.parametrize("speed", [0.5, 1, 4])
def test_frames_are_due_as_far_apart_as_they_were_said(speed: float) -> None:
    now = 100.0
    pace = Pace(speed, lambda: now)
    assert [pace.wait_s(at) * speed for at in (5_000_000, 6_000_000, 6_500_000)] == [0, 1, 1.5]
    now += 1
    assert pace.wait_s(6_500_000) * speed == pytest.approx(1.5 - speed)
    # A clock set back, and a hole of an hour, are not waited for.
    before = pace.wait_s(6_500_000)
    assert pace.wait_s(1_000_000) == before
    assert pace.wait_s(3_600_000_000) == before + 10


_BLOCK = """{number}
00:00:{second:02},000 --> 00:00:{second:02},500
<font size="28">SrtCnt : {number}, DiffTime : 500ms
2026-09-21 08:00:{second:02}.000
[latitude: {lat:.4f}] [longitude: {lon}] [rel_alt: 41.5 {more}] [gb_yaw: 90.0 gb_pitch: -45.0]
</font>
"""


def _subtitles(more: str = "abs_alt: 553.0", lost: int = 99) -> str:
    places = [0.0 if number == lost else 34.23 + number * 1e-4 for number in range(8)]
    return "\n".join(
        _BLOCK.format(
            number=number + 1, second=number, lat=lat, lon=108.95 if lat else 0.0, more=more
        )
        for number, lat in enumerate(places)
    )


def _flown(path: Path) -> tuple[dict[str, list[dict[str, Any]]], SourceError | None]:
    """What the kit's own state makes of a file."""
    frames, wrong = read(path)
    fleet, framer = Fleet(lambda link: 5_000_000), Framer("file")
    values: dict[str, list[dict[str, Any]]] = {}
    for logged in frames:
        for frame in framer.datagram(logged.raw, logged.at_us):
            for one in fleet.take(frame, logged.at_us):
                if isinstance(one, Measured):
                    values.setdefault(one.schema.stream, []).append(dict(one.values))
    return values, wrong


def test_subtitles_of_a_dji_aircraft_are_a_flight(tmp_path: Path) -> None:
    path = tmp_path / "DJI_0001.SRT"
    path.write_text(_subtitles(), encoding="utf-8")
    values, wrong = _flown(path)
    assert wrong is None
    place = values["position"][-1]
    assert (place["lat"], place["lon"], place["alt"]) == (34.2307, 108.95, 553.0)
    assert values["gimbal"][-1]["pitch"] == -45.0
    assert values["gimbal"][-1]["yaw"] == 90.0
    assert values["flight"][-1]["height"] == 41.5
    frames, _ = read(path)
    assert frames[0].at_us == 1_789_977_600_000_000  # its own time, taken for UTC


def test_subtitles_without_a_height_above_the_sea_or_a_place_claim_none(tmp_path: Path) -> None:
    path = tmp_path / "flight.srt"
    path.write_text(_subtitles(more="", lost=7), encoding="utf-8")
    frames, _ = read(path)
    fixes = [m.fix_type for m in decoded(frames) if m.get_type() == "GPS_RAW_INT"]
    assert fixes == [2] * 7 + [1]
    values, _ = _flown(path)
    assert {one["alt"] for one in values["position"] if one.get("lat")} == {None}


def test_subtitles_that_break_off_are_flown_up_to_the_line(tmp_path: Path) -> None:
    path = tmp_path / "flight.srt"
    text = _subtitles()
    path.write_text(text[: text.index("SrtCnt : 6")], encoding="utf-8")
    values, wrong = _flown(path)
    assert len(values["position"]) == 5
    assert wrong is not None
    assert "line 36 (block 6)" in str(wrong)
    path.write_text("1\n00:00:00,000 --> 00:00:01,000\nHello\n", encoding="utf-8")
    assert "no flight subtitles" in str(read(path)[1])


def test_real_subtitles_are_flown() -> None:
    values, wrong = _flown(recording("dji-matrice_300.srt"))
    assert wrong is None
    assert len(values["position"]) > 30
    assert all(one["lat"] is not None for one in values["position"][1:])
