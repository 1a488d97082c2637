"""A flight's log into the record: pieces and indexes as live flights have them, and samples."""

from collections.abc import Callable

from fieldlink.codecs.fault import SourceError
from fieldlink.codecs.mavlink import Frame
from fieldlink.codecs.telemetry import Flag
from fieldlink.drone.record import FlightImport, Imported, dated_frames
from fieldlink.drone.schemas import LINK
from fieldlink.drone.vehicle import Fleet, Measured, Said
from fieldlink.edge.importing.held import HeldFile
from fieldlink.edge.importing.order import Order, Place
from fieldlink.edge.importing.samples import SampleWriter

__all__ = ["import_flights"]

_FIRST_US = 946_684_800_000_000  # 2000-01-01
_TICK_US = 1_000_000


def import_flights(
    file: HeldFile, order: Order, place: Place, samples: SampleWriter, mark: str
) -> Imported:
    """Record all vehicles of a log; `damage` says up to where, if it is not whole.

    Raises:
        SourceError: nothing of it can be read, or it has no date.
        FieldlinkError: the spool cannot take it.
    """
    names = _Names(order.vehicle, place.name_of)
    flights = FlightImport(place.add, place.clock, names, gap=place.add_gap, mark=mark)
    teller = _Teller(names, samples, links=file.suffix.lower() == ".tlog")
    try:
        for frame in dated_frames(file, lambda first_us: _shift(file.name, order, first_us)):
            flights.take(frame)
            if _FIRST_US <= frame.at_us <= place.clock() + 86_400_000_000:
                teller.take(frame)
    except SourceError as error:
        if not flights.done.frames:
            raise
        flights.done.damage = str(error)
    done = flights.end()
    if not done.frames and done.odd:
        raise SourceError(
            "undated",
            f"{file.name}: all of its times cannot be, by the clock of this kit; say when it began:"
            " --began 2026-05-01T08:30:00+08:00 日志时间不可信，请用 --began 指定",
        )
    if not done.frames:
        raise SourceError("empty", f"{file.name}: no autopilot says anything in it")
    if done.odd:
        said = f"{done.odd} frames have a time that cannot be, and were left out"
        done.damage = "; ".join(part for part in (done.damage, said) if part)
    samples.flush()
    return done


def _shift(name: str, order: Order, first_us: int) -> int:
    if order.began_us is not None:
        return order.began_us - first_us
    if first_us < _FIRST_US:
        raise SourceError(
            "undated",
            f"{name} has no date, as no receiver had a fix; say when it began: --began"
            " 2026-05-01T08:30:00+08:00 日志没有日期，请用 --began 指定",
        )
    return 0


class _Names:
    """What the vehicles of a file are called: the first as somebody said, the others as ever."""

    def __init__(self, first: str, name_of: Callable[[int], str]) -> None:
        self._first, self._name_of = first, name_of
        self.known: dict[int, str] = {}

    def __call__(self, sysid: int) -> str:
        if sysid not in self.known:
            name = self._name_of(sysid)
            if self._first and not self.known:
                name = self._first
            elif name in self.known.values():  # the first was given the name of this one
                name = f"{name[:26]}-{sysid}"
            self.known[sysid] = name
        return self.known[sysid]


class _Teller:
    """The state of vehicles as their frames come, told as samples; alarms of then are none now."""

    def __init__(self, names: _Names, samples: SampleWriter, *, links: bool) -> None:
        self._names, self._samples, self._links = names, samples, links
        self._fleet = Fleet()
        self._now_us = self._ticked_us = 0

    def take(self, frame: Frame) -> None:
        # A log whose autopilot began anew, or whose clock was set, may go back.
        self._now_us = max(self._now_us, frame.at_us)
        if self._now_us - self._ticked_us >= _TICK_US:
            self._ticked_us = self._now_us
            self._tell(self._fleet.tick(self._now_us), self._now_us)
        self._tell(self._fleet.take(frame, self._now_us), frame.at_us)

    def _tell(self, found: list[Said], at_us: int) -> None:
        for said in found:
            if not isinstance(said, Measured) or said.vehicle[0] not in self._names.known:
                continue
            if said.schema is LINK and not self._links:
                continue  # nobody counted frames on a link
            if said.vehicle != self._first(said.vehicle[0]):
                continue  # a second autopilot under one number
            flags = Flag.NO_FIX if said.no_fix else Flag.NONE
            device = self._names.known[said.vehicle[0]]
            self._samples.take(device, at_us, said.schema, said.values, flags)

    def _first(self, sysid: int) -> tuple[int, int]:
        return min((key for key in self._fleet.vehicles if key[0] == sysid), default=(0, 0))
