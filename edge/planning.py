"""Looks ahead for the whole kit: what the links carry, what comes in, and what will be in time.

Every two seconds it measures, forecasts, and tells the planner how fast it all goes. It decides
which bearers are open by price and budget, and follows the centre's orders.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from fieldlink.codecs.bundle import Layer, Precedence
from fieldlink.codecs.wire import Orders, Want
from fieldlink.edge.plan_report import brief_plan, plan_report
from fieldlink.edge.planner import Candidate, SpoolState
from fieldlink.edge.planner.budget import BearerFacts, admitted, cheapest
from fieldlink.edge.planner.capacity import Capacity
from fieldlink.edge.planner.forecast import Forecast, Verdict, forecast
from fieldlink.edge.planner.production import Production
from fieldlink.systemd.service import Beat

__all__ = ["Links", "Planning"]

_LOOK_S = 2.0
_BRIEF_US = 30_000_000
_SOONEST_US = 5_000_000
_WAIT_US = 60_000_000
_OVERTAKEN_US = 60_000_000


class Links(Protocol):
    """What planning asks of the bearers."""

    def facts(self) -> Sequence[BearerFacts]:
        """What the price order has to know of each."""

    def delivered_bytes(self) -> Mapping[str, int]:
        """Payload that the centre acknowledged since the agent began, by bearer."""


class Planning:
    """The kit's view of the window. Lives on the event loop's thread.

    `fit` says how thin it goes, in full; `level` in one number.
    """

    def __init__(
        self,
        state: SpoolState,
        clock: Callable[[], int],
        *,
        fit: Callable[[], Mapping[str, Any]] = dict,
        level: Callable[[], int] = lambda: 0,
    ) -> None:
        self._state, self._clock = state, clock
        self._fit, self._level = fit, level
        self._capacity = Capacity()
        self._production = Production()
        self._orders = Orders(0, 0)
        self._marks: tuple[Want, ...] = ()
        self._suffices = True
        self._forecast: Forecast | None = None
        self._told_us: int | None = None
        self._told: tuple[object, ...] = ()

    # --- what happens --------------------------------------------------------------------

    def recorded(self, candidate: Candidate) -> None:
        """A bundle was recorded just now."""
        self._production.recorded(candidate, self._clock())

    def order(self, orders: Orders) -> None:
        """The centre says what it wants, all of it each time; what was overtaken on the way by
        something newer (by the centre's clock, unless that was set back) is left aside.
        """
        before = self._orders
        if 0 < before.now_us - orders.now_us <= _OVERTAKEN_US:
            return
        self._orders = orders
        if replace(orders, now_us=before.now_us) == before:
            return
        self._state.window(orders.start_us, orders.due_us)
        self._follow()

    def mark(self, marks: Sequence[Want]) -> None:
        """These spans, and no others, are bookmarked on site; the most urgent first."""
        self._marks = tuple(marks)
        self._follow()

    @property
    def wants(self) -> Sequence[Want]:
        """What the centre and the people on site want, the most urgent first."""
        return [*self._orders.wants, *self._marks]

    def _follow(self) -> None:
        self._state.follow(self.wants)

    # --- questions -----------------------------------------------------------------------

    @property
    def revision(self) -> int:
        """Of the orders that are followed; 0 before any came."""
        return self._orders.revision

    @property
    def capacity(self) -> Capacity:
        """What the links carry."""
        return self._capacity

    @property
    def window(self) -> tuple[int, int] | None:
        """When the incident began and when its window ends; None without one."""
        start_us, due_us = self._orders.start_us, self._orders.due_us
        return None if start_us is None or due_us is None else (start_us, due_us)

    def production(self) -> Mapping[tuple[str, str, Layer], float]:
        """What each track makes, bits a second."""
        return self._production.rates(self._clock())

    def admits(self, bearers: Sequence[BearerFacts]) -> Mapping[str, Precedence | None]:
        """What each bearer may carry now."""
        return admitted(bearers, self._suffices)

    def report(self) -> dict[str, Any]:
        """The plan in full, for people and programs beside the kit; `strange` counts measurements
        that could not be true.
        """
        window = (self._orders.incident, self._orders.start_us, self._orders.due_us)
        plan = plan_report(self._look_ahead(), window, self._fit())
        return plan | {"strange": self._capacity.strange}

    def brief(self) -> dict[str, Any] | None:
        """The plan for the centre: when it changed, and every half minute; None in between."""
        seen = self._forecast
        if seen is None:
            return None
        fit = self._level()
        tracks = ((one.device, one.stream, one.layer, one.verdict) for one in seen.tracks)
        signature = (fit, seen.due_us, *tracks)
        now_us = self._clock()
        passed_us = _WAIT_US if self._told_us is None else abs(now_us - self._told_us)
        changed = signature != self._told and passed_us >= _SOONEST_US
        if not changed and passed_us < _BRIEF_US:
            return None
        self._told_us, self._told = now_us, signature
        return brief_plan(seen, fit)

    # --- looking -------------------------------------------------------------------------

    async def run(self, links: Links, beat: Beat) -> None:
        """Look until cancelled; a service's row."""
        while True:
            beat()
            self.look(links)
            await asyncio.sleep(_LOOK_S)

    def look(self, links: Links) -> None:
        """Measure and forecast once."""
        now_us, delivered = self._clock(), links.delivered_bytes()
        facts = links.facts()
        waiting_bits, allowed = self._state.left_bytes * 8, self.admits(facts)
        for one in facts:
            up, path_bps = one.up and not one.held, one.rate_bps
            # One that carries only what is urgent, or a trickle, does not show what it could.
            busy = waiting_bits > _LOOK_S * (path_bps or 0.0)
            busy = busy and allowed[one.name] is Precedence.ROUTINE
            count = delivered.get(one.name, 0)
            self._capacity.sample(one.name, now_us, count, up, busy=busy, path_bps=path_bps)
        self._capacity.keep(one.name for one in facts)
        self._state.pace(self._capacity.carried().expected_bps)
        self._forecast = self._look_ahead()
        self._suffices = self._cheap_ones_suffice(facts)

    def _look_ahead(self) -> Forecast:
        now_us = self._clock()
        due_us = self._orders.due_us
        rates = self._production.rates(now_us)
        return forecast(self._state, self._capacity, rates, now_us, due_us)

    def _cheap_ones_suffice(self, facts: Sequence[BearerFacts]) -> bool:
        """Whether the cheapest bearers alone are in time with all but the originals."""
        names = cheapest(facts)
        carried = self._capacity.carried(names)
        if len(names) == sum(one.up for one in facts) or carried.expected_bps is None:
            return True
        now_us = self._clock()
        rates = self._production.rates(now_us)
        alone = forecast(self._state, carried, rates, now_us, self._orders.due_us)
        return all(
            track.verdict is not Verdict.WILL_MISS or track.layer is Layer.ORIGINAL
            for track in alone.tracks
        )
