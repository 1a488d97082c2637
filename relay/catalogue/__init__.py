"""The catalogue: what the centre knows, in a database; samples of telemetry among it.

Its writes are durable when they return (SQLite: WAL with synchronous=FULL). Every method is one
transaction, blocks, and may be called from any thread. Times are UTC microseconds.
"""

from pathlib import Path
from types import TracebackType

from fieldlink.relay.catalogue.accounts import Accounts
from fieldlink.relay.catalogue.alarms import AlarmChange, Alarms, StoredAlarm
from fieldlink.relay.catalogue.bundles import Bundles
from fieldlink.relay.catalogue.events import Events
from fieldlink.relay.catalogue.flight_news import FlightNews, Seen
from fieldlink.relay.catalogue.flight_rows import (
    FlightKey,
    FoundIndex,
    FoundPiece,
    Measured,
    StoredFlight,
    StoredPiece,
)
from fieldlink.relay.catalogue.flights import FlightTable, Touch
from fieldlink.relay.catalogue.incidents import WINDOW_US, Incidents, incident_for
from fieldlink.relay.catalogue.kits import Kits
from fieldlink.relay.catalogue.records import (
    STANDING,
    Arrivals,
    Event,
    FiledBundle,
    FiledGap,
    Filing,
    Incident,
    Journey,
    Kit,
    KitNews,
    LayerSummary,
    Service,
    SpanRow,
    StoredWant,
    StreamSummary,
    Token,
    User,
)
from fieldlink.relay.catalogue.samples import SampleBlock, Samples, StoredSeries
from fieldlink.relay.catalogue.schema import (
    CatalogueCorruptError,
    CatalogueNewerError,
    open_engine,
    sqlite_path,
    sqlite_url,
)
from fieldlink.relay.catalogue.spans import Spans
from fieldlink.relay.catalogue.wants import TooManyWantsError, Wants

__all__ = [
    "STANDING",
    "WINDOW_US",
    "AlarmChange",
    "Arrivals",
    "Catalogue",
    "CatalogueCorruptError",
    "CatalogueNewerError",
    "Event",
    "FiledBundle",
    "FiledGap",
    "Filing",
    "FlightKey",
    "FoundIndex",
    "FoundPiece",
    "Incident",
    "Journey",
    "Kit",
    "KitNews",
    "LayerSummary",
    "Measured",
    "SampleBlock",
    "Seen",
    "Service",
    "SpanRow",
    "StoredAlarm",
    "StoredFlight",
    "StoredPiece",
    "StoredSeries",
    "StoredWant",
    "StreamSummary",
    "Token",
    "TooManyWantsError",
    "Touch",
    "User",
    "incident_for",
    "sqlite_path",
    "sqlite_url",
]


class Catalogue(
    Bundles,
    Spans,
    Incidents,
    Kits,
    Wants,
    Events,
    Accounts,
    Samples,
    Alarms,
    FlightTable,
    FlightNews,
):
    """All parts of the catalogue on one database."""

    @classmethod
    def open(cls, where: Path | str, *, now_us: int, check: bool = False) -> "Catalogue":
        """The catalogue at `where` (a file, or a database's URL), made or migrated if need be.

        With `check` it is first read through for damage.

        Raises:
            ArchiveError: it cannot be opened; CatalogueNewerError and CatalogueCorruptError
                say when it is too new or damaged.
        """
        url = sqlite_url(where) if isinstance(where, Path) else where
        catalogue = cls(open_engine(url, check=check), url)
        catalogue.ensure_standing(now_us)
        return catalogue

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def __enter__(self) -> "Catalogue":
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _where: TracebackType | None,
    ) -> None:
        self.close()
