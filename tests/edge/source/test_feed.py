"""Adapters on threads that can be left behind."""

import threading
import time
from collections.abc import Callable

import pytest

from fieldlink.codecs.fault import SourceError
from fieldlink.edge.source.feed import Feed
from fieldlink.edge.source.media import Capabilities, Deliver, Ended, Metadata, Packet, Stopped


class Puppet:
    """An adapter that does what it is told."""

    def __init__(self, act: Callable[[Deliver, Stopped], None]) -> None:
        self.run = act

    def describe(self) -> str:
        return "puppet"

    def capabilities(self) -> Capabilities:
        return Capabilities(video=True, audio=False)


def _packet(size: int = 10) -> Packet:
    return Packet("video", bytes(size), 0, 0, 40, True, False, 0)


def _feed(act: Callable[[Deliver, Stopped], None], silence_s: float = 5.0) -> Feed:
    return Feed("x", Puppet(act), open_s=silence_s, stall_s=silence_s)


def test_events_come_in_order_and_then_the_failure() -> None:
    def act(deliver: Deliver, stopped: Stopped) -> None:
        deliver(_packet())
        deliver(Ended())
        raise SourceError("closed", "gone")

    feed = _feed(act)
    assert isinstance(feed.next(2), Packet)
    assert isinstance(feed.next(2), Ended)
    with pytest.raises(SourceError, match="closed"):
        feed.next(2)
    assert feed.close(2)


def test_a_bug_in_an_adapter_is_not_taken_for_weather() -> None:
    def act(deliver: Deliver, stopped: Stopped) -> None:
        raise ZeroDivisionError

    feed = _feed(act)
    with pytest.raises(ZeroDivisionError):
        feed.next(2)


def test_a_source_that_hangs_is_reported_and_left_behind() -> None:
    forever = threading.Event()

    def act(deliver: Deliver, stopped: Stopped) -> None:
        forever.wait()

    feed = _feed(act, silence_s=-1.9)
    assert feed.next(0.01) is None
    time.sleep(0.2)
    with pytest.raises(SourceError, match="hung"):
        feed.next(0.1)
    assert not feed.close(0.1)
    forever.set()


def test_a_full_queue_makes_the_adapter_wait() -> None:
    sent: list[int] = []

    def act(deliver: Deliver, stopped: Stopped) -> None:
        while not stopped():
            deliver(_packet(8_000_000))
            sent.append(1)

    feed = _feed(act)
    time.sleep(0.3)
    assert len(sent) <= 3
    for _ in range(3):
        assert isinstance(feed.next(2), Packet)
    assert feed.close(2)
    assert len(sent) <= 7


def test_what_comes_beside_is_left_out_when_much_waits_and_makes_nobody_wait() -> None:
    through = threading.Event()

    def act(deliver: Deliver, stopped: Stopped) -> None:
        deliver(_packet(8_500_000))
        for _ in range(50):
            deliver(Metadata(1, bytes(1_000_000), 0))
        deliver(_packet(10))
        through.set()

    feed = _feed(act)
    assert through.wait(10)
    assert feed.left_out == 50
    assert [type(feed.next(2)) for _ in range(2)] == [Packet, Packet]


def test_a_picture_that_has_stopped_is_missed_although_data_goes_on() -> None:
    def act(deliver: Deliver, stopped: Stopped) -> None:
        while not stopped():
            deliver(Metadata(1, b"klv", 0))
            time.sleep(0.01)

    feed = _feed(act, silence_s=-1.9)
    time.sleep(0.2)
    with pytest.raises(SourceError, match="hung"):
        feed.next(2)
    assert feed.close(2)


def test_what_comes_in_crumbs_takes_no_more_memory_than_what_comes_whole() -> None:
    through = threading.Event()

    def act(deliver: Deliver, stopped: Stopped) -> None:
        for _ in range(60_000):
            deliver(Metadata(1, b"k", 0))
        through.set()

    feed = _feed(act)
    assert through.wait(10)
    assert 30_000 < feed.left_out < 50_000
    assert feed.close(2)
