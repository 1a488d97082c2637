"""The thread that makes things durable: it files whole bundles in groups and answers custody.

While one group is being filed the next gathers, and for a moment longer when groups follow each
other closely; an idle centre adds no wait. What kits said and what was refused goes to the
catalogue from here, too.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fieldlink.codecs.bundle import Layer, Mark, Ranges
from fieldlink.codecs.fault import ArchiveError
from fieldlink.codecs.wire import AckItem, Verdict
from fieldlink.relay.archive.filing import Filer, Finished, Outcome
from fieldlink.relay.catalogue import (
    Catalogue,
    CatalogueCorruptError,
    Event,
    Filing,
    KitNews,
)
from fieldlink.relay.feed import Feed
from fieldlink.relay.receiver.memory import CustodyMemory
from fieldlink.relay.receiver.outbox import Send, Stamp, acks
from fieldlink.relay.receiver.partial import Partial
from fieldlink.relay.receiver.tally import GOOD_NEWS, Tally

__all__ = ["Committer"]

_log = logging.getLogger(__name__)
_MOST_WAITING = 1024
_GROUP = 256
# Under load a group gathers for so long after the last: each sync holds up every other write.
_GATHER_S = 0.05
_TELL_US = 1_000_000
_MOST_UNTOLD = 1_000


class Committer:
    """Files what the receiver finished; `run` is the thread's body."""

    def __init__(
        self,
        filer: Filer,
        catalogue: Catalogue,
        *,
        memory: CustodyMemory,
        tally: Tally,
        feed: Feed,
        send: Send,
        clock: Callable[[], int],
        stamp: Stamp,
    ) -> None:
        self._filer = filer
        self._catalogue = catalogue
        self._memory = memory
        self._tally = tally
        self._feed = feed
        self._send = send
        self._clock = clock
        self._stamp = stamp
        self._change = threading.Condition()
        self._waiting: list[Partial] = []
        self._news: dict[str, KitNews] = {}
        self._untold: list[Event] = []
        self._told_us = 0
        self._committed_s = 0.0
        self._stop = False
        self.filed = 0

    def finish(self, partial: Partial) -> None:
        """Take a whole bundle; waits while too many are there."""
        with self._change:
            self._change.wait_for(lambda: self._stop or len(self._waiting) < _MOST_WAITING)
            self._waiting.append(partial)
            self._change.notify_all()

    def heard(self, news: KitNews) -> None:
        """A kit said something."""
        with self._change:
            self._news[news.kit] = _merged(self._news.get(news.kit), news)

    @property
    def untold(self) -> list[Event]:
        """Events that the catalogue could not take yet."""
        return list(self._untold)

    def stop(self) -> None:
        """Let `run` file what it has and return."""
        with self._change:
            self._stop = True
            self._change.notify_all()

    def run(self, beat: Callable[[], None]) -> None:
        """File until `stop`.

        Raises:
            CatalogueCorruptError: the catalogue was found damaged; a restart makes it again.
        """
        while True:
            with self._change:
                self._change.wait_for(lambda: self._stop or bool(self._waiting), _TELL_US / 4e6)
                rest_s = self._committed_s + _GATHER_S - time.monotonic()
                if self._waiting and rest_s > 0:
                    self._change.wait_for(
                        lambda: self._stop or len(self._waiting) >= _GROUP, rest_s
                    )
                group, self._waiting = self._waiting[:_GROUP], self._waiting[_GROUP:]
                last = self._stop and not self._waiting
                self._change.notify_all()
            beat()
            if group:
                self.commit(group)
                self._committed_s = time.monotonic()
            self._tell(last=last)
            if last:
                return

    def commit(self, group: Sequence[Partial]) -> None:
        """File `group` and answer for each of it: custody, or why not."""
        good = [partial for partial in group if self._checked(partial)]
        partials = {partial.bundle_id: partial for partial in good}
        batch = [_finished(partial) for partial in good]
        if not batch:
            return
        try:
            outcome = self._filer.file(batch)
        except CatalogueCorruptError:
            raise
        except (OSError, ArchiveError) as error:
            if len(good) > 1:  # one bad bundle must not hold up the others
                for partial in good:
                    self.commit([partial])
            else:
                self._give_back(good[0], error)
            return
        self._settle(outcome, partials)

    def _settle(self, outcome: Outcome, partials: Mapping[bytes, Partial]) -> None:
        now_us = self._clock()
        answers: dict[str, list[AckItem]] = {}
        for one in outcome.custody:
            self._memory.end(one.bundle_id, custody=True)
            item = AckItem(one.bundle_id, Verdict.CUSTODY, self._stamp())
            answers.setdefault(one.manifest.kit, []).append(item)
        for kit, items in answers.items():
            for ack in acks(items):
                self._send(kit, "ack", ack)
        for one in outcome.custody:
            partials[one.bundle_id].journal.unlink(missing_ok=True)
        for failed, error in outcome.failed:
            self._give_back(partials[failed.bundle_id], error)
        for kind, kit, text in outcome.alarms:
            self._tally.note(kind, kit, text, now_us)
        self.filed += len(outcome.filed)
        for filing in outcome.filed:
            if filing.mark is not None:
                self._marked(filing.manifest.kit, filing.mark, now_us)
            self._publish(filing)

    def _checked(self, partial: Partial) -> bool:
        try:
            if partial.content_is_good():
                return True
        except OSError as error:
            self._give_back(partial, error)
            return False
        now_us = self._clock()
        kit, ident = partial.manifest.kit, partial.bundle_id
        text = f"{kit}: bundle {ident.hex()[:16]} is not what its manifest says"
        self._tally.note("content", kit, text, now_us)
        self._forget(partial)
        self._answer(kit, AckItem(ident, Verdict.HAVE, self._stamp(), Ranges()))
        return False

    def _give_back(self, partial: Partial, error: Exception) -> None:
        """The centre's disk failed: the kit keeps the bundle and sends it again later."""
        now_us = self._clock()
        kit = partial.manifest.kit
        said = error.strerror if isinstance(error, OSError) else str(error)
        self._tally.note("disk", kit, f"a bundle of {kit} could not be filed: {said}", now_us)
        self._forget(partial)
        reason = "busy: the centre could not file it"
        item = AckItem(partial.bundle_id, Verdict.REFUSED, self._stamp(), reason=reason)
        self._answer(kit, item)

    def _forget(self, partial: Partial) -> None:
        self._memory.end(partial.bundle_id, custody=False)
        try:
            partial.forget()
        except OSError as error:
            _log.warning("%s cannot be removed: %s", partial.part, error.strerror)

    def _answer(self, kit: str, item: AckItem) -> None:
        for ack in acks([item]):
            self._send(kit, "ack", ack)

    def _tell(self, *, last: bool) -> None:
        """Put news and events into the catalogue, at most once a second."""
        now_us = self._clock()
        if not last and 0 <= now_us - self._told_us < _TELL_US:
            return
        self._told_us = now_us
        with self._change:
            news, self._news = list(self._news.values()), {}
        fresh = self._tally.take(now_us, everything=last)
        for event in fresh:
            level = logging.INFO if event.kind in GOOD_NEWS else logging.WARNING
            times = f" ({event.count} times)" if event.count > 1 else ""
            _log.log(level, "%s%s: %s", event.kind, times, event.text)
        self._untold = (self._untold + fresh)[-_MOST_UNTOLD:]
        try:
            self._catalogue.hear_kits(news)
            told = self._catalogue.log_events(self._untold) if self._untold else []
        except CatalogueCorruptError:
            raise
        except ArchiveError as error:
            self._tally.note("disk", None, f"the catalogue cannot be written: {error}", now_us)
            for event in fresh:  # pages are told all the same; they find it in `untold`
                self._feed.publish("event", _event_data(event))
            return
        self._untold = []
        for event in told:
            self._feed.publish("event", _event_data(event))
        for one in news:
            self._feed.publish("kit", {"kit": one.kit, "last_heard_us": one.heard_us})

    def _marked(self, kit: str, mark: Mark, now_us: int) -> None:
        """Somebody on site set a bookmark: an event for whoever is on duty."""
        said = f": {mark.note}" if mark.note else ""
        self._tally.note("mark", kit, f"{mark.device}/{mark.stream} is bookmarked{said}", now_us)
        self._feed.publish("want", {"kit": kit})

    def _publish(self, filing: Filing) -> None:
        m = filing.manifest
        data = {
            "bundle": filing.bundle_id.hex(),
            "incident": filing.incident,
            "kit": m.kit,
            "device": m.device,
            "stream": m.stream,
            "layer": m.layer.value,
            "start_us": m.start_us,
            "end_us": m.end_us,
            "size": m.size,
            "custody_us": filing.journey.custody_us,
        }
        self._feed.publish("bundle", data)
        if m.layer is Layer.STILL:
            self._feed.publish("still", data)
        if filing.gap is not None:
            gap = filing.gap
            span = {"start_us": gap.start_us, "end_us": gap.end_us, "reason": gap.reason}
            named = {"device": gap.device, "stream": gap.stream, "layer": gap.layer}
            self._feed.publish("gap", {**data, **span, **named})


def _finished(partial: Partial) -> Finished:
    trace = partial.trace
    return Finished(
        partial.bundle_id,
        partial.encoded,
        partial.manifest,
        partial.part,
        trace.first_sent_us,
        trace.first_received_us,
        trace.last_received_us,
        tuple(trace.bearers),
    )


def _event_data(event: Event) -> dict[str, Any]:
    return {name: getattr(event, name) for name in Event.__dataclass_fields__}


def _merged(old: KitNews | None, new: KitNews) -> KitNews:
    if old is None:
        return new
    fields = ("software", "bearer", "devices", "report", "clock_offset_us", "plan")
    known = {name: getattr(old, name) for name in fields if getattr(new, name) is None}
    heard_on = {**(old.heard_on or {}), **(new.heard_on or {})} or None
    return replace(new, **known, heard_on=heard_on)
