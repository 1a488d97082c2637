"""One bundle on its way: what was sent of it, what the centre holds, what it waits for."""

from dataclasses import dataclass, field

from fieldlink.codecs.bundle import Ranges
from fieldlink.edge.planner import Candidate

__all__ = ["ASK_NOW", "Flight", "Sent"]

ASK_NOW = -1


@dataclass(frozen=True, slots=True)
class Sent:
    """A chunk under way; `delivered_before` is the bearer's count when it left."""

    start: int
    end: int
    sent_us: int
    delivered_before: int


@dataclass(slots=True)
class Flight:
    """A bundle that the centre has been told of, or asked about, in this session.

    `heard_us` is the centre's time of the last answer that was believed; older answers are
    stale. `asked_us` is set while a question is open (`ASK_NOW`: not put yet), `until_us` while
    it waits out a backoff. `since_us` is when something last happened to it.
    """

    candidate: Candidate
    chunks: list[Sent] = field(default_factory=list)
    held: Ranges = field(default_factory=Ranges)
    heard_us: int = -1
    asked_us: int | None = None
    told: bool = False
    sent_once: bool = False
    backoffs: int = 0
    until_us: int | None = None
    since_us: int = 0
    questions: int = 0

    @property
    def waiting(self) -> bool:
        """Whether an answer of the centre's is owed."""
        owed = self.chunks or self.asked_us is not None or self.candidate.next_span() is None
        return self.until_us is None and bool(owed)

    def restart(self, now_us: int) -> None:
        """Another connection, or another run of the centre: all is to be asked about."""
        self.chunks.clear()
        self.heard_us, self.asked_us, self.until_us = -1, ASK_NOW, None
        self.told = self.sent_once = False
        self.since_us, self.questions = now_us, 0

    def answered(self, ranges: Ranges) -> list[Sent]:
        """The chunks under way that `ranges` cover; they are under way no longer."""
        done = [chunk for chunk in self.chunks if ranges.covers(chunk.start, chunk.end)]
        self.chunks = [chunk for chunk in self.chunks if chunk not in done]
        return done

    def covered(self) -> Ranges:
        """What need not be sent: held by the centre, or under way."""
        covered = Ranges(self.held)
        for chunk in self.chunks:
            covered.add(chunk.start, chunk.end)
        return covered
