"""Numbering bundles; gap records: what is lost, said once for each span it leaves empty."""

import itertools
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace

from fieldlink.codecs.bundle import (
    GAP_MEDIA_TYPE,
    Draft,
    Gap,
    Layer,
    Manifest,
    Precedence,
    bundle_id,
    content_hash,
    encode_gap,
    encode_manifest,
)
from fieldlink.edge.spool.stored import State, Stored

__all__ = ["Numbering", "gaps_left_by", "joined"]

# Two pieces this close are one span: a frame's rounding for video, a minute for single samples.
_TOUCH_US = {Layer.PROXY: 500_000, Layer.ORIGINAL: 500_000}
_TOUCH_SAMPLES_US = 60_000_000


def gaps_left_by(items: Iterable[Stored], reason: str) -> list[Gap]:
    """The gaps that taking out `items` leaves, one for each contiguous span of a layer.

    What the centre has leaves none, nor does a gap record.
    """

    def where(item: Stored) -> tuple[str, str, str]:
        return item.manifest.device, item.manifest.stream, item.manifest.layer.value

    lost = [
        item
        for item in items
        if item.state is not State.CUSTODY and item.manifest.media_type != GAP_MEDIA_TYPE
    ]
    lost.sort(key=lambda item: (where(item), item.manifest.start_us))
    gaps: list[Gap] = []
    for (device, stream, layer), group in itertools.groupby(lost, key=where):
        for start_us, end_us in _spans(group):
            gaps.append(Gap(device, stream, start_us, end_us, reason, layer))
    return gaps


def _spans(items: Iterable[Stored]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for item in items:
        start_us, end_us = item.manifest.start_us, item.manifest.end_us
        touch_us = _TOUCH_US.get(item.manifest.layer, _TOUCH_SAMPLES_US)
        if spans and start_us <= spans[-1][1] + touch_us:
            spans[-1] = spans[-1][0], max(spans[-1][1], end_us)
        else:
            spans.append((start_us, end_us))
    return spans


def joined(earlier: Gap, later: Gap) -> Gap | None:
    """The one gap that two make; None when they do not touch or differ in what they say."""
    kind = (later.device, later.stream, later.layer, later.reason)
    if (earlier.device, earlier.stream, earlier.layer, earlier.reason) != kind:
        return None
    touch_us = _TOUCH_SAMPLES_US
    if later.layer in (Layer.PROXY, Layer.ORIGINAL):
        touch_us = _TOUCH_US[Layer(later.layer)]
    if max(earlier.start_us, later.start_us) > min(earlier.end_us, later.end_us) + touch_us:
        return None
    return replace(
        later,
        start_us=min(earlier.start_us, later.start_us),
        end_us=max(earlier.end_us, later.end_us),
    )


class Numbering:
    """Turns drafts into bundles of this spool; the sequence counts up, never twice the same."""

    def __init__(self, *, kit: str, spool_id: bytes, first: int, clock: Callable[[], int]) -> None:
        self._kit, self._spool_id, self._clock = kit, spool_id, clock
        self._next = first
        self._lock = threading.Lock()

    @property
    def next(self) -> int:
        """The number that no bundle has yet."""
        with self._lock:
            return self._next

    def bundle(self, draft: Draft, content: bytes) -> Stored:
        """`draft` and its content as the next bundle, pending.

        Raises:
            CodecError: the content or the manifest is too large.
        """
        digest = content_hash(content)
        with self._lock:
            sequence, self._next = self._next, self._next + 1
        manifest = Manifest(
            device=draft.device,
            stream=draft.stream,
            layer=draft.layer,
            precedence=draft.precedence,
            start_us=draft.start_us,
            end_us=draft.end_us,
            recorded_us=draft.recorded_us,
            deadline_us=draft.deadline_us,
            clock_error_us=draft.clock_error_us,
            media_type=draft.media_type,
            meta=draft.meta,
            kit=self._kit,
            spool=self._spool_id,
            sequence=sequence,
            size=len(content),
            content_hash=digest,
        )
        encoded = encode_manifest(manifest)
        return Stored(bundle_id(encoded), manifest, encoded, State.PENDING, draft.recorded_us)

    def gap(self, gap: Gap) -> tuple[Stored, bytes]:
        """The report bundle that says `gap`, and its content."""
        content = encode_gap(gap)
        draft = Draft(
            device=gap.device,
            stream=gap.stream,
            layer=Layer.REPORT,
            precedence=Precedence.PRIORITY,
            start_us=gap.start_us,
            end_us=gap.end_us,
            recorded_us=self._clock(),
            media_type=GAP_MEDIA_TYPE,
        )
        return self.bundle(draft, content), content
