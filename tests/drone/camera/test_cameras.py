"""Cameras found and asked, in virtual time, against cameras that answer as real ones do."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from fieldlab.autopilot import Autopilot
from fieldlink.codecs.mavlink import id_of
from fieldlink.drone.camera import Ask, Cameras
from fieldlink.drone.vehicle.said import Measured

S = 1_000_000
INFORMATION, STREAM, CAPTURE = (
    id_of(name)
    for name in ("CAMERA_INFORMATION", "VIDEO_STREAM_INFORMATION", "CAMERA_CAPTURE_STATUS")
)
ACCEPTED, LATER, DENIED, UNSUPPORTED = 0, 1, 2, 3
RTSP = b"rtsp://192.168.1.20:8554/main"


def field(text: bytes, size: int) -> list[int]:
    """Text in an array of bytes."""
    return list(text.ljust(size, b"\0"))


class Camera:
    """A camera by pymavlink, on component 100. `refuses` gives a MAV_RESULT for what it refuses."""

    def __init__(
        self,
        flags: int = 1 | 2 | 4 | 64 | 256,
        *,
        compid: int = 100,
        device: int = 0,
        refuses: Callable[[Ask], int | None] = lambda _: None,
    ) -> None:
        self.says = Autopilot(1, compid)
        self.flags, self.device, self.refuses = flags, device, refuses
        self.boot_ms = 60_000
        self.uris = [(RTSP, 1)]
        self.silent, self.link = False, "lan"

    def beat(self) -> Any:
        return self.says.say("heartbeat", 30, 8, 0, 0, 3, link=self.link)

    def information(self) -> Any:
        return self.says.say(
            "camera_information", self.boot_ms, field(b"Siyi\x07\x1b[31m", 32), field(b"A8", 32),
            0x00030201, 4.4, 5.0, 3.0, 3840, 2160, 0, self.flags, 0, b"", 154, self.device,
            link=self.link,
        )  # fmt: skip

    def capture(self, recording: int = 0) -> Any:
        return self.says.say(
            "camera_capture_status",
            self.boot_ms,
            0,
            recording,
            0.0,
            0,
            12_000.0,
            7,
            self.device,
            link=self.link,
        )

    def streams(self) -> list[Any]:
        return [
            self.says.say(
                "video_stream_information", number, len(self.uris), 0, flags, 30.0, 1920, 1080,
                4_000_000, 0, 81, b"main", uri, 1, self.device, link=self.link,
            )
            for number, (uri, flags) in enumerate(self.uris, 1)
        ]  # fmt: skip

    def answer(self, ask: Ask) -> tuple[int | None, list[Any]]:
        """What it says to an ask: the result, None for nothing, and messages."""
        if self.silent:
            return None, []
        refused = self.refuses(ask)
        if refused is not None:
            return refused, []
        if ask.msgid == INFORMATION:
            return ACCEPTED, [self.information()]
        if ask.msgid == STREAM:
            return ACCEPTED, self.streams()
        if ask.msgid == CAPTURE:
            return ACCEPTED, [self.capture()]
        return UNSUPPORTED, []


class World:
    """Time goes on, cameras beat once a second, asks are answered at once."""

    def __init__(self, *cameras: Camera, **other: Any) -> None:
        self.all, self.now_us = cameras, 0
        self.known = Cameras(**other)
        self.asked: list[tuple[int, Ask]] = []
        self.told: list[Measured] = []

    def run(self, seconds: int, *, beats: bool = True) -> None:
        for _ in range(seconds * 2):
            self.now_us += S // 2
            for camera in self.all:
                if beats and not self.now_us % S:
                    self.told += self.known.take(camera.beat(), self.now_us)
            for ask in self.known.asks(self.now_us):
                self.asked.append((self.now_us, ask))
                found = [c for c in self.all if c.says.maker.srcComponent == ask.target[1]]
                result, frames = found[0].answer(ask) if found else (None, [])
                for frame in frames:
                    self.told += self.known.take(frame, self.now_us)
                self.known.answered(ask, result, self.now_us)
            self.told += self.known.tick(self.now_us)

    def commands(self, msgid: int) -> list[int]:
        """The commands that asked for a message."""
        return [ask.command for _, ask in self.asked if ask.msgid == msgid]


def test_a_camera_is_asked_what_it_is_and_its_streams_once_it_says_that_it_has_some() -> None:
    world = World(Camera())
    world.run(5)
    (camera,) = world.known.of_system(1)
    assert (camera.vendor, camera.model, camera.firmware) == ("Siyi[31m", "A8", "1.2.3")
    assert camera.streams[1].uri == RTSP.decode()
    assert [ask.params[0] for _, ask in world.asked[:1]] == [INFORMATION]
    assert world.commands(INFORMATION) == [512]
    assert world.commands(STREAM) == [512]


def test_a_camera_without_streams_is_not_asked_for_any() -> None:
    world = World(Camera(flags=2))
    world.run(5)
    assert world.commands(STREAM) == []
    assert world.commands(CAPTURE) != []


def test_what_is_refused_by_the_new_command_is_asked_for_by_the_old() -> None:
    """MAVSDK's camera server: DENIED for 512 with 269, an answer to 2504."""
    world = World(
        Camera(refuses=lambda ask: DENIED if ask.command == 512 and ask.msgid == STREAM else None)
    )
    world.run(5)
    assert world.commands(STREAM) == [512, 2504]
    assert world.known.of_system(1)[0].streams[1].uri == RTSP.decode()
    world.run(320)  # what it answered to is asked for at once when it is asked anew
    assert world.commands(STREAM)[2:] == [2504]


