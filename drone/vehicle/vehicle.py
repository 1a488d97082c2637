"""One vehicle: frames in, samples and alarms out."""

from collections import deque
from typing import Any

from fieldlink.codecs.mavlink import Frame, HighLatency2, id_of
from fieldlink.codecs.telemetry import BATTERY as BATTERY_SCHEMA
from fieldlink.codecs.telemetry import POSITION, TEXT, AlarmKind, Schema
from fieldlink.drone.schemas import ATTITUDE, FLIGHT, GIMBAL, LINK
from fieldlink.drone.vehicle.alarms import Alarms, Limits
from fieldlink.drone.vehicle.gimbal import DEVICE, FOV, ORIENTATION, STATUS, gimbal
from fieldlink.drone.vehicle.loss import Loss
from fieldlink.drone.vehicle.measures import (
    ATT,
    BATTERY,
    GLOBAL,
    GPS,
    SYS,
    Values,
    attitude,
    battery,
    flight,
    has_fix,
    position,
)
from fieldlink.drone.vehicle.names import kind_name
from fieldlink.drone.vehicle.reading import Fields
from fieldlink.drone.vehicle.said import Key, Measured, Said
from fieldlink.drone.vehicle.state import VehicleState
from fieldlink.drone.vehicle.texts import Text

__all__ = ["Vehicle"]

_HEARTBEAT = 0
_MAX_BATTERIES, _MAX_LINKS = 4, 8
_FORGOTTEN_US = 600_000_000
_TEXTS, _TEXTS_US = 20, 10_000_000
_SHOWN_TEXTS = 6
_AT_ONCE_US = 100_000  # what changes faster, as of two aircraft with one number, waits its turn
_ANSWERED = 2  # frames that prove it is back
_RADIO_FRESH_US = 15_000_000
_BATTERIES = tuple(
    BATTERY_SCHEMA if not number else Schema(f"battery-{number}", BATTERY_SCHEMA.columns)
    for number in range(_MAX_BATTERIES)
)
_GIMBALS = (DEVICE, ORIENTATION, STATUS, FOV)
RADIOS = (id_of("RADIO_STATUS"), id_of("RADIO"))


