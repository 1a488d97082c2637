"""Listeners for video: a port each, a name each, and cameras attached in the order wanted."""

import asyncio
from typing import Any

import pytest

from fieldlab.intake import FakeTime
from fieldlink.codecs.dji import VideoId
from fieldlink.edge.dji.receivers import Pushed, Receivers
from fieldlink.edge.source.settings import DeviceSettings
from fieldlink.edge.whip.hub import Hub, token_hash
from fieldlink.edge.whip.settings import WhipSettings

pytestmark = pytest.mark.anyio
MAIN, SIDE, FPV = (
    VideoId("1581F5BMD228Q00A82XX", camera, "normal-0") for camera in ("53-0-0", "42-0-1", "39-0-7")
)


class FakeCameras:
    """Remembers; `taken` are names of the configuration."""

    def __init__(self) -> None:
        self.log: list[tuple[str, str]] = []
        self.taken: set[str] = set()
        self.carriers: dict[str, str] = {}
        self.said: dict[str, dict[str, Any]] = {}

    async def attach(self, device: DeviceSettings) -> bool:
        """Take it, unless its name is taken."""
        self.log.append(("attach", device.name))
        self.carriers[device.name] = device.carrier
        return device.name not in self.taken

    async def detach(self, name: str) -> None:
        """Remember."""
        self.log.append(("detach", name))

    def report(self) -> dict[str, dict[str, Any]]:
        """What it was told to say."""
        return self.said


def receivers(
    cameras: FakeCameras | None, most: int = 2, pushed: Pushed | None = None
) -> Receivers:
    return Receivers(
        cameras,
        FakeTime(),
        first_port=1935,
        most=most,
        name_of=lambda gateway: {"RC01": "drone-1"}.get(gateway),
        address=lambda: "192.0.2.1",
        pushed=pushed,
    )


async def test_each_video_has_a_port_and_a_name_while_there_are_some() -> None:
    cameras = FakeCameras()
    made = receivers(cameras)
    assert made.open("RC01", MAIN) == "rtmp://192.0.2.1:1935/live/1581F5BMD228Q00A82XX-53-0-0"
    assert made.open("RC01", FPV) == "rtmp://192.0.2.1:1936/live/1581F5BMD228Q00A82XX-39-0-7"
    assert made.open("RC01", SIDE) is None  # no port is left
    made.close(MAIN)
    assert made.open("RC02", SIDE) is None  # no such gateway
    assert made.open("RC01", SIDE) == "rtmp://192.0.2.1:1935/live/1581F5BMD228Q00A82XX-42-0-1"
    await made.end()
    assert cameras.log == [
        ("attach", "drone-1"),
        ("attach", "drone-1-39-0-7"),
        ("detach", "drone-1"),
        ("attach", "drone-1-42-0-1"),
        ("detach", "drone-1-39-0-7"),
        ("detach", "drone-1-42-0-1"),
    ]
    # A second camera has the place of the aircraft.
    assert cameras.carriers == {
        "drone-1": "", "drone-1-39-0-7": "drone-1", "drone-1-42-0-1": "drone-1",
    }  # fmt: skip
    assert receivers(None).open("RC01", MAIN) is None


async def test_a_name_of_the_configuration_is_left_to_it_and_said() -> None:
    cameras = FakeCameras()
    cameras.taken = {"drone-1"}
    made = receivers(cameras)
    made.open("RC01", MAIN)
    running = asyncio.create_task(made.run(lambda: None))
    await asyncio.sleep(0.01)
    assert made.refused == {"drone-1"}
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_pictures_came_only_if_they_did_just_now() -> None:
    cameras, time = FakeCameras(), FakeTime()
    made = receivers(cameras)
    assert not made.came(MAIN)
    made.open("RC01", MAIN)
    fresh, stale = time.now_us() - 1_000_000, time.now_us() - 9_000_000
    for state, last_us, came in (
        ("live", fresh, True),
        ("live", stale, False),
        ("down", fresh, False),
        ("connecting", None, False),
    ):
        cameras.said = {"drone-1": {"state": state, "last_packet_us": last_us}}
        assert made.came(MAIN) is came


async def test_by_whip_all_come_by_one_port_each_with_a_token_while_it_is_wanted() -> None:
    hub = Hub()
    made = receivers(FakeCameras(), pushed=Pushed(WhipSettings(port=8091), hub))
    urls = [made.open("RC01", video) for video in (MAIN, FPV)]
    tokens = []
    for url, name in zip(urls, ("drone-1", "drone-1-39-0-7"), strict=True):
        assert url is not None
        place, _, token = url.partition("?token=")
        assert place == f"http://192.0.2.1:8091/whip/{name}"
        assert hub.admits(name, token_hash(token))
        tokens.append(token)
    assert not hub.admits("drone-1", token_hash(tokens[1]))
    assert made.open("RC01", SIDE) is None, "there is a bound all the same"
    made.close(MAIN)
    assert not hub.admits("drone-1", token_hash(tokens[0]))
