"""A centre without network and threads, and a kit that makes bundles for it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fieldlink.codecs.bundle import (
    Layer,
    Manifest,
    Precedence,
    Ranges,
    bundle_id,
    content_hash,
    encode_manifest,
)
from fieldlink.codecs.wire import (
    Ack,
    AckItem,
    Ask,
    Chunk,
    Frame,
    Orders,
    Verdict,
    chunk_digest,
    encode_frame,
    up_topic,
)
from fieldlink.relay.archive import Archive
from fieldlink.relay.archive.filing import Filer
from fieldlink.relay.archive.rebuild import open_or_rebuild
from fieldlink.relay.catalogue import KitNews, sqlite_url
from fieldlink.relay.feed import Feed
from fieldlink.relay.receiver.committer import Committer
from fieldlink.relay.receiver.core import Receiver
from fieldlink.relay.receiver.incoming import Incoming
from fieldlink.relay.receiver.memory import CustodyMemory
from fieldlink.relay.receiver.outbox import Stamp
from fieldlink.relay.receiver.partial import Partial
from fieldlink.relay.receiver.settings import ReceiverSettings
from fieldlink.relay.receiver.tally import Tally

__all__ = ["Bundle", "Line", "StillCentre", "make_bundle"]

T0_US = 1_790_000_000_000_000


@dataclass(frozen=True)
class Bundle:
    """A bundle as a kit's spool holds it."""

    manifest: Manifest
    encoded: bytes
    content: bytes

    @property
    def id(self) -> bytes:
        """The bundle's id."""
        return bundle_id(self.encoded)

    def chunk(self, start: int, end: int, *, with_manifest: bool = True, **changed: Any) -> Chunk:
        """The chunk of these bytes; `changed` fields lie."""
        payload = self.content[start:end]
        fields: dict[str, Any] = {
            "bundle": self.id,
            "offset": start,
            "size": self.manifest.size,
            "digest": chunk_digest(payload),
            "bearer": "lan",
            "sent_us": T0_US + 5,
            "manifest": self.encoded if with_manifest else None,
            "payload": payload,
        }
        return Chunk(**{**fields, **changed})

    def whole(self, **changed: Any) -> Chunk:
        """All of it in one chunk."""
        return self.chunk(0, self.manifest.size, **changed)


def make_bundle(content: bytes, *, sequence: int = 1, kit: str = "kit-a", **fields: Any) -> Bundle:
    """A bundle of `kit`; `fields` replace the manifest's."""
    values: dict[str, Any] = {
        "kit": kit,
        "spool": b"spool-01",
        "sequence": sequence,
        "device": "ball-1",
        "stream": "video",
        "layer": Layer.PROXY,
        "precedence": Precedence.ROUTINE,
        "start_us": T0_US + sequence * 1_000_000,
        "end_us": T0_US + (sequence + 1) * 1_000_000,
        "recorded_us": T0_US + (sequence + 1) * 1_000_000,
        "media_type": "video/mp4",
        "size": len(content),
        "content_hash": content_hash(content),
    }
    manifest = Manifest(**{**values, **fields})
    return Bundle(manifest, encode_manifest(manifest), content)


class Line:
    """Where a fleet's reports (`fieldlab.fleet`) go to be sent over a link."""

    def __init__(self) -> None:
        self.bundles: list[Bundle] = []

    def file(self, device: str, layer: Layer, start_us: int, content: bytes, **said: Any) -> str:
        """Take a report."""
        bundle = make_bundle(
            content,
            sequence=len(self.bundles) + start_us,
            kit=said["kit"],
            device=device,
            stream=said["stream"],
            layer=layer,
            media_type=said["media_type"],
            start_us=start_us,
            end_us=start_us,
            recorded_us=start_us,
        )
        self.bundles.append(bundle)
        return bundle.id.hex()


