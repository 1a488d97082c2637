"""Spans that are given up last: somebody put a bookmark there, on site or at the centre.

The spans are a fact of the index, and each bundle's row says whether it is kept, in its retention
key; both survive a restart. A bundle recorded later into such a span is kept from its first row on.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from fieldlink.edge.spool.committer import Change, Committer
from fieldlink.edge.spool.index import Index
from fieldlink.edge.spool.span import Span
from fieldlink.edge.spool.stored import State, Stored
from fieldlink.edge.spool.view import SpoolView

__all__ = ["protect"]

_BEFORE_US = 60_000_000
_Track: TypeAlias = tuple[str, str, str]


def protect(committer: Committer, view: SpoolView, spans: Sequence[Span]) -> int:
    """Keep what lies in `spans`, and of each track the bundle just before, and nothing else.

    Returns how many bundles are kept, once that is durable.

    Raises:
        SpoolError: the index cannot be written.
    """

    def note(change: Change) -> None:
        change.index.protect(spans)

    committer.do(note)  # from here on, what is recorded into a span is kept
    wanted = set(_before(view.bundles(), spans))
    return committer.do(lambda change: _keep(change.index, wanted))


def _keep(index: Index, wanted: set[bytes]) -> int:
    """Keep `wanted`, and whatever lies in the protected spans, and nothing else; how many."""
    before = {item.bundle_id: item for item in index.kept()}
    kept = {key for key, item in before.items() if key in wanted or index.keeps(item.manifest)}
    for key in before.keys() - kept:
        index.rank(before[key], False)
    for key in wanted - kept:
        item = index.get(key)
        if item is not None and item.state is not State.CUSTODY:
            index.rank(item, True)
            kept.add(key)
    return len(kept)


def _before(items: Iterable[Stored], spans: Sequence[Span]) -> Iterator[bytes]:
    """What lies in `spans`, and the last of each track that ends within a minute before one."""
    last: dict[tuple[Span, _Track], Stored] = {}
    for item in items:
        manifest = item.manifest
        for span in spans if item.state is not State.CUSTODY else ():
            if span.covers(manifest):
                yield item.bundle_id
            elif span.concerns(manifest) and 0 <= span.from_us - manifest.end_us <= _BEFORE_US:
                key = span, (manifest.device, manifest.stream, manifest.layer.value)
                if key not in last or last[key].manifest.end_us < manifest.end_us:
                    last[key] = item
    yield from (item.bundle_id for item in last.values())
