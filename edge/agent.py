"""The kit's agent: reads the configuration, builds everything, and is the only place that knows
everything. Devices -> capture -> spool -> planner -> bearers; data goes one way.
"""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fieldlink.codecs.bundle import IMPORTED
from fieldlink.codecs.fault import ConfigError
from fieldlink.codecs.klv import LocalSet
from fieldlink.codecs.wire import Orders
from fieldlink.edge.attached import make_adapters
from fieldlink.edge.attendant import Attendant
from fieldlink.edge.bearer.centre_time import CentreTime
from fieldlink.edge.bearer.service import Fleet, KitFacts
from fieldlink.edge.capture.recorder import Recorder
from fieldlink.edge.clock.clock import KitClock
from fieldlink.edge.clock.dated import dated
from fieldlink.edge.clock.measure import Origin
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.control import serve_control
from fieldlink.edge.desk import Desk
from fieldlink.edge.devices import Devices
from fieldlink.edge.drone.adapter import Records
from fieldlink.edge.fit.decide import Live
from fieldlink.edge.fit.load import link_of, live_of
from fieldlink.edge.fit.service import Fit
from fieldlink.edge.identity import Identity
from fieldlink.edge.importing.service import Importing
from fieldlink.edge.klv.crossing import VIA as KLV
from fieldlink.edge.klv.crossing import Crossing
from fieldlink.edge.marks import Marks, kept_spans
from fieldlink.edge.planner import Candidate, SpoolState, WindowPlanner
from fieldlink.edge.planning import Planning
from fieldlink.edge.recorded import recorded_until
from fieldlink.edge.report import centre_report
from fieldlink.edge.spool import RetentionPolicy, Spool, State, Stored
from fieldlink.edge.starting import greeting, kit_name, make_state_dir
from fieldlink.edge.telemetry.places import Places
from fieldlink.edge.telemetry.service import Telemetry
from fieldlink.edge.telemetry.sheaves import PACKED, THIN
from fieldlink.edge.whip.hub import Hub
from fieldlink.systemd.service import Beat, Row, serve

__all__ = ["Agent", "run_agent"]

_STALE_S = 45.0
_SLICE = 200
_SECOND_HAND = {THIN, PACKED, IMPORTED}  # in its meta: it is made of what was before


