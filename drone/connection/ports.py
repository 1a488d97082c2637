"""What a connection is to whoever runs it: ways to the other side that come and go.

All on the event loop's thread. A connection reads whatever comes at once and never waits for the
one that listens; it sends only what it can hand over without waiting.
"""

from typing import Protocol

__all__ = ["Connection", "Host", "Way"]


class Way(Protocol):
    """One other side: a peer that sent a datagram, a TCP connection, a serial port, a file."""

    name: str
    """For people: where it leads."""
    whole: bool
    """Whether what comes is cut into whole frames, as datagrams are."""

    @property
    def ready(self) -> bool:
        """Whether something can be sent now."""

    def send(self, frames: list[bytes]) -> None:
        """Send `frames`; only while `ready`. What cannot be sent is the link's loss."""


class Host(Protocol):
    """Whoever runs a connection."""

    def joined(self, way: Way) -> None:
        """There is a way; a peer that only sends datagrams is `heard` first."""

    def heard(self, way: Way, chunks: list[bytes]) -> bool:
        """Bytes came; whether the way is one to talk to."""

    def ready(self, way: Way) -> None:
        """It can be sent to again."""

    def left(self, way: Way) -> None:
        """The way is gone."""


class Connection(Protocol):
    """One connection string at work. It owns no retry."""

    async def run(self, host: Host) -> None:
        """Work until cancelled; a file returns at its end.

        Raises:
            LinkError, SourceError: it does not work at present, or the file is damaged.
        """
