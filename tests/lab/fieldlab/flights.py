"""Flights as kits send them: pieces of recordings, indexes, and the telemetry of an aircraft.

craft = Craft(shelf, "kit-1", "m300-1")
craft.fly(150)      # telemetry, three pieces and the index are filed as the receiver would
shelf.settle()
"""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from fieldlab.autopilot import Autopilot
from fieldlab.fleet import Files
from fieldlink.codecs.bundle import Draft, Layer
from fieldlink.codecs.mavlink import tlog_record
from fieldlink.codecs.telemetry import (
    ALARM_MEDIA_TYPE,
    ALARM_STREAM,
    BATTERY,
    KIT_DEVICE,
    POSITION,
    SHEAF_MEDIA_TYPE,
    SHEAF_STREAM,
    TEXT,
    Alarm,
    AlarmKind,
    Block,
    Flag,
    Phase,
    Sample,
    Schema,
    encode_alarm,
    encode_sheaf,
)
from fieldlink.drone.record.index import FlightIndex, Gap
from fieldlink.drone.record.pieces import Piece, flight_draft
from fieldlink.drone.schemas import ATTITUDE, FLIGHT, GIMBAL, LINK

__all__ = ["SECOND_US", "Craft", "named"]

SECOND_US = 1_000_000
_PIECE_S = 60
_LAT, _LON = 342_300_000, 1_089_500_000
_HOME_M = 400


def named(start_us: int, *, armed: bool = True) -> str:
    """A flight's name as kits give it."""
    at = datetime.fromtimestamp(start_us / 1e6, UTC)
    ident = f"{at:%Y%m%dt%H%M%S}-{at.microsecond // 1000:03d}"
    return ident if armed else f"{ident}-idle"


@dataclass
class Craft:
    """An aircraft that flies east at 10 m/s, up to 50 m; `now_us` is where its time stands."""

    files: Files
    kit: str = "kit-1"
    device: str = "m300-1"
    system: int = 1
    now_us: int = 1_790_000_000_000_000
    epoch: int = 1
    exercise: bool = True
    numbers: Counter[str] = field(default_factory=Counter)

    def fly(
        self,
        seconds: int,
        *,
        ended: str = "disarmed",
        telemetry: bool = True,
        without: Sequence[int] = (),
        gaps: Sequence[Gap] = (),
        index: bool = True,
    ) -> str:
        """A flight of so long: its telemetry, its pieces but those `without`, and its index are
        filed. Returns its name.
        """
        start_us = self.now_us
        flight = FlightIndex(self.device, self.system, named(start_us), True, start_us, start_us)
        flight.gaps = list(gaps)
        for number, first_s in enumerate(range(0, seconds, _PIECE_S)):
            last_s = min(first_s + _PIECE_S, seconds)
            piece, content = self.piece(flight.ident, number, start_us, range(first_s, last_s))
            flight.add_piece(piece.entry, piece.frames)
            if telemetry:
                self.telemetry(start_us, range(first_s, last_s))
            if number not in without:
                self.send(piece.draft(piece.end_us, self._why(last_s == seconds, ended)), content)
        flight.ended = ended
        if index:
            self.index(flight.to_dict(), flight_draft(flight, flight.end_us))
        self.now_us = start_us + seconds * SECOND_US
        return flight.ident

    def _why(self, last: bool, ended: str) -> str:
        return ended if last else "full"

    def piece(
        self, flight: str, number: int, start_us: int, seconds: range, *, armed: bool = True
    ) -> tuple[Piece, bytes]:
        """A piece of a recording with two frames a second, and its bytes."""
        pilot = Autopilot(self.system)
        pilot.armed = armed
        piece = Piece(self.device, self.system, flight, number, armed)
        content = bytearray()
        for second in seconds:
            at_us = start_us + second * SECOND_US
            lon = (_LON + second * 1080) / 1e7
            for frame in (pilot.beat(at_us=at_us), pilot.place(_LAT / 1e7, lon, at_us=at_us)):
                record = tlog_record(frame.raw, at_us)
                piece.count(frame.msgid, at_us, len(record))
                content += record
        return piece, bytes(content)

    def index(self, said: Mapping[str, Any], draft: Draft) -> str:
        """File an index, whatever it says."""
        return self.send(draft, json.dumps(said).encode())

    def send(self, draft: Draft, content: bytes, *, kit: str = "") -> str:
        """File a bundle as the receiver would; returns its id."""
        return self.files.file(
            draft.device,
            draft.layer,
            draft.start_us,
            content,
            seconds=(draft.end_us - draft.start_us) / 1e6,
            media_type=draft.media_type,
            kit=kit or self.kit,
            stream=draft.stream,
            meta=draft.meta,
        )

    def telemetry(self, start_us: int, seconds: range, *, only: Sequence[str] = ()) -> None:
        """File what it measured in these seconds of the flight: once a second, battery and link
        every ten; `only` these streams.
        """
        found: dict[Schema, list[Sample]] = {}
        for second in seconds:
            for schema, values in self._measured(second):
                if not only or schema.stream in only:
                    self.numbers[schema.stream] += 1
                    marks = Flag.EXERCISE.value if self.exercise else 0
                    number, at_us = self.numbers[schema.stream], start_us + second * SECOND_US
                    found.setdefault(schema, []).append(Sample(at_us, number, values, marks))
        blocks = [
            Block(self.device, "drone", schema, self.epoch, tuple(samples))
            for schema, samples in found.items()
        ]
        self.files.file(
            KIT_DEVICE,
            Layer.REPORT,
            start_us + seconds[0] * SECOND_US,
            encode_sheaf(blocks),
            seconds=seconds[-1] - seconds[0],
            media_type=SHEAF_MEDIA_TYPE,
            kit=self.kit,
            stream=SHEAF_STREAM,
        )

    def alarm(self, ident: bytes, phase: Phase, at_us: int) -> None:
        """File that a low battery begins or ends."""
        alarm = Alarm(
            ident=ident,
            device=self.device,
            device_kind="drone",
            kind=AlarmKind.LOW_BATTERY,
            phase=phase,
            at_us=at_us,
        )
        self.files.file(
            self.device,
            Layer.REPORT,
            at_us,
            encode_alarm(alarm),
            media_type=ALARM_MEDIA_TYPE,
            kit=self.kit,
            stream=ALARM_STREAM,
        )

    def _measured(self, second: int) -> list[tuple[Schema, tuple[Any, ...]]]:
        height = min(500, second * 20)
        turn = round((90 + 20 * math.sin(second / 30)) * 10)
        place = (_LAT, _LON + second * 1080, (_HOME_M * 10 + height) * 10, 900, 1000, 5, 17, 1)
        mode = "LOITER" if second < 30 else "AUTO"
        flight = (mode, 1, "active", "in-air", height, 100, None, 0 if height == 500 else 20)
        found: list[tuple[Schema, tuple[Any, ...]]] = [
            (POSITION, place),
            (FLIGHT, flight + (None,) * (len(FLIGHT.columns) - len(flight))),
            (ATTITUDE, (0, -20, turn)),
            (GIMBAL, (0, -450, turn, 0, None, None, 840, 530)),
        ]
        if second % 10 == 0:
            found.append((BATTERY, (1000 - second, 22_000, None, None, 0)))
            found.append((LINK, ("sik", 15, 190, 180, 40, 41, 0)))
        if second == 5:
            found.append((TEXT, ("Mission started 任务开始", "")))
        return found
