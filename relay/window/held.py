"""What spans the centre holds of an incident, kept between readings.

A two-hour incident of 100 streams has some 400,000 bundles. They are read once, without their
manifests; after that only what was filed since, by number, in whatever order it was captured.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from fieldlink.codecs.bundle import Layer
from fieldlink.relay.catalogue import Catalogue, Incident, SpanRow
from fieldlink.relay.window.spans import Span, SpanSet

__all__ = ["LAYERS", "THIN", "Held", "HeldKeeper", "Spans", "StreamKey"]

StreamKey = tuple[str, str, str]
Spans = Mapping[StreamKey, Mapping[str, list[Span]]]
THIN = "thin"
"""Proxies that a kit thinned to keep the window, beside the layers of the codec."""

LAYERS = (Layer.STILL.value, THIN, Layer.PROXY.value, Layer.ORIGINAL.value)
"""The layers of pictures, the coarsest first."""

# Spans nearer than this are one: stills stand for the time until the next is due.
_TOUCH_US = {
    Layer.STILL.value: 20_000_000,
    THIN: 1_000_000,
    Layer.PROXY.value: 1_000_000,
    Layer.ORIGINAL.value: 1_000_000,
}
_MAX_INCIDENTS = 8


@dataclass(slots=True)
class Held:
    """What is held of one incident: `all` of it, and `late` what came after its window."""

    last_number: int = 0
    bundles: int = 0
    all: dict[StreamKey, dict[str, SpanSet]] = field(default_factory=dict)
    late: dict[StreamKey, dict[str, SpanSet]] = field(default_factory=dict)
    in_time: dict[StreamKey, dict[str, SpanSet]] = field(default_factory=dict)

    def add(self, row: SpanRow, due_us: int | None) -> None:
        """Take a bundle."""
        self.last_number = max(self.last_number, row.number)
        self.bundles += 1
        layer = THIN if row.layer == Layer.PROXY and row.thin is not None else row.layer
        touch_us = _TOUCH_US.get(layer)
        if touch_us is None:
            return
        key = (row.kit, row.device, row.stream)
        came_late = due_us is not None and row.custody_us > due_us
        for home in (self.all, self.late if came_late else self.in_time):
            layers = home.setdefault(key, {})
            if layer not in layers:
                layers[layer] = SpanSet(touch_us)
            layers[layer].add(row.start_us, row.end_us)


class HeldKeeper:
    """Keeps `Held` for the incidents that are looked at. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Held] = OrderedDict()

    def spans(self, catalogue: Catalogue, incident: Incident) -> Spans:
        """The spans of every layer of every stream, in time or not."""
        with self._lock:
            return _copied(self._read(catalogue, incident).all)

    def in_time_and_late(self, catalogue: Catalogue, incident: Incident) -> tuple[Spans, Spans]:
        """The spans that came within the window, and those that came after it."""
        with self._lock:
            held = self._read(catalogue, incident)
            return _copied(held.in_time), _copied(held.late)

    def _read(self, catalogue: Catalogue, incident: Incident) -> Held:
        held = self._kept.get(incident.id) or Held()
        if not self._extended(catalogue, incident, held):
            # One that was opened back in time took bundles over from the standing incident.
            held = Held()
            self._extended(catalogue, incident, held)
        self._kept[incident.id] = held
        self._kept.move_to_end(incident.id)
        while len(self._kept) > _MAX_INCIDENTS:
            self._kept.popitem(last=False)
        return held

    def _extended(self, catalogue: Catalogue, incident: Incident, held: Held) -> bool:
        """Read what is new; whether there are now as many bundles as there have to be."""
        newest = catalogue.last_number()  # what other incidents have up to here is passed over
        before = catalogue.bundle_count(incident.id)
        if held.bundles:
            rows = catalogue.spans_after(incident.id, held.last_number)
        else:
            rows = catalogue.spans_in(incident.id)
        for row in rows:
            held.add(row, incident.due_us)
        held.last_number = max(held.last_number, newest)
        # More may be filed meanwhile.
        return before <= held.bundles <= catalogue.bundle_count(incident.id)


def _copied(home: Mapping[StreamKey, Mapping[str, SpanSet]]) -> Spans:
    return {
        key: {layer: list(spans) for layer, spans in layers.items()} for key, layers in home.items()
    }
