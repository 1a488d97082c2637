"""The adapter's own bounds: floods, devices nobody knows, links and brokers that fail."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from fieldlab.devices import DeviceLab, device, device_api, until
from fieldlab.intake import FakeIntake
from fieldlink.codecs.fault import LinkError, SourceError
from fieldlink.edge.device_api import adapter as adapter_module
from fieldlink.edge.device_api.inbox import Inbox
from fieldlink.edge.device_api.make import make_device_api
from fieldlink.edge.device_api.settings import DeviceApiSettings

pytestmark = pytest.mark.anyio


@pytest.fixture
def intake() -> FakeIntake:
    return FakeIntake()


def unstarted(folder: Path, intake: FakeIntake) -> DeviceLab:
    settings = DeviceApiSettings(enabled=True, host="127.0.0.1", tls=False, plain=True, port=0)
    return DeviceLab(settings, folder, intake)


async def test_foreign_topics_and_unknown_devices_are_refused_in_the_adapter_too(
    tmp_path: Path, intake: FakeIntake
) -> None:
    # No broker lets these through; a broker by URL may have been set up wrongly.
    lab = unstarted(tmp_path, intake)
    lab.add("known-1")
    [adapter] = lab.adapters
    foreign = ["fl/dev/unknown-1/air", "fl/dev/known-1/x", "fl/dev/+/air", "$SYS/a", "a" * 65_535]
    for topic in foreign:
        adapter._take(topic, b'{"co": 1}')
    assert intake.records == []
    assert intake.refused["unknown-1", "unknown"] == 1
    assert sum(intake.refused.values()) == 5
    adapter._take("fl/dev/known-1/air", b'{"co": 1, "x": 2}')
    assert len(intake.records) == 1
    report = adapter.report()
    assert (report["unsent"], report["ignored_keys"]) == (1, {"'x'": 1})


async def test_of_the_devices_only_the_registered_ones_go_on(
    tmp_path: Path, intake: FakeIntake
) -> None:
    lab = unstarted(tmp_path, intake)
    lab.add("a-1")
    assert intake.kept["mqtt"]("a-1")
    await lab.adapters[0].commands["device-remove"]({"name": "a-1"})
    assert not intake.kept["mqtt"]("a-1")


async def test_what_waits_for_the_spool_is_bounded_and_the_rest_gets_no_receipt(
    tmp_path: Path, intake: FakeIntake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter_module, "_MAX_UNDECIDED", 3)
    intake.held = True
    lab = unstarted(tmp_path, intake)
    lab.add("a-1")
    [adapter] = lab.adapters
    for _ in range(5):
        adapter._take("fl/dev/a-1/air", b'{"co": 1}')
    assert (len(intake.records), adapter.report()["dropped"]) == (3, 2)
    intake.settle()
    adapter._take("fl/dev/a-1/air", b'{"co": 1}')
    assert len(intake.records) == 4
    for _ in range(5):
        adapter._take("fl/dev/a-1/air", b'{"co": 1}')
        adapter._take("fl/dev/a-1/sos", b'{"active": true}')
    assert len(intake.notices) == 4, "there is room left for calls for help"


async def test_a_flood_fills_its_own_share_and_calls_for_help_pass_it() -> None:
    taken: list[tuple[str, bytes]] = []
    inbox = Inbox(asyncio.get_running_loop(), lambda *message: taken.append(message))
    for number in range(3_000):
        inbox.put("fl/dev/flood-1/air", b"%d" % number)
    inbox.put("fl/dev/good-1/air", b"good")
    inbox.put("fl/dev/good-1/sos", b"help")
    await until(lambda: ("fl/dev/good-1/air", b"good") in taken)
    assert taken[0] == ("fl/dev/good-1/sos", b"help")
    flood = [payload for topic, payload in taken if "flood" in topic]
    assert flood == [b"%d" % number for number in range(len(flood))]
    assert 1_000 < len(flood) < 1_300
    assert inbox.dropped == 3_000 - len(flood)
    await asyncio.to_thread(inbox.put, "fl/dev/flood-1/air", b"again")
    await until(lambda: taken[-1][1] == b"again")


async def test_a_call_for_help_is_taken_from_who_floods_and_made_up_names_leave_nothing() -> None:
    taken: list[str] = []
    inbox = Inbox(asyncio.get_running_loop(), lambda topic, _payload: taken.append(topic))
    for _ in range(3_000):
        inbox.put("fl/dev/a-1/air", b"1")
    inbox.put("fl/dev/a-1/sos", b"help")
    for number in range(2_000):
        inbox.put(f"fl/dev/made-up-{number}/sos", b"help")
    await until(lambda: "fl/dev/made-up-1999/sos" in taken and taken[-1].endswith("air"))
    assert taken[0] == "fl/dev/a-1/sos"
    await until(lambda: not inbox._others)
    assert inbox._urgent._of_each == inbox._others._of_each == {}


async def test_the_inbox_is_bounded_whoever_fills_it() -> None:
    taken: list[bytes] = []
    inbox = Inbox(asyncio.get_running_loop(), lambda _topic, payload: taken.append(payload))
    for number in range(300):
        inbox.put(f"fl/dev/s-{number}/air", bytes(200_000))
    assert 160 <= 300 - inbox.dropped <= 170
    await until(lambda: len(taken) == 300 - inbox.dropped)
    inbox.put("fl/dev/s-0/air", b"last")
    await until(lambda: taken[-1] == b"last")


async def test_a_bug_that_a_message_shows_is_heard_of_and_does_not_end_in_silence(
    tmp_path: Path, intake: FakeIntake, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with device_api(tmp_path, intake) as lab:
        login = lab.add("a-1")
        [adapter] = lab.adapters
        with monkeypatch.context() as broken:
            broken.setattr(adapter, "_hand_over", lambda *_: 1 / 0)
            async with device(login) as peer:
                peer.say("air", {"co": 1})
                await until(lambda: adapter.report()["state"] == "down")
        with pytest.raises(ZeroDivisionError):
            await asyncio.gather(*(t for t in asyncio.all_tasks() if t.get_name() == adapter.name))


async def test_a_broker_that_is_killed_ends_the_adapter_and_its_next_life_serves(
    tmp_path: Path, intake: FakeIntake
) -> None:
    async with device_api(tmp_path, intake) as lab:
        login = lab.add("a-1")
        [adapter] = lab.adapters
        broker: Any = adapter._broker
        broker._server._child.signal(9)
        await until(lambda: adapter.report()["state"] == "down")
        await until(lambda: "127.0.0.1" in adapter.report()["reason"])  # said when all has ended
        again = asyncio.create_task(adapter.run(lambda: None))
        try:
            await until(lambda: adapter.report()["state"] == "up")
            async with device(login) as peer:
                assert (await peer.asks("air", {"co": 1}))["ok"]
        finally:
            again.cancel()
            await asyncio.gather(again, return_exceptions=True)


async def test_a_damaged_registry_is_weather_and_no_end_of_the_agent(
    tmp_path: Path, intake: FakeIntake
) -> None:
    lab = unstarted(tmp_path, intake)
    (tmp_path / "devices.json").write_text("rubbish")
    [adapter] = lab.adapters
    with pytest.raises(SourceError, match="damaged; remove it"):
        await adapter.run(lambda: None)
    assert "damaged" in adapter.report()["reason"]


async def test_a_broker_by_url_that_is_not_there_is_weather(
    tmp_path: Path, intake: FakeIntake
) -> None:
    settings = DeviceApiSettings(enabled=True, url="mqtt://127.0.0.1:1")
    [adapter] = make_device_api(settings, tmp_path, intake)
    with pytest.raises(LinkError, match="refused"):
        await adapter.run(lambda: None)
    for name in ("passwd", "acl"):
        assert (tmp_path / "mosquitto" / name).stat().st_mode & 0o777 == 0o600


async def test_a_misspelt_stream_is_told_with_the_senders_address(
    tmp_path: Path, intake: FakeIntake
) -> None:
    # The kit's own broker says so; mosquitto tells nobody.
    async with device_api(tmp_path, intake) as lab, device(lab.add("good-1")) as peer:
        peer.say("postion", {"lat": 34.2, "lon": 108.9})
        await until(lambda: intake.refused["127.0.0.1", "publish-refused"])
        assert "fl.dev.good-1.postion" in intake.reasons[-1][1]


async def test_a_port_that_is_taken_is_said(tmp_path: Path, intake: FakeIntake) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = DeviceApiSettings(
            enabled=True, host="127.0.0.1", tls=False, plain=True, port=port
        )
        [adapter] = make_device_api(settings, tmp_path, intake)
        trying = asyncio.create_task(adapter.run(lambda: None))
        await until(lambda: "address already in use" in adapter.report()["reason"])
        trying.cancel()
        await asyncio.gather(trying, return_exceptions=True)
