"""A centre with two aircraft in the air and the flights of before, for tests of its page."""

from typing import Any

from fieldlab.duty import Duty, now_us
from fieldlab.flights import SECOND_US, Craft, named
from fieldlab.footage import Scene, piece, still
from fieldlink.codecs.bundle import Layer
from fieldlink.codecs.telemetry import (
    ALARM_MEDIA_TYPE,
    ALARM_STREAM,
    TEXT,
    Alarm,
    AlarmKind,
    Phase,
    Schema,
    encode_alarm,
)
from fieldlink.drone.record.index import Gap
from fieldlink.drone.schemas import GIMBAL

__all__ = ["CORNERS", "HOSTILE", "Airfield", "Narrow"]

_S = SECOND_US
HOSTILE = "<img src=x onerror=alert(1)> 任务"
CORNERS = [[34.2300, 108.9500], [34.2300, 108.9512], [34.2292, 108.9512], [34.2292, 108.9500]]
"""Of the still's picture on the ground."""


class Narrow(Craft):
    """A camera of which only the direction is known, on a battery that is nearly empty; it says
    something hostile, and nothing is heard of its 20th to 29th second.
    """

    def _measured(self, second: int) -> list[tuple[Schema, tuple[Any, ...]]]:
        found = dict(super()._measured(second))
        if 20 <= second < 30:
            return []
        gimbal = found[GIMBAL]
        said = [(schema, values) for schema, values in found.items() if schema is not GIMBAL]
        if second % 10 == 5:
            said.append((TEXT, (HOSTILE, "")))
        return [*said, (GIMBAL, (*gimbal[:6], None, None))]


class Airfield:
    """`name` is the first aircraft's flight of the last minute, with video of its seconds 10 to 16,
    30 to 33 and 50 to 53; `other` the second's, with a gap and without video. `idle` was recorded
    on the ground. `began`: UTC us.
    """

    def __init__(self, duty: Duty) -> None:
        self.duty = duty
        self.began = now_us() - 60 * _S
        before = Craft(duty, device="m300-1", now_us=self.began - 3600 * _S)
        self.idle = named(before.now_us - 60 * _S, armed=False)
        piece_of, content = before.piece(
            self.idle, 0, before.now_us - 60 * _S, range(20), armed=False
        )
        before.send(piece_of.draft(piece_of.end_us, "armed"), content)
        before.fly(90, without=(1,))
        self.first = Craft(duty, device="m300-1", now_us=self.began, epoch=2)
        self.name = self.first.fly(60)
        for at in (10, 13, 30, 50):
            content = piece(Scene("m300-1", width=320, height=180), float(at), 3.0)
            duty.file("m300-1", Layer.PROXY, self.began + at * _S, content, seconds=3.0)
        self.second = Narrow(duty, device="m300-2", now_us=self.began + _S, epoch=2)
        self.second.exercise = False
        gap = Gap(self.began + 21 * _S, self.began + 31 * _S, "no frames were heard")
        self.other = self.second.fly(55, gaps=[gap])
        self.alarm(self.second.now_us - 15 * _S)
        where = " ".join(f"{lat},{lon}" for lat, lon in CORNERS)
        picture = still(Scene("m300-1"), 1.0)
        duty.file(
            "m300-1",
            Layer.STILL,
            now_us() - _S,
            picture,
            media_type="image/avif",
            meta={"footprint": where},
        )
        self.settle()

    def alarm(self, at_us: int) -> None:
        """The second aircraft falls back on its failsafe, which is over soon."""
        for phase in (Phase.RAISED, Phase.CLEARED):
            alarm = Alarm(
                ident=b"failsafe",
                device="m300-2",
                device_kind="drone",
                kind=AlarmKind.FAILSAFE,
                phase=phase,
                at_us=at_us + (phase is Phase.CLEARED) * _S,
                text="battery",
            )
            self.duty.file(
                "m300-2",
                Layer.REPORT,
                alarm.at_us,
                encode_alarm(alarm),
                media_type=ALARM_MEDIA_TYPE,
                stream=ALARM_STREAM,
            )

    def settle(self) -> None:
        """Take in what was filed."""
        self.duty.telemetry.settle()
        self.duty.flights.settle()
