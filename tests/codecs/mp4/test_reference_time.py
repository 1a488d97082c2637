"""The wall clock in a file."""

from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.mp4 import add_reference_times, read_reference_times, walk
from fieldlink.codecs.mp4.boxes import make_box


def _file(timescale: int, decode_times: list[int]) -> bytes:
    def full(kind: str, *fields: int) -> bytes:
        return make_box(kind, b"".join(field.to_bytes(4) for field in (0, *fields)))

    handler = make_box("hdlr", bytes(8) + b"vide" + bytes(12))
    entry = make_box("stsd", bytes(4) + (1).to_bytes(4) + make_box("avc1", bytes(78)))
    media = full("mdhd", 0, 0, timescale, 0) + handler
    media += make_box("minf", make_box("stbl", entry))
    track = make_box("trak", full("tkhd", 0, 0, 7, 0, 0) + make_box("mdia", media))
    parts = [make_box("ftyp", b"isom"), make_box("moov", track)]
    for at in decode_times:
        traf = full("tfhd", 7) + full("tfdt", at)
        parts += [make_box("moof", make_box("traf", traf)), make_box("mdat", b"data")]
    return b"".join(parts)


@given(
    st.integers(0, 4_000_000_000_000_000),
    st.integers(1, 1_000_000),
    st.lists(st.integers(0, 2**31), min_size=1, max_size=3),
)
def test_every_fragment_says_its_instant_to_the_microsecond(
    zero_us: int, timescale: int, decode_times: list[int]
) -> None:
    stamped = add_reference_times(_file(timescale, decode_times), zero_us)
    times = read_reference_times(stamped)
    assert [time.media_ticks for time in times] == decode_times
    assert [time.track for time in times] == [7] * len(decode_times)
    expected = [zero_us + at * 1_000_000 // timescale for at in decode_times]
    assert [time.utc_us for time in times] == expected


def test_the_clock_stands_right_before_its_fragment() -> None:
    kinds = [box.kind for box in walk(add_reference_times(_file(1000, [0, 5]), 10**15))]
    assert kinds == ["ftyp", "moov", "prft", "moof", "mdat", "prft", "moof", "mdat"]
