"""The centre's news for whoever watches: published on any thread, followed in asyncio.

A slow follower loses the oldest news and is told how many; it never holds up the receiver.
"""

import asyncio
import json
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

__all__ = ["MISSED", "Feed", "Listener", "News", "Written"]

MISSED = "missed"
_MOST_WAITING = 256

News = tuple[str, Mapping[str, Any]]
Listener = Callable[[str, Mapping[str, Any]], None]


class Written(Mapping[str, Any]):
    """Data that are JSON already, written once for all followers; read only if somebody looks."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __getitem__(self, key: str) -> Any:
        return json.loads(self.text)[key]

    def __iter__(self) -> Iterator[str]:
        return iter(json.loads(self.text))

    def __len__(self) -> int:
        return len(json.loads(self.text))


class _Follower:
    """One follower's bounded queue; touched under the feed's lock."""

    def __init__(self, most: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.waiting: deque[News] = deque(maxlen=most)
        self.missed = 0
        self.arrived = asyncio.Event()

    def push(self, news: News) -> None:
        self.missed += len(self.waiting) == self.waiting.maxlen
        self.waiting.append(news)
        self.loop.call_soon_threadsafe(self.arrived.set)

    def take(self) -> list[News]:
        self.arrived.clear()
        missed: list[News] = [(MISSED, {"count": self.missed})] if self.missed else []
        self.missed = 0
        taken = [*missed, *self.waiting]
        self.waiting.clear()
        return taken


class Feed:
    """Carries (kind, data) from the receiver to every open page.

    Kinds: "bundle" (one was filed), "still", "gap", "kit" (heard, connected, gone), "event",
    "incident", "want", "positions", "samples", "alarm", "flight". Data are plain values that
    JSON can hold.
    """

    def __init__(self, most_waiting: int = _MOST_WAITING) -> None:
        self._most = most_waiting
        self._lock = threading.Lock()
        self._followers: set[_Follower] = set()
        self._listeners: tuple[Listener, ...] = ()

    def publish(self, kind: str, data: Mapping[str, Any]) -> None:
        """Hand news to every follower; on any thread, never blocks."""
        with self._lock:
            for follower in self._followers:
                follower.push((kind, data))
        for listener in self._listeners:
            listener(kind, data)

    def publish_text(self, kind: str, text: str) -> None:
        """Hand on news whose data are written as JSON already."""
        self.publish(kind, Written(text))

    def listen(self, listener: Listener) -> None:
        """Call `listener` with all news, on the thread that publishes: it must not block."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

    def unlisten(self, listener: Listener) -> None:
        """Call it no more."""
        with self._lock:
            self._listeners = tuple(each for each in self._listeners if each != listener)

    @property
    def followers(self) -> int:
        """How many follow."""
        return len(self._followers)

    async def subscribe(self) -> AsyncIterator[News]:
        """Follow from now on, until the iterator is closed.

        After news was lost, ("missed", {"count": n}) comes first: read the whole state again.
        """
        follower = _Follower(self._most)
        with self._lock:
            self._followers.add(follower)
        try:
            while True:
                await follower.arrived.wait()
                with self._lock:
                    taken = follower.take()
                for news in taken:
                    yield news
        finally:
            with self._lock:
                self._followers.discard(follower)
