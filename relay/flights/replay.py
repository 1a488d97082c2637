"""A flight as it went, out of the telemetry that kits sent of it."""

from collections.abc import Sequence
from typing import Any

from fieldlink.codecs.telemetry import TEXT
from fieldlink.relay.catalogue import Catalogue, StoredFlight
from fieldlink.relay.flights.joining import COLUMNS, STREAMS, joined
from fieldlink.relay.flights.measuring import MAX_SAMPLES, GapRow, flight_end_us
from fieldlink.relay.telemetry.alarm_row import alarm_row
from fieldlink.relay.telemetry.history import History, Query

__all__ = ["MOST_ROWS", "replay_of"]

MOST_ROWS = 20_000
_MOST_TEXTS, _MOST_ALARMS, _MAX_TEXT = 2_000, 500, 400
_SECOND_US = 1_000_000


def replay_of(
    catalogue: Catalogue,
    history: History,
    flight: StoredFlight,
    gaps: Sequence[GapRow],
    now_us: int,
) -> dict[str, Any]:
    """Rows second by second, and what was said and alarmed in that time; `gaps` are those of the
    recording.

    Raises:
        ArchiveError: the catalogue does not work.
    """
    to_us = flight_end_us(catalogue, flight, now_us)
    span = (flight.start_us, to_us + 1)

    def query(stream: str, every_us: int) -> Query:
        return Query(flight.kit, flight.device, stream, *span, every_us=every_us)

    found = {stream: history.thinned(query(stream, _SECOND_US), MAX_SAMPLES) for stream in STREAMS}
    answer = joined(found, MOST_ROWS)
    alarms = catalogue.alarms_in(flight.kit, flight.device, *span, _MOST_ALARMS)
    return {
        "from_us": flight.start_us,
        "to_us": to_us,
        "columns": list(COLUMNS),
        "rows": answer.rows,
        "every_s": answer.thinned,
        "modes": answer.modes,
        "texts": _texts(history, query(TEXT.stream, 1)),
        "alarms": [alarm_row(alarm) for alarm in alarms],
        "gaps": gaps,
    }


def _texts(history: History, query: Query) -> list[list[Any]]:
    """What it said in words: time, severity (telemetry does not carry it: unknown), text."""
    said: list[list[Any]] = []
    for _, schema, sample in history.samples(query):
        for column, value in zip(schema.columns, sample.values, strict=True):
            if column.name == "text" and isinstance(value, str) and value:
                said.append([sample.time_us, None, value[:_MAX_TEXT]])
        if len(said) >= _MOST_TEXTS:
            break
    return said
