"""RTP packets to frames: any order, what is lost, numbers that wrap, publishers that begin anew."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.whip import Assembly, Frame, Gate, begins_picture

_START = b"\0\0\0\1"
_SPS, _PPS = b"\x67\x42\xc0\x1f\xda", b"\x68\xce\x0f\xc8"
_IDR, _P = b"\x65\x88\x80", b"\x41\x9a\x20"
_PATIENCE_US = 500_000


def key(number: int) -> list[bytes]:
    """The packets of a keyframe, as aiortc depayloads them: sets, then a picture in two."""
    return [_START + _SPS + _START + _PPS, _START + _IDR + bytes([number]) * 9, bytes([number])]


def plain(number: int) -> list[bytes]:
    return [_START + _P + bytes([number, 7]), bytes([number, 8])]


Sent = tuple[int, int, bool, bytes]


def sent(count: int, first: int = 0, tick: int = 0) -> list[Sent]:
    """The packets of `count` frames, every fifth a keyframe: sequence, time, marker, data."""
    packets: list[Sent] = []
    for number in range(count):
        parts = key(number) if number % 5 == 0 else plain(number)
        for at, data in enumerate(parts):
            time = (tick + number * 3600) & 0xFFFFFFFF
            packets.append(((first + len(packets)) & 0xFFFF, time, at == len(parts) - 1, data))
    return packets


def fed(packets: list[Sent], step_us: int = 1000) -> tuple[list[Frame], Assembly]:
    assembly = Assembly(_PATIENCE_US, begins_picture)
    frames = [
        frame
        for number, packet in enumerate(packets)
        for frame in assembly.add(*packet, number * step_us)
    ]
    return frames, assembly


def whole(count: int) -> list[bytes]:
    return [b"".join(key(n) if n % 5 == 0 else plain(n)) for n in range(count)]


@given(st.randoms(use_true_random=False), st.integers(0, 65535))
def test_packets_in_any_order_and_twice_are_the_same_frames(random: object, first: int) -> None:
    packets = sent(20, first)
    mixed = packets[:1] + [
        one for at in range(1, len(packets), 8) for one in _shuffled(random, packets[at : at + 8])
    ]
    doubled = [one for packet in mixed for one in (packet, packet)]
    frames, assembly = fed(doubled)
    assert [frame.data for frame in frames] == whole(20)
    assert not any(frame.lost for frame in frames)
    assert assembly.missing == 0


def _shuffled(random: object, items: list[Sent]) -> list[Sent]:
    made = list(items)
    random.shuffle(made)  # type: ignore[attr-defined]
    return made


def test_sequence_and_time_wrap() -> None:
    frames, _ = fed(sent(10, 65_530, (1 << 32) - 7200))
    assert [frame.data for frame in frames] == whole(10)
    steps = {b.timestamp - a.timestamp for a, b in pairwise(frames)}
    assert steps == {3600}


def test_a_lost_packet_is_waited_for_and_then_its_frame_is_given_up() -> None:
    packets = sent(10)
    gone = packets.pop(6)  # the second half of frame 2
    late = [*packets[:10], gone, *packets[10:]]
    assert [frame.data for frame in fed(late)[0]] == whole(10), "it came again in time"
    frames, assembly = fed(packets, 60_000)
    assert [frame.data for frame in frames] == whole(10)[:2] + whole(10)[4:], (
        "of what follows only its end tells that the next frame is whole"
    )
    assert [frame.lost for frame in frames] == [False, False, True, *[False] * 5]
    assert assembly.missing == 1


def test_after_a_loss_the_next_marker_begins_a_frame() -> None:
    packets = sent(15)
    del packets[3]  # the first half of frame 1
    frames, _ = fed(packets, 60_000)
    assert [frame.data for frame in frames] == whole(15)[:1] + whole(15)[2:]
    assert [frame.lost for frame in frames[:3]] == [False, True, False]


def test_a_publisher_that_begins_anew_is_followed() -> None:
    frames, _ = fed(sent(5, 100) + sent(10, 40_000, 1_000_000_000))
    assert [frame.data for frame in frames] == whole(5) + whole(10)
    assert frames[5].lost


def test_what_waits_is_bounded() -> None:
    assembly = Assembly(10**12)
    frames = assembly.add(0, 0, True, b"x", 0)
    for number in range(2, 2_900):
        frames += assembly.add(number, 0, True, b"x", 0)
    assert len(frames) > 800
    assert assembly.missing == 1


@given(st.lists(st.tuples(st.integers(0, 65535), st.integers(0, 2**32 - 1), st.booleans(),
                          st.binary(max_size=12)), max_size=60))  # fmt: skip
def test_nothing_that_comes_makes_it_raise_or_go_back(packets: list[Sent]) -> None:
    for assembly in (Assembly(_PATIENCE_US, begins_picture), Assembly(_PATIENCE_US)):
        gate = Gate()
        for number, packet in enumerate(packets):
            for frame in assembly.add(*packet, number * 100_000):
                gate.take(frame)


def test_a_clock_that_is_set_back_has_nothing_waited_for() -> None:
    assembly = Assembly(_PATIENCE_US)
    assembly.add(0, 0, True, b"a", 10**12)
    assert assembly.add(2, 1, True, b"c", 10**12) == []
    assert len(assembly.add(3, 2, True, b"d", 10**9)) == 2


def test_without_a_marker_the_next_time_ends_a_frame() -> None:
    assembly = Assembly(_PATIENCE_US, begins_picture)
    frames = []
    for number, (sequence, time, _, data) in enumerate(sent(3)):
        frames += assembly.add(sequence, time, False, data, number)
    assert [frame.data for frame in frames] == whole(3)[:2]


# --- the gate ----------------------------------------------------------------------------------


def _frame(data: bytes, lost: bool = False) -> Frame:
    return Frame(0, data, 0, lost)


def test_pictures_go_from_a_keyframe_on_and_after_a_loss_from_the_next() -> None:
    gate, (first, other) = Gate(), (b"".join(key(1)), b"".join(plain(2)))
    assert gate.needs_keyframe
    assert gate.take(_frame(other)) is None
    taken = gate.take(_frame(first))
    assert taken is not None
    assert (taken.keyframe, taken.data, taken.missing) == (True, first, 1)
    assert not gate.needs_keyframe
    assert gate.take(_frame(other)) is not None
    assert gate.take(_frame(other, lost=True)) is None
    assert gate.take(_frame(other)) is None
    assert gate.needs_keyframe
    back = gate.take(_frame(first))
    assert back is not None
    assert (back.missing, gate.dropped) == (2, 3)


def test_parameter_sets_said_once_go_before_each_keyframe() -> None:
    bare = _START + _IDR + b"1"
    gate = Gate([_SPS, _PPS])
    taken = gate.take(_frame(bare))
    assert taken is not None
    assert taken.data == _START + _SPS + _START + _PPS + bare
    assert Gate().take(_frame(bare)) is None, "nobody could decode it"
