"""Aircraft as an adapter of the kit: pymavlink is the aircraft, over UDP, and a real spool."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from pymavlink import mavutil

from fieldlab.autopilot import T0_US, Autopilot
from fieldlab.intake import FakeIntake, FakeTime
from fieldlab.spools import open_spool
from fieldlink.codecs.bundle import Layer
from fieldlink.codecs.fault import SourceError
from fieldlink.codecs.mavlink import tlog_record
from fieldlink.codecs.telemetry import AlarmKind, Flag
from fieldlink.drone.record import join, verify
from fieldlink.edge.attached import make_adapters
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.drone.adapter import Drone, Records
from fieldlink.edge.drone.settings import DroneSettings

_RADIO = {"name": "radio", "connect": "udpin:127.0.0.1:0"}
_VEHICLE = {"sysid": 7, "name": "m300-1"}


class _WallTime(FakeTime):
    """The kit's clock, that goes."""

    def now_us(self) -> int:
        return time.time_ns() // 1000


def _settings(**more: Any) -> DroneSettings:
    return DroneSettings.model_validate({"endpoint": [_RADIO], "vehicle": [_VEHICLE], **more})


async def _until(true: Callable[[], Any], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.02)


async def _flown(
    drone: Drone, scenario: Callable[[], Coroutine[Any, Any, None]]
) -> None:  # fmt: skip
    task = asyncio.create_task(drone.run(lambda: None))
    try:
        await scenario()
        assert not task.done()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _streams(intake: FakeIntake) -> set[str]:
    return {one.schema.stream for one in intake.records}


def test_an_aircraft_by_pymavlink_is_a_device_with_alarms_and_its_flight_is_in_the_spool(
    tmp_path: Path,
) -> None:
    intake = FakeIntake()
    spool = open_spool(tmp_path / "spool")
    records = Records(spool.add, spool.add_gap)
    drone = Drone(_settings(), tmp_path, intake, _WallTime(), records)

    async def scenario() -> None:
        await _until(lambda: drone.router and getattr(_connection(drone), "port", 0))
        port = getattr(_connection(drone), "port")  # noqa: B009 - not every connection has one
        link = mavutil.mavlink_connection(f"udpout:127.0.0.1:{port}", source_system=7)
        armed = 81 | 128

        async def said() -> bool:
            link.mav.heartbeat_send(2, 3, armed, 5, 5)
            link.mav.global_position_int_send(
                0, 342_353_908, 1_089_423_868, 450_000, 50_000, 0, 300, 0, 4500
            )
            link.mav.sys_status_send(0, 0, 0, 100, 15_800, 900, 20, 0, 0, 0, 0, 0, 0)
            await asyncio.sleep(0.1)
            return {"position", "flight", "battery"} <= _streams(intake)

        async with asyncio.timeout(10):
            while not await said():
                pass
        link.close()
        shown = (await drone.commands["drone"]({}))["drone"]
        assert shown["vehicles"][0]["name"] == "m300-1"
        assert shown["vehicles"][0]["mode"] == "LOITER"
        assert "m300-1 LOITER armed" in shown["said"]

    try:
        asyncio.run(_flown(drone, scenario))
        position = next(one for one in intake.records if one.schema.stream == "position")
        assert (position.source.device, position.source.kind, position.source.via) == (
            "m300-1", "drone", "mavlink",
        )  # fmt: skip
        assert position.readings[0].values["lat"] == 34.2353908
        alarms = {(notice.kind, notice.active) for _, notice in intake.notices}
        assert (AlarmKind.FAILSAFE, True) in alarms
        assert (AlarmKind.LOW_BATTERY, True) in alarms
        tlogs = [
            spool.read(one.bundle_id, 0, one.manifest.size)
            for one in spool.bundles()
            if one.manifest.layer is Layer.ORIGINAL
        ]
        assert verify(join(tlogs)).messages["GLOBAL_POSITION_INT"] >= 1
    finally:
        spool.close()


def _connection(drone: Drone) -> Any:
    assert drone.router is not None
    return drone.router.endpoints[0].connection


