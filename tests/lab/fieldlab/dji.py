"""A cloud for DJI gateways with nothing around it: time is put, a sink and media remember.

lab = DjiLab()
lab.online()                     # update_topo, answered
lab.says("osd", {...})           # of the aircraft; sn=lab.RC for the controller
[call] = lab.calls()             # what it asks the gateway for
lab.answers(call, 513006)
"""

import itertools
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from fieldlink.codecs.dji import VideoId
from fieldlink.codecs.telemetry import Flag, Schema
from fieldlink.drone.dji import Cloud, LiveNeeds, Said, Station

__all__ = ["AIRCRAFT", "CAPACITY", "RC", "VIDEO", "DjiLab", "FakeMedia", "FakeSink"]

RC = "9N9CN2J0012CXY"
AIRCRAFT = "1581F5BMD228Q00A82XX"
VIDEO = VideoId(AIRCRAFT, "53-0-0", "normal-0")
CAPACITY = {
    "coexist_video_number_max": 1,
    "device_list": [
        {
            "sn": AIRCRAFT,
            "coexist_video_number_max": 1,
            "camera_list": [
                {"camera_index": "39-0-7", "coexist_video_number_max": 1,
                 "video_list": [{"video_index": "normal-0"}]},
                {"camera_index": "53-0-0", "coexist_video_number_max": 1,
                 "video_list": [{"video_index": "normal-0"}]},
            ],
        }
    ],
}  # fmt: skip


class FakeSink:
    """Remembers."""

    def __init__(self) -> None:
        self.samples: list[tuple[Station, str, dict[str, Any], int | None, Flag]] = []
        self.notices: list[tuple[Station, Said]] = []
        self.refused: Counter[tuple[str, str]] = Counter()
        self.reasons: list[str] = []
        self.before: dict[str, list[str]] = {}

    def sample(
        self,
        station: Station,
        schema: Schema,
        values: Mapping[str, float | int | str | None],
        device_us: int | None,
        flags: Flag,
    ) -> None:
        """Remember; a column that the schema lacks is a bug."""
        assert values.keys() <= {column.name for column in schema.columns}
        self.samples.append((station, schema.stream, dict(values), device_us, flags))

    def notice(self, station: Station, said: Said) -> None:
        """Remember."""
        self.notices.append((station, said))

    def going(self, station: Station) -> list[str]:
        """What was wrong with it before this run."""
        return self.before.get(station.sn, [])

    def refuse(self, gateway: str, reason: str) -> None:
        """Remember."""
        self.refused[gateway, reason.partition(":")[0]] += 1
        self.reasons.append(reason)

    def of(self, stream: str) -> list[dict[str, Any]]:
        """The values of a stream, in order."""
        return [values for _, name, values, _, _ in self.samples if name == stream]


class FakeMedia:
    """Has room for `room` videos; `arriving` are those whose pictures come."""

    def __init__(self, room: int = 4) -> None:
        self.room = room
        self.opened: list[VideoId] = []
        self.arriving: set[VideoId] = set()

    def open(self, gateway: str, video: VideoId) -> str | None:
        """A URL, while there is room."""
        assert gateway == RC
        if len(self.opened) >= self.room:
            return None
        self.opened.append(video)
        return f"rtmp://192.0.2.1:1935/live/{video.sn}-{video.camera}"

    def close(self, video: VideoId) -> None:
        """Forget it."""
        self.opened.remove(video)
        self.arriving.discard(video)

    def came(self, video: VideoId) -> bool:
        """Whether it was said to arrive."""
        return video in self.arriving


class DjiLab:
    """A cloud with one registered gateway, RC."""

    def __init__(self, needs: LiveNeeds | None = None, **config: Any) -> None:
        self.sink, self.media = FakeSink(), FakeMedia()
        self.now_s = 0.0
        numbers = itertools.count(1)
        self.cloud = Cloud(
            sink=self.sink,
            media=self.media,
            needs=needs or LiveNeeds(),
            make_id=lambda: f"id-{next(numbers)}",
            wall_ms=lambda: 1_780_000_000_000 + round(self.now_s * 1000),
            config=config,
        )
        self.cloud.register([RC])
        self._sent: list[tuple[str, dict[str, Any]]] = []

    @property
    def gateway(self) -> Any:
        """Its one gateway."""
        return self.cloud.gateways[RC]

    def put(self, topic: str, content: Any) -> None:
        """A message as it comes."""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.cloud.receive(topic, data, self.now_s)

    def says(self, way: str, data: Any, *, sn: str = AIRCRAFT, **more: Any) -> None:
        """A message in its envelope."""
        root = "sys" if way == "status" else "thing"
        envelope = {"tid": "t", "bid": "b", "timestamp": 1_780_000_000_000, "gateway": RC}
        self.put(f"{root}/product/{sn}/{way}", {**envelope, **more, "data": data})

    def online(self, *aircraft: str) -> None:
        """The gateway says who is there; without names its usual aircraft."""
        subs = [{"sn": sn, "type": 67, "sub_type": 1, "domain": "0"}
                for sn in aircraft or (AIRCRAFT,)]  # fmt: skip
        data = {"type": 119, "sub_type": 0, "domain": "2", "sub_devices": subs}
        self.says("status", data, sn=RC, method="update_topo")

    def offline(self) -> None:
        """The gateway says that its aircraft is gone."""
        data = {"type": 119, "sub_type": 0, "sub_devices": []}
        self.says("status", data, sn=RC, method="update_topo")

    def streaming(self) -> dict[str, Any]:
        """Until it asks for its first live start; that call."""
        self.online()
        self.says("state", {"live_capacity": CAPACITY}, sn=RC)
        self.passes(1.5)
        return self.calls()[-1]

    def passes(self, seconds: float) -> None:
        """Let time pass, half a second at a time."""
        for _ in range(round(seconds * 2)):
            self.now_s += 0.5
            self.cloud.tick(self.now_s)

    def flies(self, seconds: float) -> None:
        """Let time pass while the aircraft goes on speaking."""
        for _ in range(int(seconds // 2)):
            self.says("osd", {"mode_code": 3})
            self.passes(2)
        self.passes(seconds % 2)

    def sent(self) -> list[tuple[str, dict[str, Any]]]:
        """Everything it published since this was last called: topic and message."""
        return [(one.topic, json.loads(one.payload)) for one in self.cloud.take()]

    def calls(self) -> list[dict[str, Any]]:
        """The services among that."""
        return [message for topic, message in self.sent() if topic.endswith("/services")]

    def answers(self, call: Mapping[str, Any], result: int, **more: Any) -> None:
        """The gateway's reply to a service."""
        reply = {"tid": call["tid"], "bid": call["bid"], "method": call["method"]}
        self.put(
            f"thing/product/{RC}/services_reply", {**reply, "data": {"result": result, **more}}
        )

    def stage(self) -> str:
        """How far the first stream is."""
        found: str = self.gateway.live.report()[0]["stage"]
        return found
