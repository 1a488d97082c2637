"""The stations that can be simulated: what each measures, as the settings of a kit say it.

The simulator answers by these settings and prints them, so that what it plays can be read with
what it prints. Register maps differ from maker to maker; these are of no particular one.
"""

import json
import math
import struct
from typing import Any

from fieldlink.edge.sensors.settings import SensorSettings, ValueSettings

__all__ = ["KINDS", "encode_registers", "settings_text", "station_settings", "text_line"]

_Table = dict[str, Any]

KINDS: dict[str, tuple[str, tuple[_Table, ...]]] = {
    "rain": (
        "rain",
        (
            {"name": "intensity", "label": "雨强", "unit": "mm/h", "scale": 0.2, "decimals": 1}
            | {"address": 0, "counter": 16, "window": "5min", "maximum": 500.0}
            | {"limit": [{"high": 50.0, "clear": 30.0, "text": "暴雨"}]},
            {"name": "total", "label": "累计雨量", "unit": "mm", "scale": 0.2, "address": 0}
            | {"decimals": 1},
            {"name": "battery", "label": "电池", "unit": "V", "scale": 0.01, "address": 1}
            | {"limit": [{"low": 11.5, "clear": 12.0}]},
        ),
    ),
    "water": (
        "water",
        (
            {"name": "level", "label": "水位", "unit": "m", "decimals": 3, "address": 0}
            | {"table": "input", "type": "f32", "missing": [-9999.0]}
            | {
                "limit": [
                    {"name": "warning", "high": 3.5, "clear": 3.4, "confirm": 2},
                    {"name": "danger", "high": 4.2, "clear": 4.1, "confirm": 2},
                    {"rise": 1.0, "per": "h", "window": "10min"},
                ]
            },
            {"name": "temperature", "label": "水温", "unit": "Cel", "scale": 0.1, "decimals": 1}
            | {"table": "input", "type": "s16", "address": 2, "missing": [0x7FFF]},
        ),
    ),
    "displacement": (
        "displacement",
        (
            {"name": "crack", "label": "裂缝", "unit": "mm", "scale": 0.01, "address": 10}
            | {"type": "s32", "words": "little", "missing": [0x7FFFFFFF]}
            | {
                "limit": [
                    {"name": "creep", "rise": 2.0, "per": "h", "window": "1h"},
                    {"name": "slip", "change": 60.0, "per": "h", "window": "10min"},
                ]
            },
            {"name": "tilt", "label": "倾角", "unit": "deg", "scale": 0.001, "decimals": 3}
            | {"type": "s16", "address": 12, "missing": [0x7FFF]},
        ),
    ),
    "dam": (
        "dam",
        (
            {"name": "pore", "label": "孔隙水压力", "unit": "kPa", "type": "f32", "address": 0}
            | {"limit": [{"high": 120.0, "clear": 110.0}]},
            {"name": "freeboard", "label": "安全超高", "unit": "m", "scale": 0.001, "decimals": 3}
            | {"address": 2, "missing": [0xFFFF]}
            | {"limit": [{"low": 1.5, "clear": 1.6, "text": "超高不足"}]},
            {"name": "seepage", "label": "渗流量", "unit": "L/s", "scale": 0.01, "address": 3}
            | {"missing": [0xFFFF]},
        ),
    ),
    "gas": (
        "gas",
        (
            {"name": "ch4", "label": "甲烷", "unit": "%{LEL}", "scale": 0.1, "decimals": 1}
            | {"address": 0, "missing": [0xFFFF], "gas": True}
            | {"limit": [{"name": "warning", "high": 10.0}, {"name": "danger", "high": 25.0}]},
            {"name": "o2", "label": "氧气", "unit": "%", "scale": 0.1, "decimals": 1}
            | {"address": 1, "missing": [0xFFFF], "gas": True}
            | {"limit": [{"low": 19.5, "clear": 19.8}, {"high": 23.5, "clear": 23.0}]},
            {"name": "co", "label": "一氧化碳", "unit": "[ppm]", "decimals": 0, "address": 2}
            | {"missing": [0xFFFF], "gas": True, "limit": [{"high": 24.0, "clear": 20.0}]},
            {"name": "h2s", "label": "硫化氢", "unit": "[ppm]", "scale": 0.1, "decimals": 1}
            | {"address": 3, "missing": [0xFFFF], "gas": True}
            | {"limit": [{"high": 10.0, "clear": 8.0}]},
        ),
    ),
    "weather": (
        "weather",
        (
            {"name": "temperature", "label": "气温", "unit": "Cel", "scale": 0.1, "decimals": 1}
            | {"type": "s16", "address": 0, "missing": [0x7FFF]},
            {"name": "humidity", "label": "湿度", "unit": "%", "scale": 0.1, "decimals": 1}
            | {"address": 1, "missing": [0xFFFF]},
            {"name": "pressure", "label": "气压", "unit": "hPa", "scale": 0.1, "decimals": 1}
            | {"address": 2, "missing": [0xFFFF]},
            {"name": "wind", "label": "风速", "unit": "m/s", "scale": 0.1, "decimals": 1}
            | {"address": 3, "missing": [0xFFFF]}
            | {"limit": [{"high": 17.2, "clear": 13.9, "text": "大风"}]},
            {"name": "direction", "label": "风向", "unit": "deg", "decimals": 0, "address": 4}
            | {"missing": [0xFFFF]},
        ),
    ),
}

