"""How a kit is: for the centre every few seconds, and for people and programs beside it."""

from collections.abc import Mapping, Sequence
from typing import Any

from fieldlink.edge.spool import Totals

__all__ = ["centre_report", "full_status", "spool_report"]

_MAX_DEVICES = 32
_MAX_FINDINGS = 8
_MAX_TEXT = 200
_BEARER_KEYS = ("name", "up", "held", "rate_bps", "rtt_ms", "loss", "in_flight_bytes")


def spool_report(totals: Totals) -> dict[str, Any]:
    """What the spool holds, in plain values."""
    layers = sorted({*totals.pending, *totals.custody})
    return {
        "pending": {
            layer.value: {"bundles": count.bundles, "bytes": count.size_bytes}
            for layer in layers
            if (count := totals.pending.get(layer)) is not None
        },
        "custody": {
            layer.value: {"bundles": count.bundles, "bytes": count.size_bytes}
            for layer in layers
            if (count := totals.custody.get(layer)) is not None
        },
        "refused": totals.refused.bundles,
        "gaps": totals.gaps,
        "given_up": totals.given_up,
        "used_bytes": totals.used_bytes,
        "quota_bytes": totals.quota_bytes,
        "disk_free_bytes": totals.disk_free_bytes,
    }


def centre_report(
    devices: Mapping[str, Mapping[str, Any]],
    totals: Totals,
    findings: Sequence[str],
    *,
    bearers: Sequence[Mapping[str, Any]] = (),
    orders: int = 0,
    plan: Mapping[str, Any] | None = None,
    telemetry: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The map in a State frame: short, for it goes over the thinnest link too. `orders` is the
    revision that the kit follows, `plan` comes now and then.
    """
    spool = spool_report(totals)
    news = {} if plan is None else {"plan": dict(plan)}
    return {
        **news,
        "orders": orders,
        "telemetry": dict(telemetry or {}),
        "bearers": [{key: one.get(key) for key in _BEARER_KEYS} for one in bearers],
        "devices": {
            name: {
                "kind": str(report.get("kind", ""))[:32],
                "state": str(report.get("state", ""))[:32],
                "reason": str(report.get("reason", "") or "")[:_MAX_TEXT],
                "last_packet_us": report.get("last_packet_us"),
                **({"carrier": str(report["carrier"])[:32]} if report.get("carrier") else {}),
            }
            for name, report in list(devices.items())[:_MAX_DEVICES]
        },
        "pending": spool["pending"],
        "gaps": spool["gaps"],
        "refused": spool["refused"],
        "given_up": spool["given_up"],
        "disk_free_bytes": spool["disk_free_bytes"],
        "used_bytes": spool["used_bytes"],
        "findings": [finding[:_MAX_TEXT] for finding in findings[:_MAX_FINDINGS]],
    }


def full_status(
    *,
    kit: str,
    devices: Mapping[str, Mapping[str, Any]],
    totals: Totals,
    findings: Sequence[str],
    bearers: Sequence[Mapping[str, Any]],
    odd: Mapping[str, int],
    plan: Mapping[str, Any],
    attached: Mapping[str, Mapping[str, Any]],
    telemetry: Mapping[str, Any],
    clock: Mapping[str, Any],
) -> dict[str, Any]:
    """What `fieldlink edge status --json` prints; `odd` counts answers that a sound centre does
    not give.
    """
    return {
        "running": True,
        "kit": kit,
        "devices": {name: dict(report) for name, report in devices.items()},
        "spool": spool_report(totals),
        "bearers": [dict(bearer) for bearer in bearers],
        "odd_answers": dict(odd),
        "plan": dict(plan),
        "attached": {name: dict(report) for name, report in attached.items()},
        "telemetry": dict(telemetry),
        "clock": dict(clock),
        "findings": list(findings),
    }
