"""Split messages: parts out of order, twice, missing, from many messages at once."""

import random
from dataclasses import replace

import pytest

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.jt808 import Assembler, Frame, Header, Part, Resend, Whole, split_frames
from fieldlink.codecs.jt808.parts import MAX_BYTES, MAX_OPEN

HEADER = Header(0x0704, "013800138000", 65534)
BODY = bytes(range(256)) * 20


def parts(serial: int = 65534, body: bytes = BODY) -> list[Frame]:
    return list(split_frames(replace(HEADER, serial=serial), body, part_bytes=1000))


def test_a_message_that_is_not_split_is_whole_at_once() -> None:
    whole = Assembler().add(Frame(HEADER, b"abc"), 0.0)
    assert whole == Whole(HEADER, b"abc", (65534,))


@pytest.mark.parametrize("seed", range(5))
def test_parts_in_any_order_and_twice_make_the_message_once(seed: int) -> None:
    frames = parts() * 2
    random.Random(seed).shuffle(frames)
    assembler = Assembler()
    made = [whole for frame in frames if (whole := assembler.add(frame, 0.0))]
    assert made
    assert made[0].body == BODY
    assert made[0].header.part is None
    assert made[0].serials == (65534, 65535, 0, 1, 2, 3)


def test_what_is_missing_is_asked_for_by_the_serial_of_the_first_part() -> None:
    assembler = Assembler()
    frames = parts()
    for frame in frames[1:4]:
        assembler.add(frame, 10.0)
    assert assembler.due(14.9) == []
    assert assembler.due(15.0) == [Resend(65534, (1, 5, 6))]
    assert assembler.due(15.5) == []
    assert assembler.due(20.0) == [Resend(65534, (1, 5, 6))]
    for frame in (frames[0], frames[4]):
        assembler.add(frame, 21.0)
    whole = assembler.add(frames[5], 22.0)
    assert whole is not None
    assert whole.body == BODY
    assert assembler.due(40.0) == []
    assert assembler.lost == 0


def test_what_does_not_come_is_asked_for_three_times_and_given_up() -> None:
    assembler = Assembler()
    assembler.add(parts()[0], 0.0)
    asked = [len(assembler.due(float(second))) for second in range(40)]
    assert sum(asked) == 3
    assert (assembler.lost, assembler.held_bytes) == (1, 0)


def test_two_messages_that_are_split_at_once_do_not_mix() -> None:
    assembler = Assembler()
    one, other = parts(100, b"a" * 3000), parts(200, b"b" * 3000)
    made = [
        whole.body
        for pair in zip(one, other, strict=True)
        for frame in pair
        if (whole := assembler.add(frame, 0.0))
    ]
    assert made == [b"a" * 3000, b"b" * 3000]


def test_memory_is_bounded_whatever_a_terminal_begins() -> None:
    assembler = Assembler()
    for serial in range(2000):
        header = replace(HEADER, serial=serial * 7 % 65536, part=Part(250, 1 + serial % 250))
        assembler.add(Frame(header, bytes(1000)), float(serial))
        assert assembler.held_bytes <= MAX_BYTES
        assert len(assembler._open) <= MAX_OPEN
    assert assembler.lost > 0


def test_a_message_of_too_many_parts_is_refused() -> None:
    with pytest.raises(CodecError, match="60000 parts"):
        Assembler().add(Frame(replace(HEADER, part=Part(60000, 1)), b""), 0.0)
