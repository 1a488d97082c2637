"""Settings of sensors: what may be written, and what is said of the rest."""

import re
import time
from pathlib import Path

import pytest

from fieldlab.stations import sensor_of
from fieldlink.codecs.fault import ConfigError
from fieldlink.codecs.settings import load_settings
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.sensors.address import Address, parse_address
from fieldlink.edge.sensors.pattern import MAX_LINE_BYTES, check_pattern, compile_pattern
from fieldlink.edge.sensors.settings import LimitSettings, ValueSettings

_VALUE = '[[sensor.value]]\nname = "x"\naddress = 0\n'
_LIMIT = _VALUE + "[[sensor.value.limit]]\n"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("modbus-tcp://10.0.0.5/17", Address("modbus-tcp", "10.0.0.5", 502, unit=17)),
        ("modbus-tcp://[fe80::1]:1502", Address("modbus-tcp", "fe80::1", 1502)),
        ("modbus-rtu-tcp://gate:4001/2", Address("modbus-rtu-tcp", "gate", 4001, unit=2)),
        (
            "modbus-rtu:///dev/ttyUSB0?baud=19200&parity=e&unit=3&stop=2",
            Address(
                "modbus-rtu", path="/dev/ttyUSB0", unit=3, baud=19200, parity="E", stop=2
            ),
        ),
        ("serial:///dev/ttyS1?baud=4800", Address("serial", path="/dev/ttyS1", baud=4800)),
        ("tcp://192.0.2.1:4001", Address("tcp", "192.0.2.1", 4001)),
    ],
)  # fmt: skip
def test_urls_are_taken_apart(url: str, address: Address) -> None:
    assert parse_address(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "",
        "modbus://x/1",
        "modbus-tcp:///1",
        "modbus-tcp://x/256",
        "modbus-tcp://x:99999/1",
        "modbus-tcp://x/1?baud=9600",
        "modbus-rtu:///dev/ttyUSB0?unit=0",
        "modbus-rtu:///dev/ttyUSB0?baud=9601",
        "modbus-rtu:///dev/ttyUSB0?baud=9600&baud=9600",
        "modbus-rtu:///dev/../etc/passwd",
        "modbus-rtu://host/dev/ttyUSB0",
        "serial:///dev/ttyUSB0?unit=1",
        "tcp://host",
        "tcp://user@host:1",
        "tcp://host:1/path",
        "tcp://host:1\n",
    ],
)
def test_an_url_that_is_none_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(ValueError, match=r"write it as|is a number from|baud is one of|option"):
        parse_address(url)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "value: missing"),
        (_VALUE.replace("address = 0", 'pattern = "x(1)"'), "a Modbus value has an address"),
        (_VALUE * 2, "two values are called x"),
        (_VALUE + 'type = "f32"\ntable = "coil"\n', "a coil is a bool"),
        (_VALUE.replace("= 0", "= 65535") + 'type = "u32"\n', "end beyond 65535"),
        (_VALUE + "scale = 0\n", "a scale of 0"),
        (_VALUE + "scale = nan\n", "finite"),
        ('stream = "position"\n' + _VALUE, "columns of its own"),
        ("lat = 30\n" + _VALUE, "lat and lon, or neither"),
        (_LIMIT + "high = 1\nlow = 0\n", "exactly one of"),
        (_LIMIT + "high = 1\nclear = 2\n", "good side"),
        (_LIMIT + "low = 1\nclear = 0\n", "good side"),
        (_LIMIT + "high = 1\n[[sensor.value.limit]]\nhigh = 2\n", "two limits are called high"),
        (_LIMIT + 'rise = 1\nwindow = "15s"\n', "window of two periods"),
        (_VALUE + 'counter = 16\nwindow = "10s"\n', None),
        (
            'period = "1min"\n' + _VALUE + 'counter = 16\nwindow = "10s"\n',
            "shorter than the period",
        ),
    ],
)
def test_what_cannot_work_is_said_when_the_settings_are_read(text: str, said: str | None) -> None:
    if said is None:
        assert sensor_of(text).value[0].counter == 16
        return
    with pytest.raises(ConfigError, match=re.escape(said)):
        sensor_of(text)


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("modbus-rtu:///dev/a?unit=1", "modbus-rtu:///dev/a?unit=2", None),
        ("modbus-rtu:///dev/a?unit=1", "modbus-rtu:///dev/a?unit=2&baud=4800", "differently"),
        ("modbus-tcp://h/1", "modbus-tcp://h/2", None),
        ("modbus-rtu:///dev/a", "serial:///dev/a", "both want /dev/a"),
        ("tcp://h:1", "tcp://h:1", "both want h:1"),
    ],
)
def test_a_port_has_one_owner_and_one_way_to_speak(
    first: str, second: str, said: str | None
) -> None:
    def table(name: str, url: str) -> str:
        how = "address = 0" if "modbus" in url else 'pattern = "(1)"'
        return f'[[sensor]]\nname="{name}"\nurl="{url}"\n[[sensor.value]]\nname="x"\n{how}\n'

    text = table("a", first) + table("b", second)
    if said is None:
        assert len(load_settings(EdgeSettings, text, "test").sensor) == 2
        return
    with pytest.raises(ConfigError, match=said):
        load_settings(EdgeSettings, text, "test")


