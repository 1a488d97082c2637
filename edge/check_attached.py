"""`fieldlink edge check` of what listens for devices: as the running agent has it, else whether it
could listen.
"""

import socket
from collections.abc import Iterator, Mapping
from typing import Any

from fieldlink.codecs.fault import ConfigError
from fieldlink.drone.connection.address import parse_address
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.control import ask_agent
from fieldlink.edge.finding import Finding

__all__ = ["check_attached", "listeners"]

_ASK_S = 5.0
_GOOD = ("ok", "up", "live")
# Sensors and the receiver are tried for themselves.
_APART = ("sensor", "gnss")
_TCP, _UDP = socket.SOCK_STREAM, socket.SOCK_DGRAM


def check_attached(settings: EdgeSettings) -> list[Finding]:
    """A finding for each of the device API, terminals, aircraft, DJI, TAK and WHIP that is on."""
    listening = (
        settings.device_api,
        settings.jt808,
        settings.dji,
        settings.drone,
        settings.cot,
        settings.whip,
    )
    if not any(one.enabled for one in listening):
        return []
    attached = _asked(settings)
    if attached is not None:
        return list(_told(attached))
    return [_tried(*one) for one in listeners(settings)]


def _asked(settings: EdgeSettings) -> Mapping[str, Any] | None:
    """What the running agent says is attached; None if none runs."""
    try:
        answer = ask_agent(settings.control_path, "status", timeout_s=_ASK_S)
    except ConfigError:
        return None
    found = ((answer or {}).get("status") or {}).get("attached")
    return found if isinstance(found, dict) else None


def _told(attached: Mapping[str, Any]) -> Iterator[Finding]:
    for name, one in attached.items():
        if name.partition(" ")[0] in _APART:
            continue
        if one.get("state") in _GOOD:
            yield Finding(name, True, f"{one.get('said') or 'it works'}.", "正常。")
        else:
            reason = str(one.get("reason") or one.get("said") or one.get("state"))
            yield Finding(name, False, _sentence(reason), "没有工作；请按上面的原因处理。")


def listeners(settings: EdgeSettings) -> Iterator[tuple[str, str, str, int, "socket.SocketKind"]]:
    """What is to listen: its name, the setting of its port, address, port, and how."""
    api, jt808 = settings.device_api, settings.jt808
    if api.enabled and api.url is None:
        if api.tls and api.tls_port:
            yield "device-api", "device_api.tls_port", api.host, api.tls_port, _TCP
        if api.plain and api.port:
            yield "device-api", "device_api.port", api.host, api.port, _TCP
    if jt808.enabled and jt808.port:
        yield "jt808", "jt808.port", jt808.host, jt808.port, _TCP
        if jt808.udp:
            yield "jt808", "jt808.port", jt808.host, jt808.port, _UDP
    dji = settings.dji
    if dji.enabled:
        yield "dji", "dji.page_port", dji.page_host, dji.page_port, _TCP
        if api.url is None:
            yield "dji", "dji.mqtt_port", api.host, dji.mqtt_port, _TCP
        if dji.uploads.enabled:
            yield "dji", "dji.uploads.port", dji.page_host, dji.uploads.port, _TCP
    whip = settings.whip
    if whip.enabled and whip.tls:
        yield "whip", "whip.tls_port", whip.host, whip.tls_port, _TCP
    if whip.enabled and whip.plain:
        yield "whip", "whip.port", whip.host, whip.port, _TCP
    for endpoint in settings.drone.endpoint:
        to = parse_address(endpoint.connect)
        if to.kind in ("udpin", "tcpin") and to.port:
            how = _UDP if to.kind == "udpin" else _TCP
            yield f"drone {endpoint.name}", "drone.endpoint.connect", to.host, to.port, how


def _tried(name: str, setting: str, host: str, port: int, kind: "socket.SocketKind") -> Finding:
    how = "TCP" if kind == _TCP else "UDP"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, kind == _TCP)
            probe.bind((host, port))
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        return Finding(
            name,
            False,
            f"{how} {host}:{port} cannot be listened on ({why}); end the other program, or set"
            f" another {setting}.",
            f"{how} 端口 {host}:{port} 无法监听；请停用占用它的程序，或修改 {setting}。",
        )
    return Finding(
        name,
        True,
        f"{how} port {port} is free; the agent is not running, start it: fieldlink edge run.",
        f"{how} 端口 {port} 可用；程序未运行，请执行 fieldlink edge run。",
    )


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "。")) else f"{text}."
