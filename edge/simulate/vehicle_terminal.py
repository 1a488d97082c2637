"""The terminal of a simulated vehicle: what it says on a connection, and what it keeps until it is
answered. Bytes in, bytes out, no sockets; time is given, in seconds that only go on.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.jt808 import (
    AskParameters,
    AskSomeParameters,
    Authentication,
    Batch,
    Frame,
    Framer,
    Header,
    Heartbeat,
    Layout,
    Location,
    LocationReport,
    Malformed,
    Message,
    Parameter,
    Parameters,
    PlatformAnswer,
    Registration,
    RegistrationAnswer,
    Resend,
    Result,
    TerminalAnswer,
    Text,
    decode_message,
    encode_frame,
    encode_message,
    split_frames,
    text_of,
    to_gbk,
    write_parameter,
)
from fieldlink.edge.jt808.terminal import EXERCISE_MAKER
from fieldlink.edge.simulate.vehicle import Vehicle

__all__ = ["VehicleTerminal"]

ANSWER_S = 10.0  # then it is said again
_BATCH = 60
_KEPT = 7_200
_STORED = 1  # the kind of a batch out of the store
_IN_A_ROW = 3  # so many without an answer, or with a bad one: the link is dead
_AGAIN_S = 2.0  # after a bad answer


@dataclass(slots=True)
class _Said:
    """What waits for an answer."""

    locations: list[Location]
    frames: list[Frame]
    said_s: float


class VehicleTerminal:
    """Registers, authenticates, reports, stores, fills in afterwards. `take` gives what it wants
    to send.
    """

    def __init__(self, vehicle: Vehicle) -> None:
        self.vehicle = vehicle
        plan = vehicle.plan
        self._phone = plan.number.zfill(20 if plan.is_2019 else 12)
        self._version = 1 if plan.is_2019 else None
        self._framer = Framer()
        self._serial = 0
        self._out: list[bytes] = []
        self._store: deque[Location] = deque()
        self._said: dict[int, _Said] = {}
        self._spoke_s = self._opened_s = 0.0
        self._unanswered = self._failed = 0
        self._patient_until_s = 0.0
        self.ready = False  # it may report
        self.refused = ""  # why it may not
        self.texts: list[str] = []
        self.reported = self.answered = self.backfilled = self.repeated = self.given_up = 0

    @property
    def waiting(self) -> int:
        """Locations that the kit has not confirmed."""
        return len(self._store) + sum(len(said.locations) for said in self._said.values())

    @property
    def is_deaf(self) -> bool:
        """Whether nothing that it says is answered, or nothing well: connect again."""
        return max(self._unanswered, self._failed) >= _IN_A_ROW

    def take(self) -> list[bytes]:
        """What to send now: whole frames."""
        out, self._out = self._out, []
        return out

    # --- the connection ---------------------------------------------------------------------

    def connected(self, now_s: float) -> None:
        """There is a connection: say who it is. It registers each time, so that a kit that was
        exchanged meanwhile knows it as simulated.
        """
        self.lost()
        self._framer, self._unanswered, self._failed = Framer(), 0, 0
        self._opened_s = now_s
        vehicle_id = f"SIM{self._phone[-4:]}".encode()
        layout = Layout.V2013 if self._version is None else Layout.V2019
        plate = to_gbk(f"陕A{self._phone[-5:]}")
        maker = EXERCISE_MAKER.encode()
        self._say(Registration(layout, 61, 100, maker, b"fieldlink", vehicle_id, 1, plate), now_s)

    def lost(self) -> None:
        """The connection is gone: what was not answered goes back into the store."""
        self.ready = False
        self._out = []
        back = [location for said in self._said.values() for location in said.locations]
        self._said.clear()
        self._put_back(back)

    def receive(self, data: bytes, now_s: float) -> None:
        """What the platform sent."""
        for event in self._framer.feed(data):
            if isinstance(event, Malformed):
                continue
            header = event.header
            try:
                message = decode_message(header.message, event.body, header.version)
            except CodecError:
                continue
            self._hear(header, message, now_s)

    def _hear(self, header: Header, message: Message, now_s: float) -> None:
        self._unanswered = 0
        match message:
            case RegistrationAnswer(_, Result.DONE, code):
                imei = None if self._version is None else b"860000000000000"
                self._say(Authentication(code, imei, b"fieldlink".ljust(20, b"\0")), now_s)
            case RegistrationAnswer(_, result):
                self.refused = f"registration refused ({result}): list its number in edge.toml"
            case PlatformAnswer():
                self._answered(message, now_s)
            case Resend(serial, parts):
                self._resend(serial, parts)
            case Text():
                self.texts.append(text_of(message.text))
                self._say(TerminalAnswer(header.serial, Text.ID, Result.DONE), now_s)
            case AskParameters() | AskSomeParameters():
                self._say(Parameters(header.serial, self._parameters()), now_s)
            case _:
                self._say(TerminalAnswer(header.serial, header.message, Result.UNSUPPORTED), now_s)

    def _parameters(self) -> tuple[Parameter, ...]:
        plan = self.vehicle.plan
        return (
            write_parameter(0x0001, round(plan.heartbeat_s)),
            write_parameter(0x0020, 0),
            write_parameter(0x0029, max(1, round(plan.every_s))),
        )

    def _answered(self, answer: PlatformAnswer, now_s: float) -> None:
        if answer.answered == Authentication.ID:
            self.ready = answer.result == Result.DONE
            self.refused = "" if self.ready else "authentication refused"
            return
        said = self._said.pop(answer.serial, None)
        if said is None:
            return
        if answer.result != Result.DONE:
            self._failed += 1
            self._patient_until_s = now_s + _AGAIN_S
            self._put_back(said.locations)
            return
        self._failed = 0
        self.answered += len(said.locations)
        if any(location.alarms for location in said.locations):
            self.vehicle.answered()

    def _resend(self, serial: int, parts: Iterable[int]) -> None:
        for said in self._said.values():
            if said.frames[0].header.serial == serial:
                wanted = set(parts)
                self._out += [
                    encode_frame(frame)
                    for number, frame in enumerate(said.frames, 1)
                    if number in wanted
                ]

    # --- what it reports --------------------------------------------------------------------

    def tick(self, after_s: float, now_us: int, now_s: float) -> None:
        """Measure and say what is due; `after_s` is since the vehicle set out."""
        quiet = self.vehicle.quiet_at(after_s)
        for location in self.vehicle.say(after_s, now_us):
            self.reported += 1
            if self.ready and not quiet:
                self._report([location], now_s)
            else:
                self._put_back([location])
        if not self.ready and now_s - self._opened_s >= ANSWER_S:
            self._unanswered = _IN_A_ROW
        if quiet:
            return
        self._say_again(now_s)
        if self.ready and self._store and not self._is_filling(now_s):
            batch = [self._store.popleft() for _ in range(min(_BATCH, len(self._store)))]
            self.backfilled += len(batch)
            self._report(batch, now_s, stored=True)
        if self.ready and now_s - self._spoke_s >= self.vehicle.plan.heartbeat_s:
            self._say(Heartbeat(), now_s)

    def _is_filling(self, now_s: float) -> bool:
        under_way = any(len(said.locations) > 1 for said in self._said.values())
        return under_way or now_s < self._patient_until_s

    def _say_again(self, now_s: float) -> None:
        for serial, said in list(self._said.items()):
            if now_s - said.said_s >= ANSWER_S:
                del self._said[serial]
                self._unanswered += 1
                self.repeated += len(said.locations)
                self._put_back(said.locations)

    def _report(self, locations: list[Location], now_s: float, *, stored: bool = False) -> None:
        message: Message = LocationReport(locations[0])
        if stored:
            message = Batch(_STORED, tuple(locations))
        frames = self._say(message, now_s)
        # A platform answers a split message by its last part at the latest.
        self._said[frames[-1].header.serial] = _Said(locations, frames, now_s)

    def _put_back(self, locations: list[Location]) -> None:
        if len(locations) == 1 and (not self._store or self._store[-1].time <= locations[0].time):
            self._store.append(locations[0])
        elif locations:
            self._store = deque(sorted([*self._store, *locations], key=lambda one: one.time))
        while len(self._store) > _KEPT:
            self._store.popleft()
            self.given_up += 1

    def _say(self, message: Message, now_s: float) -> list[Frame]:
        ident, body = encode_message(message, self._version)
        header = Header(ident, self._phone, self._serial, self._version)
        frames = list(split_frames(header, body))
        self._serial = (frames[-1].header.serial + 1) % 65536
        self._spoke_s = now_s
        self._out += map(encode_frame, frames)
        return frames
