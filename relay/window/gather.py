"""Reads from the catalogue what the window view is made from."""

from collections.abc import Iterable, Mapping
from typing import Any

from fieldlink.codecs.bundle import IMPORTED, UNSEEN_STREAMS, Gap, Layer
from fieldlink.codecs.telemetry import ALARM_STREAM, KIT_DEVICE, SHEAF_STREAM
from fieldlink.relay.catalogue import Catalogue, Incident, Kit, StreamSummary
from fieldlink.relay.orders.book import worked_incident
from fieldlink.relay.window.held import HeldKeeper, StreamKey
from fieldlink.relay.window.plans import plan_of
from fieldlink.relay.window.view import KitFacts, StreamFacts, WindowFacts

__all__ = ["gather", "only_reports"]

_MEASURED_US = 300_000_000
_MAX_GAPS = 10_000
_SHEAVES = (KIT_DEVICE, SHEAF_STREAM)


def gather(
    catalogue: Catalogue, incident: Incident, keeper: HeldKeeper, now_us: int
) -> WindowFacts:
    """Everything about the window of `incident`.

    Raises:
        ArchiveError: the catalogue does not work.
    """
    held, late = keeper.in_time_and_late(catalogue, incident)
    gaps: dict[StreamKey, list[Gap]] = {}
    # Also what began before it, and is filed with what was worked then.
    from_us, to_us = incident.start_us, incident.closed_us
    for filed in catalogue.gaps(from_us=from_us, to_us=to_us, limit=_MAX_GAPS):
        gaps.setdefault((filed.kit, filed.gap.device, filed.gap.stream), []).append(filed.gap)
    known = {each.kit: each for each in catalogue.kits()}
    streams: dict[StreamKey, StreamFacts] = {}
    for each in catalogue.streams(incident.id):
        key = (each.kit, each.device, each.stream)
        if only_reports(each, gaps.get(key, ())) or _only_imported(catalogue, each, known):
            continue
        streams[key] = StreamFacts(
            *key,
            kind=each.kind,
            first_picture_us=each.first_picture_us,
            held=held.get(key, {}),
            late=late.get(key, {}),
            gaps=tuple(gaps.get(key, ())),
        )
    working = worked_incident(catalogue.incidents())
    if working is not None and working.id == incident.id:
        for kit in known.values():
            streams = {**_promised(kit), **streams}
    # Later than now: the clock was set back since.
    arrivals = catalogue.arrivals(now_us - _MEASURED_US, now_us)
    kits = {}
    for name in sorted({key[0] for key in streams}):
        came = arrivals.get(name)
        kits[name] = _kit(
            known.get(name) or Kit(name),
            arrived_bytes=came.size if came else 0,
            # Of the last five minutes, or since it began again in them.
            arrived_since_us=came.first_us if came else None,
            arrived_us=came.last_us if came else None,
        )
    ordered = tuple(streams[key] for key in sorted(streams))
    return WindowFacts(incident=incident, now_us=now_us, streams=ordered, kits=kits)


def only_reports(stream: StreamSummary, gaps: Iterable[Gap]) -> bool:
    """Whether a stream has only reports (telemetry, alarms) and no minutes to be missed: no gap
    says that it should have pictures. A flight's recording and files have none either.
    """
    if stream.stream in UNSEEN_STREAMS:
        return True
    if stream.layers.keys() - {Layer.REPORT.value}:
        return False
    if stream.stream == ALARM_STREAM or (stream.device, stream.stream) == _SHEAVES:
        return True
    return all(gap.layer == Layer.REPORT for gap in gaps)


def _only_imported(catalogue: Catalogue, stream: StreamSummary, kits: Mapping[str, Kit]) -> bool:
    """Whether a stream is of files that somebody brought: no minute of it had to come, and before
    and behind them nothing is missing. Kits make no proxies of these. What one records itself now
    is none, whatever was brought of it beside that.
    """
    layers = stream.layers.keys() - {Layer.REPORT.value}
    kit = kits.get(stream.kit)
    if Layer.PROXY.value in layers or not layers or stream.device in (_recorded(kit) or ()):
        return False
    newest = (catalogue.bundle(stream.layers[layer].latest_bundle) for layer in layers)
    return all(one is not None and IMPORTED in one.manifest.meta for one in newest)


def _recorded(kit: Kit | None) -> Mapping[str, Any] | None:
    """The devices that a kit says it records; None: it does not say."""
    said = (kit.report or {}).get("devices") if kit is not None else None
    return said if isinstance(said, Mapping) else None


def _promised(kit: Kit) -> dict[StreamKey, StreamFacts]:
    """Streams of which a kit has something to send, and nothing has come yet. Originals of a device
    that it does not record are files that somebody imported.
    """
    recorded = _recorded(kit)
    plan = plan_of(kit.plan) if kit.active else None
    rows = plan.rows if plan else ()
    pictures = [
        row
        for row in rows
        if row.pending_bytes and row.layer != Layer.REPORT
        if row.layer != Layer.ORIGINAL or recorded is None or row.device in recorded
    ]
    keys = {(kit.kit, row.device, row.stream) for row in pictures}
    keys = {key for key in keys if key[2] not in UNSEEN_STREAMS}
    return {key: StreamFacts(*key, kind=kit.devices.get(key[1], "")) for key in keys}


def _kit(
    kit: Kit, *, arrived_bytes: int, arrived_since_us: int | None, arrived_us: int | None
) -> KitFacts:
    return KitFacts(
        kit=kit.kit,
        last_heard_us=kit.last_heard_us,
        clock_offset_us=kit.clock_offset_us,
        plan=plan_of(kit.plan),
        plan_us=kit.plan_us,
        pending=_pending(kit.report),
        arrived_bytes=arrived_bytes,
        arrived_since_us=arrived_since_us,
        arrived_us=arrived_us,
        heard_on=dict(kit.heard_on or {}),
    )


def _pending(report: Mapping[str, Any] | None) -> dict[str, int] | None:
    """What a kit's report says it has to send, by layer; nothing in it is trusted."""
    said = (report or {}).get("pending")
    if not isinstance(said, Mapping):
        return None
    sizes = {}
    for layer in Layer:
        entry = said.get(layer.value)
        size = entry.get("bytes") if isinstance(entry, Mapping) else 0
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            return None
        sizes[layer.value] = size
    return sizes
