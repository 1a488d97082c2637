"""How a way of Cursor on Target is, in words for both languages."""

from collections.abc import Mapping
from typing import Any

__all__ = ["end_words"]

_ADVICE = {
    "network": "网络不可用：请检查网卡和网线。",
    "timeout": "没有应答：请检查地址和网络。",
    "refused": "连接被拒绝：请检查地址和端口。",
    "closed": "对方断开了连接。",
    "certificate": "对方证书不可信：请检查 cot.ca。",
    "tls": "加密连接失败：请检查证书和密钥。",
    "file": "读不到证书文件。",
    "port": "端口被占用：请检查 cot.listen。",
}


def end_words(report: Mapping[str, Any]) -> str:
    """One line for people: whom it hears, whom it shows."""
    state, reason = report["state"], str(report["reason"])
    if state == "connecting":
        return "connecting 连接中"
    if state == "down":
        return f"DOWN 中断: {reason} {_ADVICE.get(reason.partition(':')[0], '')}".rstrip()
    parts = [f"{report['others']} others 个 TAK 用户, {report['shown']} shown 已显示本方"]
    if report["heard_s"] is not None:
        parts.append(f"last heard 最近收到 {report['heard_s']:.0f} s ago 秒前")
    if bad := report["counts"].get("malformed"):
        parts.append(f"malformed 无法识别 {bad}")
    if reason:
        parts.append(reason)
    return ", ".join(parts)
