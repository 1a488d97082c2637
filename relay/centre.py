"""The centre's main: builds every part, and is the only place that knows them all."""

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fieldlink.codecs.fault import ArchiveError, ConfigError
from fieldlink.relay.addresses import own_addresses
from fieldlink.relay.archive import Archive
from fieldlink.relay.archive.rebuild import open_or_rebuild
from fieldlink.relay.beside import SERVICE, now_us
from fieldlink.relay.broker.broker import Broker, BrokerEvent
from fieldlink.relay.catalogue import Catalogue, CatalogueCorruptError, sqlite_url
from fieldlink.relay.config import RelaySettings
from fieldlink.relay.feed import Feed
from fieldlink.relay.flights.service import Flights
from fieldlink.relay.outlets.rows import outlet_rows
from fieldlink.relay.pki.admission import Member, members
from fieldlink.relay.pki.authority import Authority
from fieldlink.relay.pki.enrolment import enrolment_router
from fieldlink.relay.receiver.service import ReceiverService
from fieldlink.relay.receiver.tally import Tally
from fieldlink.relay.telemetry.service import Telemetry
from fieldlink.relay.web.accounts import ensure_duty_account
from fieldlink.relay.web.app import create_app
from fieldlink.relay.web.service import WebServer
from fieldlink.relay.web.sessions import load_session_key
from fieldlink.systemd.durable import make_folder
from fieldlink.systemd.service import Row, serve

__all__ = ["Centre", "run_centre"]

_log = logging.getLogger(__name__)
_LOOK_S = 1.0

Say = Callable[[str], None]


async def run_centre(settings: RelaySettings, say: Say) -> None:
    """Run the centre until SIGTERM or SIGINT; `say` gets the few lines meant for people.

    Raises:
        FieldlinkError: something cannot be opened; the message says what to do.
    """
    centre = Centre.open(settings, say)
    watcher = _Watcher(centre)
    try:
        await serve(centre.rows(watcher), on_ready=watcher.ready)
    finally:
        centre.close()


@dataclass
class Centre:
    """Every part of a running centre."""

    settings: RelaySettings
    archive: Archive
    catalogue: Catalogue
    broker: Broker
    receiver: ReceiverService
    telemetry: Telemetry
    flights: Flights
    web: WebServer
    outlets: Sequence[Row]
    say: Say

    @classmethod
    def open(cls, settings: RelaySettings, say: Say) -> "Centre":
        """Open or make everything.

        Raises:
            FieldlinkError: a part cannot be opened.
        """
        _make_state_folder(settings)
        archive = Archive.open(settings.archive_root)  # first: it is one relay's at a time
        try:
            addresses = settings.web.addresses or own_addresses()
            pki = settings.state_dir / "pki"
            life_us = round(settings.pki.kit_life * 1e6)
            authority = Authority.open(
                pki, now_us=now_us(), addresses=addresses, kit_life_us=life_us
            )
            url = settings.catalogue_url or sqlite_url(settings.catalogue_path)
            catalogue, findings = open_or_rebuild(url, archive, now_us)
            for finding in findings:
                say(finding)
                catalogue.log_event("recovered", None, finding, now_us())
            return cls._compose(settings, archive, catalogue, authority, say)
        except BaseException:
            archive.close()
            raise

    @classmethod
    def _compose(
        cls,
        settings: RelaySettings,
        archive: Archive,
        catalogue: Catalogue,
        authority: Authority,
        say: Say,
    ) -> "Centre":
        feed = Feed()
        tally = Tally()
        broker = Broker(
            settings.broker,
            authority,
            lambda: members(catalogue),
            folder=settings.state_dir / "broker",
            clock=now_us,
            revoked=catalogue.revoked_serials,
            on_event=lambda event: _note_broker(tally, event),
        )
        receiver = ReceiverService(
            archive,
            catalogue,
            feed,
            settings.receiver,
            name=settings.name,
            address=lambda: broker.address,
            tls=authority.tls,
            clock=now_us,
            tally=tally,
            broker_up=broker.ready,
        )

        def note(kind: str, kit: str | None, text: str) -> None:
            tally.note(kind, kit, text, now_us())

        telemetry = Telemetry(catalogue, archive, feed, clock=now_us, note=note)
        flights = Flights(catalogue, archive, feed, telemetry.history, clock=now_us, note=note)

        def joined() -> None:
            receiver.engine.set_active(catalogue.active_kits())
            broker.reload()

        app = create_app(
            name=settings.name,
            catalogue=catalogue,
            archive_root=settings.archive_root,
            feed=feed,
            settings=settings.web,
            map_settings=settings.map,
            session_key=load_session_key(settings.state_dir),
            clock=now_us,
            enrolment=enrolment_router(
                catalogue,
                authority,
                lambda: broker.kit_address,
                log_event=note,
                clock=now_us,
                on_joined=joined,
            ),
            waiting_events=receiver.engine.waiting_events,
            orders_changed=receiver.engine.refresh_orders,
            telemetry=telemetry,
        )
        tls = authority.tls
        web = WebServer(app, settings.web, certificate=tls.certificate, key=tls.key)
        password = ensure_duty_account(catalogue, now_us)
        if password is not None:
            say(f"the page's first account, shown only now: duty {password}")
        outlets = outlet_rows(
            settings.webhook,
            settings.mqtt_out,
            catalogue,
            telemetry.board,
            feed,
            centre=settings.name,
            clock=now_us,
            note=note,
        )
        parts = (broker, receiver, telemetry, flights, web)
        return cls(settings, archive, catalogue, *parts, outlets, say)

    def rows(self, watcher: "_Watcher") -> list[Row]:
        """The centre's tasks."""
        return [
            *self.broker.rows(),
            Row("receiver", self.receiver.run),
            Row("telemetry", self.telemetry.run),
            Row("flights", self.flights.run),
            *self.outlets,
            Row("web", self.web.run),
            Row("watcher", watcher.run),
        ]

    def close(self) -> None:
        """Close what the rows leave open."""
        self.archive.close()
        self.catalogue.close()

    def page_url(self) -> str:
        """Where the page is, as seen from this machine."""
        host = (self.settings.web.addresses or own_addresses())[0]
        shown = f"[{host}]" if ":" in host else host
        return f"https://{shown}:{self.web.port}/"


