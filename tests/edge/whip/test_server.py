"""The server as the kit runs it: by TLS and without, its ports, its thread."""

import asyncio
import socket
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest

from fieldlab.whipkit import WhipKit, until
from fieldlink.codecs.fault import SourceError
from fieldlink.edge.device_api.settings import DeviceApiSettings
from fieldlink.edge.source.settings import DeviceSettings
from fieldlink.edge.whip import server as serving
from fieldlink.edge.whip.adapter import Whip, make_whip
from fieldlink.edge.whip.hub import Hub
from fieldlink.edge.whip.loop import PortLoop
from fieldlink.edge.whip.mount import Publisher
from fieldlink.edge.whip.settings import WhipSettings
from fieldlink.edge.whip.tokens import Tokens
from fieldlink.systemd.nats import free_port

pytestmark = pytest.mark.anyio


def adapter(folder: Path, hub: Hub, **settings: Any) -> Whip:
    told = WhipSettings.model_validate({"enabled": True, "host": "127.0.0.1", **settings})
    [made] = make_whip(told, DeviceApiSettings(), folder, hub, lambda: 0)
    return made


async def test_it_answers_by_tls_with_the_kits_own_ca_and_without(tmp_path: Path) -> None:
    plain, tls = free_port("127.0.0.1"), free_port("127.0.0.1")
    hub = Hub()
    made = adapter(tmp_path, hub, plain=True, port=plain, tls_port=tls)
    token = Tokens(tmp_path / "whip").add("phone-1")
    running = asyncio.create_task(made.run(lambda: None))
    try:
        await until(lambda: running.done() or (made._server and made._server.serves))
        known = ssl.create_default_context(cafile=str(tmp_path / "device-api" / "ca.crt"))
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
        async with httpx.AsyncClient(verify=known, headers=headers) as client:
            for url in (f"https://localhost:{tls}", f"http://127.0.0.1:{plain}"):
                answer = await client.post(f"{url}/whip/phone-1", content="v=0")
                assert (answer.status_code, "whip:" in answer.text) == (404, True)
        with hub.mount("phone-1").reading():
            report = made.report()
            assert (report["state"], list(report["mounts"])) == ("up", ["phone-1"])
            assert report["said"] == "phone-1 nobody publishes 无人推流"
    finally:
        running.cancel()
        await asyncio.wait([running])
    assert made.report()["state"] == "down"
    with socket.socket() as again:
        again.bind(("127.0.0.1", plain))


async def test_a_port_that_is_taken_is_named_with_its_setting(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        made = adapter(tmp_path, Hub(), tls=False, plain=True, port=port)
        with pytest.raises(OSError, match=rf"whip\.port = {port}: cannot listen on 127\.0\.0\.1"):
            await made.run(lambda: None)


async def test_a_thread_that_does_not_answer_is_left_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(serving, "_STALE_S", -1.0)
    with pytest.raises(SourceError, match="hung: the WHIP server does not answer"):
        await WhipKit().server.run(lambda: None)


def test_media_come_by_the_ports_that_a_firewall_was_told() -> None:
    first = free_port("127.0.0.1")
    ports = range(first, first + 2)

    async def use() -> tuple[list[int], str]:
        loop = asyncio.get_running_loop()
        held, why = [], ""
        try:
            for _ in range(3):
                found = await loop.create_datagram_endpoint(
                    asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0)
                )
                held.append(found[0])
        except OSError as error:
            why = str(error)
        numbers = [one.get_extra_info("sockname")[1] for one in held]
        for one in held:
            one.close()
        return numbers, why

    with asyncio.Runner(loop_factory=lambda: PortLoop(ports)) as runner:
        numbers, why = runner.run(use())
    assert sorted(numbers) == list(ports)
    assert "no UDP port of whip.udp_ports is free" in why


async def test_who_comes_ends_the_recorders_pause() -> None:
    kit = WhipKit()
    publisher = Publisher("192.0.2.9", None, "", connected=True)
    kit.hub.mount("phone-1").begin(publisher)
    napping = asyncio.create_task(asyncio.to_thread(kit.recorder._nap, 3600.0))
    try:
        done, _ = await asyncio.wait([napping], timeout=20)
        assert done
    finally:
        kit.recorder._stopping.set()
        await napping
    other = DeviceSettings(name="ball-1", url="rtsp://192.0.2.1/x")
    assert not kit.hub.waits(other)
    assert kit.hub.report(other) is None
