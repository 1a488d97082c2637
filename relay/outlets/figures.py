"""The centre's figures in Prometheus' text format 0.0.4. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["figures"]

_HELP = {
    "fieldlink_up": "1 while the centre runs",
    "fieldlink_bundles": "Bundles in custody, by incident and layer",
    "fieldlink_bundle_bytes": "Bytes in custody, by incident and layer",
    "fieldlink_kit_heard_seconds": "Seconds since a kit was last heard",
    "fieldlink_devices": "Devices that speak in numbers, by kind",
    "fieldlink_device_heard_seconds": "Seconds since a device's last sample arrived",
    "fieldlink_value": "The last value of a column of a device's stream, in its unit",
    "fieldlink_alarms": "Alarms that are not cleared, or not seen yet, by kind and state",
    "fieldlink_flights": "Recordings of aircraft, by kit and state: flying, ended, idle",
    "fieldlink_flight_pieces": "Pieces of recordings of aircraft in custody, by kit and state",
    "fieldlink_flight_bytes": "Bytes of recordings of aircraft in custody, by kit and state",
}


def figures(
    *,
    now_us: int,
    devices: Iterable[Mapping[str, Any]],
    alarms: Iterable[Mapping[str, Any]],
    kits: Mapping[str, int | None],
    layers: Mapping[tuple[str, str], tuple[int, int]],
    flights: Mapping[tuple[str, str], tuple[int, int, int]],
) -> Iterator[str]:
    """The lines. `devices` and `alarms` are as the API has them, `kits` when each was last heard,
    `layers` bundles and bytes by incident and layer, `flights` recordings, pieces and bytes by kit
    and state.
    """
    families: dict[str, list[str]] = {name: [] for name in _HELP}
    families["fieldlink_up"].append("fieldlink_up 1")
    for (incident, layer), (count, size) in layers.items():
        named = _labels(incident=incident, layer=layer)
        families["fieldlink_bundles"].append(f"fieldlink_bundles{named} {count}")
        families["fieldlink_bundle_bytes"].append(f"fieldlink_bundle_bytes{named} {size}")
    for kit, heard_us in kits.items():
        if heard_us is not None:
            line = f"fieldlink_kit_heard_seconds{_labels(kit=kit)} {_age(now_us, heard_us)}"
            families["fieldlink_kit_heard_seconds"].append(line)
    for (kit, state), counts in sorted(flights.items()):
        named = _labels(kit=kit, state=state)
        for what, count in zip(("s", "_pieces", "_bytes"), counts, strict=True):
            families[f"fieldlink_flight{what}"].append(f"fieldlink_flight{what}{named} {count}")
    _devices(families, now_us, devices)
    _count(families["fieldlink_alarms"], "fieldlink_alarms", alarms, ("kind", "state"))
    for name, lines in families.items():
        if lines:
            yield f"# HELP {name} {_HELP[name]}"
            yield f"# TYPE {name} gauge"
            yield from lines


def _devices(
    families: dict[str, list[str]], now_us: int, devices: Iterable[Mapping[str, Any]]
) -> None:
    kinds: list[Mapping[str, Any]] = []
    for device in devices:
        kinds.append({"kind": device["kind"]})
        named = {"kit": device["kit"], "device": device["device"], "kind": device["kind"]}
        age = _age(now_us, device["heard_us"])
        line = f"fieldlink_device_heard_seconds{_labels(**named)} {age}"
        families["fieldlink_device_heard_seconds"].append(line)
        for stream, point in device["streams"].items():
            for column, value in point["values"].items():
                if isinstance(value, int | float):
                    unit = point["units"].get(column, "")
                    labels = _labels(**named, stream=stream, column=column, unit=unit)
                    families["fieldlink_value"].append(f"fieldlink_value{labels} {value}")
    _count(families["fieldlink_devices"], "fieldlink_devices", kinds, ("kind",))


def _count(
    lines: list[str], name: str, rows: Iterable[Mapping[str, Any]], labels: tuple[str, ...]
) -> None:
    counts: dict[tuple[str, ...], int] = {}
    for row in rows:
        key = tuple(row[label] for label in labels)
        counts[key] = counts.get(key, 0) + 1
    for key, count in sorted(counts.items()):
        lines.append(f"{name}{_labels(**dict(zip(labels, key, strict=True)))} {count}")


def _age(now_us: int, then_us: int) -> str:
    return f"{(now_us - then_us) / 1e6:.3f}"


def _labels(**labels: str) -> str:
    said = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return "{" + said + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
