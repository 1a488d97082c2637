"""Simulated vehicles: they speak to the kit's own server, lose nothing over a cut, fail as told."""

import asyncio
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fieldlab.intake import FakeIntake, FakeTime
from fieldlab.jt808 import CODES, NOON_US
from fieldlink.codecs.jt808 import Location, to_time
from fieldlink.codecs.settings import load_settings
from fieldlink.codecs.telemetry import AlarmKind, Flag
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.jt808.adapter import make_jt808
from fieldlink.edge.jt808.book import TerminalBook
from fieldlink.edge.jt808.session import Session
from fieldlink.edge.jt808.settings import Enrolment, Jt808Settings
from fieldlink.edge.simulate.commands import app
from fieldlink.edge.simulate.vehicle import Vehicle, VehicleFault, VehiclePlan
from fieldlink.edge.simulate.vehicle_fleet import drive
from fieldlink.edge.simulate.vehicle_terminal import VehicleTerminal

PLAN = VehiclePlan(number="13800138000")


class Ride:
    """A vehicle and the kit, with a link between them that can be cut or lose frames; virtual
    time.
    """

    def __init__(self, plan: VehiclePlan = PLAN, loss: float = 0.0) -> None:
        self.intake, self.time = FakeIntake(), FakeTime(NOON_US)
        settings = Jt808Settings(enabled=True, enrolment=Enrolment.OPEN)
        self.book = TerminalBook(settings, CODES, self.intake, self.time)
        self.terminal = VehicleTerminal(Vehicle(plan))
        self.after_s, self.loss, self.chance = 0.0, loss, random.Random(1)
        self.session: Session | None = None
        self._down: list[bytes] = []

    def connect(self) -> None:
        """A new connection."""
        self.session = Session(self.book, self._hear, "192.0.2.1")
        self.terminal.connected(self.after_s)

    def _hear(self, data: bytes) -> None:
        self._down.append(data)

    def cut(self) -> None:
        """The connection breaks."""
        self.session = None
        self.terminal.lost()

    def drive(self, seconds: float, step_s: float = 0.5) -> None:
        """Let time pass."""
        for _ in range(round(seconds / step_s)):
            self.after_s += step_s
            self.time.pass_s(step_s)
            self.terminal.tick(self.after_s, self.time.now_us(), self.after_s)
            self._carry()
            if self.session is not None:
                self.session.due(self.after_s)
                if self.terminal.is_deaf or self.session.ended:
                    self.connect()

    def _carry(self) -> None:
        while self.session is not None and (frames := self.terminal.take()):
            for frame in frames:
                if self.chance.random() >= self.loss:
                    self.session.datagram(frame, self.after_s)
            while self.book.turns.step():
                pass
            answers, self._down = self._down, []
            for answer in answers:
                if self.chance.random() >= self.loss:
                    self.terminal.receive(answer, self.after_s)

    def positions(self) -> list[int]:
        """The times that were recorded, in seconds after noon."""
        readings = self.intake.readings(stream="position")
        return [((one.device_us or 0) - NOON_US) // 1_000_000 for one in readings]


@pytest.mark.parametrize("is_2019", [False, True])
def test_a_vehicle_registers_and_reports_as_an_exercise(is_2019: bool) -> None:
    ride = Ride(replace(PLAN, is_2019=is_2019))
    ride.connect()
    ride.drive(60)
    assert ride.positions() == list(range(0, 61, 5))
    assert {one.flags & Flag.EXERCISE for one in ride.intake.readings()} == {Flag.EXERCISE}
    assert ride.terminal.waiting == 0
    (terminal,) = ride.book
    assert terminal.report()["parameters"] == {"heartbeat_s": 30, "report_by": 0, "report_s": 5}


def test_a_cut_is_filled_in_afterwards_and_everything_is_there_once() -> None:
    ride = Ride()
    ride.connect()
    ride.drive(30)
    ride.cut()
    ride.drive(1800)
    assert ride.terminal.waiting >= 360
    ride.connect()
    ride.drive(60)
    assert sorted(ride.positions()) == list(range(0, 1891, 5))
    late = [one for one in ride.intake.readings(stream="position") if one.flags & Flag.BACKFILL]
    assert len(late) >= 360
    assert ride.terminal.waiting == 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_link_that_loses_a_fifth_of_everything_loses_no_position(seed: int) -> None:
    ride = Ride(loss=0.2)
    ride.chance.seed(seed)
    ride.connect()
    ride.drive(600)
    ride.loss = 0.0
    ride.drive(120)
    counts = Counter(ride.positions())
    assert sorted(counts) == list(range(0, 721, 5))
    assert set(counts.values()) == {1}  # what was said twice is known again


def test_a_spool_that_refuses_gets_it_again() -> None:
    ride = Ride()
    ride.connect()
    ride.drive(2)
    ride.intake.answer = "the disk is full"
    ride.drive(60)
    assert ride.terminal.waiting > 0
    ride.intake.answer = None
    ride.drive(60)
    assert set(ride.positions()) == set(range(0, 121, 5))
    assert ride.terminal.waiting == 0


def test_the_button_is_an_sos_at_once_and_its_flag_falls_when_it_is_answered() -> None:
    ride = Ride(replace(PLAN, sos_after_s=12.0))
    ride.connect()
    ride.drive(30)
    raised = [notice for _, notice in ride.intake.notices if notice.active]
    assert [notice.kind for notice in raised] == [AlarmKind.SOS]
    assert raised[0].device_us == NOON_US + 12_000_000
    alarms = [one.flags & Flag.ALARM for one in ride.intake.readings(stream="position")]
    assert alarms.count(Flag.ALARM) == 1


def test_an_sos_pressed_while_there_is_no_link_is_raised_afterwards() -> None:
    ride = Ride(replace(PLAN, sos_after_s=20.0))
    ride.connect()
    ride.drive(10)
    ride.cut()
    ride.drive(60)
    ride.connect()
    ride.drive(20)
    raised = [notice for _, notice in ride.intake.notices if notice.active]
    assert AlarmKind.SOS in [notice.kind for notice in raised]


@pytest.mark.parametrize("fault", [None, *VehicleFault])
def test_it_fails_as_it_is_told(fault: VehicleFault | None) -> None:
    ride = Ride(replace(PLAN, fault=fault, fault_after_s=30.0))
    ride.connect()
    ride.drive(89)
    later = [one for one in ride.intake.readings(stream="position") if one.device_us][-11:]
    places = {(one.values.get("lat"), one.values.get("lon")) for one in later[1:]}
    if fault is VehicleFault.NO_FIX:
        assert places == {(None, None)}
        assert later[-1].flags & Flag.NO_FIX
    elif fault is VehicleFault.ZERO:
        assert places == {(0.0, 0.0)}
    elif fault is VehicleFault.FROZEN:
        assert len(places) == 1
    elif fault is VehicleFault.CLOCK:
        assert (later[-1].device_us or 0) > ride.time.now_us() + 3_600_000_000
    elif fault in (VehicleFault.BURST, VehicleFault.SILENCE):
        assert max(ride.positions()) <= 30
    else:
        assert len(places) > 5
    if fault is VehicleFault.BURST:
        ride.drive(20)
        assert sorted(ride.positions()) == list(range(0, 110, 5))


def test_a_text_reaches_the_driver_and_is_answered() -> None:
    ride = Ride()
    ride.connect()
    ride.drive(5)
    heard: list[int] = []
    assert ride.session is not None
    ride.session.text("撤离".encode("gbk"), heard.append, urgent=False)
    answers, ride._down = ride._down, []
    for answer in answers:
        ride.terminal.receive(answer, ride.after_s)
    ride._carry()
    assert (ride.terminal.texts, heard) == (["撤离"], [0])


def test_a_kit_that_does_not_know_it_says_so() -> None:
    ride = Ride()
    ride.book = TerminalBook(Jt808Settings(), CODES, ride.intake, ride.time)
    ride.connect()
    ride.drive(5)
    assert "edge.toml" in ride.terminal.refused
    assert ride.positions() == []


def test_a_run_can_be_had_again() -> None:
    def run() -> list[Location]:
        vehicle = Vehicle(PLAN)
        return [one for n in range(60) for one in vehicle.say(n * 5.0, NOON_US + n * 5_000_000)]

    assert run() == run()
    assert run()[3].time == to_time(NOON_US + 15_000_000)


@pytest.mark.parametrize("udp", [False, True])
def test_vehicles_drive_over_real_sockets_and_over_a_restart_of_the_kit(
    tmp_path: Path, udp: bool
) -> None:
    intake = FakeIntake()

    async def test() -> None:
        settings = Jt808Settings(
            enabled=True, enrolment=Enrolment.OPEN, host="127.0.0.1", port=_free_port()
        )
        (adapter,) = make_jt808(settings, tmp_path, intake, FakeTime())
        plans = [replace(PLAN, number=str(13800138000 + n), every_s=0.3) for n in range(3)]
        driving = asyncio.ensure_future(drive(plans, "127.0.0.1", settings.port, udp=udp))
        for _ in range(2):
            serving = asyncio.ensure_future(adapter.run(lambda: None))
            before = len(intake.readings(stream="position"))
            while len(intake.readings(stream="position")) < before + 4:
                await asyncio.sleep(0.02)
            serving.cancel()
            await asyncio.wait([serving])
        driving.cancel()
        found = await driving
        assert found["vehicles"] == 3
        assert found["answered"] >= 8

    asyncio.run(asyncio.wait_for(test(), 20))


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_the_command_prints_the_settings_that_admit_its_vehicles() -> None:
    shown = CliRunner().invoke(app, ["vehicle", "--count", "3", "--settings"])
    settings: Any = load_settings(EdgeSettings, shown.output, "printed")
    numbers = [one.number for one in settings.jt808.terminal]
    assert numbers == ["13800138000", "13800138001", "13800138002"]
    assert settings.jt808.enabled


def test_the_command_says_what_came_of_it_without_a_kit() -> None:
    args = ["vehicle", "--port", "1", "--seconds", "0.2", "--every", "0.1", "--json"]
    shown = CliRunner().invoke(app, args)
    assert '"vehicles": 1' in shown.output
    assert '"answered": 0' in shown.output
    wrong = CliRunner().invoke(app, ["vehicle", "--phone", "abc"])
    assert wrong.exit_code == 2
