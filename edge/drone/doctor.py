"""What keeps aircraft from being heard, recorded and seen at the centre, and what to do."""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from fieldlink.codecs.fault import ConfigError
from fieldlink.drone.connection.address import parse_address
from fieldlink.edge.check import check_centre, check_disk
from fieldlink.edge.check_attached import check_attached
from fieldlink.edge.check_firewall import check_firewall
from fieldlink.edge.clock.check import check_kit_clock
from fieldlink.edge.config import EdgeSettings
from fieldlink.edge.control import ask_agent
from fieldlink.edge.finding import Finding
from fieldlink.edge.wording import rate_text

__all__ = ["examine", "link_findings", "serial_findings", "uplink_findings"]

_LOSS_PERCENT = 5.0
_GARBAGE = 0.2
# What reasons of links that are down have in them, and what to do.
_REASONS = {
    "Address already in use": "端口被其他程序占用，请停用该程序或改用其他端口",
    "used by another program": "串口被其他程序占用，请停用 ModemManager、MAVProxy 等程序",
    "unplugged": "设备被拔出，请检查线缆",
    "not there": "设备不存在，请插好线缆并检查名称",
    "refused": "对方程序没有运行，请检查地址和程序",
    "does not answer": "对方无应答，请检查电源和地址",
    "ermission": "没有权限，请把用户加入 dialout 组",
}


def examine(settings: EdgeSettings) -> Iterator[Finding]:
    """Everything, as each is known: endpoints, serial devices, disk, clock, firewall, the centre
    (its broker) and the links to it."""
    yield from _drone_findings(settings)
    yield from serial_findings(settings, _serial_devices())
    tasks: list[Callable[[], Finding | list[Finding]]] = [
        partial(check_disk, settings),
        partial(check_kit_clock, settings.control_path),
        partial(check_firewall, settings),
        partial(check_centre, settings),
        partial(_uplinks, settings),
    ]
    with ThreadPoolExecutor(max_workers=len(tasks)) as pool:
        for found in pool.map(lambda task: task(), tasks):
            yield from found if isinstance(found, list) else [found]


def _drone_findings(settings: EdgeSettings) -> list[Finding]:
    if not settings.drone.endpoint:
        return [
            Finding(
                "aircraft",
                False,
                "there is no [[drone.endpoint]]; add one with connect ="
                ' "udpin:0.0.0.0:14550" or "/dev/ttyACM0,115200".',
                "没有配置 [[drone.endpoint]]；请加入一个，例如 udpin:0.0.0.0:14550"
                " 或 /dev/ttyACM0,115200。",
            )
        ]
    try:
        answer = ask_agent(settings.control_path, "drone")
    except ConfigError as error:
        return [Finding("agent", False, f"{error}.", "无法询问程序；请用 root 或程序的用户执行。")]
    attached = check_attached(settings)
    if answer is None or not answer.get("ok"):
        return [one for one in attached if one.what.startswith(("drone", "device-api"))]
    brokers = [one for one in attached if one.what.startswith("device-api")]
    return [*link_findings(answer["drone"]), *brokers]


def link_findings(report: Mapping[str, Any]) -> list[Finding]:
    """Of the running agent's endpoints and links: what is wrong with each."""
    found: list[Finding] = []
    some = any(one["state"] == "heard" for one in report["vehicles"])
    for endpoint in report["endpoints"]:
        name = f"endpoint {endpoint['name']}"
        if endpoint["state"] == "down":
            reason = f"{endpoint['connect']}: {endpoint['reason']}."
            found.append(Finding(name, False, reason, f"链路断开；{_down(endpoint['reason'])}。"))
        elif not endpoint["links"] and endpoint["state"] != "ended":
            found.append(_nobody(name, endpoint["connect"], some))
        found += [_link(link, endpoint["connect"]) for link in endpoint["links"]]
    found += [_two(one) for one in report["vehicles"] if one.get("two")]
    recording = report.get("recording")
    if recording is not None and recording["reason"]:
        why = f"nothing can be recorded: {recording['reason']}; see the disk."
        found.append(Finding("recording", False, why, "无法记录飞行；请检查磁盘。"))
    return found + [_video(one) for one in report.get("videos") or () if one["state"] != "off"]


def _two(one: Mapping[str, Any]) -> Finding:
    return Finding(
        f"aircraft {one['name']}",
        False,
        f"two aircraft speak as system {one['system']}, so what is shown of it is of both, and it"
        " takes no flight commands; give one another number (MAV_SYSID, SYSID_THISMAV).",
        "两架飞机编号相同，数据会混在一起；请在飞控中修改其中一架的编号。",
    )


def _down(reason: str) -> str:
    for sign, chinese in _REASONS.items():
        if sign in reason:
            return chinese
    return "请按上面的原因处理"


def _video(one: Mapping[str, Any]) -> Finding:
    name = f"video {one['name']}"
    if one["state"] == "live":
        return Finding(name, True, "it is recorded.", "记录中。")
    why = one["why"] or "no picture has come yet"
    return Finding(
        name,
        False,
        f"it is not recorded: {why}; see fieldlink drone video list, and that the kit reaches the"
        " camera's address.",
        "视频未记录；请按上面的原因处理，并检查设备箱能否访问相机地址。",
    )


def _nobody(name: str, connect: str, some: bool) -> Finding:
    if some:  # aircraft are heard elsewhere: this may be for a ground station that is not there yet
        said = f"{connect}: nobody has connected there yet; aircraft are heard on other links."
        return Finding(name, True, said, f"{connect}：尚无连接；其他链路已收到飞机。")
    return Finding(
        name,
        False,
        f"{connect}: nobody has sent MAVLink there; point the radio, aircraft or ground station to"
        " this kit's address and port, and open the firewall.",
        f"{connect}：尚未收到 MAVLink；请把电台、飞机或地面站指向设备箱的地址和端口，"
        "并放行防火墙。",
    )


