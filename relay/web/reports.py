"""What a kit's last report says of its devices and of what it has not sent yet.

A report is a map of plain values that the kit's software chose; nothing in it is trusted to be
there or to be of any type. Read here: `pending.<layer>` with `bundles` and `bytes`, the same under
`streams."<device>/<stream>".pending` where a kit tells it, `devices.<device>` with `state`
and `reason`, and `bearers`, a list of maps with `name`, `up`, `held`, `rate_bps`, `rtt_ms`,
`loss`, `in_flight_bytes`.
"""

from collections.abc import Mapping
from typing import Any

from fieldlink.codecs.bundle import Layer
from fieldlink.relay.catalogue import Kit
from fieldlink.relay.web.models import BearerView, DeviceView, PendingScope, PendingView

__all__ = ["bearer_views", "device_views", "kit_pending", "stream_pending"]

_MAX_TEXT_CHARS = 200
_MAX_DEVICES = 256
_MAX_BEARERS = 16
_MAX_NAME_CHARS = 32


def kit_pending(kit: Kit) -> PendingView | None:
    """What `kit` has not sent, all streams together; None when it never said."""
    return _pending(kit, _map(kit.report).get("pending"), "kit")


def stream_pending(kit: Kit | None, device: str, stream: str) -> PendingView | None:
    """What `kit` has not sent of one stream, of all its streams if it tells only that; None
    when it never said.
    """
    if kit is None:
        return None
    said = _map(_map(_map(kit.report).get("streams")).get(f"{device}/{stream}")).get("pending")
    return _pending(kit, said, "stream") or kit_pending(kit)


def device_views(kit: Kit) -> list[DeviceView]:
    """The devices of `kit`, by name."""
    said = _map(_map(kit.report).get("devices"))
    return [
        DeviceView(
            device=device[:32],
            kind=_text(kit.devices[device]) or "",
            state=_text(_map(said.get(device)).get("state")),
            reason=_text(_map(said.get(device)).get("reason")),
            carrier=_text(_map(said.get(device)).get("carrier")),
        )
        for device in sorted(kit.devices)[:_MAX_DEVICES]
    ]


def bearer_views(kit: Kit) -> list[BearerView]:
    """The bearers of `kit`, by name: those it tells of, and those it was heard on."""
    told = _map(kit.report).get("bearers")
    said = [_map(one) for one in told[:_MAX_BEARERS]] if isinstance(told, list) else []
    by_name = {name: one for one in said if (name := _text(one.get("name"))) is not None}
    heard = kit.heard_on or {}
    names = sorted({name[:_MAX_NAME_CHARS] for name in (*by_name, *heard)})[:_MAX_BEARERS]
    return [_bearer(name, by_name.get(name, {}), heard.get(name)) for name in names]


def _bearer(name: str, said: Mapping[str, Any], heard_us: int | None) -> BearerView:
    loss = _figure(said.get("loss"))
    return BearerView(
        name=name,
        up=_flag(said.get("up")),
        held=_flag(said.get("held")),
        rate_bps=_figure(said.get("rate_bps")),
        rtt_ms=_figure(said.get("rtt_ms")),
        loss=None if loss is None else min(loss, 1.0),
        in_flight_bytes=_count(said.get("in_flight_bytes")),
        heard_us=heard_us,
    )


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _figure(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 2**63 else None


def _pending(kit: Kit, said: object, scope: PendingScope) -> PendingView | None:
    if kit.report_us is None or not isinstance(said, Mapping):
        return None
    layers = [_map(said.get(layer.value)) for layer in Layer if layer.value in said]
    bundles = [_count(layer.get("bundles")) for layer in layers]
    sizes = [_count(layer.get("bytes")) for layer in layers]
    return PendingView(
        scope=scope,
        bundles=_sum(bundles),
        size_bytes=_sum(sizes),
        reported_us=kit.report_us,
    )


def _sum(counts: list[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str | None:
    return value[:_MAX_TEXT_CHARS] if isinstance(value, str) and value else None


def _count(value: object) -> int | None:
    good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
    return value if good and isinstance(value, int) else None
