"""Settings: units, and a line of file, key, value and rule for each fault."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, SecretStr, model_validator

from fieldlink.codecs.fault import ConfigError
from fieldlink.codecs.settings import (
    Duration,
    Rate,
    Settings,
    Size,
    describe_settings,
    format_duration,
    format_rate,
    format_size,
    load_settings,
)


class Camera(Settings):
    """A table in the file."""

    name: str
    url: str = ""
    every: Duration = 10.0


class Sample(Settings):
    """A file."""

    wait: Duration = 10.0
    quota: Size = 10**9
    rate: Rate = 100_000
    port: int = Field(default=8883, ge=1, le=65535)
    password: SecretStr = SecretStr("")
    camera: tuple[Camera, ...] = ()

    @model_validator(mode="after")
    def _rate_needs_room(self) -> "Sample":
        if self.quota < 1000:
            raise ValueError("quota has to be at least 1kB")
        return self


def faults(text: str) -> tuple[str, ...]:
    """The lines that `text` is refused with."""
    with pytest.raises(ConfigError) as caught:
        load_settings(Sample, text, "edge.toml")
    return caught.value.faults


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("10s", 10), ("1.5 min", 90), ("2h", 7200), ("1d", 86400)],
)
def test_durations_carry_their_unit(text: str, seconds: float) -> None:
    assert load_settings(Sample, f'wait = "{text}"', "edge.toml").wait == seconds


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [("12kB", 12_000), ("64MiB", 64 << 20), ("1.5GB", 1_500_000_000), ("2000B", 2000)],
)
def test_sizes_carry_their_unit(text: str, size_bytes: int) -> None:
    assert load_settings(Sample, f'quota = "{text}"', "edge.toml").quota == size_bytes


@pytest.mark.parametrize(("text", "rate_bps"), [("100kbit/s", 100_000), ("2.5Mbit/s", 2_500_000)])
def test_rates_carry_their_unit(text: str, rate_bps: int) -> None:
    assert load_settings(Sample, f'rate = "{text}"', "edge.toml").rate == rate_bps


@pytest.mark.parametrize(
    "value",
    [
        *("10", "1.5", '"10"', '""', '"s"', '"10 parsecs"', '"10S"', '"-1s"', '"1e3s"', '"1,5s"'),
        *('"10s 5s"', '"ten seconds"', "true", "[]", '"10kB"', '"٣s"', '"0x10s"', '"nans"'),
        f'"{"9" * 400}d"',
    ],
)
def test_a_duration_without_number_and_unit_names_file_key_value_and_rule(value: str) -> None:
    (line,) = faults(f"wait = {value}")
    assert line.startswith("edge.toml: wait")
    assert "write a number and a unit" in line
    assert '"10s"' in line


def test_a_size_too_large_for_any_disk_is_refused_not_a_crash() -> None:
    (line,) = faults(f'quota = "{"9" * 400}TB"')
    assert "too large" in line


def test_every_fault_has_its_line() -> None:
    lines = faults('wait = 10\nquotta = "1GB"\nport = 70000\n[[camera]]\nevery = "5 s"\nspeed = 3')
    assert lines == (
        'edge.toml: wait = 10: write a number and a unit, like "10s" (units: ms, s, min, h, d)',
        "edge.toml: port = 70000: write at most 65535",
        "edge.toml: camera[0].name: missing; it has to be set",
        "edge.toml: camera[0].speed = 3: no such setting; check its spelling",
        "edge.toml: quotta = '1GB': no such setting; check its spelling",
    )


def test_a_list_is_not_called_too_short_because_its_items_are_wrong() -> None:
    class Item(Settings):
        name: str

    class Whole(Settings):
        item: tuple[Item, ...] = Field(min_length=1)

    with pytest.raises(ConfigError) as told:
        load_settings(Whole, '[[item]]\nname = "a"\nnmae = "b"', "kit.toml")
    assert told.value.faults == (
        "kit.toml: item[0].nmae = 'b': no such setting; check its spelling",
    )
    with pytest.raises(ConfigError, match="at least 1 item"):
        load_settings(Whole, "item = []", "kit.toml")


def test_a_rule_of_the_whole_file_has_its_line() -> None:
    assert faults('quota = "10B"') == ("edge.toml: quota has to be at least 1kB",)


@pytest.mark.parametrize(
    "text",
    ["wait = ", "= 1", "[a", "a = 1\na = 2", "port = " + "1" * 5000, "a = " + "[" * 5000, "a = \0"],
    ids=lambda text: text[:12],
)
def test_a_file_that_is_not_toml_is_one_line(text: str) -> None:
    (line,) = faults(text)
    assert line.startswith("edge.toml: not TOML: ")


@pytest.mark.parametrize(
    "text",
    [
        'password = ["hunter2"]',
        "[password]\nvalue = 'hunter2'",
        "camera = [{url = 'rtsp://admin:hunter2@10.0.0.9/'}]",
        "camera = 'rtsp://admin:hunter2@10.0.0.9/'",
        "camera = [{name = 'a', lurl = 'rtsp://admin:hunter2@10.0.0.9/'}]",
        "tokens = 'hunter2'",
        "passwd = 'hunter2'",
        "camera = [{name = 'a', Auth = 'hunter2'}]",
        "camera = [{name = 'a', lurl = 'http://h/x?token=hunter2&n=1'}]",
        "camera = [{name = 'a', lurl = 'http://h/x?n=1&t=hunter2'}]",
        "camera = [{name = 'a', lurl = 'rtsp:admin:hunter2@h/'}]",
        "camera = [{name = 'a', lurl = 'admin:hunter2@h'}]",
        "camera = [{name = 'a', lurl = 'rtsp://admin:x/y hunter2@h'}]",
        "camera = [{name = 'a', lurl = 'rtsp://admin:hunter2@x@h'}]",
        "camera = [{name = 'a', live = {url = 'rtsp://admin:hunter2@h/'}}]",
        "wait = 'rtsp://admin:hunter2@h/'",
        "'rtsp://admin:hunter2@h/' = 1",
    ],
)
def test_no_fault_shows_a_secret(text: str) -> None:
    assert all("hunter2" not in line for line in faults(text))


def test_a_faulty_url_is_still_recognised() -> None:
    text = "camera = [{name = 'a', lurl = 'rtsp://admin:pw@10.0.0.9/1?token=abc&n=2'}]"
    shown = "'rtsp://********@10.0.0.9/1?token=***&n=***'"
    assert any(f"camera[0].lurl = {shown}: no such setting" in line for line in faults(text))


def test_the_effective_values_are_shown_with_units_and_without_secrets() -> None:
    text = """
        password = "hunter2"
        [[camera]]
        name = "gate"
        url = "rtsp://admin:hunter2@10.0.0.9/1"
    """
    shown = describe_settings(load_settings(Sample, text, "edge.toml"))
    assert shown["wait"] == "10s"
    assert shown["quota"] == "1GB"
    assert shown["rate"] == "100kbit/s"
    assert shown["password"] == "********"
    assert shown["camera"] == [
        {"name": "gate", "url": "rtsp://********@10.0.0.9/1", "every": "10s"}
    ]


@given(st.integers(0, 10**15))
def test_a_size_that_is_written_out_reads_back_the_same(size_bytes: int) -> None:
    text = format_size(size_bytes)
    assert load_settings(Reader, f'size = "{text}"', "x").size == size_bytes


@given(st.integers(0, 10**12))
def test_a_rate_that_is_written_out_reads_back_the_same(rate_bps: int) -> None:
    text = format_rate(rate_bps)
    assert load_settings(Reader, f'rate = "{text}"', "x").rate == rate_bps


@given(st.integers(0, 10**12))
def test_a_duration_of_whole_milliseconds_reads_back_the_same(milliseconds: int) -> None:
    text = format_duration(milliseconds / 1000)
    assert load_settings(Reader, f'wait = "{text}"', "x").wait == pytest.approx(milliseconds / 1000)


class Reader(Settings):
    """One of each."""

    wait: Duration = 0.0
    size: Size = 0
    rate: Rate = 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('wait = "1min"', "wait = '1min': write at least 1h"),
        ('most = "2GB"', "most = '2GB': write at most 1GB"),
        ('speed = "1kbit/s"', "speed = '1kbit/s': write more than 8kbit/s"),
        ("share = 1.5", "share = 1.5: write less than 1"),
    ],
)
def test_a_bound_is_told_in_the_units_that_were_written(text: str, said: str) -> None:
    class Bounded(Settings):
        wait: Duration = Field(default=3600.0, ge=3600)
        most: Size = Field(default=1, le=10**9)
        speed: Rate = Field(default=9000, gt=8000)
        share: float = Field(default=0.5, lt=1)

    with pytest.raises(ConfigError) as caught:
        load_settings(Bounded, text, "x.toml")
    assert str(caught.value) == f"x.toml: {said}"
