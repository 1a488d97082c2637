"""Records of the catalogue as answers of the API. Pure: `now_us` is an argument."""

from collections.abc import Mapping, Sequence

from fieldlink.codecs.bundle import Layer
from fieldlink.codecs.picture import shown_meta
from fieldlink.relay.catalogue import (
    STANDING,
    Event,
    FiledBundle,
    FiledGap,
    Incident,
    Kit,
    LayerSummary,
    StreamSummary,
)
from fieldlink.relay.web.models import (
    BundleView,
    EventView,
    GapView,
    IncidentState,
    IncidentView,
    JourneyView,
    KitState,
    KitView,
    LayerView,
    StillView,
    StreamState,
    StreamSummaryView,
    StreamView,
    iso,
)
from fieldlink.relay.web.reports import bearer_views, device_views, kit_pending, stream_pending

__all__ = [
    "bundle_view",
    "event_view",
    "gap_view",
    "incident_view",
    "kit_view",
    "stream_summary_view",
    "stream_view",
]

# A still comes every 10 s unless set otherwise: two missing is late, half a minute's worth of
# nothing at all for five minutes is down.
LATE_US = 30_000_000
DOWN_US = 300_000_000
_PICTURES = (Layer.STILL.value, Layer.PROXY.value, Layer.ORIGINAL.value)


def incident_view(incident: Incident, now_us: int) -> IncidentView:
    """An incident with its clock at `now_us`."""
    at_us = now_us if incident.closed_us is None else incident.closed_us
    return IncidentView(
        id=incident.id,
        name=incident.name,
        state=_incident_state(incident),
        start_us=incident.start_us,
        start_at=iso(incident.start_us),
        window_us=incident.window_us,
        due_us=incident.due_us,
        closed_us=incident.closed_us,
        elapsed_us=at_us - incident.start_us,
        remaining_us=None if incident.due_us is None else incident.due_us - at_us,
    )


def _incident_state(incident: Incident) -> IncidentState:
    if incident.closed_us is not None:
        return "closed"
    return "standing" if incident.id == STANDING else "open"


def kit_view(kit: Kit, now_us: int) -> KitView:
    """A kit as the page lists it."""
    return KitView(
        kit=kit.kit,
        state=_kit_state(kit),
        connected=kit.connected(now_us),
        admitted_us=kit.admitted_us,
        joined_us=kit.joined_us,
        revoked_us=kit.revoked_us,
        last_heard_us=kit.last_heard_us,
        software=kit.software,
        bearer=kit.bearer,
        clock_offset_us=kit.clock_offset_us,
        devices=device_views(kit),
        pending=kit_pending(kit),
        bearers=bearer_views(kit),
    )


def _kit_state(kit: Kit) -> KitState:
    if kit.revoked_us is not None:
        return "revoked"
    if kit.joined_us is not None:
        return "joined"
    return "admitted" if kit.admitted_us is not None else "unknown"


def stream_view(
    stream: StreamSummary, kit: Kit | None, gaps: Sequence[FiledGap], now_us: int
) -> StreamView:
    """A stream as the wall shows it; `gaps` are this stream's."""
    pictures = [stream.layers[name] for name in _PICTURES if name in stream.layers]
    latest_us = max((layer.last_end_us for layer in pictures), default=None)
    still = stream.latest_still
    delay_us = stream.first_picture_delay_us
    said = {view.device: view for view in device_views(kit)} if kit is not None else {}
    device = said.get(stream.device)
    reported_down = device is not None and device.state == "down"
    return StreamView(
        kit=stream.kit,
        device=stream.device,
        stream=stream.stream,
        kind=stream.kind,
        state="down" if reported_down else stream_state(latest_us, now_us),
        down_reason=device.reason if reported_down and device is not None else None,
        latest_still=_still(still),
        latest_us=latest_us,
        first_picture_s=None if delay_us is None else delay_us / 1e6,
        layers={name: _layer(layer) for name, layer in stream.layers.items()},
        gaps=len(gaps),
        gap_open=any(
            latest_us is not None and filed.gap.end_us >= latest_us and not filed.gap.layer
            for filed in gaps
        ),
        pending=stream_pending(kit, stream.device, stream.stream),
    )


