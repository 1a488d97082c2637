"""The kit's figures for a monitoring system, in Prometheus' text format (version 0.0.4).

`fieldlink edge metrics > /var/lib/node_exporter/fieldlink.prom`, once a minute, is all it takes.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["metrics_lines"]

_VERDICTS = {"kept": 0, "at-risk": 1, "will-miss": 2}
_DETAILS = ("full", "seconds_5", "change", "last")
_FRESH_S = 60.0
_BEARER = (
    ("up", "up", "1 while the bearer reaches the centre"),
    ("held", "held", "1 while it is held by hand"),
    ("rate_bps", "rate_bits_per_second", "delivered lately"),
    ("path_rate_bps", "path_rate_bits_per_second", "the most that was delivered lately"),
    ("rtt_ms", "round_trip_milliseconds", "the empty path's round trip"),
    ("loss", "resent_ratio", "share of what was sent lately that was sent again"),
    ("in_flight_bytes", "in_flight_bytes", "payload under way, not yet answered"),
    ("delivered_bytes", "delivered_bytes_total", "payload that the centre acknowledged"),
    ("wire_bytes", "wire_bytes_total", "bytes on the wire, both ways, headers included"),
    ("used_bytes", "budget_used_bytes", "used of the budget in this period"),
    ("budget_bytes", "budget_bytes", "the budget of a period"),
)


def metrics_lines(status: Mapping[str, Any]) -> Iterator[str]:
    """`status` (of `full_status`, or of a kit whose agent does not run) line by line; what is
    unknown is left out.
    """
    yield from _family("running", "1 while the agent runs", [({}, status.get("running"))])
    bearers = status.get("bearers", [])
    for key, name, text in _BEARER:
        rows = [({"bearer": bearer["name"]}, bearer.get(key)) for bearer in bearers]
        yield from _family(f"bearer_{name}", text, rows)
    devices = status.get("devices", {})
    live = [({"device": name}, one.get("state") == "live") for name, one in devices.items()]
    yield from _family("device_live", "1 while the device gives pictures", live)
    yield from _spool(status.get("spool") or {})
    yield from _plan(status.get("plan") or {})
    yield from _telemetry(status.get("telemetry") or {})
    odd = [({"kind": kind}, count) for kind, count in status.get("odd_answers", {}).items()]
    yield from _family("odd_answers_total", "answers of the centre that fit nothing", odd)


def _spool(spool: Mapping[str, Any]) -> Iterator[str]:
    for state, text in (("pending", "to send"), ("custody", "at the centre and still here")):
        rows = [({"layer": layer}, count["bytes"]) for layer, count in spool.get(state, {}).items()]
        yield from _family(f"spool_{state}_bytes", text, rows)
    for key in ("used_bytes", "disk_free_bytes", "gaps", "refused", "given_up"):
        yield from _family(f"spool_{key}", "as in edge status", [({}, spool.get(key))])


def _telemetry(telemetry: Mapping[str, Any]) -> Iterator[str]:
    if not telemetry:
        return
    for key, text in (
        ("stored", "samples that are in the spool, or were"),
        ("lost", "samples that the disk refused"),
        ("repeated", "samples that devices sent again"),
        ("thin", "thin sheaves made because the links are narrow"),
    ):
        yield from _family(f"telemetry_{key}_total", text, [({}, telemetry.get(key))])
    devices = telemetry["devices"]
    heard = sum((one["age_s"] or 0.0) < _FRESH_S for one in devices.values())
    rows: list[tuple[Mapping[str, str], float]] = [
        ({"state": "heard"}, heard), ({"state": "silent"}, len(devices) - heard),
    ]  # fmt: skip
    yield from _family("telemetry_devices", "that spoke in the last minute, or before", rows)
    detail = _DETAILS.index(telemetry["detail"]) if telemetry["detail"] in _DETAILS else None
    yield from _family("telemetry_detail", "0 all of it goes now, 3 the last known", [({}, detail)])
    alarms = telemetry["alarms"]["open"]
    kinds = sorted({alarm["kind"] for alarm in alarms})
    going = [({"kind": kind}, sum(one["kind"] == kind for one in alarms)) for kind in kinds]
    yield from _family("alarms", "that are going on", going)
    refused = [
        ({"device": name, "reason": reason}, count)
        for name, device in devices.items()
        for reason, count in device["refused"].items()
    ]
    yield from _family("telemetry_refused_total", "what a device said and cannot be", refused)


def _plan(plan: Mapping[str, Any]) -> Iterator[str]:
    verdict = _VERDICTS.get(str(plan.get("verdict")))
    yield from _family("window_verdict", "0 in time, 1 at risk, 2 will be late", [({}, verdict)])
    for key in ("rate_bps", "low_bps"):
        name = f"expected_{key.removesuffix('_bps')}_bits_per_second"
        yield from _family(name, "what all links are expected to carry", [({}, plan.get(key))])
    level = (plan.get("fit") or {}).get("level")
    yield from _family("fit_level", "0 nothing is thinned, 4 only reports go", [({}, level)])


def _family(
    name: str, text: str, rows: Iterable[tuple[Mapping[str, str], float | bool | None]]
) -> Iterator[str]:
    known = [(labels, value) for labels, value in rows if value is not None]
    if not known:
        return
    kind = "counter" if name.endswith("_total") else "gauge"
    yield f"# HELP fieldlink_{name} {text}"
    yield f"# TYPE fieldlink_{name} {kind}"
    for labels, value in known:
        told = ",".join(f'{key}="{_escaped(label)}"' for key, label in labels.items())
        yield (
            f"fieldlink_{name}{{{told}}} {_number(value)}"
            if told
            else (f"fieldlink_{name} {_number(value)}")
        )


def _number(value: float | bool) -> str:
    return str(int(value)) if isinstance(value, bool | int) else repr(float(value))


def _escaped(label: object) -> str:
    return str(label).replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
