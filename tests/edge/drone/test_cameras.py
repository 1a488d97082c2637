"""MAVSDK as an aircraft with a camera: found through the router, its video recorded into a spool,
told to take pictures, to record and to zoom; and what moves an aircraft, refused or written down.
"""

import asyncio
import base64
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fieldlab.intake import FakeIntake, FakeTime
from fieldlab.mavsdk_camera import mavsdk_camera
from fieldlab.peers import need_module
from fieldlab.spools import open_spool
from fieldlink.codecs.bundle import Layer
from fieldlink.edge.capture.settings import CaptureSettings
from fieldlink.edge.devices import Devices
from fieldlink.edge.drone.adapter import Drone
from fieldlink.edge.drone.settings import DroneSettings
from fieldlink.edge.simulate.camera import Camera, CameraPlan
from fieldlink.edge.simulate.studio import Look
from fieldlink.edge.spool import Spool

_NAME = "uav-7"


class _WallTime(FakeTime):
    def now_us(self) -> int:
        return time.time_ns() // 1000


async def _until(true: Callable[[], Any], what: str, seconds: float = 20.0) -> Any:
    async with asyncio.timeout(seconds):
        while not (found := true()):
            await asyncio.sleep(0.05)
    assert found, what
    return found


@asynccontextmanager
async def _running(*work: Any) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task


def _devices(spool: Spool) -> Devices:
    capture = CaptureSettings.model_validate({"proxy": {"enabled": False}})
    return Devices(
        (),
        capture,
        sink=spool.add,
        gap=spool.add_gap,
        clock=_WallTime().now_us,
        recall=lambda *_: {},
    )


def _drone(folder: Path, intake: FakeIntake, devices: Devices | None, **more: Any) -> Drone:
    settings = DroneSettings.model_validate(
        {
            "endpoint": [{"name": "radio", "connect": "udpin:127.0.0.1:0"}],
            "vehicle": [{"sysid": 1, "name": _NAME}],
            **more,
        }
    )
    return Drone(settings, folder, intake, _WallTime(), None, media=devices)


async def _port(drone: Drone) -> int:
    def listening() -> int:
        endpoint = drone.router.endpoints[0] if drone.router is not None else None
        return getattr(endpoint.connection, "port", 0) if endpoint is not None else 0

    port: int = await _until(listening, "the port")
    return port


def test_mavsdk_is_found_recorded_and_told_what_to_do(tmp_path: Path) -> None:
    need_module("mavsdk")
    intake, spool = FakeIntake(), open_spool(tmp_path / "spool")
    devices = _devices(spool)
    drone = _drone(tmp_path, intake, devices)
    ask = partial(_ask, drone)

    async def scenario() -> None:
        url: asyncio.Queue[str] = asyncio.Queue()
        look = Look("uav", "mandelbrot", 320, 180, 10, 200_000, 0.0)
        camera = Camera(CameraPlan(look=look)).run(url.put_nowait)
        async with _running(camera, devices.run(lambda: None), drone.run(lambda: None)):
            place, port = await url.get(), await _port(drone)
            with mavsdk_camera(f"udpout://127.0.0.1:{port}", place) as did:
                live = partial(_state, devices)
                await _until(lambda: live() == "live", "video")
                (video,) = (await ask("video.list"))["videos"]
                assert (video["name"], video["url"], video["state"]) == (_NAME, place, "live")
                assert (await ask("camera.photo"))["confirmed"]
                assert (await ask("camera.record", on=True))["confirmed"]
                await ask("camera.zoom", to="40")
                assert (await ask("camera.record", on=False))["confirmed"]
                shot = await ask("video.snapshot", name=_NAME)
                assert (shot["width"], shot["height"]) == (320, 180)
                assert base64.b64decode(shot["jpeg"])[:2] == b"\xff\xd8"
                thick = await ask("video.quality", name=_NAME, preset="clear", fps=12)
                assert (thick["width"], thick["fps"]) == (1280, 12)
                (vehicle,) = drone.report()["vehicles"]
                (seen,) = vehicle["cameras"]
                assert (seen["model"], seen["storage"]) == ("Acme Eye 7", "ready")
                assert seen["streams"][0]["device"] == _NAME
                await ask("video.stop", name=_NAME)
                assert _state(devices) is None
            assert did == [
                {"did": "photo"},
                {"did": "record", "on": True},
                {"did": "zoom", "to": pytest.approx(40, abs=0.5)},
                {"did": "record", "on": False},
            ]

    asyncio.run(scenario())
    said = intake.readings(_NAME, "camera")
    assert 0 in {reading.values["recording"] for reading in said}
    kept = {(one.manifest.device, one.manifest.layer) for one in spool.pending()}
    assert {(_NAME, Layer.STILL), (_NAME, Layer.ORIGINAL)} <= kept
    large = [one.manifest for one in spool.pending() if one.manifest.meta.get("asked")]
    assert [one.media_type for one in large] == ["image/jpeg"]
    spool.close()


def _state(devices: Devices) -> str | None:
    return devices.report().get(_NAME, {}).get("state")


async def _ask(drone: Drone, what: str, **fields: Any) -> dict[str, Any]:
    answer = await drone.commands["drone-do"]({"what": what, "vehicle": "", **fields})
    assert answer["ok"], answer
    return answer
