"""The receiver without its network: the core and the committer, each on a thread of its own."""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future

from fieldlink.codecs.fault import ArchiveError
from fieldlink.codecs.wire import Orders, Welcome
from fieldlink.relay.archive import Archive
from fieldlink.relay.archive.filing import Filer
from fieldlink.relay.catalogue import Catalogue, CatalogueCorruptError, Event, KitNews
from fieldlink.relay.feed import Feed
from fieldlink.relay.orders.book import OrderBook
from fieldlink.relay.receiver.committer import Committer
from fieldlink.relay.receiver.core import Receiver
from fieldlink.relay.receiver.inbox import Inbox
from fieldlink.relay.receiver.incoming import Incoming
from fieldlink.relay.receiver.memory import CustodyMemory
from fieldlink.relay.receiver.outbox import Send, Stamp
from fieldlink.relay.receiver.partial import Partial
from fieldlink.relay.receiver.settings import ReceiverSettings
from fieldlink.relay.receiver.tally import GOOD_NEWS, Tally

__all__ = ["Engine"]

_log = logging.getLogger(__name__)
_IDLE_S = 0.25
_LOOK_AGAIN_S = 0.5
_ROOM_S = 1.0
_STOP_S = 8.0
_TIDY_S = 5.0
_TELL_AGAIN_US = 1_000_000


