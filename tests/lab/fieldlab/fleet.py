"""A centre full of moving devices, for tests, benchmarks, and whoever works at the page.

with open_duty(folder) as duty:
    fleet = Fleet(duty, devices=1000, kits=5)
    fleet.tick()        # a second goes by: sheaves are filed as the receiver would file them
    fleet.alarm("kit-1", "soldier-1")
    duty.telemetry.settle()
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from fieldlink.codecs.bundle import (
    Gap,
    Layer,
    Manifest,
    MetaValue,
    Precedence,
    bundle_id,
    content_hash,
    encode_manifest,
)
from fieldlink.codecs.telemetry import (
    ALARM_MEDIA_TYPE,
    ALARM_STREAM,
    BATTERY,
    KIT_DEVICE,
    POSITION,
    SHEAF_MEDIA_TYPE,
    SHEAF_STREAM,
    VITALS,
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
from fieldlink.relay.archive import Archive
from fieldlink.relay.archive.names import bundle_path
from fieldlink.relay.catalogue import Catalogue, Filing, Journey
from fieldlink.relay.feed import Feed
from fieldlink.relay.flights.service import Flights
from fieldlink.relay.telemetry.service import Telemetry

__all__ = ["Files", "Fleet", "Member", "Shelf"]

_EPOCH = 1
_MARKS = Flag.EXERCISE.value
_METRE = 90  # in 1e-7 degree, about
_SOLDIERS = 0.7


class Files(Protocol):
    """Where bundles are filed (`fieldlab.duty.Duty`)."""

    def file(
        self,
        device: str,
        layer: Layer,
        start_us: int,
        content: bytes,
        *,
        seconds: float = 0.0,
        media_type: str = "",
        kit: str = "",
        stream: str = "",
        custody_us: int | None = None,
        meta: Mapping[str, MetaValue] | None = None,
    ) -> str: ...


@dataclass(slots=True)
class Member:
    """A device that walks or drives round a place of its own."""

    kit: str
    device: str
    kind: str
    lat: int
    lon: int
    radius_m: int
    speed: float  # m/s
    number: int = 0

    def position(self, at_us: int) -> Sample:
        """Where it is."""
        self.number += 1
        angle = at_us / 1e6 * self.speed / self.radius_m
        north, east = math.sin(angle) * self.radius_m, math.cos(angle) * self.radius_m
        heading = round((math.degrees(-angle) % 360) * 10) % 3600
        values = (
            self.lat + round(north * _METRE),
            self.lon + round(east * _METRE * 1.2),
            48_000 + round(300 * math.sin(angle / 3)),
            heading,
            round(self.speed * 100),
            25,
            14,
            1,
        )
        return Sample(at_us, self.number, values, _MARKS, 20_000)

    def vitals(self, at_us: int) -> Sample:
        """How it is."""
        beat = 80 + round(15 * math.sin(at_us / 3e7 + self.lat))
        return Sample(at_us, self.number, (beat, 975, 3680, 17, 120, 0, 0), _MARKS)

    def battery(self, at_us: int) -> Sample:
        """What it has left."""
        level = 1000 - (self.number // 60 + self.lat % 400) % 900
        return Sample(at_us, self.number, (level, 3820, -350, 250, 0), _MARKS)


@dataclass
class Fleet:
    """`devices` shared out over `kits` round (34.23 N, 108.95 E), each with a position a second;
    with `streams` soldiers have vital signs and everybody a battery, too.
    """

    files: Files | None
    devices: int = 100
    kits: int = 2
    start_us: int = 0
    streams: bool = True
    epoch: int = _EPOCH
    members: dict[str, list[Member]] = field(default_factory=dict)
    now_us: int = 0

    def __post_init__(self) -> None:
        self.now_us = self.start_us
        for number in range(self.devices):
            kit = f"kit-{number % self.kits + 1}"
            soldier = (number * 7919) % 1000 < _SOLDIERS * 1000
            kind = "soldier" if soldier else "vehicle"
            mates = self.members.setdefault(kit, [])
            mates.append(
                Member(
                    kit,
                    f"{kind}-{len(mates) + 1}",
                    kind,
                    342_300_000 + (number * 48_271) % 300_000,
                    1_089_500_000 + (number * 69_621) % 300_000,
                    40 + number % 60 if soldier else 300 + number % 500,
                    1.4 if soldier else 9.0,
                )
            )

    def sheaf(self, kit: str, times_us: Sequence[int]) -> bytes:
        """What `kit` has to say of all its devices at these times."""
        blocks: list[Block] = []
        for member in self.members[kit]:
            rows = [(member.position(at), member.vitals(at), member.battery(at)) for at in times_us]
            said: list[tuple[Schema, int]] = [(POSITION, 0)]
            if self.streams:
                said += [(VITALS, 1)] if member.kind == "soldier" else []
                said += [(BATTERY, 2)]
            for schema, at in said:
                samples = tuple(row[at] for row in rows)
                blocks.append(
                    Block(member.device, member.kind, schema, self.epoch, samples, 12_000)
                )
        return encode_sheaf(blocks)

    def tick(self, seconds: int = 1, *, custody_us: int | None = None) -> None:
        """`seconds` go by: a sheaf of each kit is filed, with a sample for each second."""
        times = [self.now_us + at * 1_000_000 for at in range(seconds)]
        self.now_us += seconds * 1_000_000
        for kit in self.members:
            assert self.files is not None
            self.files.file(
                KIT_DEVICE,
                Layer.REPORT,
                times[0],
                self.sheaf(kit, times),
                seconds=(times[-1] - times[0]) / 1e6,
                media_type=SHEAF_MEDIA_TYPE,
                kit=kit,
                stream=SHEAF_STREAM,
                custody_us=self.now_us if custody_us is None else custody_us,
            )

    def alarm(
        self,
        kit: str,
        device: str,
        kind: AlarmKind = AlarmKind.SOS,
        *,
        ident: bytes = b"alarm-01",
        phase: Phase = Phase.RAISED,
        **fields: str,
    ) -> str:
        """File an alarm of a device; returns its id as the API names it."""
        member = next(each for each in self.members[kit] if each.device == device)
        alarm = Alarm(
            ident=ident,
            device=device,
            device_kind=member.kind,
            kind=kind,
            phase=phase,
            at_us=self.now_us,
            lat=member.lat,
            lon=member.lon,
            flags=_MARKS,
            **fields,
        )
        assert self.files is not None
        self.files.file(
            device,
            Layer.REPORT,
            self.now_us,
            encode_alarm(alarm),
            media_type=ALARM_MEDIA_TYPE,
            kit=kit,
            stream=ALARM_STREAM,
            custody_us=self.now_us + 100_000,
        )
        return ident.hex()


class Shelf:
    """A catalogue, an archive and the telemetry of a centre, without the rest; its clock stands
    still until somebody sets it. Bundles are filed together by `commit`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        now_us: int = 1_790_000_000_000_000,
        where: Path | str | None = None,
    ) -> None:
        self.now_us = now_us
        self.root = folder / "archive"
        self.root.mkdir(parents=True, exist_ok=True)
        self.catalogue = Catalogue.open(where or folder / "catalogue.sqlite", now_us=now_us)
        self.feed = Feed()
        self.notes: list[tuple[str, str | None, str]] = []
        self.telemetry = self.opened()
        self.flights = self.following()
        self._waiting: list[Filing] = []
        self._sequence = self.catalogue.last_number()

    def opened(self) -> Telemetry:
        """The telemetry as another start of the centre has it."""
        return Telemetry(
            self.catalogue,
            Archive.open(self.root, write=False),
            self.feed,
            clock=lambda: self.now_us,
            note=lambda kind, kit, text: self.notes.append((kind, kit, text)),
            monotonic=lambda: self.now_us / 1e6,
        )

    def following(self) -> Flights:
        """What follows flights, as another start of the centre has it."""
        return Flights(
            self.catalogue,
            Archive.open(self.root, write=False),
            self.feed,
            self.telemetry.history,
            clock=lambda: self.now_us,
            note=lambda kind, kit, text: self.notes.append((kind, kit, text)),
            monotonic=lambda: self.now_us / 1e6,
        )

    def file(
        self,
        device: str,
        layer: Layer,
        start_us: int,
        content: bytes,
        *,
        seconds: float = 0.0,
        media_type: str = SHEAF_MEDIA_TYPE,
        kit: str = "kit-1",
        stream: str = SHEAF_STREAM,
        custody_us: int | None = None,
        meta: Mapping[str, MetaValue] | None = None,
        gap: Gap | None = None,
    ) -> str:
        """Put a bundle's file in its place; `commit` files it."""
        self._sequence += 1
        end_us = start_us + round(seconds * 1e6)
        manifest = Manifest(
            kit=kit,
            spool=b"spool-01",
            sequence=self._sequence,
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
            meta=meta or {},
        )
        encoded = encode_manifest(manifest)
        path = bundle_path(manifest, "standing")
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(content)
        filed_us = self.now_us if custody_us is None else custody_us
        journey = Journey(end_us, filed_us)
        ident = bundle_id(encoded)
        self._waiting.append(Filing(ident, manifest, encoded, "standing", path, journey, gap))
        return ident.hex()

    def commit(self) -> None:
        """File what waits."""
        waiting, self._waiting = self._waiting, []
        self.catalogue.file_bundles(waiting)

    def settle(self) -> None:
        """File what waits, take it in and store it."""
        self.commit()
        self.telemetry.settle()
        self.flights.settle()

    def close(self) -> None:
        """Close the catalogue."""
        self.catalogue.close()
