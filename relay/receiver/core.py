"""The receiver's session core: messages in, answers, writes and finished bundles out.

A chunk may come any number of times, in any order, by any bearer. It is checked in this order:
topic, admission, frame, identity, size, digest; then its bytes are held. When a bundle is whole
and its content hashes to what its manifest says, it is handed on to be filed; custody is
answered by whoever filed it, and again whenever it is asked for.
"""

from collections.abc import Callable, Collection
from typing import Protocol

from fieldlink.codecs.bundle import (
    Manifest,
    Ranges,
    bundle_id,
    check_name,
    content_hash,
    decode_manifest,
)
from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.wire import (
    AckItem,
    Ask,
    Chunk,
    Frame,
    Hello,
    Orders,
    State,
    Topic,
    Verdict,
    Welcome,
    chunk_digest,
    decode_frame,
    parse_topic,
)
from fieldlink.relay.catalogue import KitNews
from fieldlink.relay.receiver.ears import Ears
from fieldlink.relay.receiver.incoming import Busy, Incoming
from fieldlink.relay.receiver.memory import CustodyMemory
from fieldlink.relay.receiver.outbox import Outbox, Send, Stamp
from fieldlink.relay.receiver.partial import Partial
from fieldlink.relay.receiver.plain import plain
from fieldlink.relay.receiver.settings import ReceiverSettings
from fieldlink.relay.receiver.tally import Tally
from fieldlink.relay.window.plans import checked_plan

__all__ = ["Centre", "Receiver", "Refusal"]

_KIND_OF = {Chunk: "chunk", Ask: "ask", Hello: "hello", State: "state"}


class Refusal(Exception):  # noqa: N818  # an answer to the kit
    """A chunk is not taken; `word` is the protocol's (docs/protocol.md, section 6)."""

    def __init__(self, word: str, detail: str) -> None:
        super().__init__(f"{word}: {detail}")
        self.word = word
        self.detail = detail


class Centre(Protocol):
    """What the receiver asks of the rest of the centre."""

    run_id: bytes
    name: str

    def admitted(self, kit: str) -> bool:
        """Whether `kit` has joined and is not revoked."""

    def held(self, ids: Collection[bytes]) -> set[bytes]:
        """Which of `ids` are in custody."""

    def heard(self, news: KitNews) -> None:
        """A kit said something."""

    def orders(self, kit: str) -> Orders | None:
        """What `kit` is asked for; None when that cannot be read now."""

    def follows(self, kit: str, revision: object) -> None:
        """`kit` says which orders it follows; it is told again if they are others."""

    def has_room(self) -> bool:
        """Whether the archive's disk has room."""

    def finish(self, partial: Partial) -> None:
        """All bytes of a bundle are there; check and file it, then answer."""


