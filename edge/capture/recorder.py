"""Records one device: keeps it connected, and hands every layer of its streams to the sink.

Three threads for a device. The source's own may hang in libav and is left behind then. The
recorder's keeps the connection and copies originals. The pictures' decodes; it may lag and shed.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import tenacity

from fieldlink.codecs.bundle import Draft
from fieldlink.codecs.fault import SourceError, SpoolError
from fieldlink.edge.capture.before import Recorded, gap_bundle
from fieldlink.edge.capture.outages import Outages
from fieldlink.edge.capture.ports import Clock, GapSink, PoseAt, Pushed, Sink, nowhere
from fieldlink.edge.capture.session import Session
from fieldlink.edge.capture.settings import CaptureSettings
from fieldlink.edge.capture.shot import Shot, Shots
from fieldlink.edge.capture.still import StillMaker
from fieldlink.edge.capture.tally import Tally
from fieldlink.edge.capture.thinner import UNTHINNED, Thinner
from fieldlink.edge.klv.track import Hearer, KlvTrack
from fieldlink.edge.source.feed import Feed
from fieldlink.edge.source.libav import LibavSource
from fieldlink.edge.source.media import Adapter, Metadata
from fieldlink.edge.source.settings import DeviceSettings
from fieldlink.edge.source.url import is_file

__all__ = ["Recorder"]

_BEAT_S = 0.5
_FRESH_US = 15_000_000
_STEADY_S = 5.0
_STREAM = "video"


class Recorder:
    """One device's recorder. `run` serves as a service's row; `start` and `stop` do without
    asyncio. A missing device never ends it, an error of `sink` or `gap` does.
    """

    def __init__(
        self,
        device: DeviceSettings,
        capture: CaptureSettings,
        *,
        sink: Sink,
        gap: GapSink,
        clock: Clock,
        before: Recorded | None = None,
        pose_at: PoseAt = nowhere,
        adapter: Callable[[DeviceSettings, Clock], Adapter] = LibavSource,
        pushed: Pushed | None = None,
        hearer: Hearer | None = None,
    ) -> None:
        self._device, self._sink, self._clock = device, sink, clock
        self._before = before
        self._general, self._thinner = capture, UNTHINNED
        self._adjusted: CaptureSettings | None = None
        self._capture = device.effective_capture(capture)
        self._adapter, self._pushed = adapter, pushed
        self._outages = Outages(device.name, _STREAM, gap)
        self._faults = Outages(device.name, _STREAM, gap)
        self._stopping = threading.Event()
        self._failure: BaseException | None = None
        self._tally = Tally(device, clock)
        self._pose_at = pose_at
        self._stills = StillMaker(
            device.name, self._settings, sink=self._take, clock=clock, pose_at=pose_at
        )
        self._shots = Shots(device.name, lambda: self._capture.window, self._take, clock, pose_at)
        self._stills.shots = self._shots
        self._session: Session | None = None
        self._klv = KlvTrack(
            device.name,
            sink=sink,
            clock=clock,
            hearer=hearer,
            keeps=lambda: self._capture.original.enabled,
            played=is_file(device.url),
        )
        self._thread = threading.Thread(
            target=self._run, name=f"recorder-{device.name}", daemon=True
        )

    def _settings(self) -> CaptureSettings:
        return self._capture

    def reconfigure(self, capture: CaptureSettings) -> None:
        """Use other sizes and rates from the next piece on; the device's own still go first."""
        self._general = capture
        own = self._device.effective_capture(capture)
        if self._adjusted is not None:
            own = own.overridden_by(self._adjusted)
        self._capture = self._thinner.applied(own)

    def thin(self, thinner: Thinner) -> None:
        """Record no more than `thinner` allows from the next piece on, whatever is configured."""
        self._thinner = thinner
        self.reconfigure(self._general)

    def adjust(self, capture: CaptureSettings | None) -> CaptureSettings:
        """Record with what is set in `capture` from the next piece on, over all settings but the
        thinner's; None: as configured. What it is then.
        """
        self._adjusted = capture
        self.reconfigure(self._general)
        return self._capture

    def shot(self) -> Future[Shot]:
        """The next good picture in full size; it goes to the sink as well."""
        return self._shots.want()

    def report(self) -> dict[str, Any]:
        """State, reason, rates and counts, without secrets."""
        report = self._tally.report(self._session)
        report["counts"]["stills"] = self._stills.made
        report["counts"]["gaps"] = self._outages.recorded + self._faults.recorded
        received = self._pushed.report(self._device) if self._pushed is not None else None
        if received is not None:
            report["received"] = received
        report["klv"] = self._klv.report()
        return report

    async def run(self, beat: Callable[[], None]) -> None:
        """Record until cancelled; beats while its threads make progress.

        Raises:
            Exception: whatever the sink raised.
        """
        self.start()
        try:
            while True:
                await asyncio.sleep(_BEAT_S)
                if self._failure is not None:
                    raise self._failure
                if self._tally.is_fresh(self._session, _FRESH_US):
                    beat()
        finally:
            self._stopping.set()
            await asyncio.shield(asyncio.to_thread(self.stop))

    def start(self) -> None:
        """Begin to record, on threads."""
        self._thread.start()

    def stop(self, wait_s: float = 10.0) -> None:
        """Hand over what is under way and end.

        Raises:
            Exception: whatever the sink raised while recording.
            SpoolError: what was under way could not be handed over within `wait_s`.
        """
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(wait_s)
        if self._failure is not None:
            raise self._failure
        if self._thread.is_alive():
            name = self._device.name
            raise SpoolError(f"{name}: its last pieces are not stored after {wait_s:g} s; see disk")

    def _take(self, draft: Draft, content: bytes) -> None:
        self._sink(draft, content)
        self._tally.took(draft, len(content))

    def _fail(self, error: BaseException) -> None:
        if self._failure is None:
            self._failure = error
        self._stopping.set()

    def _run(self) -> None:
        try:
            self._resume()
            while not self._stopping.is_set() and not self._tally.ended:
                self._stay_connected()
            self._rest()
        except BaseException as error:  # noqa: BLE001 - raised again by run() and stop()
            self._fail(error)

    def _resume(self) -> None:
        """Say what is missing since the recorder before this one."""
        before, now_us = self._before, self._clock()
        if before is not None:
            for gap in before.missing(self._device.name, _STREAM):
                self._sink(*gap_bundle(gap, now_us))
            self._outages.resume(before.until_us, now_us, before.away)

    def _stay_connected(self) -> None:
        retry = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(SourceError),
            wait=tenacity.wait_fixed(0.2)
            + tenacity.wait_random_exponential(multiplier=0.5, max=15),
            stop=tenacity.stop_when_event_set(self._stopping),
            sleep=self._nap,
            reraise=True,
        )
        try:
            retry(self._connection)
        except SourceError:
            if not self._stopping.is_set():
                raise

    def _nap(self, seconds: float) -> None:
        end_s = time.monotonic() + seconds  # the kit's clock may be set meanwhile
        while (left_s := end_s - time.monotonic()) > 0:
            self._breathe()
            if self._stopping.wait(min(left_s, _BEAT_S)):
                return
            if self._pushed is not None and self._pushed.waits(self._device):
                return  # whoever pushes has come

    def _breathe(self) -> None:
        now_us = self._tally.breathe()
        self._outages.tick(now_us)
        self._klv.tick()
        self._faults.tick(now_us)

    def _connection(self) -> None:
        """One connection, from opening to its end; returns if it had been steady.

        Raises:
            SourceError: it did not open, or did not last.
        """
        if self._stopping.is_set():
            return
        began_us = self._tally.connecting()
        device = self._device
        feed = Feed(
            device.name,
            self._adapter(device, self._clock),
            open_s=device.open_timeout,
            stall_s=device.stall_timeout,
        )
        try:
            self._follow(feed)
        except SourceError as error:
            self._lost(error, began_us)
            if not self._tally.was_live_for(_STEADY_S):
                raise
        finally:
            if not feed.close(1.0):
                self._tally.abandoned += 1

    def _follow(self, feed: Feed) -> None:
        session = Session(
            self._device.name,
            self._settings,
            self._stills,
            self._outages,
            self._faults,
            sink=self._take,
            clock=self._clock,
            failed=self._fail,
            pose_at=self._pose_at,
        )
        self._session = session
        try:
            while not self._stopping.is_set():
                self._breathe()
                event = feed.next(_BEAT_S)
                if isinstance(event, Metadata):
                    self._klv.take(event)
                elif event is not None:
                    session.take(event, self._tally)
                if self._tally.ended:
                    return
        finally:
            try:
                session.finish()
            finally:
                self._klv.miss(feed.left_out)
                self._klv.finish()

    def _lost(self, error: SourceError, began_us: int) -> None:
        end_us = self._session.end_us if self._session is not None else None
        if error.reason == "clock":  # what came before has times of another clock
            end_us = self._clock()
        self._outages.begin(end_us or began_us, f"source: {error}")
        self._tally.down(str(error))

    def _rest(self) -> None:
        """Nothing more comes; wait to be stopped, then close what is open."""
        if self._tally.ended:
            at_us = (self._session.end_us if self._session else None) or self._clock()
            self._outages.begin(at_us, "source: ended")
            self._outages.end(at_us)
        while not self._stopping.wait(_BEAT_S):
            self._tally.breathe()
        self._outages.end(self._clock())
        self._faults.end(self._clock())