def test_a_sensor_may_not_have_a_devices_name() -> None:
    text = (
        f'[[device]]\nname="a"\nurl="rtsp://x/y"\n[[sensor]]\nname="a"\nurl="tcp://h:1"\n{_VALUE}'
    )
    with pytest.raises(ConfigError):
        load_settings(EdgeSettings, text.replace("address = 0", 'pattern = "(1)"'), "test")


_DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_the_worked_mappings_load() -> None:
    text = (_DOCS / "sensors.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    found = load_settings(EdgeSettings, "\n".join(blocks), "sensors.md")
    assert len(found.sensor) == len(blocks) == 7


def test_the_sample_has_every_setting_of_a_sensor() -> None:
    text = (_DOCS / "edge.sample.toml").read_text(encoding="utf-8")
    start = text.index("# [[sensor]]")
    lines = text[start : text.index("# --- ", start)].splitlines()
    # Sentences have a capital or a comma somewhere before their end; settings have " = ".
    shown = [line[2:] for line in lines if " = " in line or line.startswith("# [[")]
    sample = load_settings(EdgeSettings, "\n".join(shown), "sample").sensor[0]
    limits = {key for limit in sample.value[0].limit for key in limit.model_fields_set}
    assert sample.model_fields_set == type(sample).model_fields.keys()
    assert sample.value[0].model_fields_set == ValueSettings.model_fields.keys() - {"pattern"}
    assert limits == LimitSettings.model_fields.keys() - {"low", "fall", "change"}


def test_a_sensor_cannot_be_called_as_the_kit_is() -> None:
    with pytest.raises(ConfigError, match="the kit itself"):
        load_settings(
            EdgeSettings, f'[[sensor]]\nname="kit"\nurl="modbus-tcp://h/1"\n{_VALUE}', "t"
        )


_GOOD = (
    r"(\d+)",
    r"T=\s*(-?\d+\.?\d*)\s*C",
    r"(\d+\.\d+) m",
    r"^(?:[^,]*,){12}\s*([-+]?[0-9.]+)",
    r"^.*,(\d+)",
    r"水位[:：]\s*(\d+\.\d+)",
    r"^0R0,.*Ta=([-\d.]+)C",
    r"(?i)level ([\d.]{1,8})\s?mm",
    r"(?:RN|RG)=([0-9]{1,6})",
)


@pytest.mark.parametrize("pattern", _GOOD)
def test_usual_patterns_are_taken_and_no_line_of_a_kilobyte_makes_them_slow(pattern: str) -> None:
    compiled = compile_pattern(check_pattern(pattern))
    pieces = (
        "1",
        "T=",
        "T=1",
        " ",
        "1.",
        ",",
        "a,1",
        "0R0,Ta=1",
        "水位: 1",
        "1.1 ",
        "level 1 ",
        "RG=",
    )
    for piece in pieces:
        line = (piece * MAX_LINE_BYTES)[:MAX_LINE_BYTES] + "!"
        began_s = time.process_time()
        compiled.search(line)
        assert time.process_time() - began_s < 0.25, piece


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(", "not a regular expression"),
        (r"\d+", "exactly one group"),
        (r"(\d)(\d)", "exactly one group"),
        ("(a+)+b", "inside a repeat"),
        ("((?:a|ab)*)c", "inside a repeat"),
        ("(x*)*y", "inside a repeat"),
        (r"(?:\d+,?)*(x)", "inside a repeat"),
        (r".*.*.*(\d)=", "slow"),
        (r"([-+]?\d+\.?\d*) m", "slow"),
        (r"(\d+)\1", "no references"),
        (r"(?=a+)(b)", "no references"),
        ("x" * 300, "1 to 200"),
    ],
)
def test_patterns_that_a_line_could_stall_are_refused(pattern: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_pattern(pattern)
