"""How thin: the best rung of the ladder at which all that is due arrives in time.

A pure function. Every minute of every stream gets the same share. What is due is counted in order
of deadlines: the bytes due by each have to fit into what the link carries until then, behind what
is recorded meanwhile. Few moves: thinner only when the present rung does not fit any more, thicker
only when a better one fits with room to spare and some time has passed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

from fieldlink.edge.fit.cell import Cell
from fieldlink.edge.fit.ladder import FULL, LADDER, REPORTS, Level
from fieldlink.edge.fit.treatment import REDO, Treatment, Use, treat
from fieldlink.edge.planner.state import believed_bps

__all__ = ["FitPlan", "Inputs", "Link", "Live", "Need", "decide"]

_CHOOSE = 0.90
_THICKER = 0.82
_FILL = 0.92
_HOLD_US = 20_000_000
_SETTLED_US = 180_000_000
_TRUSTED_SHARE = 0.25
_MOVING = (Use.HELD, Use.PLAIN, Use.THIN)
_LATE_US = 1_800_000_000


@dataclass(frozen=True, slots=True)
class Link:
    """What the bearers together are expected to carry, in bit/s: probably, and at the least.

    None is unknown, and nothing is changed while it is.
    """

    expected_bps: float | None
    low_bps: float | None

    @property
    def trusted_bps(self) -> float | None:
        """What to count on; the least, unless the history of outages makes it next to nothing."""
        expected_bps = believed_bps(self.expected_bps)
        if expected_bps is None:
            return None
        return max(believed_bps(self.low_bps) or 0.0, expected_bps * _TRUSTED_SHARE)


@dataclass(frozen=True, slots=True)
class Live:
    """What goes on being recorded: so many cameras, each making a proxy of `proxy_bps` (sound
    included) and a still of `still_bytes` every `still_every_s`, as configured; `other_bps` is all
    else, of every stream. `made_bps` is what all proxies take as measured, None if unknown, and
    `overshoot` what encoders make of a rate that they are asked for.
    """

    cameras: int = 0
    proxy_bps: float = 124_000
    still_bytes: int = 12_000
    still_every_s: float = 10.0
    other_bps: float = 0.0
    made_bps: float | None = None
    overshoot: float = 1.0

    def bps(self, number: int) -> float:
        """What is recorded with rung `number` for capture as well, in bit/s."""
        rung = LADDER[number]
        every_s = max(self.still_every_s, rung.still_every_s if number != FULL else 0.0)
        still_bytes = min(self.still_bytes, rung.still_bytes)
        each = still_bytes * 8 / every_s if rung.level is not Level.REPORTS else 0.0
        if rung.level is Level.FULL:
            each += self.proxy_bps * self.overshoot
        elif rung.is_video:
            each += min(self.proxy_bps, rung.media_bps) * self.overshoot
        return self.cameras * each + self.other_bps

    def measured(self, number: int, overshoot: float) -> float:
        """`overshoot` as it shows after a long time on rung `number`; unknown, it stays."""
        rung = LADDER[number]
        asked_bps = 0.0
        if number == FULL or rung.is_video:
            asked_bps = self.proxy_bps if number == FULL else min(self.proxy_bps, rung.media_bps)
        if not self.made_bps or not self.cameras or not asked_bps:
            return overshoot
        return min(max(self.made_bps / (self.cameras * asked_bps), 0.5), 2.0)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the decision is made of. The incident's window is from `start_us` to `due_us`: its
    minutes are due at its end; without an incident (None) each has its own deadline. What is late
    already is due in half an hour. `first_bytes` go before anything. `kept` are minutes of which
    somebody wants what capture made; a minute is closed, nothing being added to it any more,
    `closed_us` after its end.
    """

    cells: Sequence[Cell]
    link: Link
    live: Live
    now_us: int
    start_us: int | None = None
    due_us: int | None = None
    first_bytes: int = 0
    kept: frozenset[tuple[str, str, int]] = frozenset()
    closed_us: int = 15_000_000

    def treat(self, cell: Cell, number: int) -> Treatment:
        """What rung `number` means for `cell`."""
        return treat(cell, number, closed=self.is_closed(cell), kept=cell.key in self.kept)

    def deadline_us(self, cell: Cell) -> int:
        """When `cell` is due; always ahead."""
        start_us, due_us = self.start_us or 0, self.due_us
        if due_us is not None and self.now_us < due_us and start_us < cell.end_us <= due_us:
            return due_us
        late = cell.deadline_us <= self.now_us
        return self.now_us + _LATE_US if late else cell.deadline_us

    def is_closed(self, cell: Cell) -> bool:
        """Whether all of `cell` has been recorded."""
        return cell.end_us + self.closed_us <= self.now_us


