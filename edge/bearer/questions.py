"""Questions to the centre, and which answer belongs to which.

An Ack does not say what it answers: it may have been under way already when the question was
put. So each Ask begins with a name that no bundle has. The centre says that it holds nothing of
it, at a time of its clock, and every answer with a later time was made after it had read the
question.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from fieldlink.codecs.wire import MAX_ASKS, AckItem, Ask

__all__ = ["Question", "Questions"]

_MOST_OPEN = 256


@dataclass(slots=True, eq=False)
class Question:
    """One Ask: when it was put, and when the centre read it (by its clock; None: not yet)."""

    asked_us: int
    read_us: int | None = None

    def answered_by(self, item: AckItem) -> bool:
        """Whether `item` was said after the question was read."""
        return self.read_us is not None and item.at_us > self.read_us


@dataclass
class Questions:
    """The open ones, by name; `name` makes a name of 32 bytes that was never used."""

    name: Callable[[], bytes]
    _open: dict[bytes, Question] = field(default_factory=dict)

    def put(self, bundles: Iterable[bytes], now_us: int) -> list[tuple[Ask, Question]]:
        """As many Asks as it takes."""
        made, ids = [], list(bundles)
        for at in range(0, len(ids), MAX_ASKS - 1):
            question, name = Question(now_us), self.name()
            self._open[name] = question
            made.append((Ask((name, *ids[at : at + MAX_ASKS - 1])), question))
        while len(self._open) > _MOST_OPEN:
            del self._open[next(iter(self._open))]
        return made

    def take(self, item: AckItem) -> bool:
        """Whether `item` is a question's name coming back; then it has been read."""
        question = self._open.pop(item.bundle, None)
        if question is None:
            return False
        question.read_us = item.at_us
        return True

    def clear(self) -> None:
        """Forget all: another run of the centre answers none of them."""
        self._open.clear()
