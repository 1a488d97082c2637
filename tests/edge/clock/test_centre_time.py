"""The centre's time by questions, with a centre in memory."""

import itertools

from fieldlink.codecs.wire import Ack, AckItem, Verdict
from fieldlink.edge.bearer.centre_time import CentreTime

S = 1_000_000
TRUE_US = 1_780_000_000_000_000


class Path:
    """A way to the centre, 300 ms there and 100 ms back."""

    def __init__(self) -> None:
        self.steady_us = 50 * S
        self.told: list[tuple[int, int, int]] = []
        names = itertools.count(1)
        self.time = CentreTime(
            lambda *said: self.told.append(said),
            steady=lambda: self.steady_us,
            name=lambda: next(names).to_bytes(32),
        )

    def settle(self) -> "Path":
        """The first seconds of the first link go by."""
        assert self.time.asks() == []
        self.steady_us += 15 * S
        return self

    def true_us(self) -> int:
        return TRUE_US + self.steady_us

    def turn(self, *, answered: bool = True) -> int:
        """Put what is due, and have it answered; how many were put."""
        asks = self.time.asks()
        for ask in asks:
            self.steady_us += 300_000
            item = AckItem(ask.bundles[0], Verdict.HAVE, self.true_us())
            self.steady_us += 100_000
            if answered:
                self.time.heard(Ack((item,)))
        return len(asks)


def test_the_first_seconds_of_a_link_are_not_the_questions() -> None:
    path = Path()
    assert path.turn() == 0
    path.steady_us += 14 * S
    assert path.turn() == 0
    path.steady_us += 1 * S
    assert path.turn() == 1


def test_the_truth_is_within_what_is_told() -> None:
    path = Path().settle()
    path.turn()
    ((centre_us, at_us, error_us),) = path.told
    assert abs(centre_us - (TRUE_US + at_us)) <= error_us == 250_000


def test_three_questions_come_soon_and_then_one_each_half_hour() -> None:
    path = Path()
    put = 0
    for _ in range(60):
        put += path.turn()
        path.steady_us += S
    assert put == 3
    path.steady_us += 1_800 * S
    assert path.turn() == 1
    assert len(path.told) == 4


def test_an_unanswered_question_is_put_again_after_a_minute() -> None:
    path = Path().settle()
    assert path.turn(answered=False) == 1
    assert path.turn() == 0
    path.steady_us += 60 * S
    assert path.turn() == 1
    assert len(path.told) == 1


def test_an_answer_to_another_question_and_a_late_one_tell_nothing() -> None:
    path = Path().settle()
    (ask,) = path.time.asks()
    path.time.heard(Ack((AckItem(bytes(32), Verdict.HAVE, 5),)))
    path.time.heard("something else")
    path.steady_us += 30 * S
    path.time.heard(Ack((AckItem(ask.bundles[0], Verdict.HAVE, path.true_us()),)))
    assert path.told == []


def test_without_anybody_to_tell_nothing_is_asked() -> None:
    assert CentreTime().asks() == []