_FORMATS = {"u16": ">H", "s16": ">h", "u32": ">I", "s32": ">i", "f32": ">f", "f64": ">d"}


def _table(kind: str, name: str, url: str) -> _Table:
    """The `[[sensor]]` table of a station of `kind`, for registers or for lines by its url."""
    stream, values = KINDS[kind]
    modbus = url.startswith("modbus")
    tables = []
    for value in values:
        table = dict(value)
        if not modbus:
            for key in ("address", "table", "type", "words", "missing", "scale"):
                table.pop(key, None)
            said = "tips" if kind == "rain" and value["name"] != "battery" else value["name"]
            table["pattern"] = rf"(?:^|,){said}=([-\d.]+)"
            if said == "tips":
                table["scale"] = value["scale"]
        tables.append(table)
    head = {"name": name, "url": url, "stream": stream, "period": "2s", "exercise": True}
    return {**head, "value": tables}


def station_settings(kind: str, name: str, url: str) -> SensorSettings:
    """The settings that read a simulated station."""
    return SensorSettings.model_validate(_table(kind, name, url))


def settings_text(kind: str, name: str, url: str) -> str:
    """The same as a piece of edge.toml."""
    table = _table(kind, name, url)
    lines = ["[[sensor]]", *_pairs(table)]
    for value in table["value"]:
        lines += ["[[sensor.value]]", *_pairs(value)]
        for limit in value.get("limit", ()):
            lines += ["[[sensor.value.limit]]", *_pairs(limit)]
    return "\n".join(lines) + "\n"


def _pairs(table: _Table) -> list[str]:
    # JSON's strings, numbers, booleans and lists of numbers are TOML's.
    return [
        f"{key} = {json.dumps(value, ensure_ascii=False)}"
        for key, value in table.items()
        if key not in ("value", "limit")
    ]


def encode_registers(value: ValueSettings, number: float | None) -> list[int]:
    """The registers in which a station says `number`; None: that it has none."""
    if number is None:
        nothing = math.nan if value.type in ("f32", "f64") else 0
        raw = value.missing[0] if value.missing else nothing
    else:
        raw = (number - value.offset) / value.scale
    if value.type not in ("f32", "f64"):
        bits = 32 if "32" in value.type else 16
        least = -(1 << bits - 1) if value.type.startswith("s") else 0
        raw = round(raw) % (1 << bits) if value.counter else round(raw)
        raw = max(least, min(raw, least + (1 << bits) - 1))
    packed = struct.pack(_FORMATS[value.type], raw)
    words = [int.from_bytes(packed[at : at + 2], "big") for at in range(0, len(packed), 2)]
    return words if value.words == "big" else words[::-1]


def text_line(values: dict[str, float | None]) -> bytes:
    """The line in which a station says `values`: "level=3.621,temperature=12.40"."""
    said = (f"{name}=---" if one is None else f"{name}={one:.3f}" for name, one in values.items())
    return ",".join(said).encode() + b"\r\n"
