"""One gateway: a remote controller or a dock, with its aircraft. Pure; time is an argument."""

from collections.abc import Callable, Mapping
from typing import Any

from fieldlink.codecs.dji import (
    FAILSAFE_REASONS,
    FORCED_MODES,
    NOT_CONNECTED,
    Capacity,
    Envelope,
    LiveDevice,
    Outcome,
    Role,
    Topic,
    Way,
    first_data,
    guess_role,
    merge,
    mode_words,
    read_aircraft,
    read_capacity,
    read_dock,
    read_remote,
    read_topology,
    reason_words,
)
from fieldlink.codecs.dji import Camera as LiveCamera
from fieldlink.codecs.dji import Video as LiveVideo
from fieldlink.codecs.fault import CodecError
from fieldlink.codecs.telemetry import TEXT, AlarmKind, Flag
from fieldlink.drone.dji.calls import USUAL, Answer, Calls, Pace
from fieldlink.drone.dji.events import Events
from fieldlink.drone.dji.live import LiveStreams
from fieldlink.drone.dji.ports import Files, LiveNeeds, Media, Said, Sink, Station
from fieldlink.drone.dji.streams import Course, aircraft_samples, dock_samples, remote_samples

__all__ = ["OFFLINE_S", "STALE_S", "Gateway"]

STALE_S = 6.0  # three reports at 0.5 Hz
OFFLINE_S = 60.0
_GUESS_S = 10.0
_MAX_AIRCRAFT = 4

Send = Callable[[Topic, Envelope, int], None]


class _Craft:
    """What is known of one station."""

    def __init__(self, station: Station, now_s: float) -> None:
        self.station = station
        self.heard_s = self.since_s = now_s
        self.data: dict[str, Any] = {}
        self.course = Course()
        self.failsafe: str | None = None  # not known yet: it may be going on from before
        self.lat: float | None = None
        self.lon: float | None = None