class Engine:
    """Takes messages with `receive`, answers through `send`; what fails comes out of `failure`."""

    def __init__(
        self,
        archive: Archive,
        catalogue: Catalogue,
        feed: Feed,
        settings: ReceiverSettings,
        *,
        name: str,
        send: Send,
        clock: Callable[[], int],
        tally: Tally | None = None,
    ) -> None:
        self.run_id = secrets.token_bytes(8)
        self.name = name
        self.tally = tally or Tally()
        self.failure: Future[None] = Future()
        self._archive = archive
        self._catalogue = catalogue
        self._settings = settings
        self._send = send
        self._clock = clock
        self._feed = feed
        self._book = OrderBook(catalogue, clock)
        self._told_us: dict[str, int] = {}
        self._inbox = Inbox(settings.queue)
        self._incoming = Incoming(archive.incoming, settings)
        memory = CustodyMemory()
        stamp = Stamp(clock)
        self._committer = Committer(
            Filer(archive, catalogue, clock),
            catalogue,
            memory=memory,
            tally=self.tally,
            feed=feed,
            send=send,
            clock=clock,
            stamp=stamp,
        )
        self._core = Receiver(
            self,
            self._incoming,
            settings,
            memory=memory,
            tally=self.tally,
            send=send,
            clock=clock,
            stamp=stamp,
        )
        self._active: frozenset[str] = frozenset()
        self._looked_s = 0.0
        self._room = (0.0, True)
        self._beats: dict[str, float] = {}
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Take up what an earlier run left under way, and start the threads.

        Raises:
            OSError, ArchiveError: the archive or the catalogue cannot be read.
        """
        self._active = frozenset(self._catalogue.active_kits())
        whole = self._incoming.load(self._clock())
        self._begin("commit", self._commit)
        for partial in whole:
            self._core.finish(partial)
        self._begin("receive", self._receive)

    def stop(self) -> None:
        """File what is whole, keep what is under way, end the threads."""
        self._stopping.set()
        self._inbox.close()
        self._committer.stop()
        for thread in self._threads:
            thread.join(_STOP_S)
        self._incoming.close()

    def receive(self, topic: str, payload: bytes) -> None:
        """Take one message; on the network's thread."""
        if not self._inbox.put(topic, payload):
            self.tally.note("overload", None, "a message was dropped, kits ask again", self._now())

    def welcome(self) -> None:
        """Greet every admitted kit: whoever has bundles under way asks about them."""
        for kit in self._active:
            self._send(kit, "welcome", Welcome(self.run_id, self._now(), self.name))

    def refresh_orders(self) -> None:
        """Read what kits are asked for, and tell those for whom it changed; on any thread.

        Raises:
            ArchiveError: the catalogue does not work.
        """
        for kit, orders in self._book.refresh(self._active):
            self._send(kit, "orders", orders)
            self._feed.publish("want", {"kit": kit})

    def set_active(self, kits: Collection[str]) -> None:
        """These kits have joined and are not revoked."""
        self._active = frozenset(kits)

    @property
    def healthy(self) -> bool:
        """Whether both threads turned lately."""
        oldest = min(self._beats.values(), default=0.0)
        return time.monotonic() - oldest < 20.0 and not self.failure.done()

    def report(self) -> dict[str, object]:
        """What there is to say: counts since the start, and what is under way."""
        under_way, counts = self._incoming.totals(), self.tally.counts()
        return {
            "filed": self._committer.filed,
            "refused": {kind: n for kind, n in counts.items() if kind not in GOOD_NEWS},
            "room": self.has_room(),
            "waiting_bytes": self._inbox.waiting_bytes,
            "under_way": {kit: {"bundles": n, "bytes": b} for kit, (n, b) in under_way.items()},
        }

    def waiting_events(self) -> list[Event]:
        """Events that the catalogue could not take yet, because of its disk."""
        return self._committer.untold

    # What the core asks of the centre.

    def admitted(self, kit: str) -> bool:
        """Whether `kit` has joined and is not revoked; a new one is looked up at once."""
        if kit in self._active:
            return True
        now_s = time.monotonic()
        if now_s - self._looked_s < _LOOK_AGAIN_S:
            return False
        self._looked_s = now_s
        self._active = frozenset(self._catalogue.active_kits())
        return kit in self._active

    def held(self, ids: Collection[bytes]) -> set[bytes]:
        """Which of `ids` are in custody."""
        return self._catalogue.held(ids)

    def heard(self, news: KitNews) -> None:
        """A kit said something."""
        self._committer.heard(news)

    def orders(self, kit: str) -> Orders | None:
        """What `kit` is asked for; None while the catalogue does not work."""
        try:
            return self._book.orders(kit)
        except CatalogueCorruptError:
            raise
        except ArchiveError as error:
            self.tally.note("disk", None, f"orders cannot be read: {error}", self._now())
            return None

    def follows(self, kit: str, revision: object) -> None:
        """Tell `kit` again, at most once a second, if it follows other orders than there are."""
        now_us = self._now()
        if revision == self._book.revision(kit):
            return
        if 0 <= now_us - self._told_us.get(kit, -_TELL_AGAIN_US) < _TELL_AGAIN_US:
            return
        self._told_us[kit] = now_us
        orders = self.orders(kit)
        if orders is not None:
            self._send(kit, "orders", orders)

    def has_room(self) -> bool:
        """Whether the archive's disk has more room than has to stay free."""
        looked_s, room = self._room
        if time.monotonic() - looked_s > _ROOM_S:
            room = self._archive.free_bytes() > self._settings.keep_free
            self._room = (time.monotonic(), room)
        return room

    def finish(self, partial: Partial) -> None:
        """All bytes of a bundle are there."""
        self._committer.finish(partial)

    def _now(self) -> int:
        return self._clock()

    def _begin(self, name: str, body: Callable[[Callable[[], None]], None]) -> None:
        thread = threading.Thread(target=self._guarded, args=(body,), name=name)
        self._beats[name] = time.monotonic()
        self._threads.append(thread)
        thread.start()

    def _guarded(self, body: Callable[[Callable[[], None]], None]) -> None:
        name = threading.current_thread().name
        try:
            body(lambda: self._beats.__setitem__(name, time.monotonic()))
        except BaseException as error:  # noqa: BLE001  # it comes out of `failure`
            if not self.failure.done():
                self.failure.set_exception(error)
            self._inbox.close()
            self._committer.stop()

    def _receive(self, beat: Callable[[], None]) -> None:
        outbox = self._core.outbox
        tidied_s = -_TIDY_S
        while not self._stopping.is_set():
            beat()
            due_us = outbox.due_us
            wait_s = _IDLE_S if due_us is None else max(0.0, (due_us - self._clock()) / 1e6)
            for topic, payload in self._inbox.take(min(wait_s, _IDLE_S)):
                self._core.handle(topic, payload)
                if outbox.due(self._clock()):
                    outbox.flush()
                    beat()
            if outbox.due(self._clock()):
                outbox.flush()
            if self.failure.done():
                return
            if time.monotonic() - tidied_s >= _TIDY_S:
                self._tidy()
                tidied_s = time.monotonic()

    def _tidy(self) -> None:
        """Let go of bundles under way that nobody will finish, or whose disk is needed."""
        try:
            self._incoming.keep_only(self._active)
            if not self.has_room():
                self._incoming.drop_idle(self._clock())
        except OSError as error:
            _log.warning("bundles under way cannot be removed: %s", error.strerror)

    def _commit(self, beat: Callable[[], None]) -> None:
        self._committer.run(beat)
