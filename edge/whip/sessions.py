"""The sessions of all publishers: begun by an offer, found by key, ended when they are over."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable

from fieldlink.codecs.whip import Offer
from fieldlink.edge.whip.hub import Hub
from fieldlink.edge.whip.mount import Mount, Publisher
from fieldlink.edge.whip.peer import Peer

__all__ = ["Admits", "FullError", "Sessions"]

_TICK_S = 1.0

Admits = Callable[[str, str], bool]
"""Whether the device NAME may be published to with a token that has this hash."""


class FullError(Exception):
    """There are as many sessions as may be."""


class Sessions:
    """Used on one event loop. `clock` gives UTC microseconds."""

    def __init__(self, hub: Hub, admits: Admits, most: int, clock: Callable[[], int]) -> None:
        self.hub, self.admits, self._most, self._clock = hub, admits, most, clock
        self._peers: dict[str, Peer] = {}
        self.counts: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._peers)

    async def begin(
        self, mount: Mount, address: str, hashed: str, offer: Offer
    ) -> tuple[Peer, str]:
        """A session for `offer`, and the answer to it. Whoever published there before is ended.

        Raises:
            FullError: there are too many.
        """
        others = [one for one in self._peers.values() if one.mount is not mount]
        if len(others) >= self._most:
            raise FullError
        publisher = Publisher(address, offer.audio, hashed)
        peer = Peer(secrets.token_urlsafe(16), mount, publisher, offer, self._clock)
        self._peers[peer.key] = peer
        try:
            answer = await peer.answer()
        except BaseException:
            await self.end(peer, "it could not begin")
            raise
        mount.begin(publisher)
        peer.answered = True
        # One that is being answered in this moment takes this one's place when it is.
        for one in list(self._peers.values()):
            if one.mount is mount and one.answered and one.publisher is not mount.publisher:
                await self.end(one, "another publisher took its place")
        return peer, answer

    def find(self, name: str, key: str) -> Peer | None:
        """The session `key` of device `name`."""
        peer = self._peers.get(key)
        return peer if peer is not None and peer.mount.name == name else None

    async def end(self, peer: Peer, reason: str) -> None:
        """End `peer`; nothing if it has ended."""
        if self._peers.pop(peer.key, None) is not None:
            await peer.close(reason)

    async def look(self) -> None:
        """End the sessions that are over."""
        for peer in [one for one in self._peers.values() if one.answered]:
            reason = await peer.tick()
            if not self.admits(peer.mount.name, peer.publisher.hashed):
                reason = "its token is good no more 令牌已失效"
            if reason:
                await self.end(peer, reason)

    async def run(self, beat: Callable[[], None]) -> None:
        """End what is over, until cancelled; then everything."""
        try:
            while True:
                beat()
                await self.look()
                await asyncio.sleep(_TICK_S)
        finally:
            for peer in list(self._peers.values()):
                await asyncio.shield(self.end(peer, "the kit takes in no more"))
