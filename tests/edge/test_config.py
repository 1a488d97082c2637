"""The kit's configuration: the sample loads, and every fault is one line."""

import re
import tomllib
from pathlib import Path

import pytest

from fieldlink.codecs.fault import ConfigError
from fieldlink.codecs.settings import Settings
from fieldlink.edge.config import EdgeSettings, load_edge_settings
from fieldlink.edge.jt808.settings import TerminalSettings

_SAMPLE = Path(__file__).parents[2] / "docs" / "edge.sample.toml"


def _write(folder: Path, text: str) -> Path:
    path = folder / "edge.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_sample_loads_and_shows_the_defaults() -> None:
    sample, default = load_edge_settings(_SAMPLE), EdgeSettings()
    assert [device.name for device in sample.device] == ["ball-1", "drone-1"]
    assert sample.capture == default.capture
    assert sample.spool == default.spool
    assert sample.bearer == default.bearer
    assert sample.state_dir == default.state_dir


def test_the_sample_names_every_setting_of_the_kit_as_a_whole() -> None:
    text = _SAMPLE.read_text(encoding="utf-8")
    raw = tomllib.loads(text)
    default = EdgeSettings()
    assert set(raw["spool"]) == set(type(default.spool).model_fields)
    assert set(raw["capture"]) == set(type(default.capture).model_fields)
    assert set(raw["jt808"]) == set(type(default.jt808).model_fields) - {"terminal"}
    assert _sample_terminal(text) == set(TerminalSettings.model_fields)
    for part in ("still", "proxy", "original"):
        fields = type(getattr(default.capture, part)).model_fields
        assert set(raw["capture"][part]) == set(fields)
    optional = re.findall(r"(?m)^# ([a-z]+) = ", text.split("[[bearer]]")[1])
    assert {*raw["bearer"][0], *optional} == set(type(default.bearer[0]).model_fields)


def _sample_terminal(text: str) -> set[str]:
    """The settings of the commented terminal."""
    table = text.split("# [[jt808.terminal]]")[1].split("\n\n")[0]
    return set(re.findall(r"(?m)^# ([a-z0-9_]+) = ", table))


def _models(model: type[Settings]) -> list[type[Settings]]:
    parts = [model]
    default = model() if model is EdgeSettings else None
    for name in model.model_fields if default else ():
        value = getattr(default, name)
        parts += [type(value)] if isinstance(value, Settings) else []
    return parts


@pytest.mark.parametrize("model", _models(EdgeSettings))
def test_every_setting_is_described(model: type[Settings]) -> None:
    assert all(field.description for field in model.model_fields.values())


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('kti = "a"', "kti = 'a': no such setting; check its spelling"),
        ('kit = "Kit 1"', "kit = 'Kit 1': .*a-z, 0-9"),
        ("[capture.still]\nevery = 10", "capture.still.every = 10: write a number and a unit"),
        ('[[device]]\nurl = "rtsp://a/b"', r"device\[0\].name: missing"),
        ('[[bearer]]\nfirst_window = "9MB"', r"first_window may not be more than"),
        ("[[bearer]]\n[[bearer]]", "two bearers have the name main; give each its own"),
        ("[spool", "not TOML"),
    ],
)
def test_a_fault_is_one_line_of_file_key_value_and_rule(
    tmp_path: Path, text: str, line: str
) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(ConfigError, match=line) as caught:
        load_edge_settings(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_two_devices_of_one_name_are_refused(tmp_path: Path) -> None:
    one = '[[device]]\nname = "a"\nurl = "rtsp://h/x"\n'
    with pytest.raises(ConfigError, match="two devices have the name a"):
        load_edge_settings(_write(tmp_path, one + one))


def test_two_that_measure_under_one_name_are_refused_and_a_camera_of_who_measures_is_not(
    tmp_path: Path,
) -> None:
    sensor = (
        '[[sensor]]\nname = "post-1"\nurl = "tcp://h:1"\nstream = "water"\n'
        '[[sensor.value]]\nname = "x"\npattern = "(1)"\n'
    )
    terminal = '[[jt808.terminal]]\nphone = "1"\nname = "post-1"\n'
    with pytest.raises(ConfigError, match="sensor and a JT/T 808 terminal are called post-1"):
        load_edge_settings(_write(tmp_path, sensor + terminal))
    camera = '[[device]]\nname = "post-1"\nurl = "rtsp://h/x"\n'
    both = load_edge_settings(_write(tmp_path, camera + terminal))
    assert both.speakers == {"post-1": "[[jt808.terminal]]"}


def test_a_missing_file_is_said_and_no_file_at_all_means_the_defaults(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        load_edge_settings(tmp_path / "none.toml")


def test_a_relative_state_folder_is_relative_to_the_file(tmp_path: Path) -> None:
    settings = load_edge_settings(_write(tmp_path, 'state_dir = "kit"'))
    assert settings.state_dir == tmp_path / "kit"


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "edge.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read as text"):
        load_edge_settings(path)


@pytest.mark.parametrize(
    "line",
    [
        'url = "rtps://admin:hunter2@10.0.0.9/1"',
        'url = "rtsp//admin:hunter2@10.0.0.9/1"',
        'url = "ftp://h/x?token=hunter2"',
        'url = "http://admin:hunter2@h:99999/"',
        'ulr = "rtsp://admin:hunter2@10.0.0.9/1"',
        'url = "rtsp://h/1"\npassword = "hunter2"',
        'url = "rtsp://h/1"\ncapture.still.url = "http://h/x?key=hunter2"',
        'url = ["rtsp://admin:hunter2@h/1"]',
    ],
)
def test_no_fault_of_a_device_shows_its_password(tmp_path: Path, line: str) -> None:
    path = _write(tmp_path, f'[[device]]\nname = "a"\n{line}\n')
    with pytest.raises(ConfigError) as caught:
        load_edge_settings(path)
    assert f"{path}: device[0]" in str(caught.value)
    assert "hunter2" not in str(caught.value)