@dataclass(frozen=True, slots=True)
class Need:
    """Something to be made from what is stored: `stills` of `cell`, or, if that is 0, a rendition
    at rung `number` with `video_bps`, a little more than the rung's where there is room.
    """

    cell: Cell
    number: int
    stills: int = 0
    video_bps: int = 0


@dataclass(frozen=True, slots=True)
class FitPlan:
    """How thin all that is left goes. `needs` are in order, `due_us` is the last deadline. `use` is
    1.0 when what is due fills the link to the last byte; None while nothing is known of it.
    """

    number: int = FULL
    changed_us: int = 0
    level: Level = Level.FULL
    use: float | None = None
    overshoot: float = 1.0
    due_us: int = 0
    needs: tuple[Need, ...] = ()
    treatments: tuple[tuple[Cell, Treatment], ...] = field(default=(), repr=False)


def decide(inputs: Inputs, before: FitPlan | None = None) -> FitPlan:
    """The plan for what is in `inputs`, coming from the plan `before`."""
    number, changed_us, overshoot = FULL, 0, 1.0
    if before is not None:
        number, changed_us, overshoot = before.number, before.changed_us, before.overshoot
        if inputs.now_us - changed_us > _SETTLED_US:
            overshoot = inputs.live.measured(number, overshoot)
    inputs = replace(inputs, live=replace(inputs.live, overshoot=overshoot))
    due = _due(inputs)
    if (link_bps := inputs.link.trusted_bps) is not None:
        number = _rung(inputs, due, link_bps, before)
        changed_us = changed_us if before and number == before.number else inputs.now_us
    treatments = tuple((cell, inputs.treat(cell, number)) for cell, _ in due)
    use = _use(inputs, due, link_bps, number) if link_bps is not None else None
    needs = _needs(treatments, number, _filling_bps(number, use))
    last_us = due[-1][1] if due else inputs.now_us
    if use is not None and link_bps is not None and not needs:
        spare_bytes = (_FILL - use) * link_bps * (last_us - inputs.now_us) / 8e6
        needs += _again(inputs, treatments, spare_bytes)
    return FitPlan(
        number=number,
        changed_us=changed_us,
        level=_level(number, inputs.live, treatments),
        use=use,
        overshoot=overshoot,
        due_us=last_us,
        needs=needs,
        treatments=treatments,
    )


def _due(inputs: Inputs) -> list[tuple[Cell, int]]:
    """The minutes with their deadlines, the nearest first, each stream in turn."""
    due = [(cell, inputs.deadline_us(cell)) for cell in inputs.cells if not cell.is_done]
    due.sort(key=lambda item: (item[1], item[0].start_us, item[0].device, item[0].stream))
    return due


def _rung(
    inputs: Inputs, due: Sequence[tuple[Cell, int]], link_bps: float, before: FitPlan | None
) -> int:
    if before is None:
        return _best(inputs, due, link_bps * _CHOOSE, FULL, REPORTS)
    if _use(inputs, due, link_bps, before.number) > 1.0:
        return _best(inputs, due, link_bps * _CHOOSE, before.number, REPORTS)
    if 0 <= inputs.now_us - before.changed_us < _HOLD_US:  # else the clock was set back
        return before.number
    return _best(inputs, due, link_bps * _THICKER, FULL, before.number)


