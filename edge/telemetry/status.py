"""What telemetry says of itself: in full beside the kit, in counts for the centre."""

from collections.abc import Iterable, Mapping
from typing import Any

from fieldlink.codecs.telemetry import Flag, Sample, Schema
from fieldlink.edge.telemetry.device import Device
from fieldlink.edge.telemetry.roster import Roster

__all__ = ["brief_telemetry", "device_rows", "refused_rows"]

_HEARD_US = 60_000_000


def device_rows(roster: Iterable[Device], now_us: int) -> dict[str, dict[str, Any]]:
    """Every device by name: who it is, when it spoke, its last values in their units, what was
    refused and marked.
    """
    return {device.name: _row(device, now_us) for device in sorted(roster, key=_name)}


def _name(device: Device) -> str:
    return device.name


def _row(device: Device, now_us: int) -> dict[str, Any]:
    heard_us = device.heard_us
    return {
        "kind": device.kind,
        "via": device.via,
        "heard_us": heard_us,
        "age_s": None if heard_us is None else max(now_us - heard_us, 0) / 1e6,
        "offset_us": device.clock.offset_us,
        "streams": {
            stream: _last(series.yardstick.schema, series.last)
            for stream, series in sorted(device.series.items())
            if series.last is not None
        },
        "refused": dict(device.refused),
        "marked": _marked(device.marked),
    }


def _last(schema: Schema, sample: Sample) -> dict[str, Any]:
    values = {
        column.name: value / 10**column.scale if isinstance(value, int) else value
        for column, value in zip(schema.columns, sample.values, strict=False)
        if value is not None
    }
    return {"time_us": sample.time_us, "values": values, "marks": _names(sample.flags)}


def _names(flags: int) -> list[str]:
    return [(flag.name or "").lower() for flag in Flag(flags)]


def _marked(counts: Mapping[int, int]) -> dict[str, int]:
    """How often each flag was set, from counts of what was set together."""
    found: dict[str, int] = {}
    for flags, count in counts.items():
        for name in _names(flags):
            found[name] = found.get(name, 0) + count
    return found


def refused_rows(roster: Roster) -> list[dict[str, Any]]:
    """What came from whom the kit does not know by name."""
    return [
        {"from": name, "reason": reason, "count": count}
        for (name, reason), count in sorted(roster.strangers.items())
    ]


def brief_telemetry(roster: Roster, now_us: int, counts: Mapping[str, Any]) -> dict[str, Any]:
    """How telemetry is, for the centre, over the thinnest link: counts, no names of devices.

    Nothing is made for each device: with a thousand of them that would hold the event loop up.
    """
    heard = [device.heard_us for device in roster if device.heard_us is not None]
    refused = roster.strangers.total() + sum(device.refused.total() for device in roster)
    return {
        "devices": len(roster),
        "heard": sum(now_us - heard_us < _HEARD_US for heard_us in heard),
        "refused": refused,
        **counts,
    }
