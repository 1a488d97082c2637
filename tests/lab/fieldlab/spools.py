"""What tests of the spool share: drafts, contents that tell themselves apart, gap spans."""

import itertools
import random
from pathlib import Path

from fieldlink.codecs.bundle import Draft, Gap, Layer, Precedence, decode_gap
from fieldlink.codecs.bundle.gap import GAP_MEDIA_TYPE
from fieldlink.edge.spool import RetentionPolicy, Spool, Stored
from fieldlink.edge.spool.index import Index, connect
from fieldlink.edge.spool.media import pack_head
from fieldlink.edge.spool.numbering import Numbering
from fieldlink.edge.spool.slots import Slots

__all__ = [
    "CLOCK_US",
    "PLENTY",
    "content_of",
    "draft_of",
    "fill_quickly",
    "gap_records",
    "gaps_in",
    "media_files",
    "open_spool",
]

CLOCK_US = 1_800_000_000_000_000
PLENTY = RetentionPolicy(quota_bytes=1_000_000_000)


def open_spool(folder: Path, policy: RetentionPolicy = PLENTY) -> Spool:
    """The spool of kit-a in `folder`, with a clock that counts up by a microsecond."""
    ticks = itertools.count(CLOCK_US)
    return Spool.open(folder, kit="kit-a", policy=policy, clock=lambda: next(ticks))


def draft_of(
    second: int,
    layer: Layer = Layer.ORIGINAL,
    *,
    stream: str = "video",
    precedence: Precedence = Precedence.ROUTINE,
    deadline_us: int | None = None,
) -> Draft:
    """A piece of one second of a stream, `second` seconds after the clock's start."""
    start_us = CLOCK_US + second * 1_000_000
    return Draft(
        device="cam-1",
        stream=stream,
        layer=layer,
        precedence=precedence,
        start_us=start_us,
        end_us=start_us + 1_000_000,
        recorded_us=start_us,
        deadline_us=deadline_us,
        media_type="video/mp4",
    )


def content_of(seed: int, size: int) -> bytes:
    """`size` bytes that no other seed makes."""
    return random.Random(seed).randbytes(size)


def gaps_in(spool: Spool) -> list[Gap]:
    """What the spool's gap records say."""
    return [decode_gap(spool.read(item.bundle_id, 0, 4096)) for item in gap_records(spool)]


def gap_records(spool: Spool) -> list[Stored]:
    """The spool's gap records."""
    return [item for item in spool.bundles() if item.manifest.media_type == GAP_MEDIA_TYPE]


def media_files(folder: Path) -> list[Path]:
    """The files of the spool in `folder` that bundles have been written to."""
    return sorted(path for path in folder.glob("media/*/*") if path.stat().st_size)


def fill_quickly(folder: Path, bundles: int) -> None:
    """Make a spool of so many bundles, each with its file, without syncing every one."""
    open_spool(folder).close()
    index = Index(connect(folder / "index.db"))
    numbering = Numbering(kit="kit-a", spool_id=index.spool_id(), first=1, clock=lambda: CLOCK_US)
    slots = Slots(folder / "media", 1)
    content = bytes(5000)
    index.begin()
    for second in range(bundles):
        item = numbering.bundle(draft_of(second), content)
        slot = slots.take()
        slots.files.path(slot).write_bytes(pack_head(item.encoded) + content)
        index.insert(item, None, slot)
        slots.settle(slot)
    slots.close()
    index.set_fact("next_sequence", numbering.next)
    index.set_fact("open_shard", slots.first_open())
    index.commit()
    index.close()
