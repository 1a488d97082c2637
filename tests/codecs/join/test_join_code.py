"""The join code: a golden vector, any code there and back, and what a slip of the hand does."""

import contextlib
import ipaddress

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.join import DEFAULT_PORT, JoinCode, decode_join_code, encode_join_code
from fieldlink.codecs.join.code import check, pack_code, unpack_code

PRINT, SECRET = bytes(range(16)), bytes(range(100, 110))
GOLDEN = JoinCode("192.0.2.7", 8443, PRINT, SECRET)
GOLDEN_TEXT = "23000-0G700-0G40R-40M30-E2091-85GR3-8E1XJ-6ASK7-D1MPM-TVCDP-A8448"
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

label = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
names = st.lists(label, min_size=1, max_size=6).map(".".join)
hosts = st.one_of(
    st.ip_addresses().map(str),
    names.filter(lambda name: not name.replace(".", "").isdigit()),
    st.just(".".join(["a" * 61] * 4)),
)
codes = st.builds(
    JoinCode,
    hosts,
    st.one_of(st.just(DEFAULT_PORT), st.integers(1, 65535)),
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=10, max_size=10),
)


def test_the_golden_code_never_changes() -> None:
    assert encode_join_code(GOLDEN) == GOLDEN_TEXT
    assert decode_join_code(GOLDEN_TEXT) == GOLDEN


def test_a_code_for_an_ipv4_address_is_eleven_groups_of_five() -> None:
    assert [len(group) for group in GOLDEN_TEXT.split("-")] == [5] * 11


@given(codes)
@example(JoinCode("2001:db8::1", 1, PRINT, SECRET))
@example(JoinCode("centre.example", 443, PRINT, SECRET))
def test_what_is_encoded_is_decoded(code: JoinCode) -> None:
    assert decode_join_code(encode_join_code(code)) == code


@pytest.mark.parametrize(
    "written",
    [
        GOLDEN_TEXT.lower(),
        GOLDEN_TEXT.replace("-", " "),
        GOLDEN_TEXT.replace("-", ""),
        "  " + GOLDEN_TEXT.replace("-", "\n") + "\r\n",
        GOLDEN_TEXT.replace("-", "—"),
        GOLDEN_TEXT.replace("0", "O").replace("1", "l"),
        "".join(chr(ord(c) + 0xFEE0) for c in GOLDEN_TEXT),  # full-width, from a Chinese keyboard
    ],
)
def test_however_it_is_written_down_it_is_the_same_code(written: str) -> None:
    assert decode_join_code(written) == GOLDEN


@given(st.data())
def test_one_wrong_character_is_always_told_as_a_slip_of_the_hand(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(GOLDEN_TEXT) - 1).filter(lambda i: GOLDEN_TEXT[i] != "-"))
    other = data.draw(st.sampled_from(ALPHABET))
    assume(other != GOLDEN_TEXT[place])
    with pytest.raises(CodecError, match="mistyped"):
        decode_join_code(GOLDEN_TEXT[:place] + other + GOLDEN_TEXT[place + 1 :])


@given(st.integers(0, 53), st.integers(0, 53))
def test_swapped_and_missing_characters_are_told(first: int, second: int) -> None:
    signs = list(GOLDEN_TEXT.replace("-", ""))
    assume(signs[first] != signs[second])
    signs[first], signs[second] = signs[second], signs[first]
    with pytest.raises(CodecError, match="mistyped"):
        decode_join_code("".join(signs))
    with pytest.raises(CodecError, match="mistyped"):
        decode_join_code("".join(signs[: max(first, 1)]))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no join code"),
        (" - ", "no join code"),
        (GOLDEN_TEXT[:7] + "U" + GOLDEN_TEXT[8:], r"'U' \(character 2 of group 2\)"),
        ("A" * 2000, "too many"),
        ("\ufdfa" * 1000, "too many"),
        ("0", "mistyped"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(CodecError, match=said):
        decode_join_code(text)


@given(st.text(max_size=200))
def test_any_text_is_a_code_or_a_codec_error(text: str) -> None:
    with contextlib.suppress(CodecError):
        decode_join_code(text)


@given(st.binary(max_size=80))
def test_any_bytes_with_a_right_check_are_a_code_or_a_codec_error(body: bytes) -> None:
    try:
        code = unpack_code(body + check(body))
    except CodecError:
        return
    assert unpack_code(pack_code(code)) == code


@pytest.mark.parametrize(
    ("host", "port"),
    [("", 1), ("a b", 1), ("-a", 1), ("fe80::1%eth0", 1), ("1.2.3", 1), ("a", 0), ("a", 65536)],
)
def test_an_address_without_sense_is_refused(host: str, port: int) -> None:
    with pytest.raises(CodecError):
        JoinCode(host, port, PRINT, SECRET)


def test_hosts_are_in_one_form_and_the_secret_is_not_shown() -> None:
    code = JoinCode("2001:DB8:0::1", 8443, PRINT, SECRET)
    assert code.host == str(ipaddress.ip_address("2001:db8::1"))
    assert JoinCode("Centre.Example", 8443, PRINT, SECRET).host == "centre.example"
    assert "secret" not in repr(code)
