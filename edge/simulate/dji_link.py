"""A simulated DJI remote controller on a real broker."""

import asyncio
import contextlib
import heapq
import itertools
import time
from typing import TYPE_CHECKING, Any

from fieldlink.codecs.fault import LinkError
from fieldlink.edge.device_api.credentials import Credentials
from fieldlink.edge.simulate.dji_bring import BringFaults, bring
from fieldlink.edge.simulate.dji_rc import DjiFault, DjiRc, DjiRcPlan, Saying
from fieldlink.edge.simulate.rtmp_push import RtmpPusher
from fieldlink.systemd.mqtt import MqttConnection
from fieldlink.systemd.tls import TlsPeer

if TYPE_CHECKING:
    from fieldlink.edge.simulate.whip_push import WhipPusher

__all__ = ["run_dji_rc"]

_TICK_S = 0.05
_AGAIN_S = 1.0


class _Pushers:
    """Pushes by RTMP or by WHIP, as the URL says."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._now: RtmpPusher | WhipPusher | None = None
        self._before = 0

    @property
    def frames(self) -> int:
        """Pictures pushed so far."""
        return self._before + (self._now.frames if self._now else 0)

    def start(self, url: str) -> bool:
        """Push to `url` from now on; False: nobody takes it."""
        self.stop()
        if url.startswith("rtmp:"):
            self._now = RtmpPusher(self._name)
        else:
            from fieldlink.edge.simulate.whip_push import WhipPusher  # its libraries are large

            self._now = WhipPusher(self._name)
        return self._now.start(url)

    def stop(self) -> None:
        """Push no more."""
        if self._now is not None:
            self._now.stop()
            self._before += self._now.frames
            self._now = None


async def run_dji_rc(
    plan: DjiRcPlan, login: Credentials, *, seconds: float | None = None
) -> dict[str, Any]:
    """Fly until cancelled, or for `seconds`; a summary."""
    video = _Pushers(f"DJI {plan.aircraft[-4:]}")
    remote = DjiRc(plan, video)
    down: list[str] = []
    began_s = time.monotonic()
    with contextlib.suppress(TimeoutError, asyncio.CancelledError):
        async with asyncio.timeout(seconds):
            while True:
                try:
                    await _connected(remote, login, began_s)
                except LinkError as error:
                    if not down or down[-1] != str(error):
                        down.append(str(error))
                remote.online = False
                await asyncio.sleep(_AGAIN_S)
    await asyncio.to_thread(video.stop)
    return {
        "starts": remote.starts,
        "quality": remote.quality,
        "pictures": video.frames,
        "refused": remote.refused,
        "brought": remote.errand.brought,
        "brought_answers": remote.errand.answers,
        "brought_refusals": remote.errand.refusals[-10:],
        "down": down[-5:],
    }


async def _connected(remote: DjiRc, login: Credentials, began_s: float) -> None:
    loop = asyncio.get_running_loop()
    heard: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()

    def came(topic: str, data: bytes) -> None:  # on the network's thread
        loop.call_soon_threadsafe(heard.put_nowait, (topic, data))

    link = await MqttConnection.open(
        login.host,
        login.port,
        client_id="",
        tls=TlsPeer(pin=login.pin) if login.pin else None,
        subscriptions=[
            f"{root}/product/{remote.plan.rc}/{end}"
            for root, end in (
                ("sys", "status_reply"),
                ("thing", "services"),
                ("thing", "events_reply"),
                ("thing", "requests_reply"),
            )
        ],
        on_message=came,
        login=(login.name, login.password),
        timeout_s=10,
    )
    bringing = asyncio.create_task(_bring(remote, began_s), name="sim bringing")
    try:
        await _speak(remote, link, heard, began_s)
    finally:
        bringing.cancel()
        await asyncio.wait([bringing])
        await link.close()


async def _bring(remote: DjiRc, began_s: float) -> None:
    """Bring files while it flies."""
    faults = BringFaults(
        expired=DjiFault.EXPIRED in remote.plan.faults, broken=DjiFault.BROKEN in remote.plan.faults
    )
    while True:
        job = remote.errand.job()
        if job is not None:
            pose = remote.pose(time.monotonic() - began_s, time.time_ns() // 1_000_000)
            await bring(remote.errand, job, pose, faults)
        await asyncio.sleep(_TICK_S)


async def _speak(
    remote: DjiRc,
    link: MqttConnection,
    heard: "asyncio.Queue[tuple[str, bytes]]",
    began_s: float,
) -> None:
    order = itertools.count()
    later: list[tuple[float, int, Saying]] = []
    while True:
        now_ms = time.time_ns() // 1_000_000
        for saying in remote.due(time.monotonic() - began_s, now_ms):
            link.publish(saying.topic, saying.payload)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_TICK_S):
                topic, data = await heard.get()
            after_s = time.monotonic() - began_s
            # A start waits for the RTMP handshake: not on the loop.
            told = await asyncio.to_thread(remote.hear, topic, data, after_s, now_ms)
            for saying in told:
                heapq.heappush(later, (saying.at_s, next(order), saying))
        while later and later[0][0] <= time.monotonic() - began_s:
            saying = heapq.heappop(later)[2]
            link.publish(saying.topic, saying.payload)
