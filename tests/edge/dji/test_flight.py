"""The whole way on real connections: a simulated controller, the kit's broker, RTMP, capture."""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fieldlab.devices import DeviceLab, device_api, until
from fieldlab.intake import FakeIntake, FakeTime
from fieldlab.spools import open_spool
from fieldlink.codecs.bundle import FILE_MEDIA_TYPE, Draft, FileIndex
from fieldlink.drone.dji import Pace
from fieldlink.edge.capture.recorder import Recorder
from fieldlink.edge.capture.settings import CaptureSettings, OriginalSettings
from fieldlink.edge.device_api.credentials import Credentials
from fieldlink.edge.devices import Devices
from fieldlink.edge.dji.adapter import make_dji
from fieldlink.edge.dji.receivers import Pushed
from fieldlink.edge.dji.settings import DjiSettings, UploadSettings
from fieldlink.edge.records import Records
from fieldlink.edge.simulate.dji_rc import DjiFault, DjiRcPlan
from fieldlink.edge.whip.adapter import make_whip
from fieldlink.edge.whip.hub import Hub
from fieldlink.edge.whip.settings import WhipSettings
from fieldlink.systemd.nats import free_port

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("collected")]
# Everything that a controller does wrong and still ends in a running video: the first start is not
# answered, two fail with 513006, one with 513015, the answer to the one that works is late; every
# answer comes twice, properties come in parts, with a 0/0 position and modes of the future.
PLAN = DjiRcPlan(
    faults=frozenset(DjiFault) - {DjiFault.PAUSED, DjiFault.NO_PICTURE},
    quick=True,
    quick_s=0.8,
    files=("DJI_20260528150000_0001_W.JPG", "DJI_0002.MP4"),
)

PACE = Pace(answer_s=0.6, open_s=0.3, retry_s=0.3, tick_s=0.1)
_SHORT = OriginalSettings.model_validate({"shortest": "500ms", "longest": "1s"})


class WallTime(FakeTime):
    """The real time: capture stamps its packets with it."""

    def now_us(self) -> int:
        return time.time_ns() // 1000


class Kit:
    """A device broker, capture, and the DJI adapter between them."""

    def __init__(self, lab: DeviceLab, intake: FakeIntake, live: str) -> None:
        self.lab, self.intake = lab, intake
        self.drafts: list[Draft] = []
        self.spool = open_spool(lab.folder.parent / "spool")
        self.tasks: list[asyncio.Task[None]] = []
        clock = WallTime()
        capture = CaptureSettings(original=_SHORT)
        hub = Hub()
        self.devices = Devices(
            [],
            capture,
            sink=lambda draft, _content: self.drafts.append(draft),
            gap=lambda *_: None,
            clock=clock.now_us,
            recall=lambda *_: {},
            make=partial(Recorder, adapter=hub.opened, pushed=hub),
        )
        whip = WhipSettings(
            enabled=True, host="127.0.0.1", tls=False, plain=True, port=free_port("127.0.0.1")
        )
        settings = self.settings = DjiSettings(
            enabled=True,
            live="whip" if live == "whip" else "rtmp",
            address="127.0.0.1",
            page_host="127.0.0.1",
            page_port=free_port("127.0.0.1"),
            mqtt_port=free_port("127.0.0.1"),
            rtmp_port=free_port("127.0.0.1"),
            streams=1,
            uploads=UploadSettings(port=free_port("127.0.0.1")),
        )
        # The adapter's registry is below the state folder; the lab's is that of the broker.
        state_dir = lab.folder.parent
        [made] = make_dji(
            *(settings, lab.settings, state_dir, intake, clock, self.devices, Pushed(whip, hub)),
            records=Records(self.spool.add, self.spool.add_gap, self.spool.read),
            pace=PACE,
        )
        self.adapter = made
        [self.whip] = make_whip(whip, lab.settings, state_dir, hub, clock.now_us)

    def ended(self) -> bool:
        """Whether something failed."""
        return any(task.done() for task in self.tasks)

    def records_live(self) -> bool:
        """Whether an original is stored and the session knows that pictures come."""
        stored = any(draft.layer == "original" for draft in self.drafts)
        return stored and [one["stage"] for one in gateway(self)["live"]] == ["live"]

    def add(self, name: str, plan: DjiRcPlan) -> Credentials:
        """Register a gateway."""
        asked = {"name": name, "kind": "drone", "host": "127.0.0.1", "dji": plan.rc}
        made = Credentials.parse(self.lab.desk.add(asked)["device"]["uri"])
        return replace(made, port=self.settings.mqtt_port)


@contextlib.asynccontextmanager
async def running_kit(folder: Path, live: str = "rtmp") -> AsyncIterator[Kit]:
    intake = FakeIntake()
    async with device_api(folder / "device-api", intake) as lab:
        kit = Kit(lab, intake, live)
        tasks = [
            asyncio.create_task(kit.devices.run(lambda: None), name="devices"),
            asyncio.create_task(kit.adapter.run(lambda: None), name="dji"),
            asyncio.create_task(kit.whip.run(lambda: None), name="whip"),
        ]
        try:
            await until(lambda: kit.adapter.report()["state"] == "up")
            kit.tasks = tasks
            yield kit
        finally:
            ended: list[object] = []
            for task in reversed(tasks):  # recording ends when nobody brings video any more
                task.cancel()
                ended += await asyncio.gather(task, return_exceptions=True)
            await asyncio.to_thread(kit.spool.close)
            assert all(isinstance(one, asyncio.CancelledError) for one in ended), ended


