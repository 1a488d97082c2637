"""One bundle on its way: what was sent of it and by which line, and what the centre holds."""

from dataclasses import dataclass, field

from fieldlink.codecs.bundle import Precedence, Ranges
from fieldlink.edge.bearer.questions import Question
from fieldlink.edge.planner import Candidate

__all__ = ["Flight", "Sent"]


@dataclass(slots=True, eq=False)
class Sent:
    """A chunk under way, number `number` on `line` of `bearer`.

    `arrived_us` is when TCP had brought it to the broker, `doubt_us` since when it is in doubt:
    its line died, or its bearer stalls.
    """

    start: int
    end: int
    line: int
    number: int
    bearer: str
    arrived_us: int | None = None
    doubt_us: int | None = None

    def judged_by(self, asked_us: int) -> bool:
        """Whether the answer to a question put at `asked_us` tells what became of it."""
        known_us = self.arrived_us if self.doubt_us is None else self.doubt_us
        return known_us is not None and known_us <= asked_us


@dataclass(slots=True, eq=False)
class Flight:
    """A bundle that was sent or asked about by this run of the agent.

    `sent` is whatever may ever have gone out: nothing else can be held by the centre. `heard_us`
    is the centre's time of the last answer that was believed. `asking`: to be asked about now;
    `question`: the one that is open. `until_us` is set while it waits out a backoff, `since_us`
    is when something last happened to it. `told` are the lines that carried the manifest.
    """

    candidate: Candidate
    chunks: list[Sent] = field(default_factory=list)
    sent: Ranges = field(default_factory=Ranges)
    held: Ranges = field(default_factory=Ranges)
    told: set[int] = field(default_factory=set)
    bearers: set[str] = field(default_factory=set)
    heard_us: int = -1
    asking: bool = False
    question: Question | None = None
    backoffs: int = 0
    until_us: int | None = None
    since_us: int = 0
    rounds: int = 0

    @property
    def urgent(self) -> bool:
        """Whether it is resent at once when in doubt, and asked about afterwards or never."""
        return self.candidate.precedence <= Precedence.IMMEDIATE

    def owed_since_us(self) -> int | None:
        """Since when the centre owes an answer; None when it owes none."""
        if self.until_us is not None or self.question is not None or self.asking:
            return None
        if any(chunk.doubt_us is not None for chunk in self.chunks):
            return self.since_us
        arrived = [chunk.arrived_us for chunk in self.chunks if chunk.arrived_us is not None]
        if arrived:
            return max(min(arrived), self.since_us)
        if not self.chunks and self.candidate.next_span() is None:
            return self.since_us  # all is held, and custody is not here yet
        return None

    def answered(self, ranges: Ranges) -> list[Sent]:
        """The chunks under way that `ranges` cover; they are under way no longer."""
        if not self.candidate.size:
            return []
        done = [chunk for chunk in self.chunks if ranges.covers(chunk.start, chunk.end)]
        if done:
            gone = set(map(id, done))
            self.chunks = [chunk for chunk in self.chunks if id(chunk) not in gone]
        return done

    def covered(self) -> Ranges:
        """What need not be sent: held by the centre, or under way."""
        covered = Ranges(self.held)
        for chunk in self.chunks:
            covered.add(chunk.start, chunk.end)
        return covered
