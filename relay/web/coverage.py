"""Which spans of a stream the centre holds, merged so that a bar can be drawn from them.

Reading every bundle of a two-hour incident (35,000 with eight cameras: 1.3 s) for every page that
looks would be too much, so what was read is kept; new bundles at the end are added to it, and all
of a layer is read again, not too often, when something older came in.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from fieldlink.codecs.bundle import Layer
from fieldlink.relay.catalogue import Catalogue, FiledBundle, StreamSummary
from fieldlink.relay.web.models import GapView, StreamCoverage
from fieldlink.relay.web.views import gap_view

__all__ = ["CoverageKeeper", "merge_spans"]

Span = tuple[int, int]
Key = tuple[str, str, str, str, Layer]
Names = tuple[str | None, str | None, str | None]

# Spans nearer than this are one: stills stand for the time until the next is due.
_TOUCH_US = {Layer.STILL: 20_000_000, Layer.PROXY: 1_000_000, Layer.ORIGINAL: 1_000_000}
_MAX_KEPT = 512
_PAGE = 10_000
_MAX_PAGES = 10
_MAX_GAPS = 5_000
_TAIL_US = 60_000_000
_REREAD_S = 15.0


def merge_spans(spans: Iterable[Span], touch_us: int) -> list[Span]:
    """`spans` in order of their start, joined where less than `touch_us` lies between."""
    merged: list[Span] = []
    for start, end in spans:
        if merged and start - merged[-1][1] <= touch_us:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was read of a layer: how many bundles, the last one filed, the spans, when read."""

    bundles: int
    last_number: int
    spans: list[Span]
    read_s: float


class CoverageKeeper:
    """Coverage of streams, kept between requests. Thread-safe."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()

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
        for layer in _TOUCH_US:
            summary = stream.layers.get(layer.value)
            if summary is None:
                continue
            key = (incident, stream.kit, stream.device, stream.stream, layer)
            kept = self._updated(catalogue, key, summary.bundles)
            self._kept[key] = kept
            self._kept.move_to_end(key)
            layers[layer.value] = kept.spans
        while len(self._kept) > _MAX_KEPT:
            self._kept.popitem(last=False)
        return layers

    def _updated(self, catalogue: Catalogue, key: Key, bundles: int) -> _Kept:
        kept = self._kept.get(key)
        if kept is None:
            return self._read_all(catalogue, key)
        if kept.bundles == bundles:
            return kept
        longer = _with_tail(catalogue, key, kept)
        if longer.bundles >= bundles:
            return longer
        # Something older came in: all of it has to be read again, which takes its time.
        if self._monotonic() - kept.read_s < _REREAD_S:
            return kept
        return self._read_all(catalogue, key)

    def _read_all(self, catalogue: Catalogue, key: Key) -> _Kept:
        found = list(_pages(catalogue, key))
        spans = merge_spans(map(_span, found), _TOUCH_US[key[4]])
        last = max((each.number for each in found), default=0)
        return _Kept(len(found), last, spans, self._monotonic())


def _with_tail(catalogue: Catalogue, key: Key, kept: _Kept) -> _Kept:
    edge_us = kept.spans[-1][1] if kept.spans else 0
    tail = _pages(catalogue, key, from_us=max(0, edge_us - _TAIL_US))
    new = [each for each in tail if each.number > kept.last_number]
    spans = merge_spans(sorted([*kept.spans, *map(_span, new)]), _TOUCH_US[key[4]])
    last = max((each.number for each in new), default=kept.last_number)
    return _Kept(kept.bundles + len(new), last, spans, kept.read_s)


def _span(bundle: FiledBundle) -> Span:
    return bundle.manifest.start_us, bundle.manifest.end_us


def _matches(stream: StreamSummary, names: Names) -> bool:
    mine = (stream.kit, stream.device, stream.stream)
    return all(want is None or want == name for want, name in zip(names, mine, strict=True))


def _pages(catalogue: Catalogue, key: Key, *, from_us: int | None = None) -> Iterator[FiledBundle]:
    incident, kit, device, stream, layer = key
    after: int | None = None
    for _ in range(_MAX_PAGES):
        page = catalogue.bundles(
            incident=incident,
            kit=kit,
            device=device,
            stream=stream,
            layer=layer.value,
            from_us=from_us,
            limit=_PAGE,
            after=after,
        )
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1].number