def test_a_message_that_was_promised_and_does_not_come_is_asked_for_by_the_old_command() -> None:
    camera = Camera()
    camera.answer = lambda ask: (  # type: ignore[method-assign]
        (ACCEPTED, []) if ask.command == 512 else (ACCEPTED, [camera.information()])
    )
    world = World(camera)
    world.run(6)
    assert world.commands(INFORMATION) == [512, 521]
    assert world.known.of_system(1)[0].model == "A8"


def test_who_does_not_answer_is_asked_less_and_less_often() -> None:
    camera = Camera()
    camera.silent = True
    world = World(camera)
    world.run(200)
    asked_s = [at_us / S for at_us, _ in world.asked]
    gaps = [b - a for a, b in pairwise(asked_s)]
    assert gaps == [2, 4, 8, 16, 32]
    camera.silent = False
    world.run(600)
    assert world.known.of_system(1)[0].model == "A8"


def test_what_is_refused_both_ways_is_not_asked_again() -> None:
    world = World(Camera(refuses=lambda _: UNSUPPORTED))
    world.run(700)
    assert world.commands(INFORMATION) == [512, 521]


def test_an_autopilot_is_asked_whether_it_answers_for_a_camera_and_let_be() -> None:
    autopilot = Camera(compid=1)
    autopilot.beat = autopilot.says.beat  # type: ignore[method-assign]
    autopilot.silent = True
    world = World(autopilot)
    world.run(120)
    assert len(world.commands(INFORMATION)) == 3
    assert world.known.of_system(1) == []


def test_cameras_of_an_autopilot_are_told_apart_and_keep_their_numbers() -> None:
    autopilot = Camera(compid=1, device=1)
    world = World(autopilot)
    for device, recording in ((1, 0), (2, 1)):
        autopilot.device = device
        world.known.take(autopilot.information(), S)
        world.told += world.known.take(autopilot.capture(recording), 3 * S)
    assert [camera.key for camera in world.known.of_system(1)] == [(1, 1, 1), (1, 1, 2)]
    said = {one.schema.stream: one.values["recording"] for one in world.told}
    assert said == {"camera": 0, "camera-2": 1}


