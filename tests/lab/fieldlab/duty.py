"""A centre's web server with a real catalogue, a real archive and real media, for tests."""

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fieldlab.footage import AV1_TYPE
from fieldlink.codecs.bundle import (
    GAP_MEDIA_TYPE,
    Gap,
    Layer,
    Manifest,
    Precedence,
    bundle_id,
    content_hash,
    encode_gap,
    encode_manifest,
)
from fieldlink.codecs.bundle.manifest import MetaValue
from fieldlink.relay.archive import Archive
from fieldlink.relay.archive.names import bundle_path
from fieldlink.relay.catalogue import Catalogue, Filing, Journey
from fieldlink.relay.feed import Feed
from fieldlink.relay.flights.service import Flights
from fieldlink.relay.pki.authority import Authority
from fieldlink.relay.pki.enrolment import enrolment_router
from fieldlink.relay.telemetry.service import Telemetry
from fieldlink.relay.web import WebServer, WebSettings, create_app
from fieldlink.relay.web.map_settings import MapSettings

__all__ = ["PASSWORD", "Duty", "now_us", "open_duty"]

PASSWORD = "night-watch-2026"


def now_us() -> int:
    """This machine's clock in UTC microseconds."""
    return time.time_ns() // 1000


@dataclass
class Duty:
    """A centre whose archive a test fills by hand."""

    folder: Path
    catalogue: Catalogue
    feed: Feed = field(default_factory=Feed)
    notes: list[tuple[str, str | None, str]] = field(default_factory=list)
    url: str = ""
    incident: str = "standing"
    sequence: int = 0

    def __post_init__(self) -> None:
        self.telemetry = Telemetry(
            self.catalogue,
            Archive.open(self.archive, write=False),
            self.feed,
            clock=now_us,
            note=lambda *said: self.notes.append(said),
        )
        """Takes in what was filed when a test says so: `telemetry.settle()`."""
        self.flights = Flights(
            self.catalogue,
            Archive.open(self.archive, write=False),
            self.feed,
            self.telemetry.history,
            clock=now_us,
            note=lambda *said: self.notes.append(said),
        )
        """Likewise: `flights.settle()`, after the telemetry."""

    @property
    def archive(self) -> Path:
        """The archive's root."""
        return self.folder / "archive"

    def file(
        self,
        device: str,
        layer: Layer,
        start_us: int,
        content: bytes,
        *,
        seconds: float = 0.0,
        media_type: str = AV1_TYPE,
        kit: str = "kit-1",
        stream: str = "video",
        gap: Gap | None = None,
        thin: int | None = None,
        meta: Mapping[str, MetaValue] | None = None,
        custody_us: int | None = None,
    ) -> str:
        """File a bundle as the receiver would; returns its id."""
        self.sequence += 1
        end_us = start_us + round(seconds * 1e6)
        manifest = Manifest(
            kit=kit,
            spool=b"spool-01",
            sequence=self.sequence,
            device=device,
            stream=stream,
            layer=layer,
            precedence=Precedence.PRIORITY,
            start_us=start_us,
            end_us=end_us,
            recorded_us=end_us,
            media_type=media_type,
            size=len(content),
            content_hash=content_hash(content),
            meta={**({} if thin is None else {"thin": thin}), **(meta or {})},
        )
        encoded = encode_manifest(manifest)
        path = bundle_path(manifest, self.incident)
        (self.archive / path).parent.mkdir(parents=True, exist_ok=True)
        (self.archive / path).write_bytes(content)
        sent = end_us + 400_000
        filed_us = sent + 900_000 if custody_us is None else custody_us
        journey = Journey(end_us, filed_us, sent, sent + 200_000, sent + 700_000, ("wwan0",))
        identity = bundle_id(encoded)
        filing = Filing(identity, manifest, encoded, self.incident, path, journey, gap)
        self.catalogue.file_bundles([filing])
        told = {"kit": kit, "device": device, "stream": stream, "layer": layer.value}
        self.feed.publish("still" if layer is Layer.STILL else "bundle", told)
        return identity.hex()

    def file_gap(self, device: str, start_us: int, end_us: int, reason: str) -> str:
        """File a gap as the receiver would."""
        gap = Gap(device, "video", start_us, end_us, reason)
        return self.file(
            device,
            Layer.REPORT,
            start_us,
            encode_gap(gap),
            seconds=(end_us - start_us) / 1e6,
            media_type=GAP_MEDIA_TYPE,
            gap=gap,
        )


@contextmanager
def open_duty(
    folder: Path,
    settings: WebSettings | None = None,
    *,
    map_settings: MapSettings | None = None,
) -> Iterator[Duty]:
    """A centre serving on a free port, with the account "duty" and `PASSWORD`."""
    from fieldlink.relay.web.accounts import set_password

    (folder / "archive").mkdir(parents=True)
    catalogue = Catalogue.open(folder / "catalogue.db", now_us=now_us())
    duty = Duty(folder, catalogue)
    set_password(catalogue, "duty", PASSWORD, now_us)
    authority = Authority.open(folder / "pki", now_us=now_us(), addresses=("127.0.0.1",))
    chosen = settings or WebSettings(host="127.0.0.1", port=0)
    app = create_app(
        name="test",
        catalogue=catalogue,
        archive_root=duty.archive,
        feed=duty.feed,
        settings=chosen,
        map_settings=map_settings,
        session_key=b"k" * 32,
        clock=now_us,
        telemetry=duty.telemetry,
        enrolment=enrolment_router(
            catalogue,
            authority,
            lambda: ("127.0.0.1", 8883),
            log_event=lambda kind, kit, text: None,
            clock=now_us,
        ),
    )
    tls = authority.tls
    server = WebServer(app, chosen, certificate=tls.certificate, key=tls.key)
    duty.url = f"https://127.0.0.1:{server.port}"
    with _serving(server):
        yield duty
    catalogue.close()


@contextmanager
def _serving(server: WebServer) -> Iterator[None]:
    up = threading.Event()
    loop = asyncio.new_event_loop()
    serving = loop.create_task(server.run(up.set))
    thread = threading.Thread(target=_run, args=(loop, serving), name="duty")
    thread.start()
    try:
        assert up.wait(10), "the web server did not start"
        yield
    finally:
        loop.call_soon_threadsafe(serving.cancel)
        thread.join(10)


def _run(loop: asyncio.AbstractEventLoop, serving: asyncio.Task[None]) -> None:
    try:
        loop.run_until_complete(asyncio.wait({serving}))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()
