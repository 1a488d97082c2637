"""A minute of one stream: what the centre has of it, what waits, and what could be made of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf

from fieldlink.codecs.bundle import Layer, Manifest
from fieldlink.edge.fit.spans import Span, clipped, hull, length_us, without

__all__ = ["Cell", "Piece", "cell_of"]

_ENOUGH = 0.9
_WINDOW_US = 7_200_000_000
_UNSTATED_BPS = 100_000


@dataclass(slots=True, eq=False)
class Piece:
    """A bundle as far as it matters here. `video_bps` is the nominal rate of its pictures: without
    end for originals, None for stills and reports. `thin` marks what was made by thinning.
    """

    bundle: bytes
    layer: Layer
    device: str
    stream: str
    sequence: int
    start_us: int
    end_us: int
    size: int
    video_bps: float | None
    thin: bool
    continues: bool
    deadline_us: int | None
    custody: bool
    sent: int = 0
    queued: bool = False

    @classmethod
    def of(cls, bundle: bytes, manifest: Manifest, *, custody: bool) -> "Piece":
        """What matters of the bundle that `manifest` describes."""
        return cls(
            bundle=bundle,
            layer=manifest.layer,
            device=manifest.device,
            stream=manifest.stream,
            sequence=manifest.sequence,
            start_us=manifest.start_us,
            end_us=manifest.end_us,
            size=manifest.size,
            video_bps=_nominal_bps(manifest),
            thin="thin" in manifest.meta,
            continues=manifest.meta.get("continues") is True,
            deadline_us=manifest.deadline_us,
            custody=custody,
        )

    @property
    def span(self) -> Span:
        """Its time."""
        return self.start_us, self.end_us


@dataclass(frozen=True, slots=True)
class Cell:
    """A minute of a stream, summed up. Sizes in bytes, rates in bit/s, times in UTC microseconds.

    `recorded` is what of the minute has pictures on record at all, `missing` the span in which
    the centre lacks moving pictures. `held_bps` is the poorest rate among the pictures that the
    centre needs to show nearly all of it: 0 while it cannot, without end for originals.
    `plain` are the proxies from capture that wait, `stills` what waits of those, in order of time.
    `thin` is the rendition that waits (`thin_whole`: with it the minute is whole); it stands
    instead of the `stale` ones, of which nothing was sent.
    """

    device: str
    stream: str
    start_us: int
    end_us: int
    deadline_us: int
    recorded: Span | None
    missing: Span | None
    held_bps: float
    held_stills: int
    held_reports: bool
    stills: tuple[Piece, ...]
    plain: tuple[Piece, ...]
    plain_bytes: int
    plain_bps: float
    thin: Piece | None
    thin_bytes: int
    thin_whole: bool
    stale: tuple[Piece, ...]
    original_bytes: int
    has_originals: bool
    has_proxies: bool

    @property
    def key(self) -> tuple[str, str, int]:
        """Device, stream and start."""
        return self.device, self.stream, self.start_us

    @property
    def is_present(self) -> bool:
        """Whether the centre has anything at all of this minute."""
        return self.held_bps > 0 or self.held_stills > 0 or self.held_reports

    @property
    def recorded_s(self) -> float:
        """Seconds of it from the first to the last picture on record."""
        return (self.recorded[1] - self.recorded[0]) / 1e6 if self.recorded else 0.0

    @property
    def is_done(self) -> bool:
        """Whether nothing of it can become better at the centre."""
        waits = self.stills or self.thin or self.plain or self.can_render
        return self.held_bps == inf or not waits

    @property
    def is_picture(self) -> bool:
        """Whether there is something to see in it."""
        return self.recorded is not None or bool(self.stills)

    @property
    def can_render(self) -> bool:
        """Whether something may be made from what is stored."""
        return self.has_originals or self.has_proxies


def cell_of(pieces: Iterable[Piece], start_us: int, end_us: int) -> Cell:
    """The minute from `start_us` to `end_us`, which these pieces touch; there is at least one."""
    known = list(pieces)
    any_of = known[0]
    video = [piece for piece in known if piece.video_bps is not None]
    recorded = clipped((piece.span for piece in video), start_us, end_us)
    length = length_us(recorded)
    held = [piece for piece in video if piece.custody]
    held_spans = clipped((piece.span for piece in held), start_us, end_us)
    waiting = [piece for piece in known if not piece.custody]
    plain = [p for p in waiting if p.layer is Layer.PROXY and not p.thin]
    thin = [p for p in waiting if p.layer is Layer.PROXY and p.thin]
    best = max(thin, key=lambda piece: (piece.sent, piece.sequence), default=None)
    originals = [piece for piece in video if piece.layer is Layer.ORIGINAL]
    missing = without(recorded, held_spans)

    with_best = [*held_spans, *clipped([best.span] if best else [], start_us, end_us)]

    def bytes_here(some: Iterable[Piece]) -> int:
        return round(sum(_share(p, start_us, end_us) * max(0, p.size - p.sent) for p in some))

    deadlines = [p.deadline_us for p in known if p.deadline_us is not None]
    return Cell(
        device=any_of.device,
        stream=any_of.stream,
        start_us=start_us,
        end_us=end_us,
        deadline_us=min(deadlines, default=start_us + _WINDOW_US),
        recorded=hull(recorded),
        missing=hull(missing),
        held_bps=_held_bps(held, start_us, end_us, length),
        held_stills=sum(p.layer is Layer.STILL and p.custody for p in known),
        held_reports=any(p.layer is Layer.REPORT and p.custody for p in known),
        stills=_in_order(p for p in waiting if p.layer is Layer.STILL),
        plain=_in_order(plain),
        plain_bytes=bytes_here(plain),
        plain_bps=min((p.video_bps or 0.0 for p in plain), default=0.0),
        thin=best,
        thin_bytes=bytes_here([best] if best else []),
        thin_whole=best is not None and length_us(with_best) >= _ENOUGH * length,
        stale=tuple(piece for piece in thin if piece is not best and not piece.sent),
        original_bytes=bytes_here(p for p in originals if not p.custody),
        has_originals=_mostly(originals, recorded),
        has_proxies=_mostly([p for p in video if p.layer is Layer.PROXY and not p.thin], recorded),
    )


def _nominal_bps(manifest: Manifest) -> float | None:
    if manifest.layer is Layer.ORIGINAL:
        return inf
    if manifest.layer is not Layer.PROXY:
        return None
    stated = manifest.meta.get("rate")
    return float(stated) if isinstance(stated, int) and stated > 0 else _UNSTATED_BPS


def _held_bps(held: Sequence[Piece], start_us: int, end_us: int, length: int) -> float:
    """The best first, until nearly all is covered: the rate of the last one that was needed."""
    spans: list[Span] = []
    for piece in sorted(held, key=lambda p: -(p.video_bps or 0.0)):
        spans += clipped([piece.span], start_us, end_us)
        if length_us(spans) >= _ENOUGH * length > 0:
            return piece.video_bps or 0.0
    return 0.0


def _share(piece: Piece, start_us: int, end_us: int) -> float:
    whole = piece.end_us - piece.start_us
    inside = min(piece.end_us, end_us) - max(piece.start_us, start_us)
    return 1.0 if whole <= 0 else max(0, inside) / whole


def _mostly(pieces: Sequence[Piece], recorded: Sequence[Span]) -> bool:
    """Whether these pieces hold most of what is on record."""
    if not pieces or not recorded:
        return False
    gaps = without(recorded, (piece.span for piece in pieces))
    return length_us(gaps) <= (1 - _ENOUGH) * length_us(recorded)


def _in_order(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    return tuple(sorted(pieces, key=lambda piece: (piece.start_us, piece.sequence)))
