"""From the planner's orders to frames: which line gets a chunk now, and what is in it."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fieldlink.codecs.wire import Chunk, chunk_digest
from fieldlink.edge.bearer.bearer import Bearer
from fieldlink.edge.bearer.exchange import Exchange, SendChunk
from fieldlink.edge.bearer.line import Line
from fieldlink.edge.spool import BundleGoneError, Spool

__all__ = ["Load", "Loader", "choose"]

FRAME_BYTES = 200  # what MQTT, TLS and the frame add to a chunk, about
_MAX_BATCH = 64


@dataclass(frozen=True, slots=True)
class Load:
    """A chunk for a line of a bearer."""

    bearer: str
    line: Line
    item: SendChunk


def choose(bearer: Bearer, exchange: Exchange, now_us: int, utc_us: int) -> list[Load]:
    """The next chunks for the lines of `bearer` that have little left to send, the control line
    first, then those with the least under way. They count as sent. `now_us` is steady, `utc_us`
    the kit's clock.
    """
    measure, control = bearer.measure, bearer.control
    loads: list[Load] = []
    given: Counter[int] = Counter()
    lines = sorted(bearer.lines.values(), key=lambda line: line.outstanding_bytes)
    lines.sort(key=lambda line: line is not control)
    room_bytes = measure.room_bytes(now_us)
    for line in lines:
        while line.unsent_bytes + given[line.number] < measure.lowat_bytes:
            # Half a chunk too much or too little: on average it is the window.
            left = room_bytes - given.total() - measure.pace.slack_bytes
            if line is control and len(lines) > 1:
                # What is urgent does not wait for room among the rest.
                left = measure.pace.window_bytes // 2 - line.outstanding_bytes - given[line.number]
            if len(loads) >= _MAX_BATCH:
                break
            state = bearer.state(line, left)
            item = exchange.next(line.number, state, now_us, utc_us)
            if item is None:
                break
            if line is control:
                measure.urgent_s = time.monotonic()
            size = item.order.length + FRAME_BYTES
            given[line.number] += size
            measure.promise(size)
            loads.append(Load(bearer.name, line, item))
    if room_bytes - given.total() <= measure.pace.slack_bytes:
        measure.was_limited()
    return loads


class Loader:
    """Reads chunks from `spool`."""

    def __init__(self, spool: Spool, clock: Callable[[], int]) -> None:
        self._spool = spool
        self._clock = clock

    def load(self, loads: Iterable[Load]) -> list[tuple[Load, Chunk | None]]:
        """The frames; None where the spool has the bundle no more. Blocks on the disk.

        Raises:
            SpoolError: the spool cannot be read.
        """
        return [(load, self._chunk(load)) for load in loads]

    def _chunk(self, load: Load) -> Chunk | None:
        order = load.item.order
        bundle = order.candidate.bundle
        try:
            content = self._spool.read(bundle, order.offset, order.length)
        except BundleGoneError:
            return None  # its gap is on record and comes as a bundle of its own
        stored = self._spool.get(bundle) if load.item.manifest else None
        if load.item.manifest and stored is None:
            return None
        return Chunk(
            bundle=bundle,
            offset=order.offset,
            size=order.candidate.size,
            digest=chunk_digest(content),
            bearer=load.bearer,
            sent_us=self._clock(),
            manifest=stored.encoded if stored is not None else None,
            payload=content,
        )
