"""Telemetry as one part of the centre: the task that takes it in, and what others ask of it."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fieldlink.codecs.fault import ArchiveError
from fieldlink.codecs.telemetry import ALARM_STREAM
from fieldlink.relay.archive import Archive
from fieldlink.relay.catalogue import (
    AlarmChange,
    Catalogue,
    CatalogueCorruptError,
    StoredAlarm,
)
from fieldlink.relay.feed import Feed
from fieldlink.relay.telemetry.alarm_row import alarm_row
from fieldlink.relay.telemetry.board import Board, position_news
from fieldlink.relay.telemetry.compaction import Compactor
from fieldlink.relay.telemetry.history import History
from fieldlink.relay.telemetry.ingest import Ingest
from fieldlink.relay.telemetry.pace import Pace
from fieldlink.relay.telemetry.stand import Stand
from fieldlink.relay.telemetry.words import described

__all__ = ["Telemetry"]

_log = logging.getLogger(__name__)
_IDLE_S = 0.5
_AGAIN_S = 1.0
_MERGES = 32
_MERGE_S = 0.2
_GATHER_S = 0.1
_POSITIONS_S = 0.5
_SAMPLES_S = 1.0

Note = Callable[[str, str | None, str], None]


class Telemetry:
    """Takes telemetry in with `run` (or `step`, one round of it), and answers."""

    def __init__(
        self,
        catalogue: Catalogue,
        archive: Archive,
        feed: Feed,
        *,
        clock: Callable[[], int],
        note: Note = lambda kind, kit, text: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.board = Board(clock())
        self._catalogue = catalogue
        self._feed = feed
        self._clock = clock
        self._note = note
        self._ingest = Ingest(
            catalogue, archive, self.board, clock=clock, note=note, monotonic=monotonic
        )
        self._compactor = Compactor(catalogue)
        self.history = History(catalogue, self._ingest.buffer)
        self._alarm_revision = catalogue.alarm_revision()
        self._positions = Pace(_POSITIONS_S, monotonic)
        self._samples = Pace(_SAMPLES_S, monotonic)
        self._moved: dict[tuple[str, str], Stand] = {}
        self._news = False
        self._turn = threading.Lock()
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._gathering: asyncio.TimerHandle | None = None

    @property
    def samples(self) -> int:
        """How many new samples were taken since the start."""
        return self._ingest.samples

    @property
    def merging(self) -> bool:
        """Whether there are blocks to be merged."""
        return self._compactor.waiting > 0

    async def run(self, beat: Callable[[], None]) -> None:
        """Take in until cancelled. A disk that does not work is waited for.

        Raises:
            CatalogueCorruptError: the catalogue is damaged; a restart makes it again.
        """
        self._loop = asyncio.get_running_loop()
        self._feed.listen(self._heard)
        try:
            while True:
                self._wake.clear()
                wait_s = await asyncio.to_thread(self._step_anyway)
                beat()
                if wait_s > 0:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(wait_s):
                            await self._wake.wait()
        finally:
            self._feed.unlisten(self._heard)
            if self._gathering is not None:
                self._gathering.cancel()
            await asyncio.shield(asyncio.to_thread(self._close))

    def step(self) -> bool:
        """One round: alarms, a page of samples, news, what is due to be stored or merged.
        Returns whether there is more to read.

        Raises:
            OSError, ArchiveError: a disk does not work; nothing is lost by it.
        """
        with self._turn:
            self._take_alarms()
            stands, more = self._ingest.read()
            self._moved.update(((stand.kit, stand.device), stand) for stand in stands)
            self._tell()
            if self._ingest.due:
                self._store()
            if not more:
                self._compactor.work(_MERGES)
        return more

    def settle(self) -> None:
        """Take in everything that is filed, and store it; for tests and for programs that fill
        an archive.
        """
        while self.step():
            pass
        with self._turn:
            self._store()

    def acknowledge(self, kit: str, ident: bytes, *, who: str, note: str) -> StoredAlarm:
        """Record that `who` has seen an alarm.

        Raises:
            ArchiveError: there is no such alarm.
        """
        change = self._catalogue.acknowledge_alarm(
            kit, ident, who=who, note=note, now_us=self._clock(), describe=described
        )
        self._told([change])
        return change.alarm

    def clear(self, kit: str, ident: bytes, *, who: str, note: str) -> StoredAlarm:
        """Record that `who` ended an alarm at the centre.

        Raises:
            ArchiveError: there is no such alarm.
        """
        change = self._catalogue.clear_alarm(
            kit, ident, who=who, note=note, now_us=self._clock(), describe=described
        )
        self._told([change])
        return change.alarm

    def _take_alarms(self) -> None:
        while changes := self._ingest.read_alarms():
            for change in changes:
                if change.event is not None:
                    _log.warning("alarm: %s: %s", change.alarm.kit, change.event.text)
            self._told(changes, publish_alarm=False)
        # Also what another process changed: `fieldlink relay alarms ack`.
        fresh = self._catalogue.alarms_after(self._alarm_revision)
        if fresh:
            self._alarm_revision = fresh[-1].revision
            self.board.count_alarms(self._catalogue.active_alarms())
            for alarm in fresh:
                self._feed.publish("alarm", alarm_row(alarm))

    def _told(self, changes: Iterable[AlarmChange], *, publish_alarm: bool = True) -> None:
        for change in changes:
            if change.event is not None:
                self._feed.publish("event", _event_data(change.event))
        if publish_alarm:
            self._poke()

    def _tell(self) -> None:
        """News of what moved and changed, at bounded rates, while anybody follows."""
        self._news |= bool(self._moved)
        if not self._feed.followers:
            self._moved, self._news = {}, False
        if self._moved and self._positions.may():
            moved, self._moved = self._moved, {}
            self._feed.publish_text("positions", position_news(self.board.revision, moved.values()))
        if self._news and self._samples.may():
            self._news = False
            self._feed.publish("samples", {"revision": self.board.revision})

    def _store(self) -> None:
        self._compactor.look(self._ingest.store())

    def _step_anyway(self) -> float:
        """A round; how long to wait before the next."""
        try:
            more = self.step()
        except CatalogueCorruptError:
            raise
        except (ArchiveError, OSError) as error:
            self._note("disk", None, f"telemetry waits for the centre's disk: {error}")
            return _AGAIN_S
        if more:
            return 0.0
        return _MERGE_S if self._compactor.waiting else self._pause_s()

    def _pause_s(self) -> float:
        rests = [self._positions.rest_s] if self._moved else []
        rests += [self._samples.rest_s] if self._news else []
        return max(0.01, min([_IDLE_S, *rests]))

    def _close(self) -> None:
        with self._turn:
            try:
                self._store()
            except (ArchiveError, OSError) as error:
                _log.warning("telemetry is read again at the next start: %s", error)

    def _heard(self, kind: str, data: Mapping[str, Any]) -> None:
        if kind == "bundle" and data.get("layer") == "report":
            self._poke(soon=data.get("stream") != ALARM_STREAM)

    def _poke(self, *, soon: bool = False) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._wake_soon if soon else self._wake.set)

    def _wake_soon(self) -> None:
        """Samples gather for a moment: of many kits a round takes them together."""
        if self._gathering is None and self._loop is not None:
            self._gathering = self._loop.call_later(_GATHER_S, self._wake_now)

    def _wake_now(self) -> None:
        self._gathering = None
        self._wake.set()


def _event_data(event: Any) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__dataclass_fields__}
