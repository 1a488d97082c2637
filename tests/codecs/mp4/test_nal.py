"""NAL units and clean starts, ADTS headers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.mp4.adts import is_adts, split_adts
from fieldlink.codecs.mp4.nal import is_clean_start, nal_units

_UNIT = st.binary(min_size=1, max_size=40).map(lambda b: b"\x65" + b.replace(b"\0", b"\1"))


@given(st.lists(_UNIT, min_size=1, max_size=5), st.booleans())
def test_units_come_back_from_start_codes_and_from_lengths(units: list[bytes], long: bool) -> None:
    code = b"\0\0\0\1" if long else b"\0\0\1"
    assert list(nal_units(b"".join(code + unit for unit in units))) == units
    assert list(nal_units(b"".join(len(u).to_bytes(4) + u for u in units), 4)) == units


@given(st.binary(max_size=200), st.sampled_from([0, 1, 2, 4]))
def test_random_bytes_never_raise(noise: bytes, length_bytes: int) -> None:
    assert sum(map(len, nal_units(noise, length_bytes))) <= len(noise)


@pytest.mark.parametrize(
    ("codec", "unit", "clean"),
    [
        ("h264", "65", True),  # IDR
        ("h264", "41", False),  # non-IDR slice of a recovery point
        ("hevc", "2601", True),  # IDR_W_RADL
        ("hevc", "2a01", False),  # CRA
    ],
)
def test_only_pictures_that_nothing_refers_past_cut_cleanly(
    codec: str, unit: str, clean: bool
) -> None:
    parameters = b"\0\0\0\1" + bytes.fromhex("67ff" if codec == "h264" else "4201ff")
    assert is_clean_start(codec, parameters + b"\0\0\1" + bytes.fromhex(unit) + b"\xff") is clean


def test_an_adts_header_spells_the_audio_specific_config() -> None:
    frame = bytes.fromhex("fff15080017ffc") + b"sound"  # AAC-LC, 44.1 kHz, 2 channels
    assert is_adts(frame)
    assert split_adts(frame) == (bytes.fromhex("1210"), b"sound")


def test_what_is_no_adts_is_refused() -> None:
    assert not is_adts(b"\x21\x10\x04\x60\x8c\x1c\0\0")
    with pytest.raises(CodecError):
        split_adts(b"\x21\x10")
