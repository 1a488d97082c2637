"""What a message says: readings and alarms, or one sentence about what is wrong with it."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.device_api import (
    MAX_BATCH,
    STREAMS,
    Echo,
    json_schema,
    read_message,
    read_topic,
    write_content,
)
from fieldlink.codecs.device_api.content import Form
from fieldlink.codecs.device_api.message import Told
from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.telemetry import SCHEMAS, AlarmKind, Flag

_HERE = {"lat": 34.23, "lon": 108.95}
_US = 1_778_567_280_000_000  # 2026-05-12T06:28:00Z


def one(stream: str, message: Any) -> Told:
    [run] = read_message(stream, message).runs
    [told] = run.told
    return told


def fault(stream: str, message: Any) -> str:
    with pytest.raises(CodecError) as caught:
        read_message(stream, message)
    return str(caught.value)


@pytest.mark.parametrize(
    "when",
    [
        {"time": "2026-05-12T06:28:00Z"},
        {"time": "2026-05-12T14:28:00+08:00"},
        {"time": "2026-05-12 06:28:00.000+00:00"},
        {"time": 1_778_567_280},
        {"time": 1_778_567_280.0},
        {"time_ms": 1_778_567_280_000},
        {"time_us": _US},
    ],
)
def test_a_time_is_utc_however_it_is_written(when: dict[str, Any]) -> None:
    assert one("position", {**_HERE, **when}).time_us == _US
    assert one("position", _HERE).time_us is None


@pytest.mark.parametrize(
    ("when", "remedy"),
    [
        ({"time": "2026-05-12T06:28:00"}, "with Z or an offset"),
        ({"time": "yesterday"}, "with Z or an offset"),
        ({"time": 1_778_567_280_000}, "use time_ms"),
        ({"time": -5}, "not after 1970"),
        ({"time": -1e308}, "use time_ms"),
        ({"time": "1969-12-31T00:00:00Z"}, "not after 1970"),
        ({"time": True}, "seconds since 1970"),
        ({"time": []}, "seconds since 1970"),
        ({"time_ms": 1.5}, "a whole number"),
        ({"time_us": _US, "time": 5}, "time and time_us: send one of them"),
    ],
)
def test_a_time_that_is_none_is_named_with_the_remedy(when: dict[str, Any], remedy: str) -> None:
    assert remedy in fault("position", {**_HERE, **when})


@pytest.mark.parametrize("stream", sorted(set(SCHEMAS) - {"text"}))
def test_every_column_of_a_fixed_stream_can_be_said(stream: str) -> None:
    said = {column.name: 7 for column in SCHEMAS[stream].columns}
    assert one(stream, said).values == said


@pytest.mark.parametrize("wrong", [True, "34.2", [1], {"v": 1}, math.nan, 1e13, 10**400])
def test_what_is_no_number_is_named(wrong: Any) -> None:
    said = fault("position", [_HERE, {**_HERE, "alt": wrong}])
    assert said.startswith("field: [1].alt = ")
    assert "write a number" in said
    assert len(said) < 200


@pytest.mark.parametrize(
    ("stream", "message", "said"),
    [
        ("position", {"lat": 34.2}, "lat and lon: one is missing"),
        ("position", {"latitude": 34.2}, "none of lat, lon, alt"),
        ("position", {**_HERE, "datum": "bd09"}, 'datum = \'bd09\': write "wgs84" or "gcj02"'),
        ("position", {**_HERE, "boot": 4}, "seq: missing; boot names the run"),
        ("position", {**_HERE, "seq": True}, "seq = True: write a whole number"),
        ("position", {**_HERE, "seq": 2**60, "boot": 1}, "seq = "),
        ("position", {**_HERE, "id": [1]}, "id = [...]: write at most 64 characters"),
        ("position", {**_HERE, "stored": 1}, "stored = 1: write true or false"),
        ("position", [], "a batch of 0"),
        ("position", [_HERE] * (MAX_BATCH + 1), "a batch of 2001"),
        ("position", [_HERE, 5], "[1]. is 5; send a map"),
        ("sos", {}, "active: missing"),
        ("sos", {"active": "yes"}, "active = 'yes': write true or false"),
        ("sos", {"active": True, "lat": 1}, "lat and lon: one is missing"),
        ("sos", {"active": True, "lat": 91, "lon": 1}, "not on Earth"),
        ("sos", {"active": True, "text": "x" * 257}, "write fewer characters"),
        ("series", {"values": {}}, "write at least one"),
        ("series", {"values": {"rain": 3}}, "values.rain = 3: write a map"),
        ("series", {"values": {"Rain": {"v": 3}}}, "values.'Rain': 'Rain' cannot be the name"),
        ("series", {"values": [{"v": 3}]}, "values.0.name: missing"),
        ("series", {"values": [{"name": "a", "v": 1}, {"name": "a", "v": 2}]}, "named once"),
        ("series", {"values": {"a": {"v": 1, "decimals": 10}}}, "a whole number from 0 to 9"),
        ("text", {"text": ""}, "write something"),
        ("text", {"text": "a\x00b"}, "write no control characters"),
    ],
)
def test_a_fault_names_the_key_and_what_to_write(stream: str, message: Any, said: str) -> None:
    assert said in fault(stream, message)


def test_no_fix_has_no_position_whatever_the_receiver_remembers() -> None:
    for message in ({"lat": None, "lon": None}, {**_HERE, "fix": 0}, {"satellites": 2}):
        told = one("position", message)
        assert (told.values["lat"], told.values["lon"], told.flags) == (None, None, Flag.NO_FIX)


def test_gcj02_is_converted_and_marked() -> None:
    told = one("position", {**_HERE, "datum": "gcj02"})
    lat, lon = told.values["lat"], told.values["lon"]
    assert isinstance(lat, float)
    assert isinstance(lon, float)
    assert 0.0005 < math.hypot(lat - 34.23, lon - 108.95) < 0.01
    assert told.flags == Flag.CONVERTED
    [alarm] = read_message("sos", {"active": True, **_HERE, "datum": "gcj02"}).alarms
    assert (alarm.lat, alarm.lon, alarm.flags) == (lat, lon, Flag.CONVERTED)


def test_a_batch_is_cut_where_boot_or_columns_change() -> None:
    batch = [
        {"values": {name: {"v": 1}}, "seq": seq, "boot": boot}
        for name, seq, boot in (("a", 1, 1), ("a", 2, 1), ("a", 1, 2), ("b", 2, 2))
    ]
    runs = read_message("series", batch).runs
    assert [(run.boot, run.schema.columns[0].name, len(run.told)) for run in runs] == [
        (1, "a", 2),
        (2, "a", 1),
        (2, "b", 1),
    ]


def test_a_number_without_a_boot_is_the_devices_own_business() -> None:
    told = one("air", {"co": 3, "seq": 9})
    assert told.seq is None
    assert Echo.of({"co": 3, "seq": 9}).receipt("air") == {"ok": True, "stream": "air", "seq": 9}


def test_unknown_keys_are_left_aside_and_named() -> None:
    message = read_message("air", {"co": 3, "firmware": "1.2", "x" * 500: 1})
    assert message.ignored[0] == "'firmware'"
    assert len(message.ignored[1]) < 70


def test_calls_for_help_are_alarms() -> None:
    [sos] = read_message("sos", {"active": True, "text": "腿断了\n快来", "exercise": True}).alarms
    assert (sos.kind, sos.active, sos.text) == (AlarmKind.SOS, True, "腿断了 快来")
    assert sos.flags == Flag.EXERCISE
    [down] = read_message("man_down", {"active": False}).alarms
    assert (down.kind, down.active) == (AlarmKind.MAN_DOWN, False)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "fl/dev/a",
        "fl/dev/a/position/x",
        "fl/dev/+/position",
        "fl/dev/#",
        "fl/dev/../position",
        "fl/dev/A/position",
        "fl/dev/a\x00/position",
        "fl/dev//position",
        "fl/dev/a/receipt",
        "fl/dev/a/Position",
        "fl/up/a/position",
        "$SYS/dev/a/position",
        "fl/dev/" + "a" * 65_000 + "/position",
        "/" * 65_535,
    ],
)
def test_no_other_topic_passes_for_a_devices(topic: str) -> None:
    with pytest.raises(CodecError) as caught:
        read_topic(topic)
    assert len(str(caught.value)) < 300


def test_a_devices_topic_is_device_and_stream() -> None:
    assert [read_topic(f"fl/dev/rain_1/{stream}") for stream in STREAMS] == [
        ("rain_1", stream) for stream in STREAMS
    ]


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=12,
)
_KEYS = st.sampled_from(
    ["lat", "lon", "time", "seq", "boot", "id", "values", "active", "text", "from", "datum", "v"]
)


@given(st.sampled_from(STREAMS), st.dictionaries(_KEYS, _ANY) | _ANY)
def test_no_content_raises_anything_else_and_every_one_has_a_receipt(
    stream: str, content: Any
) -> None:
    error = None
    try:
        read_message(stream, content)
    except CodecError as caught:
        error = str(caught)
    receipt = Echo.of(content).receipt(stream, error)
    for form in Form:
        assert len(write_content(receipt, form)) < 2_000


def test_the_published_schema_is_that_of_the_models() -> None:
    # Made by: fieldlink edge device schema > docs/device-api.schema.json
    published = Path(__file__).parents[3] / "docs" / "device-api.schema.json"
    assert json.loads(published.read_text(encoding="utf-8")) == json_schema()
