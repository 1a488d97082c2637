"""`fieldlink edge check`: tries everything that a kit needs, and says what is wrong in a sentence.

Each finding is one sentence in English and one in Chinese: what is wrong, and what to do.
"""

import asyncio
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from fieldlink.codecs.fault import ConfigError, LinkError
from fieldlink.codecs.settings import format_size
from fieldlink.edge.check_attached import check_attached
from fieldlink.edge.clock.check import check_kit_clock
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.finding import Finding
from fieldlink.edge.gnss.trial import check_gnss
from fieldlink.edge.identity import Identity
from fieldlink.edge.sensors.trial import by_line, check_line
from fieldlink.edge.source.probe import probe
from fieldlink.edge.source.settings import DeviceSettings
from fieldlink.edge.source.url import is_whip
from fieldlink.edge.starting import attached_counts
from fieldlink.edge.whip.trial import check_publisher
from fieldlink.systemd.durable import make_folder, write_durably
from fieldlink.systemd.mqtt import MqttConnection

__all__ = ["check_centre", "check_disk", "check_kit", "check_source", "exit_status"]

_PROBE_S = 10.0
_SLOW_SYNC_S = 0.5
_DAY_US = 86_400_000_000
_SOON_DAYS = 14


def check_kit(settings: EdgeSettings) -> Iterator[Finding]:
    """Check disk, clock, sources, sensors and the centre, all at once; yields as they come."""
    tasks: list[Callable[[], Finding | list[Finding]]] = [
        partial(check_disk, settings),
        partial(check_kit_clock, settings.control_path),
        partial(check_gnss, settings.gnss, settings.control_path),
        *(partial(_check_device, settings, device) for device in settings.device),
        *(partial(check_line, line) for line in by_line(settings.sensor)),
        partial(check_attached, settings),
        partial(check_centre, settings),
    ]
    if not settings.device and not attached_counts(settings):
        yield Finding(
            "sources",
            False,
            "nothing is attached; add a [[device]] with its url (a camera), a [[sensor]], or turn"
            " on [device_api] or [jt808] in the configuration.",
            "没有配置任何设备；请在配置文件中加入 [[device]]（摄像机）或 [[sensor]]，"
            "或启用 [device_api]、[jt808]。",
        )
    with ThreadPoolExecutor(max_workers=min(len(tasks), 16)) as pool:
        for found in pool.map(_call, tasks):
            yield from found if isinstance(found, list) else [found]


def _call(check: Callable[[], Finding | list[Finding]]) -> Finding | list[Finding]:
    return check()


def _check_device(settings: EdgeSettings, device: DeviceSettings) -> Finding:
    if is_whip(device.url):
        return check_publisher(device.name, settings.control_path, settings.whip_dir)
    return check_source(device)


def check_source(device: DeviceSettings) -> Finding:
    """Whether the device delivers pictures."""
    result = probe(device, _PROBE_S)
    if result.ok:
        return Finding("source", True, result.sentence, f"{device.name}：图像正常。")
    return Finding(
        "source",
        False,
        f"{result.sentence}; see whether the device is on, its cable is in and the url is right.",
        f"{device.name}：没有图像；请检查设备电源、网线和 url 设置。",
    )


def check_disk(settings: EdgeSettings) -> Finding:
    """Whether the state folder can be written durably and has room."""
    folder = settings.state_dir
    try:
        make_folder(folder)
        probe_path = folder / f".check-{secrets.token_hex(4)}"
        began_s = time.monotonic()
        write_durably(probe_path, os.urandom(65536))
        took_s = time.monotonic() - began_s
        probe_path.unlink()
        disk = os.statvfs(folder)
    except OSError as error:
        return _disk(
            False,
            f"{folder} cannot be written ({error.strerror}); see mount, owner and disk.",
            f"{folder} 无法写入；请检查挂载、权限和磁盘。",
        )
    free = disk.f_bavail * disk.f_frsize
    if free <= settings.spool.keep_free:
        shown = format_size(round(free, -6))
        return _disk(
            False,
            f"{folder} has {shown} left, less than spool.keep_free; make room or lower it.",
            f"{folder} 只剩 {shown}，少于 spool.keep_free；请清理磁盘或调低设置。",
        )
    if took_s > _SLOW_SYNC_S:
        return _disk(
            False,
            f"{folder} needs {took_s:.1f} s to write 64 KiB durably; the disk is failing or slow,"
            " replace it.",
            f"{folder} 写入很慢（{took_s:.1f} 秒）；磁盘可能损坏，请更换。",
        )
    return _disk(
        True,
        f"{folder} is writable, {format_size(round(free, -6))} free,"
        f" durable write in {took_s * 1000:.0f} ms.",
        f"{folder} 可写，剩余 {format_size(round(free, -6))}。",
    )


def _disk(ok: bool, english: str, chinese: str) -> Finding:
    return Finding("disk", ok, english, chinese)


def check_centre(settings: EdgeSettings) -> Finding:
    """Whether this kit has joined, its certificate is good, and the centre lets it in."""
    try:
        identity = Identity.load(settings.identity_dir)
        left_days = (identity.expires_us() - time.time_ns() // 1000) // _DAY_US
    except ConfigError as error:
        return _centre(False, f"{error}.", "设备箱尚未入网；请执行 fieldlink edge join 入网码。")
    if left_days < 0:
        return _centre(
            False,
            "this kit's certificate has expired; join again with a new code.",
            "设备箱证书已过期；请用新的入网码重新入网。",
        )
    try:
        asyncio.run(_try_centre(identity))
    except LinkError as error:
        return Finding(
            "centre",
            False,
            f"the link is down: {error}; see the bearer's cable, SIM and antenna, and the centre.",
            f"链路不通：{error}；请检查网线、SIM 卡、天线，以及指挥中心是否在运行。",
            link=True,
        )
    if left_days < _SOON_DAYS:
        return _centre(
            False,
            f"the centre answers, but this kit's certificate ends in {left_days} days; join again.",
            f"指挥中心可达，但证书将在 {left_days} 天后到期；请重新入网。",
        )
    where = f"{identity.broker_host}:{identity.broker_port}"
    return _centre(
        True,
        f"{where} lets {identity.kit} in; its certificate is good for {left_days} days.",
        f"指挥中心 {where} 可达，证书剩余 {left_days} 天。",
    )


def _centre(ok: bool, english: str, chinese: str) -> Finding:
    return Finding("centre", ok, english, chinese)


async def _try_centre(identity: Identity) -> None:
    connection = await MqttConnection.open(
        identity.broker_host,
        identity.broker_port,
        client_id=identity.client_id("check"),
        tls=identity.tls,
        subscriptions=[f"fl/down/{identity.kit}/+"],
        on_message=lambda _topic, _payload: None,
        timeout_s=_PROBE_S,
    )
    await connection.close()


def exit_status(findings: Sequence[Finding]) -> int:
    """0: all is good; 3: only the link is down; 1: something else is wrong."""
    wrong = [finding for finding in findings if not finding.ok]
    if not wrong:
        return 0
    return 3 if all(finding.link for finding in wrong) else 1