class Agent:
    """Everything that runs on a kit."""

    def __init__(
        self,
        settings: EdgeSettings,
        config: Path | None,
        spool: Spool,
        kit: str,
        clock: KitClock | None = None,
    ) -> None:
        self._settings = settings
        clock = clock or KitClock(settings.clock.drift_ppm)
        self._spool = spool
        self._kit = kit
        self._state = SpoolState()
        self._marks = Marks(settings.marks_path)
        self._kept_changed = asyncio.Event()
        self._stocked = False
        self._gone_early: set[bytes] = set()  # given up while what the spool holds was queued
        self._places = Places(lambda name: self._devices.mount(name))
        hub = Hub()
        self._devices = Devices(
            settings.device,
            settings.capture,
            sink=dated(spool.add, clock.error_us),
            gap=spool.add_gap,
            clock=clock.now_us,
            recall=partial(recorded_until, settings.spool_dir),
            pose_at=self._places.at,
            make=partial(Recorder, adapter=hub.opened, pushed=hub, hearer=self._hear),
        )
        self._planning = Planning(
            self._state,
            clock.now_us,
            fit=lambda: self._fit.report(),
            level=lambda: self._fit.level,
        )
        self._fit = Fit(
            spool=spool,
            state=self._state,
            link=lambda: link_of(self._planning.capacity.carried()),
            live=self._live,
            window=lambda: self._planning.window,
            on_live=self._devices.thin,
            clock=clock.now_us,
        )
        self._fleet = Fleet(
            settings.bearer,
            spool=spool,
            state=self._state,
            planner=WindowPlanner(),
            identity=self._identity,
            facts=KitFacts(
                software=f"fieldlink {version('fieldlink')}",
                spool=spool.spool_id,
                devices=lambda: self._devices.kinds,
                report=self._report,
            ),
            clock=clock.now_us,
            folder=settings.bearers_dir,
            admits=self._planning.admits,
            on_orders=self._ordered,
            on_custody=self._fit.arrived,
            centre_time=_centre_time(settings, clock),
        )
        self._telemetry = Telemetry(
            settings.telemetry,
            spool=spool,
            state=self._state,
            link=lambda: self._planning.capacity.carried().expected_bps,
            time_=clock,
            folder=settings.state_dir,
            down=lambda: self._attendant.ways_down(),
            places=self._places,
        )
        self._crossing = Crossing(self._telemetry.intake)
        records = Records(dated(spool.add, clock.error_us), spool.add_gap, spool.read)
        self._attendant = Attendant(
            settings,
            self._telemetry.intake,
            clock,
            partial(
                make_adapters,
                cameras=self._devices,
                hub=hub,
                records=records,
            ),
        )
        self._desk = Desk(
            settings,
            config,
            kit=kit,
            spool=spool,
            devices=self._devices,
            fleet=self._fleet,
            attendant=self._attendant,
            telemetry=self._telemetry,
            planning=self._planning,
            marks=self._marks,
            on_marks=self._marked,
            clock=clock,
            importing=Importing(settings.state_dir, records, clock.now_us),
        )
        self._marked()

    def rows(self) -> list[Row]:
        """The table of what runs."""
        return [
            Row("devices", self._devices.run, _STALE_S),
            Row("bearers", self._carry, _STALE_S),
            Row("planning", partial(self._planning.run, self._fleet), _STALE_S),
            Row("protection", self._protect, _STALE_S),
            Row("fit", self._fit.run, _STALE_S),
            Row("telemetry", self._telemetry.run, _STALE_S),
            Row("attached", self._attendant.run, _STALE_S),
            Row("control", self._control),
            Row("reload", self._reload_on_hangup),
        ]

    def take_stock(self) -> None:
        """Queue whatever the spool records from now on, and hear what cameras say; what it holds
        already comes before the bearer sends."""
        loop = asyncio.get_running_loop()
        self._crossing.start()
        self._telemetry.intake.keep(KLV, self._devices.kinds.__contains__)
        self._spool.listen(lambda added, gone: _calmly(loop, self._spooled, added, gone))

    async def _carry(self, beat: Beat) -> None:
        """Queue what the spool holds already, then send. Recording does not wait for it."""
        asked = asyncio.create_task(asyncio.to_thread(self._spool.pending), name="stock")
        while not asked.done():
            beat()
            await asyncio.wait([asked], timeout=1.0)
        for number, stored in enumerate(asked.result()):
            doubtful = stored.first_sent_us is not None
            if stored.bundle_id not in self._gone_early:
                self._state.add(Candidate.of(stored.bundle_id, stored.manifest, doubtful=doubtful))
                self._telemetry.held(stored)
            if number % _SLICE == 0:
                beat()
                await asyncio.sleep(0)
        self._stocked = True
        self._gone_early.clear()
        await self._fleet.run(beat)

    def _spooled(self, added: Sequence[Stored], gone: Sequence[bytes]) -> None:
        for stored in added:
            self._recorded(stored)
        for bundle in gone:
            self._fleet.gone(bundle)
            self._telemetry.gone(bundle)
        if not self._stocked:
            self._gone_early.update(gone)

    def _recorded(self, stored: Stored) -> None:
        self._fit.recorded(stored)
        if stored.state is State.PENDING:
            candidate = Candidate.of(stored.bundle_id, stored.manifest)
            self._state.add(candidate)
            if not _SECOND_HAND & stored.manifest.meta.keys():
                self._planning.recorded(candidate)
            self._telemetry.recorded(stored)
            self._fleet.wake()

    def _hear(self, device: str, found: Sequence[LocalSet], played: bool) -> None:
        self._crossing.hear(device, found, played)

    # --- what the parts ask of each other --------------------------------------------------

    def _live(self) -> Live:
        devices = self._devices
        return live_of(devices.report(), devices.capture, self._planning.production())

    async def _report(self) -> dict[str, Any]:
        """What the centre is told every few seconds."""
        totals = await asyncio.to_thread(self._spool.totals)
        return centre_report(
            self._devices.report(),
            totals,
            [*self._spool.findings, *self._marks.findings],
            bearers=self._fleet.report(),
            orders=self._planning.revision,
            plan=self._planning.brief(),
            telemetry=self._telemetry.brief(),
        )

    def _ordered(self, orders: Orders) -> None:
        self._planning.order(orders)
        self._kept_changed.set()

    def _marked(self) -> None:
        self._planning.mark(self._marks.wants)
        self._kept_changed.set()

    async def _protect(self, beat: Beat) -> None:
        """Have the spool give up last what is bookmarked, here or at the centre."""
        kept = list(self._spool.protected)
        while True:
            beat()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._kept_changed.wait()
            self._kept_changed.clear()
            wanted = kept_spans(self._planning.wants)
            if not self._planning.revision:  # what the centre wants is known from an earlier run
                wanted += [span for span in kept if span not in wanted]
            if wanted != kept:
                kept = wanted
                await asyncio.to_thread(self._spool.protect, kept)

    def _identity(self) -> Identity:
        identity = Identity.load(self._settings.identity_dir)
        if identity.kit != self._kit:
            raise ConfigError(
                f"this kit joined as {identity.kit} while its agent runs as {self._kit};"
                " restart the agent"
            )
        return identity

    async def _control(self, beat: Beat) -> None:
        await serve_control(self._settings.control_path, self._desk.commands, beat)

    async def _reload_on_hangup(self, beat: Beat) -> None:
        asked = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, asked.set)
        try:
            while True:
                beat()
                try:
                    async with asyncio.timeout(1.0):
                        await asked.wait()
                except TimeoutError:
                    continue
                asked.clear()
                await self._desk.reload({})
        finally:
            loop.remove_signal_handler(signal.SIGHUP)


