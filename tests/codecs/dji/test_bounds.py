"""What DJI's messages may not be: every fault is one CodecError that names its key."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.dji import (
    Envelope,
    read_aircraft,
    read_capacity,
    read_dock,
    read_envelope,
    read_health,
    read_live_status,
    read_remote,
    read_result,
    read_topology,
    read_upload,
)
from fieldlink.codecs.fault import CodecError


@pytest.mark.parametrize(
    ("read", "data", "key"),
    [
        (read_topology, {"sub_devices": [{"sn": "a/b/c"}]}, "sub_devices[0].sn"),
        (read_topology, {"sub_devices": [{}]}, "sub_devices[0].sn"),
        (read_topology, {"sub_devices": [{"sn": "ABCD"}] * 9}, "sub_devices"),
        (read_topology, {"type": "M30"}, "data.type"),
        (read_topology, [], "data"),
        (read_capacity, {"device_list": [{"sn": "ABCD", "camera_list": [{}]}]}, "camera_index"),
        (read_live_status, [{"video_id": "x"}], "video_id"),
        (read_health, {"list": [{"code": "<b>"}]}, "list[0].code"),
        (read_health, {"list": 3}, "data.list"),
        (read_result, {"result": "no"}, "data.result"),
        (read_result, {}, "data.result"),
        (read_aircraft, [], "data"),
    ],
)
def test_a_fault_of_structure_is_refused_and_names_its_key(read: Any, data: Any, key: str) -> None:
    with pytest.raises(CodecError) as caught:
        read(data)
    assert key in str(caught.value)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"{",
        b"\xff{}",
        b'{"tid": 3}',
        b'{"timestamp": NaN}',
        b'{"timestamp": 1e30}',
        b'{"data":' + b"[" * 40 + b"]" * 40 + b"}",
        b"[" * 100_000,
        b'{"data":"' + b"x" * 300_000 + b'"}',
        b'{"a":' + b"9" * 5_000 + b"}",
        json.dumps({"data": {str(n): n for n in range(500)}}).encode(),
    ],
)
def test_a_payload_that_is_none_is_one_error(payload: bytes) -> None:
    with pytest.raises(CodecError):
        read_envelope(payload)


_KEYS = (
    *("sn", "type", "list", "code", "latitude", "longitude", "battery", "batteries", "53-0-0"),
    *("gimbal_pitch", "device_list", "camera_list", "sub_devices", "result", "level"),
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)
_READERS = (read_aircraft, read_remote, read_dock, read_topology, read_capacity, read_health,
            read_live_status, read_result, read_upload)  # fmt: skip


@given(_JSON)
def test_no_value_is_anything_but_read_or_refused(value: Any) -> None:
    for read in _READERS:
        said = ""
        try:
            read(value)
        except CodecError as error:
            said = str(error)
        assert len(said) < 400
        assert said.isprintable()


@given(st.binary(max_size=200))
def test_no_bytes_are_anything_but_read_or_refused(data: bytes) -> None:
    try:
        read = read_envelope(data)
    except CodecError:
        return
    assert isinstance(read, Envelope)