def test_a_recorded_flight_that_is_played_is_an_exercise(tmp_path: Path) -> None:
    vehicle = Autopilot(sysid=7)
    frames = [vehicle.beat(), vehicle.gps(1), vehicle.place(34.2, 108.9), vehicle.beat()]
    path = tmp_path / "flight.tlog"
    path.write_bytes(b"".join(tlog_record(one.raw, T0_US) for one in frames))
    intake = FakeIntake()
    endpoint = {"name": "past", "connect": f"{path},speed=0"}
    stored: list[Any] = []
    records = Records(lambda *one: stored.append(one), lambda *_: None)
    drone = Drone(_settings(endpoint=[endpoint]), tmp_path, intake, FakeTime(), records)
    asyncio.run(_flown(drone, lambda: _until(lambda: "position" in _streams(intake))))
    assert stored == []  # nor is it recorded a second time
    assert all(one.readings[0].flags & Flag.EXERCISE for one in intake.records)
    position = next(one for one in intake.records if one.schema.stream == "position")
    assert position.readings[0].flags & Flag.NO_FIX


def test_silence_is_judged_by_the_endpoint_that_it_is_of(tmp_path: Path) -> None:
    far = {"name": "far", "connect": "udpin:127.0.0.1:0", "profile": "beidou"}
    drone = Drone(_settings(endpoint=[_RADIO, far]), tmp_path, FakeIntake(), FakeTime(), None)
    links = ["radio", "radio 10.0.0.7:14550", "far", "unheard of"]
    assert [drone.roster.lost_after_us(link) // 1_000_000 for link in links] == [5, 5, 120, 5]


def test_a_key_that_cannot_be_used_stops_the_adapter_and_says_so(tmp_path: Path) -> None:
    drone = Drone(
        _settings(signing_key_file=tmp_path / "none"), tmp_path, FakeIntake(), FakeTime(), None
    )
    with pytest.raises(SourceError, match="signing_key_file"):
        asyncio.run(drone.run(lambda: None))
    assert drone.report()["state"] == "down"


def test_while_nothing_can_be_written_the_kit_is_not_there_for_aircraft(tmp_path: Path) -> None:
    now_s = [0.0]
    records = Records(lambda *_: None, lambda *_: None)
    drone = Drone(
        _settings(), tmp_path, FakeIntake(), FakeTime(), records, clock_s=lambda: now_s[0]
    )
    drone.recorder = drone._recorder()
    assert drone.recorder is not None
    assert drone._healthy()
    now_s[0] = 11.0  # its thread hangs in a write
    assert not drone._healthy()
    drone._wrote()
    assert drone._healthy()
    drone.recorder.store.fault = "the disk is full"  # it goes round, and nothing is written
    now_s[0] = 22.0
    drone._wrote()
    assert not drone._healthy()
    drone.recorder.store.fault = ""
    drone._wrote()
    assert drone._healthy()


def test_two_autopilots_of_one_system_are_two_devices(tmp_path: Path) -> None:
    intake = FakeIntake()
    drone = Drone(_settings(), tmp_path, intake, FakeTime(), None)
    for compid in (1, 2):
        drone._heard(Autopilot(sysid=7, compid=compid).beat())
    drone._heard(Autopilot(sysid=9, compid=0).beat())
    assert {one.source.device for one in intake.records} == {"m300-1", "m300-1-2", "mav-9"}
    assert [drone.roster.name(sysid) for sysid in (7, 9)] == ["m300-1", "mav-9"]


def test_without_endpoints_there_is_no_adapter_and_names_are_one_devices(tmp_path: Path) -> None:
    settings = EdgeSettings(state_dir=tmp_path)
    assert all(one.name != "drone" for one in make_adapters(settings, FakeIntake(), FakeTime()))
    settings = EdgeSettings(state_dir=tmp_path, drone=_settings())
    assert "drone" in [one.name for one in make_adapters(settings, FakeIntake(), FakeTime())]
    assert settings.speakers == {"m300-1": "[[drone.vehicle]]"}
    with pytest.raises(ValueError, match="what another aircraft is called"):
        _settings(vehicle=[{"sysid": 7, "name": "mav-5"}])
    with pytest.raises(ValueError, match="two vehicles have the sysid 7"):
        _settings(vehicle=[_VEHICLE, {**_VEHICLE, "name": "b"}])
    with pytest.raises(ValueError, match="the kit itself"):
        _settings(vehicle=[{"sysid": 1, "name": "kit"}])