def _best(
    inputs: Inputs, due: Sequence[tuple[Cell, int]], link_bps: float, best: int, worst: int
) -> int:
    """The best rung from `best` to `worst` that fits; `worst` if none does."""
    while best < worst:
        middle = (best + worst) // 2
        if _use(inputs, due, link_bps, middle) <= 1.0:
            worst = middle
        else:
            best = middle + 1
    return worst


def _use(inputs: Inputs, due: Sequence[tuple[Cell, int]], link_bps: float, number: int) -> float:
    """Which part of the link all that is due takes with rung `number`: above 1.0 some of it
    misses its deadline.
    """
    live_bps = inputs.live.bps(number)
    total_bytes, worst = float(inputs.first_bytes), live_bps / link_bps
    treatments = [inputs.treat(cell, number) for cell, _ in due]
    # Originals go in the order of recording, whichever minutes have nothing else.
    with_originals = any(treatment.use is Use.ORIGINALS for treatment in treatments)
    for (cell, deadline_us), treatment in zip(due, treatments, strict=True):
        total_bytes += treatment.cost_bytes
        if with_originals and treatment.use is not Use.ORIGINALS:
            total_bytes += cell.original_bytes
        bps = total_bytes * 8e6 / (deadline_us - inputs.now_us)
        worst = max(worst, (bps + live_bps) / link_bps)
    return worst


def _level(number: int, live: Live, treatments: Sequence[tuple[Cell, Treatment]]) -> Level:
    """What is really thinned: on a rung that is thick enough for all, nothing is."""
    rung = LADDER[number]
    if rung.level is not Level.THINNER or (live.cameras and rung.media_bps < live.proxy_bps):
        return rung.level
    thinned = any(t.use in (Use.RENDER, Use.THIN) for _, t in treatments)
    return rung.level if thinned else Level.FULL


def _filling_bps(number: int, use: float | None) -> int:
    """The rate between this rung and the next thicker one that fills what the rung leaves free."""
    rung, thicker = LADDER[number], LADDER[max(number - 1, FULL)]
    most = max(rung.video_bps, thicker.video_bps)
    return round(min(most, rung.video_bps * max(1.0, _FILL / use))) if use else most


def _needs(
    treatments: Sequence[tuple[Cell, Treatment]], number: int, video_bps: int
) -> tuple[Need, ...]:
    """First a still of every minute that would have nothing, then renditions of those that do
    not move yet.
    """
    if number == FULL:
        return ()
    stills = [Need(cell, number, t.make_stills) for cell, t in treatments if t.make_stills]
    stills.sort(key=lambda need: need.cell.is_present or bool(need.cell.stills))
    renders = [Need(cell, number, 0, video_bps) for cell, t in treatments if t.use is Use.RENDER]
    return (*stills, *renders)


def _again(
    inputs: Inputs, treatments: Sequence[tuple[Cell, Treatment]], spare_bytes: float
) -> tuple[Need, ...]:
    """Better renditions of minutes that the centre holds, the poorest first, with what is left
    over: all of them as good as fits, or if not even the next rung does, as many as fit.
    """
    if any(t.use not in _MOVING and cell.can_render for cell, t in treatments):
        return ()
    able = [cell for cell, t in treatments if t.use is Use.HELD and _is_poor(cell, inputs)]
    able.sort(key=lambda cell: cell.held_bps)
    fitting: list[Need] = []
    for number, rung in enumerate(LADDER):
        poor = [cell for cell in able if rung.is_video and cell.held_bps * REDO <= rung.video_bps]
        if not poor:
            continue
        sizes = accumulate(cell.recorded_s * rung.media_bps / 8 for cell in poor)
        fitting = [
            Need(cell, number, 0, rung.video_bps)
            for cell, size in zip(poor, sizes, strict=True)
            if size <= spare_bytes
        ]
        if len(fitting) == len(poor):
            break
    return tuple(fitting)


def _is_poor(cell: Cell, inputs: Inputs) -> bool:
    """Whether a better rendition of it is worth making: not where all of capture's proxies are at
    the centre already, unless those were thinned when they were made, nor while they wait.
    """
    if not cell.can_render or cell.plain or not inputs.is_closed(cell):
        return False
    return not cell.has_proxies or cell.held_bps * REDO < inputs.live.proxy_bps