class Receiver:
    """The core; used by one thread."""

    def __init__(
        self,
        centre: Centre,
        incoming: Incoming,
        settings: ReceiverSettings,
        *,
        memory: CustodyMemory,
        tally: Tally,
        send: Send,
        clock: Callable[[], int],
        stamp: Stamp,
    ) -> None:
        self._centre = centre
        self._incoming = incoming
        self._settings = settings
        self._memory = memory
        self._tally = tally
        self._send = send
        self._clock = clock
        self._stamp = stamp
        self._ears = Ears()
        self.outbox = Outbox(send)

    def handle(self, topic_text: str, payload: bytes) -> None:
        """Take one message; whatever is wrong with it is counted and answered, never raised."""
        now_us = self._clock()
        try:
            topic = parse_topic(topic_text)
        except CodecError as error:
            self._tally.note("topic", None, str(error), now_us)
            return
        admitted = self._centre.admitted(topic.kit)
        try:
            frame = decode_frame(payload)
            if topic.way != "up" or _KIND_OF.get(type(frame)) != topic.kind:
                raise CodecError("kind", f"a {type(frame).__name__} on {topic_text}")
        except CodecError as error:
            known = topic.kit if admitted else None
            self._tally.note("malformed", known, f"{topic.kit}: {error}", now_us)
            return
        if admitted:
            self._take(topic, frame, now_us)
        else:
            self._turn_away(topic.kit, frame, now_us)

    def _take(self, topic: Topic, frame: Frame, now_us: int) -> None:
        match frame:
            case Chunk():
                self._chunk(topic.kit, frame, now_us)
            case Ask():
                self._ask(topic.kit, frame, now_us)
            case Hello():
                self._hello(topic.kit, frame, now_us)
            case State():
                self._state(topic.kit, frame, now_us)

    def _state(self, kit: str, state: State, now_us: int) -> None:
        report = plain(state.report)
        said = report.pop("plan", None)  # it comes now and then, and has a time of its own
        plan = None
        if said is not None:
            try:
                plan = checked_plan(said)
            except CodecError as error:
                self._tally.note("malformed", kit, f"{kit}: {error}", now_us)
        offset_us = now_us - state.now_us
        news = KitNews(kit, now_us, report=report, plan=plan, clock_offset_us=offset_us)
        self._centre.heard(news)
        if "orders" in report:
            self._centre.follows(kit, report["orders"])

    def _turn_away(self, kit: str, frame: Frame, now_us: int) -> None:
        text = f"{kit} is not admitted, or revoked; nothing of it is taken"
        self._tally.note("revoked", kit, text, now_us)
        idents = frame.bundles if isinstance(frame, Ask) else ()
        for ident in (frame.bundle,) if isinstance(frame, Chunk) else idents:
            self._refuse(kit, ident, Refusal("revoked", "this kit is not admitted"), now_us)

    def _hello(self, kit: str, hello: Hello, now_us: int) -> None:
        devices = {}
        for name, kind in hello.devices.items():
            try:
                devices[check_name("device", name)] = kind
            except CodecError as error:
                self._tally.note("malformed", kit, f"{kit}: {error}", now_us)
        news = KitNews(
            kit,
            now_us,
            software=hello.software,
            bearer=hello.bearer,
            devices=devices,
            clock_offset_us=now_us - hello.now_us,
            heard_on={hello.bearer: now_us},
        )
        self._centre.heard(news)
        self._send(kit, "welcome", Welcome(self._centre.run_id, now_us, self._centre.name))
        orders = self._centre.orders(kit)
        if orders is not None:
            self._send(kit, "orders", orders)

    def _ask(self, kit: str, ask: Ask, now_us: int) -> None:
        self._centre.heard(KitNews(kit, now_us))
        unknown = [ident for ident in ask.bundles if not self._memory.knows(ident)]
        held = self._centre.held(unknown) if unknown else set()
        for ident in ask.bundles:
            if ident in held or self._memory.knows(ident):
                self._custody(kit, ident, now_us)
            elif not self._memory.finishing(ident):
                partial = self._incoming.find(kit, ident)
                self._have(kit, ident, partial.ranges if partial else Ranges(), now_us)
        self.outbox.flush()

    def _chunk(self, kit: str, chunk: Chunk, now_us: int) -> None:
        if self._ears.hears(kit, chunk.bearer, now_us):
            self._centre.heard(KitNews(kit, now_us, heard_on={chunk.bearer: now_us}))
        try:
            self._hold(kit, chunk, now_us)
        except Refusal as refusal:
            text = f"{kit}: bundle {chunk.bundle.hex()[:16]}: {refusal}"
            self._tally.note(refusal.word, kit, text, now_us)
            self._refuse(kit, chunk.bundle, refusal, now_us)
        except Busy as error:
            self._busy(kit, chunk, str(error), now_us)
        except OSError as error:
            self._busy(kit, chunk, f"the centre's disk does not work: {error.strerror}", now_us)

    def _hold(self, kit: str, chunk: Chunk, now_us: int) -> None:
        # Identity first: not even a bundle in custody is answered to another kit's manifest.
        manifest = None if chunk.manifest is None else self._manifest(kit, chunk)
        if chunk.size > self._settings.max_bundle:
            raise Refusal("size", f"{chunk.size} bytes; {self._settings.max_bundle} is the most")
        if self._memory.knows(chunk.bundle):
            self._custody(kit, chunk.bundle, now_us)
        elif not self._memory.finishing(chunk.bundle):  # else its custody is on the way
            partial = self._incoming.find(kit, chunk.bundle)
            if partial is not None:
                self._continue(partial, chunk, now_us)
            elif self._centre.held([chunk.bundle]):
                self._memory.end(chunk.bundle, custody=True)
                self._custody(kit, chunk.bundle, now_us)
            elif manifest is None:
                self._have(kit, chunk.bundle, Ranges(), now_us)
            else:
                self._begin(manifest, chunk, now_us)

    def _begin(self, manifest: Manifest, chunk: Chunk, now_us: int) -> None:
        assert chunk.manifest is not None  # noqa: S101  # that is where `manifest` is from
        if not self._content_is_good(manifest, chunk):
            self._wrong_content(manifest.kit, chunk.bundle, now_us)
            return
        if not self._centre.has_room():
            raise Busy("the centre's disk is nearly full")
        partial = self._incoming.begin(chunk.bundle, chunk.manifest, manifest, now_us)
        self._write(partial, chunk, now_us)

    def _continue(self, partial: Partial, chunk: Chunk, now_us: int) -> None:
        if self._content_is_good(partial.manifest, chunk):
            self._write(partial, chunk, now_us)
        else:
            self._incoming.drop(partial)
            self._wrong_content(partial.manifest.kit, chunk.bundle, now_us)

    def _content_is_good(self, manifest: Manifest, chunk: Chunk) -> bool:
        """Check a chunk; False: it is a whole bundle, as it was sent, with other content."""
        size = manifest.size
        if chunk.size != size:
            raise Refusal("size", f"a chunk says {chunk.size} bytes and the manifest {size}")
        whole = len(chunk.payload) == size
        # The content's hash covers a whole bundle's chunk better than the chunk's own digest.
        if whole and content_hash(chunk.payload) == manifest.content_hash:
            return True
        if chunk_digest(chunk.payload) != chunk.digest:
            raise Refusal("digest", f"the chunk at {chunk.offset} was changed on its way")
        return not whole

    def _write(self, partial: Partial, chunk: Chunk, now_us: int) -> None:
        partial.trace.note(chunk.sent_us, now_us, chunk.bearer)
        self._incoming.write(partial, chunk.offset, memoryview(chunk.payload), now_us)
        if partial.complete:
            self.finish(partial)
        else:
            self._have(partial.manifest.kit, chunk.bundle, partial.ranges, now_us)

    def finish(self, partial: Partial) -> None:
        """Hand a whole bundle on to be filed."""
        self.outbox.withdraw(partial.manifest.kit, partial.bundle_id)
        self._memory.begin(partial.bundle_id)
        self._incoming.release(partial)
        self._centre.finish(partial)

    def _wrong_content(self, kit: str, ident: bytes, now_us: int) -> None:
        text = f"{kit}: bundle {ident.hex()[:16]} is not what its manifest says"
        self._tally.note("content", kit, text, now_us)
        self._have(kit, ident, Ranges(), now_us)

    def _manifest(self, kit: str, chunk: Chunk) -> Manifest:
        assert chunk.manifest is not None  # noqa: S101  # the caller looked
        if bundle_id(chunk.manifest) != chunk.bundle:
            raise Refusal("manifest", "its hash is not the bundle's id")
        try:
            manifest = decode_manifest(chunk.manifest)
        except CodecError as error:
            raise Refusal("manifest", str(error)) from error
        if manifest.kit != kit:
            raise Refusal("identity", f"the manifest names kit {manifest.kit}, the topic {kit}")
        return manifest

    def _have(self, kit: str, ident: bytes, ranges: Ranges, now_us: int) -> None:
        self.outbox.put(kit, AckItem(ident, Verdict.HAVE, self._stamp(), ranges), now_us)

    def _custody(self, kit: str, ident: bytes, now_us: int) -> None:
        self.outbox.put(kit, AckItem(ident, Verdict.CUSTODY, self._stamp()), now_us)

    def _refuse(self, kit: str, ident: bytes, refusal: Refusal, now_us: int) -> None:
        item = AckItem(ident, Verdict.REFUSED, self._stamp(), reason=str(refusal))
        self.outbox.put(kit, item, now_us)

    def _busy(self, kit: str, chunk: Chunk, detail: str, now_us: int) -> None:
        self._tally.note("busy", kit, f"{kit} has to wait: {detail}", now_us)
        self._refuse(kit, chunk.bundle, Refusal("busy", detail), now_us)
