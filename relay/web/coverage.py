"""Which spans of a stream the centre holds, merged so that a bar can be drawn from them.

Reading every bundle of a two-hour incident for every page that looks would be too much, so what
was read is kept, and read again only when the layer has more bundles than before.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable

from fieldlink.codecs.bundle import Layer
from fieldlink.relay.catalogue import Catalogue, StreamSummary
from fieldlink.relay.web.models import GapView, StreamCoverage
from fieldlink.relay.web.views import gap_view

__all__ = ["CoverageKeeper", "merge_spans"]

Span = tuple[int, int]
Names = tuple[str | None, str | None, str | None]

# Spans nearer than this are one: stills stand for the time until the next is due.
_TOUCH_US = {Layer.STILL: 20_000_000, Layer.PROXY: 1_000_000, Layer.ORIGINAL: 1_000_000}
_MAX_KEPT = 512
_PAGE = 10_000
_MAX_PAGES = 10
_MAX_GAPS = 5_000


def merge_spans(spans: Iterable[Span], touch_us: int) -> list[Span]:
    """`spans` in order of their start, joined where less than `touch_us` lies between."""
    merged: list[Span] = []
    for start, end in spans:
        if merged and start - merged[-1][1] <= touch_us:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


class CoverageKeeper:
    """Coverage of streams, kept between requests. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, ...], tuple[int, list[Span]]] = OrderedDict()

    def coverage(self, catalogue: Catalogue, incident: str, names: Names) -> list[StreamCoverage]:
        """The coverage of the streams of `incident` that match `names`; None matches all."""
        gaps: dict[tuple[str, str, str], list[GapView]] = {}
        for filed in catalogue.gaps(incident=incident, limit=_MAX_GAPS):
            key = (filed.kit, filed.gap.device, filed.gap.stream)
            gaps.setdefault(key, []).append(gap_view(filed))
        with self._lock:  # two pages asking at once read once
            return [
                StreamCoverage(
                    kit=each.kit,
                    device=each.device,
                    stream=each.stream,
                    layers=self._layers(catalogue, incident, each),
                    gaps=gaps.get((each.kit, each.device, each.stream), []),
                )
                for each in catalogue.streams(incident)
                if _matches(each, names)
            ]

    def _layers(
        self, catalogue: Catalogue, incident: str, stream: StreamSummary
    ) -> dict[str, list[Span]]:
        layers: dict[str, list[Span]] = {}
        for layer, touch_us in _TOUCH_US.items():
            summary = stream.layers.get(layer.value)
            if summary is None:
                continue
            key = (incident, stream.kit, stream.device, stream.stream, layer.value)
            kept = self._kept.get(key)
            if kept is None or kept[0] != summary.bundles:
                kept = (summary.bundles, merge_spans(_read(catalogue, key), touch_us))
                self._kept[key] = kept
            self._kept.move_to_end(key)
            layers[layer.value] = kept[1]
        while len(self._kept) > _MAX_KEPT:
            self._kept.popitem(last=False)
        return layers


def _matches(stream: StreamSummary, names: Names) -> bool:
    mine = (stream.kit, stream.device, stream.stream)
    return all(want is None or want == name for want, name in zip(names, mine, strict=True))


def _read(catalogue: Catalogue, key: tuple[str, ...]) -> Iterable[Span]:
    incident, kit, device, stream, layer = key
    after: int | None = None
    for _ in range(_MAX_PAGES):
        page = catalogue.bundles(
            incident=incident,
            kit=kit,
            device=device,
            stream=stream,
            layer=layer,
            limit=_PAGE,
            after=after,
        )
        yield from ((each.manifest.start_us, each.manifest.end_us) for each in page)
        if len(page) < _PAGE:
            return
        after = page[-1].number