class StillCentre:
    """Receiver, archive and catalogue below `root`; nothing is filed before `commit`.

    `close` and a new one on the same `root` are a restart; without `commit` before, a kill.
    """

    def __init__(self, root: Path, *, kits: Iterable[str] = ("kit-a",), **settings: Any) -> None:
        self.now_us = T0_US
        self.run_id = b"run-0001"
        self.name = "centre"
        self.sent: list[tuple[str, str, Frame]] = []
        self.custody: set[bytes] = set()
        self.answers: dict[bytes, AckItem] = {}
        self.tally = Tally()
        self.news: list[KitNews] = []
        self.room = True
        self.order_book: dict[str, Orders] = {}
        self.followed: dict[str, object] = {}
        self.kits = set(kits)
        self.archive = Archive.open(root / "archive")
        url = sqlite_url(root / "catalogue.sqlite")
        self.catalogue, self.findings = open_or_rebuild(url, self.archive, self.clock)
        chosen = ReceiverSettings(**settings)
        incoming = Incoming(self.archive.incoming, chosen)
        memory = CustodyMemory()
        shared: dict[str, Any] = {
            "memory": memory,
            "tally": self.tally,
            "send": self._send,
            "clock": self.clock,
            "stamp": Stamp(self.clock),
        }
        self.core = Receiver(self, incoming, chosen, **shared)
        filer = Filer(self.archive, self.catalogue, self.clock)
        self.committer = Committer(filer, self.catalogue, feed=Feed(), **shared)
        self.incoming = incoming
        self._whole: list[Partial] = []
        for partial in incoming.load(self.now_us):
            self.core.finish(partial)

    def clock(self) -> int:
        """A time that goes on by a microsecond whenever somebody looks."""
        self.now_us += 1
        return self.now_us

    def take(self, frame: Frame, kind: str = "chunk", kit: str = "kit-a") -> AckItem | None:
        """Take a frame; the answer to its bundle so far."""
        self.take_bytes(encode_frame(frame), kind, kit)
        return self.answers.get(frame.bundle) if isinstance(frame, Chunk) else None

    def take_bytes(self, data: bytes, kind: str = "chunk", kit: str = "kit-a") -> None:
        """Take any message."""
        self.core.handle(up_topic(kit, kind), data)
        self.core.outbox.flush()

    def commit(self) -> None:
        """File what is whole."""
        group, self._whole = self._whole, []
        if group:
            self.committer.commit(group)

    def ask(self, bundle: Bundle) -> AckItem | None:
        """What the centre holds of `bundle`; None while it is being filed."""
        self.answers.pop(bundle.id, None)
        self.take(Ask((bundle.id,)), "ask", bundle.manifest.kit)
        return self.answers.get(bundle.id)

    def send_rest(self, bundle: Bundle, step: int = 1000) -> None:
        """What a kit does after a break: ask, send what is missing, until custody."""
        for _ in range(4):
            answer = self.ask(bundle)
            if answer is not None and answer.verdict is Verdict.CUSTODY:
                return
            if answer is not None:
                size = bundle.manifest.size
                for start, end in answer.ranges.missing(size) if size else [(0, 0)]:
                    for at in range(start, max(end, start + 1), step):
                        self.take(bundle.chunk(at, min(at + step, end)))
            self.commit()
        raise AssertionError(f"no custody; the last answer was {self.ask(bundle)}")

    def close(self) -> None:
        """Let go of everything, as a process that ends does."""
        self.incoming.close()
        self.catalogue.close()
        self.archive.close()

    def file_of(self, bundle: Bundle) -> Path:
        """The archived file."""
        filed = self.catalogue.bundle(bundle.id)
        assert filed is not None, "the bundle is not in the catalogue"
        return self.archive.locate(filed.path)

    def files(self) -> list[Path]:
        """Every file of the archive, without the hidden ones."""
        root = self.archive.root
        found = [path for path in root.rglob("*") if path.is_file()]
        return [path for path in found if not path.relative_to(root).parts[0].startswith(".")]

    # What the core asks of the centre.

    def admitted(self, kit: str) -> bool:
        return kit in self.kits

    def held(self, ids: Collection[bytes]) -> set[bytes]:
        return self.catalogue.held(ids)

    def heard(self, news: KitNews) -> None:
        self.news.append(news)

    def orders(self, kit: str) -> Orders | None:
        return self.order_book.get(kit)

    def follows(self, kit: str, revision: object) -> None:
        self.followed[kit] = revision

    def has_room(self) -> bool:
        return self.room

    def finish(self, partial: Partial) -> None:
        self._whole.append(partial)

    def _send(self, kit: str, kind: str, frame: Frame) -> None:
        self.sent.append((kit, kind, frame))
        for item in frame.items if isinstance(frame, Ack) else ():
            self.answers[item.bundle] = item
            if item.verdict is Verdict.CUSTODY:
                # Custody never comes before the file and the catalogue.
                filed = self.catalogue.bundle(item.bundle)
                assert filed is not None, "custody before the catalogue"
                assert self.archive.locate(filed.path).is_file(), "custody before the file"
                self.custody.add(item.bundle)


def held_ranges(item: AckItem | None) -> Ranges:
    """The ranges in an answer."""
    assert item is not None
    return item.ranges
