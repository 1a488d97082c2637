"""Connection strings and the settings that hold them."""

import pytest

from fieldlink.codecs.fault import ConfigError
from fieldlink.codecs.settings import describe_settings, load_settings
from fieldlink.drone.connection.address import Address, parse_address
from fieldlink.drone.connection.open import make_connection
from fieldlink.drone.router.settings import RouterSettings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("udpin:0.0.0.0:14550", Address("udpin", "0.0.0.0", 14550)),  # noqa: S104
        ("udp:127.0.0.1:14550", Address("udpin", "127.0.0.1", 14550)),
        ("udpout:drone.local:14551", Address("udpout", "drone.local", 14551)),
        ("tcp:10.0.0.2:5760", Address("tcp", "10.0.0.2", 5760)),
        ("tcpin:[::1]:5790", Address("tcpin", "::1", 5790)),
        ("/dev/ttyACM0,115200", Address("serial", path="/dev/ttyACM0", baud=115_200)),
        ("/dev/serial/by-path/pci-0:1:2", Address("serial", path="/dev/serial/by-path/pci-0:1:2")),
        ("serial:/dev/ttyS1:57600", Address("serial", path="/dev/ttyS1", baud=57_600)),
        ("/data/a b.tlog", Address("file", path="/data/a b.tlog")),
        ("flight.BIN,speed=4,from=90", Address("file", path="flight.BIN", speed=4, start_s=90)),
        ("file:x.ulg,speed=0,loop", Address("file", path="x.ulg", speed=0, loop=True)),
    ],
)  # fmt: skip
def test_the_strings_that_operators_know_are_understood(text: str, expected: Address) -> None:
    assert parse_address(text) == expected
    make_connection(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "udpin:14550", "udpin:0.0.0.0:x", "tcp:host:0", "tcp:host:65536", "tcp::1"),
        *("http://host:80", "/dev/../etc/passwd", "flight.csv", "a.tlog,speed=-1", "a.tlog,fast"),
        *("udpin:ho st:1", "a.tlog,from=nan", "tcp:host:٣", "x\n.tlog", "y" * 600 + ".tlog"),
    ],
)
def test_what_is_none_of_them_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match=r"write|use|port|option"):
        parse_address(text)


SAMPLE = """
sysid = 7
signing_key_file = "/run/credentials/mavlink"
[[endpoint]]
name = "uav"
connect = "/dev/ttyACM0,57600"
signing = "require"
[[endpoint]]
name = "hq"
connect = "udpout:10.0.0.1:14550"
profile = "sat"
budget = "1200bit/s"
rates = { ATTITUDE = 0.5, "*" = 0 }
[endpoint.give]
block_messages = ["RAW_IMU", "12345"]
allow_systems = [1, 2]
"""


def test_settings_load_and_say_themselves_again() -> None:
    made = load_settings(RouterSettings, SAMPLE, "kit.toml")
    assert made.endpoint[1].budget == 1200
    described = describe_settings(made)
    assert described["endpoint"][1]["give"]["block_messages"] == ["RAW_IMU", "12345"]


@pytest.mark.parametrize(
    ("wrong", "right", "message"),
    [
        ('"RAW_IMU"', '"RAW_IMO"', "no message is called"),
        ("ATTITUDE = 0.5", "ATTITUDE = 5000", "0 to 1000 Hz"),
        ('"sat"', '"satellite"', "profile"),
        ('name = "hq"', 'name = "uav"', "two endpoints have one name"),
        ('signing_key_file = "/run/credentials/mavlink"', "", "set drone.signing_key_file"),
        ("[1, 2]", "[0]", "at least 1"),
        ("udpout:", "udpward:", "write udpin:host:port"),
        ("1200bit/s", "100bit/s", "at least 400bit/s"),
    ],
)
def test_a_fault_in_settings_is_named_with_its_rule(wrong: str, right: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_settings(RouterSettings, SAMPLE.replace(wrong, right), "kit.toml")
