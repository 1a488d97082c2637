"""How a bearer is, in plain values, for people and programs."""

from typing import Any

from fieldlink.edge.bearer.bearer import Bearer
from fieldlink.edge.bearer.exchange import Exchange

__all__ = ["bearer_report"]


def bearer_report(bearer: Bearer, exchange: Exchange, centre: str | None) -> dict[str, Any]:
    """`bearer` as `fieldlink edge status --json` shows it; None is unknown."""
    measure, settings = bearer.measure, bearer.settings
    pace = measure.pace
    loss = measure.loss()
    return {
        "name": bearer.name,
        "up": bearer.up,
        "stalled": bearer.stalled,
        "held": bearer.held or settings.held,
        "admits": None if bearer.admits is None else bearer.admits.name.lower(),
        "reason": bearer.reason,
        "down_by": None if bearer.up else bearer.down_by,
        "since_us": bearer.since_us,
        "centre": centre if bearer.welcomed else None,
        "congestion": bearer.congestion.used,
        "congestion_refused": bearer.congestion.used != bearer.congestion.wanted,
        "rate_bps": round(measure.rate_bps()),
        "path_rate_bps": None if pace.rate_bps is None else round(pace.rate_bps),
        "rtt_ms": None if pace.base_us is None else round(pace.base_us / 1000),
        "delay_ms": None if pace.rtt_us is None else round(pace.rtt_us / 1000),
        "loss": None if loss is None else round(loss, 4),
        "window_bytes": pace.window_bytes,
        "in_flight_bytes": exchange.in_flight_bytes(bearer.name),
        "delivered_bytes": exchange.delivered_bytes(bearer.name),
        "wire_bytes": measure.wire_bytes,
        "lines": len(bearer.lines),
        "price": settings.price,
        "used_bytes": measure.meter.used_bytes,
        "budget_bytes": settings.budget,
        "budget_per": settings.budget_per if settings.budget else None,
        "last_custody_us": bearer.last_custody_us,
    }
