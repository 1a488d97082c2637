"""From a need to bundles in the spool: which pieces, what recipe, what the manifest says."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from fieldlink.codecs.bundle import Draft, Layer, Precedence
from fieldlink.codecs.bundle.manifest import MetaValue
from fieldlink.codecs.fault import SourceError
from fieldlink.edge.fit.cell import Piece
from fieldlink.edge.fit.coverage import Coverage
from fieldlink.edge.fit.decide import Need
from fieldlink.edge.fit.decoding import Source
from fieldlink.edge.fit.ladder import LADDER, Level
from fieldlink.edge.fit.render import Recipe, Rendered
from fieldlink.edge.fit.worker import RenderProcess
from fieldlink.edge.spool import BundleGoneError, Spool, Stored

__all__ = ["Haste", "Maker", "sources_of"]

_STILL_WIDTH = 640
_PRESETS = (8, 10, 12)
_COSTS = (1.0, 0.55, 0.4)  # of time, by haste
_SHARE = 0.6


def sources_of(coverage: Coverage, need: Need, haste: int = 0) -> list[Piece]:
    """The pieces to make `need` from: originals, or capture's proxies where too few of those are
    left, or in great haste (2), for they are decoded in a fraction of the time.

    For stills as many as there are to be stills, spread over the minute.
    """
    cell = need.cell
    proxies = cell.has_proxies and (not cell.has_originals or (haste > 1 and not need.stills))
    layer = Layer.PROXY if proxies else Layer.ORIGINAL
    pieces = coverage.sources(need.cell, layer)
    if not need.stills:
        return pieces
    able = [piece for piece in pieces if not piece.continues] or pieces
    count = min(need.stills, len(able))
    step = Fraction(len(able), max(count, 1))
    return [able[int((number + Fraction(1, 2)) * step)] for number in range(count)]


def recipe_of(need: Need, haste: int = 0) -> Recipe:
    """What to ask the renderer for; in haste with a faster preset."""
    cell, rung = need.cell, LADDER[need.number]
    span = (cell.recorded if cell.held_bps > 0 else cell.missing) or (cell.start_us, cell.end_us)
    if need.stills:
        span = cell.start_us, cell.end_us
    return Recipe(
        start_us=span[0],
        end_us=span[1],
        video_bps=need.video_bps,
        audio_bps=rung.audio_bps,
        width=rung.width or _STILL_WIDTH,
        height=rung.height,
        fps=rung.fps,
        stills=need.stills,
        still_bytes=rung.still_bytes,
        preset=_PRESETS[haste],
    )


class Haste:
    """Whether there is time to encode well: 0 as well as is worth it, 1 faster, 2 in haste."""

    def __init__(self) -> None:
        self._minute_s = 5.0  # for a rendition at leisure

    def took(self, seconds: float, haste: int) -> None:
        """A rendition took so long at `haste`."""
        self._minute_s += 0.3 * (seconds / _COSTS[haste] - self._minute_s)

    def now(self, renditions: int, left_s: float) -> int:
        """How it has to go for so many renditions in `left_s`."""
        for haste, cost in enumerate(_COSTS):
            if renditions * self._minute_s * cost <= left_s * _SHARE:
                return haste
        return len(_COSTS) - 1


class Maker:
    """Makes what is needed and records it. Blocks for seconds: for a thread of its own."""

    def __init__(self, spool: Spool, clock: Callable[[], int]) -> None:
        self._spool, self._clock = spool, clock
        self._process = RenderProcess()
        self.gone: list[bytes] = []

    def make(self, need: Need, pieces: Sequence[Piece], haste: int = 0) -> list[Stored]:
        """The bundles made of `pieces`, durable; `gone` gets what the spool turned out to lack.

        Raises:
            SourceError: nothing can be made of them.
            SpoolError: the disk is full, read-only or broken.
        """
        made = self._process.make(self._read(pieces), recipe_of(need, haste))
        return [self._spool.add(self._draft(need, one), one.content) for one in made]

    def close(self) -> None:
        """End the rendering; a `make` under way raises SourceError."""
        self._process.close()

    def _read(self, pieces: Sequence[Piece]) -> Iterator[Source]:
        found = False
        for piece in pieces:
            try:
                content = self._spool.read(piece.bundle, 0, piece.size)
            except BundleGoneError:
                self.gone.append(piece.bundle)
                continue
            found = True
            stored = self._spool.get(piece.bundle)
            meta = {} if stored is None else dict(stored.manifest.meta)
            yield Source(piece.start_us, piece.end_us, piece.continues, content, piece.device, meta)
        if not found:
            raise SourceError("gone", "nothing of it is in the spool any more")

    def _draft(self, need: Need, made: Rendered) -> Draft:
        rung = LADDER[need.number]
        still = bool(need.stills)
        meta: dict[str, MetaValue] = {
            "thin": int(Level.STILLS if still else rung.level),
            "width": made.width,
            "height": made.height,
            **made.place,
        }
        if not still:
            meta |= {"frames": made.frames, "fps": rung.fps, "rate": need.video_bps}
        return Draft(
            device=need.cell.device,
            stream=need.cell.stream,
            layer=Layer.STILL if still else Layer.PROXY,
            precedence=Precedence.IMMEDIATE if still else Precedence.PRIORITY,
            start_us=made.start_us,
            end_us=made.end_us,
            recorded_us=self._clock(),
            deadline_us=need.cell.deadline_us,
            media_type=made.media_type,
            meta=meta,
        )
