"""Refusals at the broker, put to a name and counted.

The broker's complaints know a connection by number and by the client id, which the client
chose. Whose certificate it came with was said when it connected, and is remembered here.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from .output import Line

__all__ = ["Finding", "Findings"]

_EVERY_S = 1.0
_MAX_KEYS = 256
_MAX_KNOWN = 100_000


@dataclass(frozen=True, slots=True)
class Finding:
    """Something the broker refused: what kind, whose (None: nobody proved), `count` times; `peer`
    is an address that it came from.

    Kinds: publish-refused, subscribe-refused, not-admitted, certificate-refused, takeover,
    too-large, malformed, trouble, reload-failed.
    """

    kind: str
    owner: str | None
    text: str
    count: int
    peer: str = ""


class Findings:
    """Collects lines and hands out events once a second, the like counted together.

    Used on the event loop only. `emit` runs there too and must not block.
    """

    def __init__(self, emit: Callable[[Finding], None]) -> None:
        self._emit = emit
        self._counts: dict[tuple[str, str | None], tuple[Line, int]] = {}
        self._owners: OrderedDict[int, str] = OrderedDict()

    def restarted(self) -> None:
        """The broker starts: it numbers connections anew."""
        self._owners.clear()

    def add(self, line: Line) -> None:
        """Take `line` in; at most 256 different findings a second are told apart."""
        if line.kind == "owner" and line.connection is not None:
            self._owners[line.connection] = line.text
            if len(self._owners) > _MAX_KNOWN:
                self._owners.popitem(last=False)
        elif line.kind == "closed" and line.connection is not None:
            self._owners.pop(line.connection, None)
        else:
            self._count(line)

    def _count(self, line: Line) -> None:
        owner = None if line.connection is None else self._owners.get(line.connection)
        key = (line.kind, owner)
        if key not in self._counts and len(self._counts) >= _MAX_KEYS:
            key = (line.kind, None)
        first, count = self._counts.get(key, (line, 0))
        self._counts[key] = (first, count + 1)

    async def run(self, beat: Callable[[], None]) -> None:
        """Emit once a second until cancelled."""
        while True:
            beat()
            await asyncio.sleep(_EVERY_S)
            self.flush()

    def flush(self) -> None:
        """Emit what was counted so far."""
        counts, self._counts = self._counts, {}
        for (kind, owner), (line, count) in counts.items():
            self._emit(Finding(kind, owner, line.text, count, line.peer))
