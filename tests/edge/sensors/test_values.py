"""From registers and lines to values."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldlab.stations import sensor_of
from fieldlink.edge.sensors.lines import LineFramer
from fieldlink.edge.sensors.pattern import MAX_LINE_BYTES
from fieldlink.edge.sensors.registers import plan_groups, raw_value, split_group
from fieldlink.edge.sensors.settings import ValueSettings
from fieldlink.edge.sensors.values import Converter, number_in


def value_of(text: str) -> ValueSettings:
    """The value of a `[[sensor.value]]` table."""
    return sensor_of(f'[[sensor.value]]\nname = "x"\naddress = 0\n{text}').value[0]


@pytest.mark.parametrize(
    ("raw", "value", "reason"),
    [
        (250, 25.0, ""),
        (0x7FFF, None, "missing"),
        (-999, None, "missing"),
        (math.nan, None, "number"),
        (math.inf, None, "number"),
        (None, None, "number"),
        (9000, None, "range"),
        (-500, None, "range"),
        (1e300, None, "range"),
    ],
)
def test_unknown_is_not_zero_and_says_why(
    raw: float | None, value: float | None, reason: str
) -> None:
    settings = value_of(
        "scale = 0.1\ndecimals = 1\nmissing = [0x7FFF, -999]\nminimum = -40\nmaximum = 60\n"
    )
    found = Converter(settings).take(0.0, raw)
    assert (found.value, found.reason) == (value, reason)


def test_a_missing_value_of_a_float_is_known_though_it_has_no_exact_bits() -> None:
    settings = value_of('type = "f32"\nmissing = [-9999.9]\n')
    group = plan_groups([settings])[0]
    raw, _ = raw_value(settings, group, [0xC61C, 0x3F9A])
    assert Converter(settings).take(0.0, raw).reason == "missing"


def test_tips_of_a_rain_gauge_become_millimetres_an_hour() -> None:
    settings = value_of('scale = 0.2\ncounter = 16\nwindow = "10min"\n')
    converter = Converter(settings)
    found = [converter.take(60.0 * n, 5 * n).value for n in range(31)]
    assert found[0] is None
    assert found[-1] == 60.0  # 5 tips a minute are 1 mm a minute
    assert max(value for value in found if value is not None) == 60.0


@given(st.integers(0, 65535), st.lists(st.integers(0, 200), min_size=1, max_size=60))
def test_a_counter_that_goes_round_counts_on(start: int, steps: list[int]) -> None:
    settings = value_of('counter = 16\nwindow = "60s"\ndecimals = 3\n')
    straight, round_ = Converter(settings), Converter(settings.model_copy(update={"counter": 32}))
    total = start
    straight.take(0.0, total % 65536)
    round_.take(0.0, total)
    for at_s, step in enumerate(steps, 1):
        total += step
        assert (
            straight.take(float(at_s), total % 65536).value
            == round_.take(float(at_s), total).value
            is not None
        )


def test_a_counter_that_begins_anew_is_not_taken_for_a_flood() -> None:
    converter = Converter(value_of('counter = 16\nwindow = "60s"\n'))
    for at_s, raw in enumerate((40_000, 40_001, 0, 1)):
        found = converter.take(10.0 * at_s, raw)
    assert found.value == 60.0
    assert converter.take(40.0, 50_000).reason == "settling"


def test_requests_are_few_and_a_split_has_one_for_each_value() -> None:
    table = "".join(
        f'[[sensor.value]]\nname = "v{at}"\naddress = {at}\ntype = "f32"\n'
        for at in (0, 2, 10, 40, 158)
    )
    values = sensor_of(table).value
    groups = plan_groups(values)
    assert [(g.address, g.count, g.values) for g in groups] == [
        (0, 12, (0, 1, 2)),
        (40, 2, (3,)),
        (158, 2, (4,)),
    ]
    assert [(g.address, g.count) for g in split_group(groups[0], values)] == [
        (0, 2),
        (2, 2),
        (10, 2),
    ]


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=40))
def test_every_value_is_in_exactly_one_request_of_allowed_size(addresses: list[int]) -> None:
    values = [value_of("").model_copy(update={"address": one, "type": "u32"}) for one in addresses]
    groups = plan_groups(values)
    assert sorted(n for group in groups for n in group.values) == list(range(len(values)))
    for group in groups:
        assert group.count <= 125
        for number in group.values:
            at = values[number].address or 0
            assert group.address <= at
            assert at + 2 <= group.address + group.count


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3.25", 3.25),
        (" -7,5 ", -7.5),
        ("+1e3", 1000.0),
        (".5", 0.5),
        ("nan", None),
        ("1_000", None),
        ("12.3.4", None),
        ("---", None),
        ("", None),
        ("٣", None),
    ],
)
def test_only_plain_numbers_are_numbers(text: str, number: float | None) -> None:
    assert number_in(text) == number


def lines(chunks: list[bytes], encoding: str = "utf-8") -> list[tuple[str, str]]:
    """What a framer makes of `chunks`."""
    framer = LineFramer(encoding)
    return [found for chunk in chunks for found in framer.feed(chunk)]


def test_lines_end_as_stations_end_them() -> None:
    assert lines([b"a\r\nb\nc\rd", b"e\r", b"\n\n"]) == [
        ("a", ""),
        ("b", ""),
        ("c", ""),
        ("de", ""),
    ]


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"a\x00b\n", "control"),
        (b"\x1b[2J\n", "control"),
        (b"\xff\xfe\n", "encoding"),
        (b"x" * 1_000_000 + b"\n", "line"),
    ],
)
def test_hostile_lines_are_refused_with_a_word_and_the_next_is_good(data: bytes, word: str) -> None:
    found = lines([data[at : at + 4096] for at in range(0, len(data), 4096)] + [b"1.5\n"])
    assert [reason.partition(":")[0] for _, reason in found] == [word, ""]
    assert found[-1] == ("1.5", "")


def test_a_chinese_line_is_read_in_its_encoding() -> None:
    data = "雨量=3.2\n".encode("gb18030")
    assert lines([data], "gb18030") == [("雨量=3.2", "")]
    assert lines([data])[0][1].startswith("encoding")


@given(st.binary(max_size=5000), st.lists(st.integers(1, 300), min_size=1, max_size=20))
def test_any_chunking_gives_the_same_lines_and_nothing_grows(data: bytes, cuts: list[int]) -> None:
    chunks: list[bytes] = []
    at = 0
    while at < len(data):
        size = cuts[len(chunks) % len(cuts)]
        chunks.append(data[at : at + size])
        at += size
    assert lines(chunks) == lines([data])
    framer = LineFramer()
    for chunk in chunks:
        list(framer.feed(chunk))
        assert len(framer._pending) <= MAX_LINE_BYTES + 2
