"""Reports of links and vehicles as lines for people."""

from collections.abc import Iterable, Mapping
from typing import Any

from fieldlink.codecs.mavlink import name_of
from fieldlink.drone.router.policy import Policy
from fieldlink.drone.router.profiles import ALWAYS, NEVER, Profile

__all__ = ["link_lines", "policy_lines", "profile_lines", "vehicle_lines", "watch_lines"]

Report = Mapping[str, Any]

_SEVERITIES = ("emergency", "alert", "critical", "error", "warning", "notice", "info", "debug")
_OPEN = {
    "opening": "OPENING 正在打开",
    "listening": "LISTENING 等待连接",
    "ended": "ENDED 已播完",
    "down": "DOWN 断开",
}


def link_lines(report: Report) -> list[str]:
    """A line for each link, as MAVProxy has them; one for an endpoint that has none now."""
    lines: list[str] = []
    for endpoint in report.get("endpoints") or ():
        links = endpoint["links"]
        lines += [link["line"] for link in links]
        if not links or endpoint["state"] in ("down", "ended"):
            state = _OPEN.get(endpoint["state"], endpoint["state"])
            why = f": {endpoint['reason']}" if endpoint["reason"] else ""
            lines.append(f"link {endpoint['name']} {state} ({endpoint['connect']}){why}")
    return lines or ["there are no links: none is set under [[drone.endpoint]] 没有配置链路"]


def vehicle_lines(report: Report) -> list[str]:
    """A line for each vehicle: what it is, does, where, and how well it is heard."""
    vehicles = report.get("vehicles") or ()
    lines = [f"{one['name']}: {', '.join(_parts(one))}" for one in vehicles]
    return lines or ["no aircraft is heard 没有收到飞机"]


def _parts(one: Report) -> Iterable[str]:
    lost = one["state"] == "lost"
    yield f"system {one['system']}/{one['component']} {one['kind']}"
    yield f"LOST 失联 {one['silent_s']:.0f} s" if lost else f"heard {one['silent_s']:.0f} s ago"
    yield str(one["mode"] or "mode unknown 模式未知")
    yield {True: "ARMED 已解锁", False: "disarmed 未解锁"}.get(one["armed"], "arming unknown 未知")
    yield _place(one)
    yield "battery 电量 ?" if one["battery"] is None else f"battery 电量 {one['battery']:.0f} %"


def _place(one: Report) -> str:
    if one["lat"] is None or one["lon"] is None:
        return "no position 无定位"
    words = [f"{one['lat']:.7f} {one['lon']:.7f}"]
    for key, unit in (("alt", "m"), ("speed", "m/s")):
        if one.get(key) is not None:
            words.append(f"{one[key]:.1f} {unit}")
    return ", ".join(words)


def watch_lines(report: Report, name: str = "") -> list[str]:
    """A screen: each vehicle (or the one called `name`) with its texts, then the links."""
    vehicles = [one for one in report.get("vehicles") or () if name in ("", one["name"])]
    lines = [f"{report['reason']}", ""] if report.get("reason") else []
    for one in vehicles:
        lines += _vehicle_screen(one)
    if not vehicles:
        lines += [
            f"{name} is not heard yet 尚未收到"
            if name
            else "no aircraft is heard yet 尚未收到飞机",
            "",
        ]
    lines += ["LINKS 链路", *(f"  {line}" for line in link_lines(report))]
    recording = report.get("recording")
    if recording is not None:
        why = f": {recording['reason']}" if recording["reason"] else ""
        lines.append("NOT RECORDING 未记录" + why if why else "recording 记录中")
    return lines


