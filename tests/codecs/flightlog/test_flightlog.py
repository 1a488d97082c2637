"""Logs of autopilots, beside the readers of those who make them."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymavlink import DFReader
from pyulog import ULog

from fieldlab.flightlogs import WEEK, dataflash, recording, ulog
from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.flightlog import DataflashReader, LogEntry, UlogReader

Reader = DataflashReader | UlogReader
WANTED = frozenset(["ATT", "GPS", "MSG", "ODD", "POS"])
TOPICS = frozenset(["vehicle_attitude", "sensor_gps", "vehicle_status", "esc_status"])
KINDS: list[tuple[Callable[[], Reader], bytes]] = [
    (lambda: DataflashReader(WANTED), dataflash()),
    (lambda: UlogReader(TOPICS), ulog()),
]
both = pytest.mark.parametrize(("make", "data"), KINDS, ids=["dataflash", "ulog"])


def read(reader: Reader, data: bytes, *cuts: int) -> tuple[list[LogEntry], CodecError | None]:
    entries: list[LogEntry] = []
    edges = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    for index, stop in enumerate(edges[1:]):
        got, wrong = reader.feed(data[edges[index] : stop], final=stop == len(data))
        entries += got
        if wrong is not None:
            return entries, wrong
    return entries, None


def test_records_of_arducopter_are_read_in_their_units() -> None:
    entries, wrong = read(DataflashReader(WANTED), dataflash())
    assert wrong is None
    gps = next(entry for entry in entries if entry.name == "GPS").values
    assert (gps["Lat"], gps["HDop"], gps["NSats"], gps["GWk"]) == (30.12345, 0.8, 14, WEEK)
    text = next(entry for entry in entries if entry.name == "MSG").values["Message"]
    assert text == "ArduCopter V4.5.1 (deadbeef)"
    assert {entry.name for entry in entries} == {"ATT", "GPS", "MSG", "POS"}  # ODD passed over


def test_topics_of_px4_are_read() -> None:
    entries, wrong = read(UlogReader(TOPICS), ulog())
    assert wrong is None
    gps = next(entry for entry in entries if entry.name == "sensor_gps").values
    assert (gps["latitude_deg"], gps["fix_type"], gps["satellites_used"]) == (30.12345, 3, 14)
    said = next(entry for entry in entries if entry.name == "text").values
    assert (said["level"], said["text"]) == (6, "[commander] Takeoff detected")
    assert sum(entry.name == "vehicle_attitude" for entry in entries) == 50


@both
@given(cuts=st.lists(st.integers(1, 6000), max_size=5))
def test_any_chunking_gives_the_same(
    make: Callable[[], Reader], data: bytes, cuts: list[int]
) -> None:
    assert read(make(), data, *cuts) == read(make(), data)


@both
@given(where=st.integers(0, 4000), with_=st.binary(min_size=1, max_size=8))
def test_damage_never_raises_and_what_is_before_it_is_read(
    make: Callable[[], Reader], data: bytes, where: int, with_: bytes
) -> None:
    whole, _ = read(make(), data)
    entries, wrong = read(make(), data[:where] + with_ + data[where:])
    before = [entry for entry in whole if entry.offset < where - 200]
    assert entries[: len(before)] == before
    assert wrong is None or wrong.reason in ("damaged", "truncated")


@both
def test_the_byte_of_the_damage_is_said(make: Callable[[], Reader], data: bytes) -> None:
    entries, _ = read(make(), data)
    at = entries[30].offset
    got, wrong = read(make(), data[:at] + b"\0\0\0" + data[at:])
    assert got == entries[:30]
    assert (wrong.reason if wrong else "") == "damaged"
    assert f"byte {at} " in str(wrong)


@both
def test_a_file_cut_off_is_read_up_to_there(make: Callable[[], Reader], data: bytes) -> None:
    entries, _ = read(make(), data)
    got, wrong = read(make(), data[:-3])
    assert got == entries[:-1]
    assert (wrong.reason if wrong else "") == "truncated"
    assert f"byte {entries[-1].offset}" in str(wrong)


@given(st.binary(max_size=600))
def test_garbage_never_raises(data: bytes) -> None:
    read(DataflashReader(WANTED), data)
    read(UlogReader(TOPICS), b"ULog\x01\x12\x35\x01" + data)
    read(UlogReader(TOPICS), data)


def test_what_a_card_never_wrote_is_no_damage() -> None:
    assert read(DataflashReader(WANTED), dataflash() + b"\xff" * 5000)[1] is None


def test_a_real_log_of_ardupilot_is_read_as_pymavlink_reads_it() -> None:
    path = recording("ardupilot-test.BIN")
    entries, wrong = read(DataflashReader(WANTED), path.read_bytes())
    assert wrong is not None
    assert str(wrong) == "truncated: it ends inside of the record at byte 65512"
    theirs = DFReader.DFReader_binary(str(path))
    for entry in entries:
        message = theirs.recv_match(type=list(WANTED))
        assert message.get_type() == entry.name
        assert message.to_dict() == {"mavpackettype": entry.name, **entry.values}
    theirs.filehandle.close()


def test_a_real_log_of_px4_is_read_as_pyulog_reads_it() -> None:
    path = recording("px4-sample_log_small.ulg")
    topics = ["vehicle_attitude", "vehicle_gps_position", "battery_status", "vehicle_status"]
    entries, wrong = read(UlogReader(frozenset(topics)), path.read_bytes())
    assert wrong is None
    theirs = ULog(str(path), topics)
    for topic in theirs.data_list:
        ours = [e for e in entries if (e.name, e.instance) == (topic.name, topic.multi_id)]
        assert len(ours) == len(topic.data["timestamp"])
        for name, column in topic.data.items():
            for entry, value in zip(ours, column, strict=True):
                same = entry.values[name] == value
                assert same or (math.isnan(value) and math.isnan(entry.values[name])), name
    assert [e.values["text"] for e in entries if e.name == "text"] == [
        message.message for message in theirs.logged_messages
    ]
