"""What a rung of the ladder means for one minute: what of it goes, and what that costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from fieldlink.edge.fit.cell import Cell, Piece
from fieldlink.edge.fit.ladder import LADDER, Level, Rung

__all__ = ["REDO", "Treatment", "Use", "treat"]

REDO = 1.5
"""A minute that the centre holds is worth doing again for this many times its rate, not less."""

_AS_GOOD = 1.15


class Use(Enum):
    """How a minute goes: not at all, as it is held, as capture's proxies, as the rendition that
    waits, as one to be made, as stills, or as originals.
    """

    NOTHING = "nothing"
    HELD = "held"
    PLAIN = "plain"
    THIN = "thin"
    RENDER = "render"
    STILLS = "stills"
    ORIGINALS = "originals"


@dataclass(frozen=True, slots=True)
class Treatment:
    """How a minute goes. `stills` are those that wait and go; `make_stills` are still to be
    made from what is stored; `cost_bytes` is all that has to be carried for it.
    """

    use: Use
    cost_bytes: float
    stills: tuple[Piece, ...] = ()
    make_stills: int = 0


def treat(cell: Cell, number: int, *, closed: bool, kept: bool = False) -> Treatment:
    """What rung `number` means for `cell`; `closed` says that nothing is added to it any more,
    `kept` that somebody wants what capture made of it.
    """
    rung = LADDER[number]
    if not cell.is_picture:
        return Treatment(Use.NOTHING, 0.0)
    if rung.level is Level.FULL or (kept and cell.plain):
        return _whole(cell)
    stills, make = _stills(cell, rung, closed=closed)
    if rung.level is Level.REPORTS:  # no more is promised; what room there is shows something
        return Treatment(Use.NOTHING, 0.0, stills, make)
    use, media_bytes = _media(cell, rung, closed=closed)
    cost = media_bytes + sum(piece.size for piece in stills) + make * rung.still_bytes
    return Treatment(use, cost, stills, make)


def _whole(cell: Cell) -> Treatment:
    """Nothing is thinned: capture's proxies go, or where it made none, the originals."""
    stills_bytes = sum(piece.size for piece in cell.stills)
    if cell.plain:
        return Treatment(Use.PLAIN, cell.plain_bytes + stills_bytes, cell.stills)
    if cell.held_bps > 0 and (cell.has_proxies or cell.held_bps * REDO >= LADDER[1].video_bps):
        return Treatment(Use.HELD, stills_bytes, cell.stills)
    if cell.thin:
        return Treatment(Use.THIN, cell.thin_bytes + stills_bytes, cell.stills)
    return Treatment(Use.ORIGINALS, cell.original_bytes + stills_bytes, cell.stills)


def _media(cell: Cell, rung: Rung, *, closed: bool) -> tuple[Use, float]:
    if not rung.is_video:
        return (Use.HELD if cell.held_bps > 0 else Use.STILLS), 0.0
    thin, wanted_bps = cell.thin, rung.video_bps
    if cell.held_bps > 0:  # doing it again is another question
        if thin is not None and (thin.video_bps or 0.0) > cell.held_bps:
            return Use.THIN, float(cell.thin_bytes)
        return Use.HELD, 0.0
    span = cell.missing
    length_us = span[1] - span[0] if span is not None else 0
    made_bytes = rung.media_bps / 8 * length_us / 1e6
    plain_fits = cell.plain_bps <= wanted_bps * _AS_GOOD or cell.plain_bytes <= made_bytes * 1.1
    if cell.plain and (plain_fits or not closed):
        return Use.PLAIN, float(cell.plain_bytes)
    # One that waits and is much too thick is made anew, as is one that is much too thin.
    if thin is not None and cell.thin_whole:
        near = wanted_bps / REDO <= (thin.video_bps or 0.0) <= wanted_bps * REDO
        if near or thin.sent or not closed:
            return Use.THIN, float(cell.thin_bytes)
    if closed and cell.can_render and span is not None:
        return Use.RENDER, made_bytes
    if cell.thin:
        return Use.THIN, float(cell.thin_bytes)
    if cell.plain:
        return Use.PLAIN, float(cell.plain_bytes)
    return Use.STILLS, 0.0


def _stills(cell: Cell, rung: Rung, *, closed: bool) -> tuple[tuple[Piece, ...], int]:
    """Which stills go with a minute, and how many have to be made."""
    wanted = max(1, round((cell.end_us - cell.start_us) / 1e6 / rung.still_every_s))
    if cell.held_bps > 0:
        return (), 0
    wanted -= cell.held_stills
    chosen = _spread(cell.stills, wanted)
    lacking = wanted - len(chosen)
    if rung.is_video:
        lacking = 0 if cell.is_present or chosen else 1
    can_make = closed and cell.can_render and cell.recorded is not None
    return chosen, max(0, lacking) if can_make else 0


def _spread(stills: Sequence[Piece], count: int) -> tuple[Piece, ...]:
    """`count` of the stills, evenly over time; of one, the smallest."""
    if count <= 0 or not stills:
        return ()
    if count >= len(stills):
        return tuple(stills)
    if count == 1:
        return (min(stills, key=lambda piece: piece.size),)
    step = (len(stills) - 1) / (count - 1)
    return tuple(stills[round(number * step)] for number in range(count))
