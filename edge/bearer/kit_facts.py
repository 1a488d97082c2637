"""What the bearers tell the centre about the kit they carry for."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fieldlink.codecs.wire import Hello

__all__ = ["KitFacts"]


class KitFacts:
    """What the bearers tell the centre about the kit: callables, asked anew each time."""

    def __init__(
        self,
        *,
        software: str,
        spool: bytes,
        devices: Callable[[], Mapping[str, str]],
        report: Callable[[], Awaitable[Mapping[str, Any]]],
    ) -> None:
        self.software = software
        self.spool = spool
        self.devices = devices
        self.report = report

    def hello(self, bearer: str, now_us: int) -> Hello:
        """The greeting by `bearer`."""
        return Hello(self.software, self.spool, now_us, bearer, dict(self.devices()))
