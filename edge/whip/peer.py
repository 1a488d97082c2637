"""One publisher's session: the answer to its offer, its packets, and its end.

Host candidates only, no STUN and no TURN: publisher and kit are on one network.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp
from aiortc.stats import RTCInboundRtpStreamStats

from fieldlink.codecs.whip import Fragment, Offer, finish_answer
from fieldlink.edge.source.media import TrackKind
from fieldlink.edge.whip.mount import Mount, Publisher
from fieldlink.edge.whip.stream import Stream
from fieldlink.edge.whip.tap import tap
from fieldlink.edge.whip.wording import FLOODED, GONE, NO_UDP, NOTHING_CAME

__all__ = ["Peer"]

_log = logging.getLogger(__name__)
_CONNECT_S = 20.0
_SILENT_S = 30.0  # of one that is connected and sends nothing
_MAX_CANDIDATES = 64


class Peer:
    """A session. Used on one event loop."""

    def __init__(
        self, key: str, mount: Mount, publisher: Publisher, offer: Offer, clock: Callable[[], int]
    ) -> None:
        self.key, self.mount, self.publisher = key, mount, publisher
        self._offer, self._clock = offer, clock
        self.stream = Stream(mount, publisher, offer, clock)
        self.answered = False
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._began_s = asyncio.get_running_loop().time()
        self._heard = 0
        self._heard_s = self._began_s
        self._candidates = 0
        self._over = ""

    @property
    def ufrag(self) -> str:
        """Of the publisher."""
        return self._offer.ufrag

    async def answer(self) -> str:
        """Take the offer; the SDP of the answer."""
        connection = self._connection
        connection.on("connectionstatechange", self._look)
        await connection.setRemoteDescription(RTCSessionDescription(self._offer.text, "offer"))
        for transceiver in connection.getTransceivers():
            kind: TrackKind = "video" if transceiver.kind == "video" else "audio"
            tap(
                transceiver.receiver,
                lambda packet, kind=kind: self.stream.packet(kind, packet),  # type: ignore[misc]
                lambda date, ticks, kind=kind: self.stream.report(kind, date, ticks),  # type: ignore[misc]
                self._flooded,
            )
        await connection.setLocalDescription(await connection.createAnswer())
        return finish_answer(connection.localDescription.sdp, self._offer)

    async def add(self, fragment: Fragment) -> None:
        """Take the candidates that the publisher found later."""
        for text in fragment.candidates:
            self._candidates += 1
            if self._candidates > _MAX_CANDIDATES:
                return
            candidate = candidate_from_sdp(text.partition(":")[2])
            candidate.sdpMLineIndex = 0  # everything is bundled with the first
            await self._connection.addIceCandidate(candidate)

    def _flooded(self) -> None:
        self._over = self._over or FLOODED

    def _look(self) -> None:
        state = self._connection.connectionState
        if state == "connected" and not self.publisher.connected:
            self.publisher.connected = True
            self._heard_s = asyncio.get_running_loop().time()
        elif state in ("failed", "closed") and not self._over:
            self._over = GONE if self.publisher.connected else NO_UDP

    async def tick(self) -> str:
        """Renew the facts for the report; why the session is to end, "" if it is not."""
        now_s = asyncio.get_running_loop().time()
        facts = self.stream.facts()
        if facts["packets"] != self._heard:
            self._heard, self._heard_s = facts["packets"], now_s
        self.publisher.facts = {**facts, "jitter_ms": await self._jitter_ms()}
        if not self._over and self.mount.publisher is not self.publisher:
            self._over = "another publisher took its place"
        if not self._over and not self.mount.is_wanted():
            self._over = "the device is recorded no more"
        if not self._over and not self.publisher.connected and now_s - self._began_s > _CONNECT_S:
            self._over = NO_UDP
        if not self._over and self.publisher.connected and now_s - self._heard_s > _SILENT_S:
            self._over = NOTHING_CAME
        return self._over

    async def _jitter_ms(self) -> float | None:
        for receiver in self._connection.getReceivers():
            for one in (await receiver.getStats()).values():
                if isinstance(one, RTCInboundRtpStreamStats) and one.kind == "video":
                    return round(one.jitter / 90, 1)
        return None

    async def close(self, reason: str) -> None:
        """End it."""
        self._over = self._over or reason
        self.mount.end(self.publisher, self._over)
        await self._connection.close()

    def report(self) -> dict[str, Any]:
        """For programs."""
        return {"from": self.publisher.address, **self.publisher.facts}