def _make_state_folder(settings: RelaySettings) -> None:
    try:
        make_folder(settings.state_dir)
    except OSError as error:
        raise ConfigError(
            f"state_dir = {settings.state_dir}: cannot be made ({error.strerror}); "
            "give its parent to this user or set it to another folder"
        ) from error


class _Watcher:
    """Looks every second for admissions that a command changed, and says that the centre lives."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._known: dict[str, Member] | None = None
        self._started_us = now_us()
        self._ready = False

    def ready(self) -> None:
        """Every row works: from now on the centre counts as running."""
        self._ready = True
        self._live()
        self._centre.say(f"the centre is up; its page is {self._centre.page_url()}")

    async def run(self, beat: Callable[[], None]) -> None:
        """Look until cancelled."""
        try:
            while True:
                await asyncio.to_thread(self._look_anyway)
                beat()
                await asyncio.sleep(_LOOK_S)
        finally:
            self._ready = False
            self._told_anyway(self._live)

    def _look_anyway(self) -> None:
        self._told_anyway(self._look)

    def _told_anyway(self, work: Callable[[], None]) -> None:
        """Do `work`; a full or broken disk is told and tried again: the page goes on."""
        try:
            work()
        except CatalogueCorruptError:
            raise
        except (ArchiveError, OSError) as error:
            text = f"the centre's disk does not work: {error}"
            self._centre.receiver.engine.tally.note("disk", None, text, now_us())

    def _look(self) -> None:
        centre = self._centre
        found = {member.kit: member for member in members(centre.catalogue)}
        # The desk tells the broker of a kit that joins: one put out since was never seen here.
        told = {member.kit: member for member in centre.broker.told}
        if self._known != found or told != found:
            centre.receiver.engine.set_active(list(found))
            centre.broker.reload()
            if self._known is not None:
                self._tell(self._known | told, found)
            self._known = found
        centre.receiver.engine.refresh_orders()
        if self._ready:
            self._live()

    def _tell(self, before: dict[str, Member], after: dict[str, Member]) -> None:
        tally = self._centre.receiver.engine.tally
        for kit in before.keys() - after:
            tally.note("put-out", kit, f"{kit} is revoked and was cut off", now_us())

    def _live(self) -> None:
        centre = self._centre
        report: dict[str, Any] = {
            "running": self._ready,
            "pid": os.getpid(),
            "page": centre.page_url(),
            "port": centre.web.port,
            "broker": "{}:{}".format(*centre.broker.address),
            "broker_reached": centre.receiver.connected,
            "free_bytes": centre.archive.free_bytes(),
            **centre.receiver.engine.report(),
        }
        centre.catalogue.beat(SERVICE, self._started_us, now_us(), report)


def _note_broker(tally: Tally, event: BrokerEvent) -> None:
    tally.note(event.kind, event.kit, event.text, now_us(), count=event.count)
