"""Which spans of a stream the centre holds, merged so that a bar can be drawn from them."""

from fieldlink.relay.catalogue import Catalogue, Incident, StreamSummary
from fieldlink.relay.web.models import GapView, StreamCoverage
from fieldlink.relay.web.views import gap_view
from fieldlink.relay.window.held import HeldKeeper

__all__ = ["coverage_of"]

Names = tuple[str | None, str | None, str | None]
_MAX_GAPS = 5_000


def coverage_of(
    keeper: HeldKeeper, catalogue: Catalogue, incident: Incident, names: Names
) -> list[StreamCoverage]:
    """The coverage of the streams of `incident` that match `names`; None matches all."""
    gaps: dict[tuple[str, str, str], list[GapView]] = {}
    for filed in catalogue.gaps(incident=incident.id, limit=_MAX_GAPS):
        key = (filed.kit, filed.gap.device, filed.gap.stream)
        gaps.setdefault(key, []).append(gap_view(filed))
    spans = keeper.spans(catalogue, incident)
    return [
        StreamCoverage(
            kit=each.kit,
            device=each.device,
            stream=each.stream,
            layers=dict(spans.get((each.kit, each.device, each.stream), {})),
            gaps=gaps.get((each.kit, each.device, each.stream), []),
        )
        for each in catalogue.streams(incident.id)
        if _matches(each, names)
    ]


def _matches(stream: StreamSummary, names: Names) -> bool:
    mine = (stream.kit, stream.device, stream.stream)
    return all(want is None or want == name for want, name in zip(names, mine, strict=True))
