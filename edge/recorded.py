"""Until when each device is on record in the spool: there begins the gap of an agent that was
away, however it ended.
"""

from collections.abc import Iterable
from pathlib import Path

from fieldlink.codecs.bundle import GAP_MEDIA_TYPE, Gap, Layer, decode_gap
from fieldlink.codecs.fault import CodecError
from fieldlink.edge.capture.before import Recorded
from fieldlink.edge.spool import SpoolView, Stored

__all__ = ["recorded_until"]

_FIRST_LOOK = 500
_MAX_GAP_BYTES = 4096
_STREAM = "video"


class _Ends:
    """What one look at the spool found of one device."""

    def __init__(self) -> None:
        self.layers: dict[Layer, int] = {}
        self.outage_us = 0

    def take(self, view: SpoolView, item: Stored) -> None:
        manifest = item.manifest
        if manifest.media_type != GAP_MEDIA_TYPE:
            # The newest by number and not by time: the clock may have been wrong meanwhile.
            self.layers[manifest.layer] = manifest.end_us
        elif (gap := _gap(view, item)) is not None and gap.layer in tuple(Layer):
            layer = Layer(gap.layer)
            self.layers[layer] = max(self.layers.get(layer, 0), gap.end_us)
        elif gap is not None:
            self.outage_us = max(self.outage_us, gap.end_us)


def recorded_until(folder: Path, devices: Iterable[str], away: str) -> dict[str, Recorded]:
    """Until when each of `devices` is on record in the spool in `folder`, those that never were
    left out; `away` says why nothing came after.

    Looks at the newest bundles first, and further back only for devices not seen yet.

    Raises:
        SpoolError: the spool cannot be read.
    """
    view = SpoolView.open(folder)
    try:
        wanted = set(devices)
        found: dict[str, Recorded] = {}
        upto, look = view.totals().next_sequence, _FIRST_LOOK
        while wanted and upto > 0:
            after = max(0, upto - look)
            for device, ends in _look(view, wanted, after, upto).items():
                found[device] = Recorded.of(ends.layers, ends.outage_us, away)
            wanted -= found.keys()
            upto, look = after, look * 2
    finally:
        view.close()
    return found


def _look(view: SpoolView, wanted: set[str], after: int, upto: int) -> dict[str, _Ends]:
    seen: dict[str, _Ends] = {}
    for item in view.bundles(after):
        manifest = item.manifest
        if manifest.sequence > upto:
            break
        if manifest.device in wanted and manifest.stream == _STREAM:
            seen.setdefault(manifest.device, _Ends()).take(view, item)
    return seen


def _gap(view: SpoolView, item: Stored) -> Gap | None:
    content = view.content(item, 0, _MAX_GAP_BYTES)
    try:
        return None if content is None else decode_gap(content)
    except CodecError:
        return None  # damaged, which `spool verify` says; it bounds nothing