def _silent(name: str, link: Mapping[str, Any], connect: str) -> Finding:
    heard = link["silent_s"]
    silent = "nothing was heard" if heard is None else f"{heard:.0f} s silent"
    if parse_address(connect).kind in ("udpout", "tcp"):
        return Finding(
            name,
            False,
            f"{silent}; see that {connect} is the right address, that a program listens there, and"
            " the firewall.",
            f"没有收到数据；请检查 {connect} 的地址、对方程序和防火墙。",
        )
    return Finding(
        name,
        False,
        f"{silent}; see power, cable and antenna of the radio, and that the aircraft is on.",
        "没有收到数据；请检查电台的电源、线缆、天线，以及飞机是否开机。",
    )


def _link(link: Mapping[str, Any], connect: str) -> Finding:
    name = f"link {link['link']}"
    total = link["bytes"] + link["garbage_bytes"]
    if link["garbage_bytes"] > _GARBAGE * total:
        return Finding(
            name,
            False,
            f"{link['garbage_bytes']} of {total} bytes are no MAVLink; set the radio's baud rate"
            " (57600, 115200, 921600), and MAVLink on that port of the autopilot.",
            "大部分字节不是 MAVLink；请检查波特率（57600、115200、921600）和飞控串口协议。",
        )
    if link["signing_rejects"] and link["signing_rejects"] >= link["packets"] // 2:
        return Finding(
            name,
            False,
            "messages are refused for their signatures; give aircraft and ground station the kit's"
            " passphrase (fieldlink drone sign), and see their clocks.",
            "签名不被接受；请在飞机和地面站设置与设备箱相同的口令，并检查时钟。",
        )
    if link["state"] != "OK":
        return _silent(name, link, connect)
    if link["loss_percent"] > _LOSS_PERCENT:
        return Finding(
            name,
            False,
            f"{link['loss_percent']:.1f} % of messages are lost; raise the antenna, go nearer, or"
            " lower the aircraft's stream rates (SR_ parameters).",
            f"丢包 {link['loss_percent']:.1f} %；请架高天线、靠近，或降低飞控的数据流速率。",
        )
    return Finding(name, True, f"{link['bytes_s']:.0f} B/s, nothing wrong.", "正常。")


def _uplinks(settings: EdgeSettings) -> list[Finding]:
    try:
        answer = ask_agent(settings.control_path, "status")
    except ConfigError:
        return []  # said already, of the agent
    return uplink_findings((answer or {}).get("status") or {})


def uplink_findings(status: Mapping[str, Any]) -> list[Finding]:
    """Of the running agent's links to the centre, and of what waits for them."""
    found = []
    for one in status.get("bearers") or ():
        if one.get("down_by") == "identity":
            continue  # not joined: the centre's finding says it
        name = f"uplink {one['name']}"
        if one.get("held"):
            told = f"held; fieldlink edge bearer release {one['name']}."
            found.append(Finding(name, False, told, "已暂停；请用上面的命令恢复。", link=True))
        elif not one["up"]:
            told = f"{one.get('reason') or 'down'}; see its cable, SIM and antenna, and the centre."
            chinese = "链路不通；请检查网线、SIM 卡、天线，以及指挥中心是否在运行。"
            found.append(Finding(name, False, told, chinese, link=True))
        elif one.get("stalled"):
            told = "up, and the centre does not answer; see whether it runs."
            found.append(Finding(name, False, told, "指挥中心无应答；请检查其程序。", link=True))
        else:
            rate = rate_text(one["rate_bps"])
            found.append(Finding(name, True, f"up, {rate} now.", f"正常，当前 {rate}。"))
    return found


def _serial_devices() -> dict[str, str]:
    """The serial devices that are plugged in, and what they say they are."""
    from serial.tools.list_ports import comports

    return {port.device: port.description or "" for port in comports() if port.hwid != "n/a"}


def serial_findings(settings: EdgeSettings, devices: Mapping[str, str]) -> list[Finding]:
    """Serial ports: those of the settings, and those plugged in that no setting names."""
    wanted = {
        address.path
        for one in settings.drone.endpoint
        if (address := parse_address(one.connect)).kind == "serial"
    }
    there = {str(Path(path).resolve()) for path in wanted}
    found = [_serial(path) for path in sorted(wanted)]
    for path, what in sorted(devices.items()):
        if str(Path(path).resolve()) not in there:
            found.append(
                Finding(
                    f"serial {path}",
                    True,
                    f"{what or 'a device'} is plugged in, and no endpoint uses it; if it is a radio"
                    f' or autopilot: connect = "{path},57600" (USB: 115200).',
                    f"已插入但未使用；如果是电台或飞控，请配置 {path},57600（USB 直连 115200）。",
                )
            )
    return found


def _serial(path: str) -> Finding:
    if not Path(path).exists():
        return Finding(
            f"serial {path}",
            False,
            "it is not there; plug it in, see dmesg, and use its name below /dev/serial/by-id,"
            " which stays.",
            "设备不存在；请插好线缆，并使用 /dev/serial/by-id 下不变的名称。",
        )
    if not os.access(path, os.R_OK | os.W_OK):
        return Finding(
            f"serial {path}",
            False,
            "this user may not open it; usermod -aG dialout fieldlink-edge, then start the agent"
            " again.",
            "没有权限；请把用户加入 dialout 组，然后重启程序。",
        )
    return Finding(f"serial {path}", True, "it is there and may be opened.", "存在且可打开。")
