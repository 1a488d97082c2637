"""What waits, and in which order: a plan as ranks of bundles."""

from fieldlink.edge.fit.cell import Cell
from fieldlink.edge.fit.decide import FitPlan
from fieldlink.edge.fit.ladder import FULL
from fieldlink.edge.fit.treatment import Treatment, Use
from fieldlink.edge.planner import Rank

__all__ = ["ranks_of"]

_ORDER = {Rank.COVER: 0, Rank.NORMAL: 1, Rank.LATER: 2}


def ranks_of(plan: FitPlan) -> dict[bytes, Rank]:
    """The rank of every proxy, rendition and still that waits in the minutes of `plan`.

    A bundle that reaches into two minutes has the more urgent one of its ranks. COVER is what a
    minute would otherwise lack altogether; LATER is what something thinner stands in for.
    """
    ranks: dict[bytes, Rank] = {}
    for cell, treatment in plan.treatments:
        for bundle, rank in _of_cell(cell, treatment, thinning=plan.number != FULL):
            if bundle not in ranks or _ORDER[rank] < _ORDER[ranks[bundle]]:
                ranks[bundle] = rank
    return ranks


def _of_cell(cell: Cell, treatment: Treatment, *, thinning: bool) -> list[tuple[bytes, Rank]]:
    thin = (cell.thin,) if cell.thin is not None else ()
    if not thinning:
        return [(piece.bundle, Rank.NORMAL) for piece in (*cell.plain, *thin, *cell.stills)]
    goes = Rank.NORMAL
    plain = goes if treatment.use is Use.PLAIN else Rank.LATER
    made = goes if treatment.use is Use.THIN else Rank.LATER
    ranks = [(piece.bundle, plain) for piece in cell.plain]
    ranks += [(piece.bundle, made) for piece in thin]
    going = {piece.bundle for piece in treatment.stills}
    first = None if cell.is_present else min(treatment.stills, key=lambda p: p.size, default=None)
    for still in cell.stills:
        if first is not None and still.bundle == first.bundle:
            ranks.append((still.bundle, Rank.COVER))
        else:
            ranks.append((still.bundle, goes if still.bundle in going else Rank.LATER))
    return ranks