async def simulated(login: Credentials, plan: DjiRcPlan) -> asyncio.subprocess.Process:
    """The simulator as people start it."""
    argv = [sys.executable, "-m", "fieldlink.systemd.command", "sim", "dji-rc", "--json"]
    argv += ["--uri", login.uri, "--rc", plan.rc, "--aircraft", plan.aircraft]
    for fault in plan.faults:
        argv += ["--fault", fault.value]
    argv += ["--quick", "--quick-s", str(plan.quick_s)] if plan.quick else []
    for name in plan.files:
        argv += ["--bring", name]
    return await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)


def gateway(kit: Kit) -> dict[str, Any]:
    found: dict[str, Any] = kit.adapter.report()["gateways"].get("drone-1", {})
    return found


def brought(kit: Kit) -> list[FileIndex]:
    """The last index of each file in the spool."""
    found = {}
    for one in kit.spool.bundles():
        if one.manifest.media_type == FILE_MEDIA_TYPE:
            content = kit.spool.read(one.bundle_id, 0, one.manifest.size)
            index = FileIndex.from_dict(json.loads(content))
            found[index.file] = index
    return list(found.values())


def originals(kit: Kit) -> list[FileIndex]:
    """Those of which it was said what they are."""
    return [one for one in brought(kit) if one.about.get("original")]


async def test_a_controller_that_fails_in_every_way_flies_is_live_and_brings_its_files(
    tmp_path: Path,
) -> None:
    async with running_kit(tmp_path) as kit:
        login = kit.add("drone-1", PLAN)
        flying = await simulated(login, PLAN)
        try:
            await until(lambda: kit.ended() or kit.records_live(), 60)
            assert kit.devices.report()["drone-1"]["state"] == "live"
            await until(lambda: len(originals(kit)) == 2 and gateway(kit)["uploads"] == 4)
            live = gateway(kit)["live"][0]
            assert live["received"]["age_s"] < 4
        finally:
            flying.terminate()
            out, _ = await flying.communicate()
            flown = json.loads(out)
        found = gateway(kit)
        assert (found["model"], live["stage"]) == ("RC Plus", "live")
        assert live["starts"] >= 3  # 4 on a quiet machine
        assert live["quality"] == 1  # 513015 took one away
        assert found["calls"]["duplicates"] >= 3
        assert flown["starts"] > live["starts"]  # the first was not answered
        assert flown["pictures"] > 10
        assert kit.devices.kinds == {"drone-1": "drone"}
        assert {draft.device for draft in kit.drafts} == {"drone-1"}
        position = kit.intake.readings("drone-1", "position")[-1]
        assert position.values["lat"] is None  # 0/0 is no place
        streams = {(one.source.device, one.schema.stream) for one in kit.intake.records}
        assert {("drone-1", "flight"), ("drone-1", "gimbal"), ("drone-1-rc", "radio")} <= streams
        assert kit.intake.refused["drone-1", "osd"] >= 1  # gear: "up"
        assert kit.adapter.report()["flights"]["flying"].keys() == {"drone-1"}
        # Each was said twice. The last answers may have come when it was gone.
        assert (found["uploads"], found["refused_uploads"]) == (4, 0)
        assert flown["brought"][:1] == list(PLAN.files[:1]), flown
        assert flown["brought_answers"] >= 2
        assert len(flown["brought_refusals"]) == 4  # ended and broken off, once for each file
        photo, video = brought(kit)
        assert photo.about["flight_task"] == "simulated"
        assert photo.about["lat"] == pytest.approx(34.23, abs=0.02)  # by its own Exif
        assert (video.media_type, video.size) == ("video/mp4", (6 << 20) + 24)
        uploads = kit.adapter.report()["uploads"]
        assert (uploads["files"], uploads["uploads"]) == (2, 0)
    assert kit.devices.kinds == {}


async def test_video_by_whip_comes_with_a_token_that_is_good_only_so_long(tmp_path: Path) -> None:
    plan = DjiRcPlan()
    async with running_kit(tmp_path, "whip") as kit:
        flying = await simulated(kit.add("drone-1", plan), plan)
        try:
            await until(lambda: kit.ended() or kit.records_live(), 40)
            device = kit.devices.report()["drone-1"]
            assert device["url"] == "whip:"
            assert device["received"]["state"] == "live"
        finally:
            flying.terminate()
            out, _ = await flying.communicate()
        assert json.loads(out)["pictures"] > 5
        assert kit.adapter._receivers._pushed is not None
        hub = kit.adapter._receivers._pushed.hub
        assert list(hub._guests) == ["drone-1"]
    assert hub._guests == {}
    assert kit.devices.kinds == {}
