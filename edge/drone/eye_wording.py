"""Cameras, gimbals and video of aircraft as lines for people."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["camera_lines", "gimbal_lines", "video_lines"]

Report = Mapping[str, Any]

_STATES = {
    "live": "live 在线",
    "connecting": "connecting 连接中",
    "down": "DOWN 中断",
    "off": "off 未记录",
    "waiting": "waiting 等待",
    "refused": "not recorded 未记录",
    "ended": "ended 已结束",
}
_MODES = {"photo": "photo 拍照", "video": "video 录像", "survey": "survey 测绘"}
_STORAGES = {
    "empty": "NO CARD 无存储卡",
    "unformatted": "UNFORMATTED 未格式化",
    "ready": "ready 正常",
    "not-supported": "-",
}


def camera_lines(report: Report) -> list[str]:
    """The cameras of each aircraft."""
    lines: list[str] = []
    for vehicle in report["vehicles"]:
        for camera in vehicle["cameras"]:
            lines += _camera(vehicle["name"], camera)
        if not vehicle["cameras"]:
            lines.append(f"{vehicle['name']}: no camera is heard 未发现相机")
    return lines or ["no aircraft is heard 没有收到飞机"]


def _camera(name: str, one: Report) -> Iterator[str]:
    silent = one["silent_s"] > 15
    state = f"LOST 失联 {one['silent_s']:.0f} s" if silent else "heard 在线"
    size = f"  {one['width']}x{one['height']}" if one["width"] and one["height"] else ""
    yield f"{name}  camera 相机 {one['camera']}  {one['model'] or '?'}{size}  {state}"
    yield f"  mode 模式      {_MODES.get(one['mode'], '?')}  zoom 变焦 {_share(one['zoom'])}"
    yield f"  recording 录像 {_recording(one)}"
    yield f"  storage 存储   {_storage(one)}"
    if one["hfov"]:
        yield f"  view 视场      {one['hfov']:.0f} deg 度"
    if one["can"] is not None:
        yield f"  can 功能       {', '.join(one['can']) or '-'}"
    for stream in one["streams"]:
        yield f"  stream 视频    {_stream(stream)}"


def _recording(one: Report) -> str:
    known = {0: "no 否", 1: f"RECORDING 录像中 {one['recording_s'] or 0:.0f} s"}
    photos = "" if one["photos"] is None else f"  photos 照片 {one['photos']}"
    return known.get(one["recording"], "?") + photos


def _storage(one: Report) -> str:
    word = _STORAGES.get(one["storage"], "?")
    if one["storage_free"] is None:
        return word
    total = "" if one["storage_total"] is None else f" of {one['storage_total'] / 1024:.1f}"
    return f"{word}  {one['storage_free'] / 1024:.1f}{total} GiB free 可用"


def _share(value: float | None) -> str:
    return "?" if value is None else f"{value:.0f} %"


def _stream(one: Report) -> str:
    parts = [str(one["number"]), one["type"], one["uri"] or "-"]
    if one["width"] and one["height"]:
        parts.append(f"{one['width']}x{one['height']}")
    if one["thermal"]:
        parts.append("thermal 热成像")
    if one.get("device"):
        parts.append(f"-> {one['device']}")
    return "  ".join(parts)


def video_lines(report: Report) -> list[str]:
    """A line for each stream: its device, its state, where from."""
    lines = []
    for one in report["videos"]:
        parts = [one["name"], _STATES.get(one["state"], one["state"])]
        if one["fps"] is not None:
            parts.append(f"{one['fps']:.0f}/s")
        if one["vehicle"] != one["name"]:
            parts.append(f"of 属于 {one['vehicle']}")
        parts.append(one["url"] or (one["stream"] or {}).get("uri") or "-")
        if one["why"] and one["state"] != "live":
            parts.append(one["why"])
        lines.append("  ".join(parts))
    return lines or ["no camera of an aircraft names a stream 没有飞机视频"]


def gimbal_lines(report: Report) -> list[str]:
    """A gimbal: where it looks, and what it can."""
    gimbal, looks = report["gimbal"], report["looks"]
    lines = [f"{report['vehicle']}  gimbal 云台  {(gimbal or {}).get('model') or '?'}"]
    angles = [
        f"{word} {looks[key]:.1f}"
        for key, word in (
            ("pitch", "pitch 俯仰"),
            ("yaw", "north 方位"),
            ("yaw_relative", "nose 相对机头"),
        )
        if isinstance(looks.get(key), int | float)
    ]
    lines.append(f"  looks 指向     {', '.join(angles) or 'unknown 未知'}")
    turns = {True: "yes 是", False: "no, the aircraft has to 否，需转动机身", None: "unknown 未知"}
    lines.append(f"  turns 自转     {turns[report['turns_by_itself']]}")
    if gimbal is not None:
        if gimbal["can"] is not None:
            lines.append(f"  can 功能       {', '.join(gimbal['can'])}")
        lines += list(_ranges(gimbal))
        if gimbal["controlled_by"] is not None and any(gimbal["controlled_by"]):
            who: Sequence[int] = gimbal["controlled_by"]
            lines.append(f"  control 控制方 system {who[0]} component {who[1]}")
    return lines


def _ranges(gimbal: Report) -> Iterator[str]:
    for key, word in (("pitch_range", "pitch 俯仰范围"), ("yaw_range", "yaw 偏航范围")):
        if gimbal[key] is not None:
            yield f"  {word}  {gimbal[key][0]:g} to {gimbal[key][1]:g} deg 度"