def stream_state(latest_us: int | None, now_us: int) -> StreamState:
    """How fresh a stream is whose last picture is of `latest_us`."""
    if latest_us is None or now_us - latest_us > DOWN_US:
        return "down"
    return "live" if now_us - latest_us <= LATE_US else "late"


def _still(layer: LayerSummary | None) -> StillView | None:
    if layer is None:
        return None
    return StillView(bundle=layer.latest_bundle.hex(), start_us=layer.latest_start_us)


def _layer(layer: LayerSummary) -> LayerView:
    return LayerView(
        bundles=layer.bundles,
        duration_s=layer.duration_us / 1e6,
        size_bytes=layer.size,
        first_start_us=layer.first_start_us,
        last_end_us=layer.last_end_us,
        last_custody_us=layer.last_custody_us,
    )


def bundle_view(bundle: FiledBundle) -> BundleView:
    """A bundle with its manifest and journey."""
    m, journey = bundle.manifest, bundle.journey
    return BundleView(
        id=bundle.bundle_id.hex(),
        number=bundle.number,
        incident=bundle.incident,
        kit=m.kit,
        device=m.device,
        stream=m.stream,
        layer=m.layer.value,
        sequence=m.sequence,
        precedence=m.precedence.name,
        start_us=m.start_us,
        start_at=iso(m.start_us),
        end_us=m.end_us,
        recorded_us=m.recorded_us,
        deadline_us=m.deadline_us,
        clock_error_us=m.clock_error_us,
        media_type=m.media_type,
        size_bytes=m.size,
        content_hash=m.content_hash.hex(),
        meta=shown_meta(m.meta),
        path=bundle.path,
        journey=JourneyView(
            captured_us=journey.captured_us,
            first_sent_us=journey.first_sent_us,
            first_received_us=journey.first_received_us,
            last_received_us=journey.last_received_us,
            custody_us=journey.custody_us,
            bearers=list(journey.bearers),
        ),
        content=f"/api/bundles/{bundle.bundle_id.hex()}/content",
    )


def gap_view(filed: FiledGap) -> GapView:
    """A gap with its reason."""
    gap = filed.gap
    return GapView(
        kit=filed.kit,
        device=gap.device,
        stream=gap.stream,
        layer=gap.layer,
        start_us=gap.start_us,
        start_at=iso(gap.start_us),
        end_us=gap.end_us,
        reason=gap.reason,
    )


def event_view(event: Event) -> EventView:
    """An event."""
    return EventView(
        number=event.number,
        at_us=event.at_us,
        at=iso(event.at_us),
        kind=event.kind,
        kit=event.kit,
        text=event.text,
        count=event.count,
    )


def stream_summary_view(stream: StreamSummary, gaps: int) -> StreamSummaryView:
    """A stream's figures."""

    def seconds(layer: Layer) -> float:
        return _duration_s(stream.layers, layer)

    delay_us = stream.first_picture_delay_us
    stills = stream.layers.get(Layer.STILL.value)
    return StreamSummaryView(
        kit=stream.kit,
        device=stream.device,
        stream=stream.stream,
        first_picture_s=None if delay_us is None else delay_us / 1e6,
        stills=0 if stills is None else stills.bundles,
        proxy_s=seconds(Layer.PROXY),
        original_s=seconds(Layer.ORIGINAL),
        in_custody_bundles=sum(layer.bundles for layer in stream.layers.values()),
        size_bytes=sum(layer.size for layer in stream.layers.values()),
        gaps=gaps,
    )


def _duration_s(layers: Mapping[str, LayerSummary], layer: Layer) -> float:
    return layers[layer.value].duration_us / 1e6 if layer.value in layers else 0.0
