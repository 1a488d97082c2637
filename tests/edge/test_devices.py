"""The set of recorders: started, kept, changed and stopped as the configuration says."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from fieldlink.edge.capture.before import Recorded
from fieldlink.edge.capture.settings import CaptureSettings, StillSettings
from fieldlink.edge.capture.thinner import UNTHINNED, Thinner
from fieldlink.edge.devices import Devices
from fieldlink.edge.report import centre_report
from fieldlink.edge.source.settings import DeviceSettings
from fieldlink.edge.spool import Totals


class FakeRecorder:
    """Stands in for a recorder; keeps what was done to it."""

    def __init__(self, device: DeviceSettings, capture: CaptureSettings, **named: Any) -> None:
        self.device, self.capture = device, capture
        self.before: Recorded | None = named["before"]
        self.flushed = False
        self.thinner = UNTHINNED
        self.adjusted: CaptureSettings | None = None
        self.fault: Exception | None = None

    async def run(self, beat: Callable[[], None]) -> None:
        try:
            while self.fault is None:
                beat()
                await asyncio.sleep(0.01)
            raise self.fault
        finally:
            self.flushed = True

    def report(self) -> dict[str, Any]:
        return {"state": "live"}

    def reconfigure(self, capture: CaptureSettings) -> None:
        self.capture = capture

    def thin(self, thinner: Thinner) -> None:
        self.thinner = thinner

    def adjust(self, capture: CaptureSettings | None) -> CaptureSettings | None:
        self.adjusted = capture
        return capture


class Stage:
    """Devices over fake recorders, all that were ever made in `made`."""

    def __init__(self, *devices: DeviceSettings) -> None:
        self.made: list[FakeRecorder] = []
        self.known: set[str] = set()
        self.devices = Devices(
            devices,
            CaptureSettings(),
            sink=lambda *_: None,
            gap=lambda *_: None,
            clock=lambda: 0,
            recall=self._recall,
            make=self._make,  # type: ignore[arg-type]  # a fake
        )

    def _recall(self, names: Sequence[str], away: str) -> dict[str, Recorded]:
        return {name: Recorded(7, {}, away) for name in names if name in self.known}

    def _make(self, *arguments: Any, **named: Any) -> FakeRecorder:
        self.made.append(FakeRecorder(*arguments, **named))
        return self.made[-1]

    async def begin(self) -> "asyncio.Task[None]":
        beats = asyncio.Event()
        task = asyncio.create_task(self.devices.run(beats.set))
        await asyncio.wait_for(beats.wait(), 5)
        await asyncio.sleep(0.02)
        return task


def _device(name: str, url: str = "rtsp://h/x") -> DeviceSettings:
    return DeviceSettings(name=name, url=url)


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait([task])


def test_a_change_starts_the_new_stops_the_gone_and_leaves_the_rest_alone() -> None:
    stage = Stage(_device("a"), _device("b"))

    async def scenario() -> None:
        task = await stage.begin()
        await stage.devices.change([_device("b"), _device("c")], CaptureSettings())
        await asyncio.sleep(0.02)
        assert sorted(stage.devices.report()) == ["b", "c"]
        assert [recorder.flushed for recorder in stage.made] == [True, False, False]
        await _end(task)

    asyncio.run(scenario())
    assert all(recorder.flushed for recorder in stage.made)


def test_new_sizes_reach_a_running_recorder_and_a_new_url_makes_another() -> None:
    stage = Stage(_device("a"), _device("b"))
    smaller = CaptureSettings(still=StillSettings.model_validate({"size": "5kB"}))

    async def scenario() -> None:
        task = await stage.begin()
        await stage.devices.change([_device("a"), _device("b", "rtsp://h/y")], smaller)
        await _end(task)

    asyncio.run(scenario())
    assert len(stage.made) == 3
    assert stage.made[0].capture == smaller
    assert stage.made[2].device.url == "rtsp://h/y"


def test_a_recorders_error_ends_the_row_with_it() -> None:
    stage = Stage(_device("a"))

    async def scenario() -> None:
        task = await stage.begin()
        stage.made[0].fault = ZeroDivisionError("a bug")
        await asyncio.wait_for(task, 5)

    with pytest.raises(ZeroDivisionError):
        asyncio.run(scenario())


def test_without_devices_the_row_is_healthy() -> None:
    stage = Stage()

    async def scenario() -> None:
        await _end(await stage.begin())

    asyncio.run(scenario())
    assert stage.devices.report() == {}


def test_a_recorder_is_told_until_when_its_device_is_on_record_and_why_nothing_came_after() -> None:
    stage = Stage(_device("a"), _device("b"))
    stage.known = {"a"}

    async def scenario() -> None:
        task = await stage.begin()
        stage.known = {"a", "b"}
        await stage.devices.change([_device("a"), _device("b", "rtsp://h/y")], CaptureSettings())
        await _end(task)

    asyncio.run(scenario())
    assert [recorder.device.name for recorder in stage.made] == ["a", "b", "b"]
    assert stage.made[0].before == Recorded(7, {}, "agent: not running")
    assert stage.made[1].before is None
    assert stage.made[2].before is not None
    assert "settings changed" in stage.made[2].before.away


def test_a_bound_reaches_the_recorders_that_run_and_those_that_come() -> None:
    stage = Stage(_device("a"))
    thinner = Thinner(rate_bps=16_000)

    async def scenario() -> None:
        task = await stage.begin()
        stage.devices.thin(thinner)
        await stage.devices.change([_device("a"), _device("b")], CaptureSettings())
        await _end(task)

    asyncio.run(scenario())
    assert [recorder.thinner for recorder in stage.made] == [thinner, thinner]


def test_a_device_that_comes_is_recorded_until_it_goes_and_leaves_the_others_alone() -> None:
    stage = Stage(_device("a"))
    stage.known = {"a", "guest"}

    async def scenario() -> None:
        task = await stage.begin()
        assert await stage.devices.attach(_device("guest", "rtmp://h/guest"))
        assert not await stage.devices.attach(_device("a", "rtmp://h/y"))
        assert stage.devices.kinds.keys() == {"a", "guest"}
        await stage.devices.change([_device("a"), _device("b")], CaptureSettings())
        await asyncio.sleep(0.02)
        assert [recorder.device.name for recorder in stage.made] == ["a", "guest", "b"]
        await stage.devices.detach("guest")
        await stage.devices.detach("nobody")
        assert stage.made[1].flushed
        assert stage.devices.kinds.keys() == {"a", "b"}
        await _end(task)

    asyncio.run(scenario())
    assert stage.made[1].before is not None
    assert "sent no video" in stage.made[1].before.away


def test_one_stream_is_recorded_once_and_the_configuration_goes_first() -> None:
    stage = Stage(_device("a", "rtsp://user:word@h/x"))

    async def scenario() -> None:
        task = await stage.begin()
        assert not await stage.devices.attach(_device("guest", "rtsp://h:554/x"))
        assert await stage.devices.attach(_device("guest", "rtsp://h/y"))
        named = [_device("a", "rtsp://h/x"), _device("b", "rtsp://h/y")]
        await stage.devices.change(named, CaptureSettings())
        assert stage.devices.kinds.keys() == {"a", "b"}
        await _end(task)

    asyncio.run(scenario())


def test_how_thick_one_device_is_recorded_can_be_changed_while_it_runs() -> None:
    stage = Stage(_device("a"), _device("b", "rtsp://h/b"))
    thin = CaptureSettings.model_validate({"still": {"size": "5kB"}})

    async def scenario() -> None:
        task = await stage.begin()
        assert stage.devices.adjust("nobody", thin) is None
        assert stage.devices.adjust("a", thin) == thin
        changed = [_device("a", "rtsp://h/other"), _device("b", "rtsp://h/b")]
        await stage.devices.change(changed, CaptureSettings())
        await _end(task)

    asyncio.run(scenario())
    assert [one.adjusted for one in stage.made] == [thin, None, thin]  # over a new recorder too


def test_a_guest_that_goes_when_the_agent_ends_has_nobody_begun_again() -> None:
    stage = Stage(_device("a"))

    async def scenario() -> None:
        task = await stage.begin()
        await stage.devices.attach(_device("guest", "rtmp://h/guest"))
        await _end(task)
        await stage.devices.detach("guest")

    asyncio.run(scenario())
    assert [recorder.device.name for recorder in stage.made] == ["a", "guest"]


def test_after_draining_nobody_who_comes_is_recorded() -> None:
    stage = Stage(_device("a"))

    async def scenario() -> None:
        task = await stage.begin()
        await stage.devices.attach(_device("guest", "rtmp://h/guest"))
        await asyncio.sleep(0.02)
        await stage.devices.drain()
        assert not await stage.devices.attach(_device("late"))
        assert stage.devices.kinds == {}
        assert all(recorder.flushed for recorder in stage.made)
        await _end(task)

    asyncio.run(scenario())


def test_who_carries_a_camera_is_known_while_it_is_recorded() -> None:
    stage = Stage(DeviceSettings(name="mast", url="rtsp://h/x", carrier="kit", hfov=90.0))

    async def scenario() -> None:
        task = await stage.begin()
        visitor = DeviceSettings(name="m300-2", url="rtsp://h/y", carrier="m300")
        await stage.devices.attach(visitor)
        assert stage.devices.mount("mast") == ("kit", 90.0)
        assert stage.devices.mount("m300-2") == ("m300", None)
        told = centre_report(stage.devices.report(), Totals(), ())["devices"]
        assert told["m300-2"]["carrier"] == "m300"
        await stage.devices.detach("m300-2")
        assert stage.devices.mount("m300-2") == stage.devices.mount("nobody") == ("", None)
        await _end(task)

    asyncio.run(scenario())
