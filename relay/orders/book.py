"""Each kit's orders as they are now, numbered; and which requests are fulfilled."""

import hashlib
import threading
from collections.abc import Callable, Collection
from dataclasses import replace

from fieldlink.codecs.packing import pack
from fieldlink.codecs.wire import MAX_WANTS, Orders, Want
from fieldlink.relay.catalogue import STANDING, Catalogue, Incident, StoredWant
from fieldlink.relay.orders.progress import Progress, progress_of, wanted_layer

__all__ = ["OrderBook", "orders_of", "progress_in", "worked_incident"]

_SWEEP_US = 5_000_000
# What was filed just before a sweep may not have been seen by it.
_OVERLAP_US = 10_000_000


def worked_incident(incidents: Collection[Incident]) -> Incident | None:
    """The newest open incident; the standing one is none."""
    open_ones = [i for i in incidents if i.id != STANDING and i.closed_us is None]
    return max(open_ones, key=lambda each: (each.start_us, each.id), default=None)


def orders_of(incident: Incident | None, wants: Collection[StoredWant], now_us: int) -> Orders:
    """The orders of a kit that is asked for `wants`, without a number yet."""
    told = [
        Want(w.ident, w.purpose, w.device, w.stream, w.layer, w.from_us, w.to_us)
        for w in sorted(wants, key=lambda want: (want.position, want.ident))
        if w.open
    ]
    orders = Orders(revision=0, now_us=now_us, wants=tuple(told[:MAX_WANTS]))
    if incident is None:
        return orders
    return replace(orders, incident=incident.id, start_us=incident.start_us, due_us=incident.due_us)


def progress_in(catalogue: Catalogue, want: StoredWant, now_us: int) -> Progress:
    """How much of `want` the archive has."""
    span, layer = (want.from_us, want.to_us), wanted_layer(want)
    if want.device and want.stream:
        streams = {(want.device, want.stream)}
    else:  # of any, those are meant that have a picture in whatever layer
        streams = catalogue.pictured(want.kit, want.device, *span)
    rows = [row for names in streams for row in catalogue.spans_of(want.kit, *names, layer, *span)]
    gaps = catalogue.gaps(
        kit=want.kit,
        device=want.device or None,
        stream=want.stream or None,
        from_us=want.from_us,
        to_us=want.to_us,
    )
    return progress_of(want, rows, [filed.gap for filed in gaps], now_us, streams)


class OrderBook:
    """The orders of every kit, read from the catalogue. Thread-safe."""

    def __init__(self, catalogue: Catalogue, clock: Callable[[], int]) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._lock = threading.Lock()
        self._sweeping = threading.Lock()
        self._current: dict[str, Orders] = {}
        self._digests: dict[str, tuple[bytes, int]] = {}
        self._swept_us: int | None = None

    def refresh(self, kits: Collection[str]) -> list[tuple[str, Orders]]:
        """Read everything again; returns the orders of those of `kits` for whom they changed.

        Raises:
            ArchiveError: the catalogue does not work.
        """
        self._sweep_if_due()
        with self._lock:
            now_us = self._clock()
            incident = worked_incident(self._catalogue.incidents())
            wants: dict[str, list[StoredWant]] = {}
            for want in self._catalogue.wants(open_only=True):
                wants.setdefault(want.kit, []).append(want)
            changed = []
            for kit in kits:
                orders = self._numbered(kit, orders_of(incident, wants.get(kit, ()), now_us))
                known = self._current.get(kit)
                self._current[kit] = orders
                if known is None or known.revision != orders.revision:
                    changed.append((kit, orders))
            for kit in self._current.keys() - set(kits):
                del self._current[kit]
                self._digests.pop(kit, None)
            return changed

    def orders(self, kit: str) -> Orders:
        """The orders of `kit`, with the time.

        Raises:
            ArchiveError: the catalogue does not work.
        """
        with self._lock:
            now_us = self._clock()
            if kit not in self._current:
                incident = worked_incident(self._catalogue.incidents())
                wants = self._catalogue.wants(kit=kit, open_only=True)
                self._current[kit] = self._numbered(kit, orders_of(incident, wants, now_us))
            return replace(self._current[kit], now_us=now_us)

    def revision(self, kit: str) -> int | None:
        """The number of `kit`'s orders as last read; None when they were not."""
        orders = self._current.get(kit)
        return None if orders is None else orders.revision

    def _numbered(self, kit: str, orders: Orders) -> Orders:
        window = [orders.incident, orders.start_us, orders.due_us]
        wants = [
            [w.ident, w.purpose.value, w.device, w.stream, w.layer, w.from_us, w.to_us]
            for w in orders.wants
        ]
        digest = hashlib.blake2b(pack([*window, wants]), digest_size=32).digest()
        known = self._digests.get(kit)
        if known is None or known[0] != digest:
            known = (digest, self._catalogue.orders_revision(kit, digest, orders.now_us))
            self._digests[kit] = known
        return replace(orders, revision=known[1])

    def _sweep_if_due(self) -> None:
        """Every few seconds, look which requests are fulfilled. It may take a moment: nobody
        waits for orders meanwhile."""
        if not self._sweeping.acquire(blocking=False):
            return
        try:
            now_us, last_us = self._clock(), self._swept_us
            if last_us is None or not 0 <= now_us - last_us < _SWEEP_US:
                self._sweep(last_us, now_us)
                self._swept_us = now_us
        finally:
            self._sweeping.release()

    def _sweep(self, last_us: int | None, now_us: int) -> None:
        """Look which requests of kits that sent something since `last_us` are fulfilled."""
        wants = self._catalogue.wants(open_only=True)
        if last_us is not None and wants:
            # A request made since, and one whose span has ended since, may be fulfilled as well.
            since_us = last_us - _OVERLAP_US
            sent = self._catalogue.arrivals(since_us)
            wants = [w for w in wants if w.kit in sent or max(w.created_us, w.to_us) >= since_us]
        done = {w.ident: now_us for w in wants if progress_in(self._catalogue, w, now_us).complete}
        self._catalogue.fulfil_wants(done)