async def run_agent(
    settings: EdgeSettings,
    config: Path | None,
    say: Callable[[str], None],
    *,
    serve_rows: Callable[..., Awaitable[None]] = serve,
) -> None:
    """Run the agent until SIGTERM; then what is being recorded goes into the spool.

    Raises:
        ConfigError: the kit has no name yet.
        SpoolError: the spool cannot be opened or written.
    """
    kit = kit_name(settings)
    make_state_dir(settings.state_dir)
    policy = RetentionPolicy.from_settings(settings.spool)
    clock = KitClock(settings.clock.drift_ppm)
    spool = Spool.open(settings.spool_dir, kit=kit, policy=policy, clock=clock.now_us)
    try:
        for finding in spool.findings:
            say(finding)
        agent = Agent(settings, config, spool, kit, clock)
        agent.take_stock()
        await serve_rows(
            agent.rows(),
            on_ready=lambda: say(greeting(kit, settings)),
            shutdown_s=20.0,
        )
    finally:
        settings.control_path.unlink(missing_ok=True)
        await asyncio.to_thread(spool.close)


def _centre_time(settings: EdgeSettings, clock: KitClock) -> CentreTime:
    """What asks the centre for the time, if that counts."""
    if not settings.clock.centre:
        return CentreTime()
    return CentreTime(partial(clock.observe, Origin.CENTRE))


def _calmly(
    loop: asyncio.AbstractEventLoop,
    call: Callable[[Sequence[Stored], Sequence[bytes]], None],
    added: Sequence[Stored],
    gone: Sequence[bytes],
) -> None:
    if (added or gone) and not loop.is_closed():
        loop.call_soon_threadsafe(call, added, gone)