def test_nothing_is_asked_where_it_costs() -> None:
    paces = {"sat": None, "lte": 6.0}
    world = World(Camera(), pace_of=lambda link: paces.get(link, 1.0))
    world.all[0].link = "sat"
    world.run(30)
    assert world.asked == []
    world.all[0].link = "lte"
    world.run(55)
    assert len(world.commands(CAPTURE)) == 1  # and seldom where it is slow
    world.all[0].link = "lan"
    world.run(120)
    assert len(world.commands(CAPTURE)) >= 8


def test_a_camera_that_was_started_again_is_asked_again_and_no_value_is_left() -> None:
    camera = Camera()
    world = World(camera)
    world.run(40)
    assert world.known.of_system(1)[0].values(world.now_us)["recording"] == 0
    before = len(world.commands(STREAM))
    camera.boot_ms, camera.silent = 100, True
    world.known.take(camera.information(), world.now_us)
    assert world.known.of_system(1)[0].values(world.now_us)["recording"] is None
    camera.silent = False
    world.run(5)
    assert len(world.commands(STREAM)) == before + 1  # the address may be another now


def test_a_camera_whose_clock_jumps_is_not_asked_all_the_time_and_each_new_start_counts() -> None:
    camera = Camera()
    world = World(camera)
    world.run(60)
    before = len(world.commands(STREAM))
    for boot_ms in (9_000, 1_000) * 10:  # two cameras with one number, as it were
        camera.boot_ms = boot_ms
        world.known.take(camera.capture(), world.now_us)
        world.run(1)
    assert len(world.commands(STREAM)) == before + 1
    camera.boot_ms = 90_000
    world.run(40)
    camera.boot_ms = 100
    world.known.take(camera.capture(), world.now_us)
    world.run(5)
    assert len(world.commands(STREAM)) == before + 2


def test_a_sample_goes_when_something_changes_and_not_each_time_it_is_said() -> None:
    camera = Camera()
    world = World(camera)
    world.run(30)
    count = len(world.told)
    world.told += world.known.take(camera.capture(1), world.now_us)
    assert len(world.told) == count + 1
    assert world.told[-1].schema.stream == "camera"
    assert world.told[-1].values["recording"] == 1
    assert world.told[-1].values["zoom"] is None  # nobody said
    assert count <= 4


def test_hostile_values_are_bounded() -> None:
    camera = Camera()
    camera.uris = [(b"rtsp://" + b"\x1b]0;x\x07" * 20, 1)] * 30
    world = World(camera)
    for compid in range(100, 106):
        for number in range(1, 7):
            other = Camera(compid=compid, device=number)
            world.known.take(other.information(), S)
    world.run(3)
    assert len(world.known.of_system(1)) <= 6
    nan = float("nan")
    world.known.take(camera.says.say("camera_settings", 60_000, 9, nan, 1e30), world.now_us)
    values = world.known.of_system(1)[0].values(world.now_us)
    assert (values["mode"], values["zoom"], values["focus"]) == (None, None, None)
    for one in world.known.of_system(1)[0].streams.values():
        assert one.uri.isprintable()
    assert len(world.known.of_system(1)[0].streams) <= 8


def test_one_aircraft_leaves_room_for_the_cameras_of_others() -> None:
    known = Cameras()
    for compid in range(1, 256):
        known.take(Autopilot(1, compid).say("heartbeat", 30, 8, 0, 0, 3), S)
    known.take(Autopilot(2, 100).say("heartbeat", 30, 8, 0, 0, 3), S)
    assert (2, 100) in {ask.target for ask in known.asks(S)}


def test_a_camera_that_is_heard_on_two_links_stays_on_one_while_it_is_heard_there() -> None:
    known, camera, seen = Cameras(), Camera(), []
    for second in range(40):
        for link in ("wifi", "lte") if second < 10 else ("lte",):
            camera.link = link
            known.take(camera.information(), second * S)
            seen.append(known.of_system(1)[0].link)
    assert set(seen[:20]) == {"wifi"}
    assert seen[-1] == "lte"
    assert seen == sorted(seen, reverse=True)  # no way back and forth
