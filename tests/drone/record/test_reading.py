"""Records read back: by ourselves, damaged ones too, and by pymavlink and gpxpy."""

from pathlib import Path
from xml.etree import ElementTree

import gpxpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymavlink import mavutil

from fieldlab.autopilot import T0_US, Autopilot
from fieldlink.codecs.mavlink import TlogRecord, tlog_record
from fieldlink.codecs.tracks import gpx, kml
from fieldlink.drone.record import Damage, flight_track, join, scan, systems, verify

_COUNT = 60


def _frames(count: int = _COUNT) -> list[bytes]:
    """A flight east, a heartbeat in every ten frames, as records a tenth of a second apart."""
    vehicle = Autopilot()
    vehicle.armed = True
    records = []
    for number in range(count):
        frame = vehicle.place(34.2, 108.9 + number * 1e-5) if number % 10 else vehicle.beat()
        records.append(tlog_record(frame.raw, T0_US + number * 100_000))
    return records


def test_a_whole_record_verifies_and_is_counted_by_message() -> None:
    verdict = verify(b"".join(_frames()))
    assert verdict.whole
    assert verdict.messages == {"GLOBAL_POSITION_INT": 54, "HEARTBEAT": 6}
    assert verdict.first_us == T0_US
    assert verdict.last_us == (T0_US + 5_900_000) & ~3


@given(st.data())
def test_damage_is_found_where_it_is_and_costs_nothing_else(data: st.DataObject) -> None:
    records = _frames(30)
    victim = data.draw(st.integers(0, 29))
    record = bytearray(records[victim])
    # Anything behind the time, whose own damage no checksum shows.
    at = data.draw(st.integers(8, len(record) - 1))
    record[at] ^= data.draw(st.integers(1, 255))
    whole = b"".join([*records[:victim], bytes(record), *records[victim + 1 :]])
    start = sum(map(len, records[:victim]))
    found = list(scan(whole))
    damages = [one for one in found if isinstance(one, Damage)]
    unknown = [one for one in found if isinstance(one, TlogRecord) and not one.frame.known]
    good = [one for one in found if isinstance(one, TlogRecord) and one.frame.known]
    assert damages or unknown  # an id that no dialect has cannot be checked
    for one in damages:
        assert start <= one.start < one.end
    raws = {record.frame.raw for record in good}
    lost = [number for number, one in enumerate(records) if one[8:] not in raws]
    # A length that is too long may swallow the one behind it.
    assert set(lost) <= {victim, victim + 1, victim + 2, victim + 3}


@given(st.integers(0, 400), st.binary(max_size=300))
def test_noise_between_records_and_a_torn_end_lose_no_record(cut: int, noise: bytes) -> None:
    records = _frames(20)
    data = b"".join(records[:10]) + noise + b"".join(records[10:])
    raws = {one.frame.raw for one in scan(data) if isinstance(one, TlogRecord)}
    assert {record[8:] for record in records} - raws <= {records[10][8:], records[11][8:]}
    torn = b"".join(records)[: -1 - cut] if cut < 500 else b""
    verdict = verify(torn)
    assert verdict.records == sum(
        sum(map(len, records[: n + 1])) <= len(torn) for n in range(len(records))
    )
    assert all(damage.end == len(torn) for damage in verdict.damages)


@given(st.binary(max_size=3000))
def test_no_bytes_do_harm(data: bytes) -> None:
    verdict = verify(data)
    assert sum(one.end - one.start for one in verdict.damages) <= len(data)


def test_a_megabyte_of_damage_is_read_in_moments() -> None:
    records = b"".join(_frames(20))
    verdict = verify(records + b"\xfd\x09\x00" * 50_000 + records)
    assert verdict.records == 40
    assert len(verdict.damages) == 1


def test_joined_pieces_are_one_log_that_pymavlink_reads(tmp_path: Path) -> None:
    records = _frames(200)
    pieces = [b"".join(records[at : at + 50]) for at in range(0, 200, 50)]
    whole = join([pieces[2], pieces[0], pieces[3], pieces[1], pieces[0], pieces[1][:-3]])
    assert whole[: len(b"".join(records[:100]))] == b"".join(records[:100])
    path = tmp_path / "flight.tlog"
    path.write_bytes(join(pieces))
    log = mavutil.mavlink_connection(str(path))
    messages = iter(lambda: log.recv_match(), None)
    read = [(message.get_type(), message._timestamp) for message in messages]
    log.close()
    assert len(read) == 200
    assert read[0] == ("HEARTBEAT", T0_US / 1e6)
    assert read[1][1] == pytest.approx(T0_US / 1e6 + 0.1, abs=1e-5)


def test_a_flight_is_a_track_for_programs_that_draw() -> None:
    data = b"".join(_frames())
    assert systems(data) == [1]
    [track] = gpxpy.parse("".join(gpx([flight_track(data, "m300-1", 1, "kit-a")]))).tracks
    points = track.segments[0].points
    assert len(points) == 54
    assert (points[0].latitude, points[0].longitude) == (34.2, 108.90001)
    assert points[0].elevation == 450
    root = ElementTree.fromstring("".join(kml([flight_track(data, "m300-1", 1)])))  # noqa: S314
    assert sum(element.tag.endswith("coord") for element in root.iter()) == 54