class Gateway:
    """Takes the messages of the gateway `sn`; says its own by `send(topic, envelope, qos)`."""

    def __init__(
        self,
        sn: str,
        *,
        send: Send,
        sink: Sink,
        media: Media,
        needs: LiveNeeds,
        config: Mapping[str, Any],
        files: Files | None,
        make_id: Callable[[], str],
        wall_ms: Callable[[], int],
        pace: Pace = USUAL,
    ) -> None:
        self.sn, self._send, self._sink, self._wall_ms = sn, send, sink, wall_ms
        services = Topic(Way.SERVICES, sn)
        self.calls = Calls(sn, lambda envelope: send(services, envelope, 0), make_id, wall_ms, pace)
        self.live = LiveStreams(sn, self.calls, media, needs, self._live_changed, pace)
        self._own = Station(sn, Role.UNKNOWN, sn)
        self._crafts: dict[str, _Craft] = {}
        self._heard_s: float | None = None
        self.events = Events(
            sn,
            sink,
            files,
            config,
            stations=lambda: [self._own, *(craft.station for craft in self._crafts.values())],
            about=self._about,
            answer=self._answered,
        )
        self.topologies = 0

    # --- how it is -----------------------------------------------------------------------------

    def report(self, now_s: float) -> dict[str, Any]:
        """How it is, for people and programs."""
        return {
            "model": self._own.label,
            "role": self._own.role.value,
            "state": self._state(self._heard_s, now_s),
            "aircraft": [
                {
                    "sn": craft.station.sn,
                    "model": craft.station.label,
                    "state": self._state(craft.heard_s, now_s),
                    "mode": mode_words(_number(craft.data.get("mode_code"))),
                }
                for craft in self._crafts.values()
                if craft.station.role is Role.AIRCRAFT
            ],
            "live": self.live.report(),
            "wanted": self.live.needs.cameras,
            "no_room": self.live.no_room,
            "calls": {
                "unanswered": self.calls.unanswered,
                "duplicates": self.calls.duplicates,
                "late": self.calls.late,
            },
            "health": self.events.health,
            "uploads": self.events.uploads,
            "refused_uploads": self.events.refused_uploads,
            "refused_requests": self.events.refused_requests,
        }

    def _state(self, heard_s: float | None, now_s: float) -> str:
        if heard_s is None or now_s - heard_s >= OFFLINE_S:
            return "offline"
        return "online" if now_s - heard_s < STALE_S else "stale"

    # --- what comes ----------------------------------------------------------------------------

    def receive(self, topic: Topic, envelope: Envelope, now_s: float) -> None:
        """One message.

        Raises:
            CodecError: it is malformed; nothing of it was taken in.
        """
        self._heard_s = now_s
        handlers = {
            Way.STATUS: self._status,
            Way.OSD: self._osd,
            Way.STATE: self._state_told,
            Way.EVENTS: self._event,
            Way.REQUESTS: self._request,
            Way.SERVICES_REPLY: self._replied,
        }
        handler = handlers.get(topic.way)
        if handler is not None:
            handler(topic, envelope, now_s)

    def tick(self, now_s: float) -> None:
        """Do what is due."""
        self.calls.tick(now_s)
        for craft in list(self._crafts.values()):
            if now_s - craft.heard_s >= OFFLINE_S:
                self._lost(craft, now_s)
        self._guess_capacity(now_s)
        self.live.tick(now_s)

    def _status(self, _topic: Topic, envelope: Envelope, now_s: float) -> None:
        topology = read_topology(envelope.data)
        # Answered at once: the gateway sends nothing more before.
        self._send(Topic(Way.STATUS_REPLY, self.sn), self._answer(envelope, {"result": 0}), 1)
        self.topologies += 1
        product = topology.product
        self._own = Station(self.sn, product.role, self.sn, product.label)
        told = {one.sn: one for one in topology.devices[:_MAX_AIRCRAFT]}
        for craft in list(self._crafts.values()):
            if craft.station.role is Role.AIRCRAFT and craft.station.sn not in told:
                self._lost(craft, now_s)
        for sn, one in told.items():
            role = Role.AIRCRAFT if one.product.role is Role.UNKNOWN else one.product.role
            self._meet(Station(sn, role, self.sn, one.product.label), now_s)

    def _answer(self, envelope: Envelope, data: Mapping[str, Any]) -> Envelope:
        return envelope.reply(dict(data), self._wall_ms())

    def _meet(self, station: Station, now_s: float) -> _Craft:
        known = self._crafts.get(station.sn)
        if known is None:
            known = self._crafts[station.sn] = _Craft(station, now_s)
        known.station, known.heard_s = station, now_s
        if station.role is Role.AIRCRAFT:
            self.live.set_online(True, now_s)
        return known

    def _lost(self, craft: _Craft, now_s: float) -> None:
        # A failsafe is not over because nothing is heard: it ends when it is heard to be well.
        self._crafts.pop(craft.station.sn, None)
        if not any(one.station.role is Role.AIRCRAFT for one in self._crafts.values()):
            self.live.set_online(False, now_s)

    def _craft(self, topic: Topic, data: Mapping[str, Any], now_s: float) -> _Craft:
        known = self._crafts.get(topic.sn)
        if known is not None:
            known.heard_s = now_s
            if known.station.role is not Role.UNKNOWN:
                return known
        # The topology was said before this end listened: the properties tell what it is.
        role = self._own.role if topic.sn == self.sn else Role.AIRCRAFT
        if role is Role.UNKNOWN:
            role = guess_role(data)
            if role is Role.AIRCRAFT:
                role = Role.UNKNOWN
        label = self._own.label if topic.sn == self.sn else ""
        if known is None and len(self._crafts) > _MAX_AIRCRAFT:
            raise CodecError("many", f"over {_MAX_AIRCRAFT} stations behind one gateway")
        return self._meet(Station(topic.sn, role, self.sn, label), now_s)

    def _osd(self, topic: Topic, envelope: Envelope, now_s: float) -> None:
        data = _map(envelope)
        craft = self._craft(topic, data, now_s)
        craft.data = merge(craft.data, data)
        self._capacity_in(data, now_s)
        device_us = None if envelope.timestamp_ms is None else envelope.timestamp_ms * 1000
        if craft.station.role is Role.AIRCRAFT:
            told = read_aircraft(craft.data)
            craft.lat, craft.lon = told.lat, told.lon
            found = aircraft_samples(told, craft.course)
            self._judge_mode(craft, told.mode, told.mode_reason)
            odd = told.odd
        elif craft.station.role is Role.DOCK:
            dock = read_dock(craft.data)
            found, odd = dock_samples(dock), dock.odd
        else:
            remote = read_remote(craft.data)
            found, odd = remote_samples(remote), remote.odd
        for schema, values, flags in found:
            self._sink.sample(craft.station, schema, values, device_us, flags)
        for reason in odd[:4]:
            self._sink.refuse(self.sn, f"osd: {reason}")

    def _state_told(self, topic: Topic, envelope: Envelope, now_s: float) -> None:
        data = _map(envelope)
        craft = self._craft(topic, data, now_s)
        self._capacity_in(data, now_s)
        # Kept beside the osd: home, why the mode changed, versions.
        kept = {key: data[key] for key in data if key not in ("live_capacity", "live_status")}
        craft.data = merge(craft.data, kept)
        if "mode_code_reason" in kept and craft.station.role is Role.AIRCRAFT:
            told = read_aircraft(craft.data)
            self._judge_mode(craft, told.mode, told.mode_reason)

    def _capacity_in(self, data: Mapping[str, Any], now_s: float) -> None:
        if "live_capacity" in data:
            self.live.set_capacity(read_capacity(data["live_capacity"]), now_s)

    def _guess_capacity(self, now_s: float) -> None:
        """What can be sent is said once; where that was missed, the gimbals tell the cameras."""
        if self.live.has_capacity:
            return
        for craft in self._crafts.values():
            waited = now_s - craft.since_s >= _GUESS_S
            if craft.station.role is not Role.AIRCRAFT or not waited or not craft.data:
                continue
            indices = [one.index for one in read_aircraft(craft.data).payloads]
            if indices:
                videos = (LiveVideo("normal-0", None),)
                cameras = tuple(LiveCamera(index, 1, videos) for index in indices)
                device = LiveDevice(craft.station.sn, 1, cameras)
                self.live.set_capacity(Capacity(1, (device,)), now_s)
                return

    # --- what needs attention ------------------------------------------------------------------

    def _judge_mode(self, craft: _Craft, mode: int | None, reason: int | None) -> None:
        """An aircraft that acts on its own: forced down, or on its way home for a reason."""
        acts = mode in FORCED_MODES or (mode in (9, 10) and reason in FAILSAFE_REASONS)
        words = f"{mode_words(mode)}: {reason_words(reason)}".rstrip(": ") if acts else ""
        if mode in (None, NOT_CONNECTED):
            return
        if craft.failsafe is None or bool(words) != bool(craft.failsafe):
            self._say_failsafe(craft, words)

    def _say_failsafe(self, craft: _Craft, words: str) -> None:
        craft.failsafe = words
        said = Said(AlarmKind.FAILSAFE, bool(words), "mode", words, craft.lat, craft.lon)
        self._sink.notice(craft.station, said)

    def _about(self) -> Station:
        """Whom events of the gateway are about: its aircraft, if there is one."""
        crafts = [c.station for c in self._crafts.values() if c.station.role is Role.AIRCRAFT]
        return crafts[0] if crafts else self._own

    def _event(self, _topic: Topic, envelope: Envelope, _now_s: float) -> None:
        self.events.event(envelope)

    def _live_changed(self, words: str) -> None:
        values = {"text": words, "from": self.sn}
        self._sink.sample(self._about(), TEXT, values, None, Flag.NONE)

    # --- what is asked and answered ------------------------------------------------------------

    def _request(self, _topic: Topic, envelope: Envelope, _now_s: float) -> None:
        self.events.request(envelope)

    def _answered(self, way: Way, envelope: Envelope, data: Mapping[str, Any]) -> None:
        self._send(Topic(way, self.sn), self._answer(envelope, data), 1)

    def bring_first(self, flight: str, now_s: float) -> None:
        """Ask a dock to bring the files of that task before others.

        Raises:
            CodecError: that cannot be a task.
        """
        data = first_data(flight)

        def done(answer: Answer, _now_s: float) -> None:
            words = "it does not answer 无应答" if answer.result is None else answer.result.words
            if answer.result is None or answer.result.outcome is not Outcome.DONE:
                self._live_changed(f"{flight}: {words}")

        self.calls.ask("upload_flighttask_media_prioritize", data, now_s, done)

    def _replied(self, _topic: Topic, envelope: Envelope, now_s: float) -> None:
        self.calls.heard(envelope, now_s)


def _map(envelope: Envelope) -> dict[str, Any]:
    if not isinstance(envelope.data, dict):
        raise CodecError("field", "data is not a map")
    return envelope.data


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
