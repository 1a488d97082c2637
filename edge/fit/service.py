"""Fit as a row of the agent: looks every two seconds, and makes the next thin minute ahead of the
link. Lives on the event loop; reading, rendering and recording are on a thread.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from itertools import islice
from typing import Any

from fieldlink.codecs.bundle import IMPORTED, UNSEEN_STREAMS
from fieldlink.codecs.fault import SourceError
from fieldlink.codecs.telemetry import ALARM_MEDIA_TYPE, SHEAF_MEDIA_TYPE
from fieldlink.edge.capture.thinner import UNTHINNED, Thinner
from fieldlink.edge.fit.coverage import MINUTE_US, Coverage
from fieldlink.edge.fit.decide import Link, Live, Need
from fieldlink.edge.fit.fitter import Fitter
from fieldlink.edge.fit.ladder import FULL, LADDER, Rung
from fieldlink.edge.fit.making import Haste, Maker, sources_of
from fieldlink.edge.planner import Group, SpoolState
from fieldlink.edge.spool import Spool, State, Stored
from fieldlink.systemd.service import Beat

__all__ = ["Fit", "thinner_of"]

_log = logging.getLogger(__name__)
_LOOK_S = 2.0
_IDLE_S = 0.5
_UNUSED_S = 60.0
_PAGE = 500
_MOST_ASKED = 200
_NO_PICTURES = (SHEAF_MEDIA_TYPE, ALARM_MEDIA_TYPE)
_FIRST = (Group.ALARM, Group.URGENT, Group.REPORT, Group.WANTED)


class Fit:
    """Keeps what is left within the window. `link`, `live` and `window` are asked at every look;
    `on_live` is told when capture should record thinner, or as configured again.
    """

    def __init__(
        self,
        *,
        spool: Spool,
        state: SpoolState,
        link: Callable[[], Link],
        live: Callable[[], Live],
        window: Callable[[], tuple[int, int] | None],
        on_live: Callable[[Thinner], None],
        clock: Callable[[], int],
        minute_us: int = MINUTE_US,
    ) -> None:
        self._spool, self._state, self._clock = spool, state, clock
        self._link, self._live, self._window, self._on_live = link, live, window, on_live
        self._coverage = Coverage(minute_us)
        self._fitter = Fitter(self._coverage, state, closed_us=minute_us // 4)
        self._maker = Maker(spool, clock)
        self._haste = Haste()
        self._thinner = UNTHINNED
        self._loaded = False
        self._early: set[bytes] = set()
        self._made, self._made_bytes = 0, 0
        self._making: str | None = None
        self._fault = ""

    def recorded(self, stored: Stored) -> None:
        """The spool has one more bundle; on the event loop's thread."""
        manifest = stored.manifest
        if manifest.media_type in _NO_PICTURES or manifest.stream in UNSEEN_STREAMS:
            return  # it covers no minute of any stream that could go thinner
        if IMPORTED in manifest.meta:
            return  # of another time: what happens now is not made thinner for it
        if stored.state in (State.PENDING, State.CUSTODY):
            custody = stored.state is State.CUSTODY or stored.bundle_id in self._early
            self._coverage.recorded(stored.bundle_id, stored.manifest, custody=custody)

    def arrived(self, bundle: bytes) -> None:
        """The centre has `bundle`; on the event loop's thread. What nobody says is found out."""
        self._coverage.arrived(bundle)
        if not self._loaded:
            self._early.add(bundle)

    @property
    def level(self) -> int:
        """How thin it goes now, 0 (not at all) to 4 (only reports)."""
        return int(self._fitter.plan.level)

    def report(self) -> dict[str, Any]:
        """How thin it goes, what is covered and what was made, for people and programs."""
        return {
            **self._fitter.report(),
            "made": self._made,
            "made_bytes": self._made_bytes,
            "making": self._making,
            "last_fault": self._fault,
        }

    async def run(self, beat: Beat) -> None:
        """Look and make until cancelled; the row of a service.

        Raises:
            SpoolError: the spool fails.
        """
        await self._load(beat)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._make_for_ever(), name="fit maker")
                while True:
                    beat()
                    await self._look()
                    await asyncio.sleep(_LOOK_S)
        finally:
            self._maker.close()

    async def _load(self, beat: Beat) -> None:
        """Take in what the spool holds already, a page at a time."""
        held = iter(await asyncio.to_thread(self._spool.bundles))
        while page := await asyncio.to_thread(lambda: list(islice(held, _PAGE))):
            beat()
            for stored in page:
                self.recorded(stored)
        self._loaded = True
        self._early.clear()

    async def _look(self) -> None:
        for bundle in islice(self._fitter.vanished(), _MOST_ASKED):
            stored = await asyncio.to_thread(self._spool.get, bundle)
            if stored is None or stored.state is State.REFUSED:
                self._coverage.lost(bundle)
            elif stored.state is State.CUSTODY:
                self._coverage.arrived(bundle)
        first_bytes = sum(self._state.tiers[group].left_bytes for group in _FIRST)
        asked = self._fitter.inputs(
            self._clock(), self._link(), self._live(), self._window(), first_bytes
        )
        # Long with a long backlog, and pure: on a thread, so that the bearers go on.
        self._fitter.follow(await asyncio.to_thread(self._fitter.think, asked))
        for bundle in self._fitter.stale():
            if await asyncio.to_thread(self._spool.withdraw, bundle):
                self._state.discard(bundle)
                self._coverage.lost(bundle)
        thinner = thinner_of(self._fitter.plan.number)
        if thinner != self._thinner:
            self._thinner = thinner
            self._on_live(thinner)

    async def _make_for_ever(self) -> None:
        idle_s = 0.0
        while True:
            need = self._fitter.next_need()
            if need is not None:
                idle_s = 0.0
                await self._make(need)
                continue
            await asyncio.sleep(_IDLE_S)
            idle_s += _IDLE_S
            if idle_s >= _UNUSED_S:  # a renderer takes two hundred megabytes
                self._maker.close()

    async def _make(self, need: Need) -> None:
        haste = self._haste.now(*self._fitter.ahead(self._clock()))
        pieces = sources_of(self._coverage, need, haste)
        began_s = time.monotonic()
        self._making = f"{need.cell.device}/{need.cell.stream}"
        try:
            made = await asyncio.to_thread(self._maker.make, need, pieces, haste)
        except SourceError as error:
            self._fault = f"{self._making}: {error.detail}"
            _log.warning("cannot be made thinner: %s", self._fault)
            self._fitter.spoilt(need, again=error.reason == "crashed")
        else:
            for stored in made:
                self.recorded(stored)
                self._made, self._made_bytes = (
                    self._made + 1,
                    self._made_bytes + stored.manifest.size,
                )
            self._fitter.made()
            if not need.stills:
                self._haste.took(time.monotonic() - began_s, haste)
        finally:
            self._making = None
        for bundle in self._maker.gone:
            self._coverage.lost(bundle)
        self._maker.gone.clear()


def thinner_of(number: int) -> Thinner:
    """What rung `number` means for what is recorded from now on."""
    if number == FULL:
        return UNTHINNED
    rung = LADDER[number]
    if not rung.is_video:
        every_s, size = rung.still_every_s, rung.still_bytes
        return Thinner(proxy=False, still_every_s=every_s, still_bytes=size)
    return Thinner(
        rate_bps=rung.video_bps,
        audio_bps=rung.audio_bps,
        width=rung.width,
        height=rung.height,
        fps=rung.fps,
        piece_s=_piece_s(rung),
        still_every_s=rung.still_every_s,
        still_bytes=rung.still_bytes,
    )


def _piece_s(rung: Rung) -> float:
    """Longer pieces at low rates: every one begins with a keyframe."""
    if rung.video_bps >= 64_000:
        return 0.0
    return 8.0 if rung.video_bps >= 25_000 else 15.0
