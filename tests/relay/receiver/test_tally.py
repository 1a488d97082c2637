"""Counting refusals: bounded events, exact counts."""

from fieldlink.relay.receiver.inbox import Inbox
from fieldlink.relay.receiver.tally import Tally

_SECOND = 1_000_000


def test_the_first_is_told_at_once_and_the_next_within_ten_seconds_together() -> None:
    tally = Tally()
    for n in range(100):
        tally.note("digest", "kit-a", f"chunk {n}", n * _SECOND // 100)
    [first] = tally.take(_SECOND)
    assert (first.kind, first.kit, first.count, first.text) == ("digest", "kit-a", 1, "chunk 0")
    assert tally.take(9 * _SECOND) == []
    [rest] = tally.take(11 * _SECOND)
    assert (rest.count, rest.text) == (99, "chunk 99")
    assert tally.counts() == {"digest": 100}


def test_kits_are_told_apart() -> None:
    tally = Tally()
    tally.note("digest", "kit-a", "one", 1)
    tally.note("digest", "kit-b", "two", 2)
    assert [event.kit for event in tally.take(3)] == ["kit-a", "kit-b"]


def test_at_the_end_everything_is_told() -> None:
    tally = Tally()
    tally.note("digest", "kit-a", "one", 1)
    tally.note("digest", "kit-a", "two", 2)
    assert sum(event.count for event in tally.take(3, everything=True)) == 2


def test_names_from_outside_do_not_fill_the_memory() -> None:
    tally = Tally()
    for n in range(5000):
        tally.note("revoked", f"kit-{n}", "stranger", n)
    assert len(tally.take(5000, everything=True)) <= 1002
    assert tally.counts() == {"revoked": 5000}


def test_a_full_inbox_drops_the_message_and_says_so() -> None:
    inbox = Inbox(1000)
    assert inbox.put("t", b"x" * 700)
    assert not inbox.put("t", b"y" * 700)
    assert inbox.take(0) == [("t", b"x" * 700)]
    assert inbox.put("t", b"y" * 700)
    inbox.close()
    assert not inbox.put("t", b"z")
