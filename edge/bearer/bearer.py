"""One bearer: its lines to the centre, kept up for ever, and what they measure.

The first line is for control: the only one that hears the centre, and the way of all that is
urgent. The others carry the rest, as many as the path needs. A bearer is up while its control
line is.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from fieldlink.codecs.bundle import Precedence
from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.wire import Ack, Orders, Welcome, decode_frame, down_topic
from fieldlink.edge.bearer.dial import Places
from fieldlink.edge.bearer.line import Line
from fieldlink.edge.bearer.measure import Measure
from fieldlink.edge.bearer.options import Congestion
from fieldlink.edge.bearer.settings import BearerSettings
from fieldlink.edge.identity import Identity
from fieldlink.edge.planner import BearerState, Role
from fieldlink.edge.planner.budget import BearerFacts, admitted, longest_chunk_bytes
from fieldlink.edge.updown import UpDown

__all__ = ["Bearer", "Down", "Shared", "delay_us", "price"]

Down = Ack | Welcome | Orders


@dataclass
class Shared:
    """What a bearer has from its fleet: who the kit is, where frames go, who hears of lines, and
    what addresses the centre has.
    """

    identity: Callable[[], Identity]
    clock: Callable[[], int]
    number: Callable[[], int]
    take: Callable[["Bearer", Down], None]
    wake: Callable[[], None]
    line_up: Callable[["Bearer", Line], None]
    line_down: Callable[["Bearer", Line], None]
    places: Places = field(default_factory=Places)


@dataclass
class Bearer:
    """What is known of it; its keeper (`keeper.py`) makes the lines.

    `admits` is what it may carry, `hears` whether it is subscribed to the centre's answers: one
    that only stands by would pay for those to what others carry.
    """

    settings: BearerSettings
    shared: Shared
    measure: Measure
    held: bool = False
    admits: Precedence | None = None
    hears: bool = True
    stalled: bool = False
    lines: dict[int, Line] = field(default_factory=dict)
    since_us: int | None = None
    reason: str = "not connected yet; what is on the disk is being counted"
    down_by: str = "link"
    malformed: int = 0
    welcomed: bool = False
    last_custody_us: int | None = None

    def __post_init__(self) -> None:
        self.congestion = Congestion(self.settings.congestion)
        self.changed = asyncio.Event()
        self._said = UpDown(f"link {self.settings.name}")

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def control(self) -> Line | None:
        """The line that hears the centre; None while the bearer is down."""
        return self.lines.get(0)

    @property
    def up(self) -> bool:
        return 0 in self.lines

    @property
    def usable(self) -> bool:
        """Whether something may be sent by it now."""
        return self.up and not self.stalled and self.admits is not None

    def facts(self) -> BearerFacts:
        """What the price order has to know. A bearer that may not be used counts as up: whether
        it would come up shows only when it may.
        """
        return BearerFacts(
            name=self.name,
            up=self.up and not self.stalled,
            held=self.held or self.settings.held,
            price=self.settings.price,
            used_bytes=self.measure.used_bytes,
            budget_bytes=self.settings.budget,
            reserve=self.settings.reserve,
            rate_bps=self.measure.pace.rate_bps,
        )

    def state(self, line: Line, room_bytes: int) -> BearerState:
        """`line` as the planner sees it."""
        alone = line.role is Role.URGENT and len(self.lines) == 1
        pace, facts = self.measure.pace, self.facts()
        longest = longest_chunk_bytes(facts)
        affords = admitted([facts], suffices=True)[self.name]  # what was handed out just now counts
        return BearerState(
            name=self.name,
            chunk_bytes=min(pace.chunk_bytes, longest or pace.chunk_bytes),
            room_bytes=room_bytes,
            role=Role.ALL if alone else line.role,
            admits=None if self.admits is None or affords is None else min(self.admits, affords),
            rate_bps=pace.rate_bps,
            rtt_s=None if pace.rtt_us is None else pace.rtt_us / 1e6,
        )

    def look(self) -> None:
        """Conditions may have changed: lines come and go."""
        self.changed.set()

    @property
    def stopped(self) -> bool:
        """Whether it is not to be used at all: by hand, or because its budget is used up."""
        return self.held or self.settings.held or self.measure.spent

    def say_why_stopped(self) -> None:
        """Give the reason for that in its status."""
        if self.held or self.settings.held:
            self.down("held by hand", "held")
        elif self.measure.spent:
            self.down(f"its budget for this {self.settings.budget_per} is used up", "budget")

    def hear(self, on: bool) -> None:
        """Subscribe to the centre's answers, or not any more."""
        self.hears, line = on, self.control
        if line is not None and line.connection is not None and line.hears != on:
            line.connection.subscribe([down_topic(line.kit, "ack")], on=on)
            line.hears = on

    async def drop(self, reason: str) -> None:
        """End every line at once; they are made anew."""
        self.down(reason)
        doomed = [line.connection for line in self.lines.values()]
        await asyncio.gather(*(one.abort(reason) for one in doomed if one is not None))

    def heard(self, frame: Down) -> None:
        """The centre spoke by this bearer."""
        if isinstance(frame, Welcome):
            self.welcomed = True
            self._said.up(f"the centre {frame.centre} answers")

    def rtt_s(self) -> float | None:
        """The empty path's round trip."""
        base_us = self.measure.pace.base_us
        return None if base_us is None else base_us / 1e6

    def down(self, reason: str, kind: str = "link") -> None:
        """It is not usable, for `reason`; without one the service is being stopped."""
        self.down_by = kind
        if reason:
            self._said.down(reason, kind)
        self.since_us, self.reason = None, reason

    def take(self, kit: str, topic: str, payload: bytes) -> None:
        """A message came; on the network's thread. What is no frame for a kit is counted."""
        try:
            frame = decode_frame(payload)
        except CodecError:
            self.malformed += 1
            return
        kind = type(frame).__name__.lower()
        if isinstance(frame, Ack | Welcome | Orders) and topic == down_topic(kit, kind):
            self.shared.take(self, frame)
        else:
            self.malformed += 1


def delay_us(bearer: Bearer) -> float:
    """How long its way is, a second while that is not known: what bearers are sorted by."""
    return bearer.measure.pace.rtt_us or 1e6


def price(bearer: Bearer) -> int:
    """How dear it is."""
    return bearer.settings.price
