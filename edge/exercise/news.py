"""Listens to the centre's news as every open page does, to know when an alarm is there."""

import json
import threading
import time
from collections.abc import Iterable
from typing import Any

import httpx

__all__ = ["AlarmNews", "news_of"]

_AGAIN_S = 0.5


def news_of(line: str) -> tuple[str, dict[str, Any]] | None:
    """Kind and data of one line of the stream of server-sent events; None if it is no news."""
    if not line.startswith("data: "):
        return None
    told = json.loads(line.removeprefix("data: "))
    return str(told["kind"]), told["data"]


class AlarmNews:
    """Follows /api/updates on a thread until `close`; `alarms` are those that were raised, each
    with `heard_us`, when a page would have shown it.
    """

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._alarms: dict[str, dict[str, Any]] = {}
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="news", daemon=True)
        self._thread.start()

    @property
    def alarms(self) -> list[dict[str, Any]]:
        """What was told so far, in that order."""
        return list(self._alarms.values())

    def close(self) -> None:
        """Stop listening; the client is the caller's to close."""
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.wait(_AGAIN_S):
            try:
                with self._client.stream(
                    "GET", "/api/updates", timeout=None
                ) as answer:  # it stays open
                    answer.raise_for_status()
                    self._follow(answer.iter_lines())
            except (httpx.HTTPError, httpx.StreamError, RuntimeError):
                continue  # a busy centre, or the client was closed

    def _follow(self, lines: Iterable[str]) -> None:
        for line in lines:
            if self._closed.is_set():
                return
            news = news_of(line)
            if news is not None and news[0] == "alarm" and news[1]["state"] == "active":
                heard = {**news[1], "heard_us": time.time_ns() // 1000}
                self._alarms.setdefault(str(heard["id"]), heard)