class Vehicle:
    """`every_us` is the least time between two samples of a stream that moves fast; battery and
    link come at a fifth and a tenth of that.
    """

    def __init__(self, key: Key, every_us: int, limits: Limits) -> None:
        self.key = key
        self.state = VehicleState(*key)
        self.alarms = Alarms(key, limits)
        self.loss = Loss()
        self.links: dict[str, int] = {}  # when it was heard there last
        self.lost = False
        self.texts_dropped = 0
        self.last_text = ""
        self.said: deque[tuple[int, int, str]] = deque(maxlen=_SHOWN_TEXTS)  # when, severity, text
        self._every_us = every_us
        self._sampled: dict[str, int] = {}
        self._shown: tuple[Any, ...] = ()
        self._answers = 0
        self._texts: list[int] = []

    def hear(self, frame: Frame, now_us: int) -> None:
        """It said something, whatever that is."""
        self.state.heard_us = now_us
        self.links.pop(frame.link, None)
        self.links[frame.link] = now_us
        if len(self.links) > _MAX_LINKS:
            del self.links[next(iter(self.links))]
        self.loss.count(frame.seq, frame.link, now_us)
        self._answers += 1

    def take(self, msgid: int, fields: Fields, now_us: int) -> list[Said]:
        """It, or a part of it, said what state is made of."""
        part = fields["id"] if msgid == BATTERY else 0
        if part >= _MAX_BATTERIES:
            return []
        self.state.take(msgid, fields, now_us, part)
        found: list[Said] = [*self._samples(msgid, part, now_us)]
        found += self.alarms.judge(self.state, msgid, fields, now_us)
        return found

    def take_summary(self, frame: Frame, now_us: int) -> list[Said]:
        """It said HIGH_LATENCY2, which is worth one of each."""
        said = HighLatency2.decode(frame.payload)
        self.state.take_summary(said, now_us)
        found: list[Said] = []
        if self.state.last(GLOBAL, now_us) is None:
            fix = None if said.lat is not None else True
            found += self._sample(POSITION, position(self.state, now_us), now_us, no_fix=bool(fix))
        found += self._sample(FLIGHT, flight(self.state, now_us), now_us)
        if self.state.last(BATTERY, now_us) is None:
            found += self._sample(BATTERY_SCHEMA, battery(self.state, now_us), now_us, 5)
        return [*found, *self.alarms.judge_summary(self.state, said, now_us)]

    def heard_text(self, text: Text, now_us: int) -> list[Said]:
        """It, or a part of it, said something in words."""
        found: list[Said] = [*self.alarms.heard(text, self.state, now_us)]
        self._texts = [at_us for at_us in self._texts if now_us - at_us < _TEXTS_US]
        if len(self._texts) >= _TEXTS:
            self.texts_dropped += 1
            return found
        self._texts.append(now_us)
        self.last_text = text.text
        self.said.append((now_us, text.severity, text.text))
        part = "" if text.sender == self.key else f"component {text.sender[1]}"
        return [*found, Measured(self.key, TEXT, {"text": text.text, "from": part})]

    def _samples(self, msgid: int, part: int, now_us: int) -> list[Measured]:
        state = self.state
        if msgid == GLOBAL or (msgid == GPS and state.last(GLOBAL, now_us) is None):
            lost = has_fix(state, now_us) is False
            return self._sample(POSITION, position(state, now_us), now_us, no_fix=lost)
        if msgid == ATT:
            return self._sample(ATTITUDE, attitude(state, now_us), now_us)
        if msgid in _GIMBALS:
            return self._sample(GIMBAL, gimbal(state, now_us), now_us)
        if msgid == BATTERY or (msgid == SYS and state.last(BATTERY, now_us) is None):
            return self._sample(_BATTERIES[part], battery(state, now_us, part), now_us, 5)
        if msgid == _HEARTBEAT:
            shown = state.mode, state.armed, state.state
            last_us = self._sampled.get(FLIGHT.stream)
            if shown != self._shown and (last_us is None or now_us - last_us >= _AT_ONCE_US):
                self._sampled.pop(FLIGHT.stream, None)  # at once
                self._shown = shown
            return self._sample(FLIGHT, flight(state, now_us), now_us)
        return []

    def link_sample(self, radio: tuple[Fields, int] | None, now_us: int) -> list[Measured]:
        """How well it is heard; `radio` is what the radio of its link said, and when."""
        values: Values = {"name": next(reversed(self.links), None)}
        values["loss"] = self.loss.percent(now_us)
        if radio is not None and now_us - radio[1] < _RADIO_FRESH_US:
            said = radio[0]
            for column, name in (
                ("rssi", "rssi"), ("remote_rssi", "remrssi"), ("noise", "noise"),
                ("remote_noise", "remnoise"),
            ):  # fmt: skip
                values[column] = said[name] if said[name] != 255 else None
            values["rx_errors"] = said["rxerrors"]
        return self._sample(LINK, values, now_us, 10)

    def _sample(
        self, schema: Schema, values: Values, now_us: int, every: int = 1, *, no_fix: bool = False
    ) -> list[Measured]:
        last_us = self._sampled.get(schema.stream)
        # A tenth early is in time: what comes once a second comes a little early every other time.
        if last_us is not None and now_us - last_us < 0.9 * self._every_us * every:
            return []
        if all(value is None for value in values.values()):
            return []
        self._sampled[schema.stream] = now_us
        return [Measured(self.key, schema, values, no_fix)]

    def look(self, limits_us: dict[str, int], now_us: int) -> list[Said]:
        """Let time pass. It is lost when it is silent on every link for longer than each allows
        (`limits_us`); that is an alarm if it may be in the air.
        """
        found: list[Said] = [*self.alarms.watch.tick(now_us)]
        silent = {link: now_us - at_us for link, at_us in self.links.items()}
        gone = bool(silent) and all(
            silent_us > limits_us[link] for link, silent_us in silent.items()
        )
        watch = self.alarms.watch
        if gone and not self.lost:
            self.lost, self._answers = True, 0
            if self.state.armed is not False:
                shown, limit = min(silent.values()), max(limits_us[link] for link in silent)
                found += watch.bad(
                    AlarmKind.SILENCE, "", now_us,
                    value=f"{shown / 1e6:.0f}", limit=f"{limit / 1e6:.0f}", unit="s",
                )  # fmt: skip
        elif not gone and self.lost and (self._answers >= _ANSWERED or self.state.brief()):
            self.lost = False
        if not self.lost and self._answers:
            found += watch.good(AlarmKind.SILENCE, "", now_us, 0)
        return found

    def forgotten(self, now_us: int) -> bool:
        """Whether it is gone for so long, and nothing of it is going on."""
        silent_us = now_us - self.state.heard_us
        return silent_us > _FORGOTTEN_US and not self.alarms.watch.going

    def report(self, now_us: int) -> dict[str, Any]:
        """How it is, for people and programs."""
        state, place = self.state, position(self.state, now_us)
        loss = self.loss.percent(now_us)
        return {
            "system": state.sysid,
            "component": state.compid,
            "kind": kind_name(state.kind),
            "state": "lost" if self.lost else "heard",
            "silent_s": round((now_us - state.heard_us) / 1e6, 1),
            "mode": state.mode,
            "armed": state.armed,
            "lat": place.get("lat"),
            "lon": place.get("lon"),
            "alt": place.get("alt"),
            "speed": place.get("speed"),
            "battery": battery(state, now_us).get("level"),
            "links": list(self.links),
            "loss_percent": None if loss is None else round(loss, 1),
            "text": self.last_text,
            "texts": [
                {"age_s": round((now_us - at_us) / 1e6, 1), "severity": severity, "text": text}
                for at_us, severity, text in self.said
            ],
            "alarms": [f"{kind.value} {subject}".strip() for kind, subject in
                       self.alarms.watch.going],
        }  # fmt: skip
