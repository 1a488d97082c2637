"""From filed bundles to samples, the latest states and alarms: in order of filing, by a cursor.

Custody never waits for this. What is read and not stored is read again after a crash, and that
changes nothing: a sample is stored once by its identity, the latest does not turn back, an alarm
is the same whatever comes how often.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

from fieldlink.codecs.fault import ArchiveError, CodecError
from fieldlink.codecs.telemetry import (
    ALARM_MEDIA_TYPE,
    ALARM_STREAM,
    MAX_SHEAF_BYTES,
    SHEAF_MEDIA_TYPE,
    Alarm,
    Block,
    decode_alarm,
    decode_sheaf,
)
from fieldlink.relay.archive import Archive
from fieldlink.relay.catalogue import AlarmChange, Catalogue, FiledBundle, Journey
from fieldlink.relay.telemetry.board import Board
from fieldlink.relay.telemetry.buffer import Buffer, Series, rows_of
from fieldlink.relay.telemetry.packing import in_order
from fieldlink.relay.telemetry.stand import Stand
from fieldlink.relay.telemetry.words import described

__all__ = ["ALARM_CURSOR", "SAMPLE_CURSOR", "Ingest", "Note"]

SAMPLE_CURSOR = "telemetry"
ALARM_CURSOR = "alarms"
_log = logging.getLogger(__name__)
_PAGE = 64
_MAX_ALARM_BYTES = 4096
_MOST_TRIES = 20
# So many rows a second are written at most: few series are stored at once, thousands together.
_ROWS_PER_S = 500
_LEAST_S = 0.25
_MOST_SAMPLES = 200_000
_SLICE = 500

_T = TypeVar("_T")
# Bundles of other kinds that were passed over: so many at most are looked at again.
_MOST_PASSED = 5_000

Note = Callable[[str, str | None, str], None]
"""Counts something that happened: kind, kit, text."""


class Ingest:
    """Reads on with `read`, stores with `store`; used by one thread."""

    def __init__(
        self,
        catalogue: Catalogue,
        archive: Archive,
        board: Board,
        *,
        clock: Callable[[], int],
        note: Note,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalogue = catalogue
        self._archive = archive
        self._board = board
        self._clock = clock
        self._note = note
        self._monotonic = monotonic
        self.buffer = Buffer(catalogue)
        self._cursor = self._stored_cursor = catalogue.cursor(SAMPLE_CURSOR)
        self._alarm_cursor = self._alarm_stored = catalogue.cursor(ALARM_CURSOR)
        states = catalogue.latest_states()
        board.load(states, catalogue.active_alarms())
        self._known = set(states)
        self._changed: set[tuple[str, str]] = set()
        self._stored_s = monotonic()
        self._tries: Counter[bytes] = Counter()
        self.samples = 0
        self.bundles = 0

    def read_alarms(self) -> list[AlarmChange]:
        """Take the next alarms; what changed. They do not wait behind a backlog of samples.

        Raises:
            OSError, ArchiveError: the disk or the catalogue does not work; nothing was taken.
        """
        found, upto = self._catalogue.reports_after(self._alarm_cursor, _PAGE, stream=ALARM_STREAM)
        heard = []
        for filed in found:
            alarm = self._read(filed, ALARM_MEDIA_TYPE, _MAX_ALARM_BYTES, _alarm_in(filed))
            if alarm is not None:
                heard.append((filed.manifest.kit, alarm, filed.journey.custody_us))
        changes: list[AlarmChange] = []
        if found:
            cursor = (ALARM_CURSOR, upto)
            changes, refused = self._catalogue.hear_alarms(
                heard, described, now_us=self._clock(), cursor=cursor
            )
            for kit in refused:
                self._note("telemetry-full", kit, f"{kit} has too many alarms; clear some")
            self._alarm_stored = upto
        elif upto - self._alarm_stored > _MOST_PASSED:
            self._catalogue.put_cursor(ALARM_CURSOR, upto)
            self._alarm_stored = upto
        self._alarm_cursor = upto
        return changes

    def read(self) -> tuple[list[Stand], bool]:
        """Take the next page of bundles; the devices that changed, and whether there is more.

        Raises:
            OSError, ArchiveError: the disk or the catalogue does not work; what was taken of it
                is taken again.
        """
        found, upto = self._catalogue.reports_after(self._cursor, _PAGE)
        more = len(found) == _PAGE
        for filed in found:
            if self.buffer.samples >= _MOST_SAMPLES:  # these are to be stored before more is read
                upto, more = self._cursor, True
                break
            blocks = self._read(filed, SHEAF_MEDIA_TYPE, MAX_SHEAF_BYTES, decode_sheaf)
            if blocks is not None:
                self._take(filed, blocks)
            self._cursor = filed.number
        self._cursor = upto
        stands = self._board.publish()
        self._changed.update((stand.kit, stand.device) for stand in stands)
        return stands, more

    @property
    def due(self) -> bool:
        """Whether what was read is to be stored now."""
        if self.buffer.samples >= _MOST_SAMPLES // 2:
            return True
        passed = self._cursor - self._stored_cursor > _MOST_PASSED
        rest_s = max(_LEAST_S, self.buffer.touched / _ROWS_PER_S)
        return bool(self._changed or self.buffer.touched or passed) and (
            self._monotonic() - self._stored_s >= rest_s
        )

    def store(self) -> list[Series]:
        """Make everything that was read durable, with the cursor; the series that it was of.

        Raises:
            ArchiveError: the catalogue does not work; it is stored another time.
        """
        self._stored_s = self._monotonic()
        waiting, changed = self.buffer.waiting(), list(self._changed)
        count = max(len(waiting), len(changed), 1)
        for at in range(0, count, _SLICE):
            # Custody waits for the catalogue's lock: each slice lets it in. Only the last one
            # moves the cursor.
            some, keys = waiting[at : at + _SLICE], changed[at : at + _SLICE]
            cursor = (SAMPLE_CURSOR, self._cursor) if at + _SLICE >= count else None
            series, blocks = rows_of(some)
            latest = self._board.packed(keys)
            self._catalogue.store_samples(
                series, blocks, latest=latest, known=self._known, cursor=cursor
            )
            self.buffer.stored(some)
            self._known.update(keys)
            self._changed.difference_update(keys)
        self._stored_cursor = self._cursor
        return waiting

    def _take(self, filed: FiledBundle, blocks: Sequence[Block]) -> None:
        kit, arrived_us = filed.manifest.kit, filed.journey.custody_us
        behind_us = _behind_us(filed.journey)
        self.bundles += 1
        self.buffer.learn(kit, blocks)
        full: set[str] = set()
        for block in map(in_order, blocks):
            if not self._board.take(kit, block, arrived_us, behind_us):
                full.add(block.device)
                continue
            count = self.buffer.take(kit, block, arrived_us)
            if count is None:
                full.add(block.device)
            else:
                self.samples += count
        if full:
            named = ", ".join(sorted(full)[:5])
            text = f"{kit} has more devices, streams or runs than are kept; left out: {named}"
            self._note("telemetry-full", kit, text)

    def _read(
        self,
        filed: FiledBundle,
        media_type: str,
        most_bytes: int,
        decode: Callable[[bytes], _T],
    ) -> _T | None:
        """What is in a bundle's file; None when it is of another type, gone or malformed."""
        manifest = filed.manifest
        if manifest.media_type != media_type:
            return None
        name = f"bundle {filed.bundle_id.hex()[:16]} of {manifest.kit}"
        try:
            if manifest.size > most_bytes:
                raise CodecError("size", f"{manifest.size} bytes")
            return decode(self._archive.locate(filed.path).read_bytes())
        except CodecError as error:
            text = f"{name} is no telemetry ({error}); kept as a file"
            self._note("telemetry", manifest.kit, text)
        except (OSError, ArchiveError) as error:
            self._unread(filed, name, error)
        return None

    def _unread(self, filed: FiledBundle, name: str, error: OSError | ArchiveError) -> None:
        """A file cannot be read: a disk may come back, one that is gone does not."""
        self._tries[filed.bundle_id] += 1
        gone = isinstance(error, FileNotFoundError | ArchiveError)
        if not gone and self._tries[filed.bundle_id] < _MOST_TRIES:
            raise error
        del self._tries[filed.bundle_id]
        self._note("telemetry", filed.manifest.kit, f"{name} cannot be read: {error}; passed over")


def _behind_us(journey: Journey) -> int:
    """How far the kit's clock was behind the centre's when it sent a bundle, and the way it took;
    0 when that is not known.
    """
    if journey.first_sent_us is None or journey.first_received_us is None:
        return 0
    return journey.first_received_us - journey.first_sent_us


def _alarm_in(filed: FiledBundle) -> Callable[[bytes], Alarm]:
    def decode(data: bytes) -> Alarm:
        alarm = decode_alarm(data)
        if alarm.device != filed.manifest.device:
            raise CodecError("field", f"an alarm of {alarm.device} as {filed.manifest.device}'s")
        return alarm

    return decode
