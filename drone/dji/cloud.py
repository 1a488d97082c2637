"""All gateways of a kit: messages in, messages out, nothing else. Pure; time is an argument.

`now_s` counts seconds of a clock that never jumps; `wall_ms` is what goes into messages.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fieldlink.codecs.dji import (
    Envelope,
    Topic,
    Way,
    read_envelope,
    read_topic,
    write_envelope,
)
from fieldlink.codecs.fault import CodecError
from fieldlink.drone.dji.calls import USUAL, Pace
from fieldlink.drone.dji.gateway import Gateway
from fieldlink.drone.dji.ports import Files, LiveNeeds, Media, Sink

__all__ = ["SAID", "TOLD", "Cloud", "Letter"]

SAID = (Way.STATUS, Way.OSD, Way.STATE, Way.EVENTS, Way.REQUESTS, Way.SERVICES_REPLY)
"""What a gateway says, and this end listens to."""

TOLD = (Way.STATUS_REPLY, Way.SERVICES, Way.EVENTS_REPLY, Way.REQUESTS_REPLY)
"""What this end says. Nothing below drc/ and no property/set: nothing here moves an aircraft."""

_VIA_AIRCRAFT = (Way.OSD, Way.STATE)


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to publish."""

    topic: str
    payload: bytes
    qos: int


@dataclass(kw_only=True)
class Cloud:
    """The third-party cloud of the gateways that are registered; others are refused.

    `config` is what a dock is told of the vendor's developer account (app_id, app_key,
    app_license, ntp_server_host); empty: it is refused. `files` takes originals in; None: nobody
    does. `wishes` are needs of single gateways that differ from `needs`.
    """

    sink: Sink
    media: Media
    needs: LiveNeeds
    make_id: Callable[[], str]
    wall_ms: Callable[[], int]
    config: Mapping[str, Any] = field(default_factory=dict)
    files: Files | None = None
    wishes: Mapping[str, LiveNeeds] = field(default_factory=dict)
    pace: Pace = USUAL
    gateways: dict[str, Gateway] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    _outbox: list[Letter] = field(default_factory=list)
    _behind: dict[str, str] = field(default_factory=dict)

    def register(self, serials: Iterable[str]) -> None:
        """These gateways may speak from now on, and no others."""
        wanted = set(serials)
        for sn in self.gateways.keys() - wanted:
            self.gateways.pop(sn).live.close()
        for sn in wanted - self.gateways.keys():
            self.gateways[sn] = Gateway(
                sn,
                send=self._send,
                sink=self.sink,
                media=self.media,
                needs=self.wishes.get(sn, self.needs),
                config=self.config,
                files=self.files,
                make_id=self.make_id,
                wall_ms=self.wall_ms,
                pace=self.pace,
            )
        self._behind = {a: g for a, g in self._behind.items() if g in self.gateways}

    def receive(self, topic: str, payload: bytes, now_s: float) -> None:
        """One message; what is malformed is counted, and told to the sink."""
        self.counts["messages"] += 1
        who = "dji"
        try:
            where = read_topic(topic)
            if where.way not in SAID:
                raise CodecError("topic", f"{where.way} is this end's to say")
            who = where.sn
            envelope = read_envelope(payload)
            gateway = self._gateway_of(where, envelope)
            who = gateway.sn
            gateway.receive(where, envelope, now_s)
        except CodecError as error:
            self.counts["refused"] += 1
            self.sink.refuse(who, str(error))

    def _gateway_of(self, where: Topic, envelope: Envelope) -> Gateway:
        found = self.gateways.get(where.sn)
        if found is not None:
            return found
        if where.way not in _VIA_AIRCRAFT:
            raise CodecError("unknown", "no such gateway is registered")
        # An aircraft's properties come under its own number and name the gateway.
        found = self.gateways.get(envelope.gateway or self._behind.get(where.sn, ""))
        if found is None:
            raise CodecError("unknown", "it comes by no gateway that is registered")
        if len(self._behind) < 1_000:
            self._behind[where.sn] = found.sn
        return found

    def tick(self, now_s: float) -> None:
        """Do what is due; call it every half second or so."""
        for gateway in self.gateways.values():
            gateway.tick(now_s)

    def take(self) -> list[Letter]:
        """What is to be published, in order; whoever takes it publishes it."""
        letters, self._outbox = self._outbox, []
        return letters

    def _send(self, topic: Topic, envelope: Envelope, qos: int) -> None:
        self._outbox.append(Letter(str(topic), write_envelope(envelope), qos))

    def report(self, now_s: float) -> dict[str, Any]:
        """How each gateway is."""
        return {sn: gateway.report(now_s) for sn, gateway in sorted(self.gateways.items())}

    def close(self) -> None:
        """Take in no video any more."""
        for gateway in self.gateways.values():
            gateway.live.close()