def _vehicle_screen(one: Report) -> list[str]:
    parts = list(_parts(one))
    loss = one["loss_percent"]
    heard = f"{', '.join(one['links'])}; lost 丢失 {'?' if loss is None else f'{loss:.1f} %'}"
    rows = [
        f"{one['name']}  {parts[0]}  {parts[1]}",
        f"  mode 模式      {parts[2]}  {parts[3]}",
        f"  position 位置  {parts[4]}",
        f"  battery 电量   {parts[5].rpartition('电量 ')[2]}",
        f"  link 链路      {heard}",
    ]
    rows += [_camera_row(camera) for camera in one.get("cameras") or ()]
    if one["alarms"]:
        rows.append(f"  ALARMS 告警    {', '.join(one['alarms'])}")
    for text in one.get("texts") or ():
        level = text["severity"]
        word = _SEVERITIES[level] if 0 <= level < len(_SEVERITIES) else str(level)
        rows.append(f"  {text['age_s']:5.0f} s ago  {word:9}  {text['text']}")
    return [*rows, ""]


def _camera_row(one: Report) -> str:
    parts = [one["model"] or "?", one["mode"] or "mode ? 模式未知"]
    if one["recording"] is not None:
        parts.append("RECORDING 录像中" if one["recording"] else "not recording 未录像")
    if one["zoom"] is not None:
        parts.append(f"zoom 变焦 {one['zoom']:.0f} %")
    devices = [stream["device"] for stream in one["streams"] if stream["device"]]
    if devices:
        parts.append(f"video 视频 {', '.join(devices)}")
    return f"  camera 相机    {', '.join(parts)}"


def policy_lines(name: str, policy: Policy, kept: Policy | None = None) -> list[str]:
    """What an endpoint is given, by its own settings over its profile's; what is not as `kept`,
    which the settings say, is marked.
    """
    if kept is not None and kept != policy:
        return [*policy_lines(name, policy), *_differences(policy, kept)]
    budget = policy.budget_bytes_s
    bound = "" if budget is None else f", at most {budget:.0f} B/s"
    lost = f"lost after {policy.lost_after_us / 1e6:.0f} s"
    head = f"{name}: profile {policy.profile.name}{bound}, {lost}"
    return [head, *_rules(policy.interval_us, policy.other_us)]


def _differences(policy: Policy, kept: Policy) -> list[str]:
    lines = ["  * not as in the settings 与配置不同:"]
    if policy.profile != kept.profile:
        lines.append(f"  *   profile {policy.profile.name} (settings: {kept.profile.name})")
    if policy.budget_bytes_s != kept.budget_bytes_s:
        bounds = [
            "none" if bound is None else f"{bound:.0f} B/s"
            for bound in (policy.budget_bytes_s, kept.budget_bytes_s)
        ]
        lines.append(f"  *   budget {bounds[0]} (settings: {bounds[1]})")
    both = policy.interval_us.keys() | kept.interval_us.keys()
    for name, msgid in sorted((name_of(msgid), msgid) for msgid in both):
        now, before = policy.interval_of(msgid), kept.interval_of(msgid)
        if now != before:
            lines.append(f"  *   {name} {_rate(now)} (settings: {_rate(before)})")
    if policy.other_us != kept.other_us:
        rates = _rate(policy.other_us), _rate(kept.other_us)
        lines.append(f"  *   all others 其余 {rates[0]} (settings: {rates[1]})")
    return lines


def profile_lines(profile: Profile) -> list[str]:
    """What links of a profile are given."""
    bound = profile.system_bytes_s
    most = "" if bound is None else f", at most {bound:.0f} B/s for each aircraft"
    head = f"{profile.name}: lost after {profile.lost_after_s:.0f} s{most}"
    return [head, *_rules(profile.rules, profile.other)]


def _rules(rules: Mapping[int, int], other: int) -> list[str]:
    by_rate: dict[int, list[str]] = {}
    for msgid, interval_us in rules.items():
        by_rate.setdefault(interval_us, []).append(name_of(msgid))
    # What comes most often first; what never comes last.
    ordered = sorted(by_rate, key=lambda us: (us == NEVER, us))
    lines = [f"  {_rate(us):>14}  {' '.join(sorted(by_rate[us]))}" for us in ordered]
    return [*lines, f"  {_rate(other):>14}  all others 其余"]


def _rate(interval_us: int) -> str:
    if interval_us == ALWAYS:
        return "every one 全部"
    return "never 不发" if interval_us == NEVER else f"{1e6 / interval_us:g} Hz"
