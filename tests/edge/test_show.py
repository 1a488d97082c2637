"""What `fieldlink edge status` prints: plain words in both languages, on 80 columns."""

import time
from typing import Any
from unicodedata import east_asian_width

from fieldlink.edge.show import status_lines
from fieldlink.systemd.terminal import wrapped

_SPOOL = {
    "pending": {"still": {"bundles": 2, "bytes": 20_000}},
    "custody": {},
    "refused": 0,
    "gaps": 3,
    "given_up": 0,
    "used_bytes": 5_000_000,
    "quota_bytes": 0,
    "disk_free_bytes": 7 * 10**9,
}
_LONG = "refused: rtsp://***@127.0.0.1:9/live: nothing listens there; is the camera on?"


def _status(**fields: Any) -> dict[str, Any]:
    return {"running": True, "kit": "kit-1", "spool": _SPOOL, **fields}


def _columns(line: str) -> int:
    return sum(1 + (east_asian_width(character) in "WF") for character in line)


def test_a_device_that_is_down_says_why_and_what_to_do_in_both_languages() -> None:
    device = {"state": "down", "reason": _LONG, "last_packet_us": time.time_ns() // 1000 - 10**8}
    lines = list(status_lines(_status(devices={"ball-1": device})))
    assert lines[1] == "device 设备   ball-1  DOWN 中断  last picture 最后画面 100s ago"
    text = "\n".join(lines)
    assert "is the\n              camera on?" in text or "is\n              the camera on?" in text
    assert "              连接被拒绝：摄像机开机了吗？" in lines


def test_no_line_is_wider_than_the_terminal_and_every_text_begins_in_one_column() -> None:
    bearer = {"name": "main", "up": False, "down_by": "identity", "reason": "word " * 60}
    status = _status(devices={"b": {"state": "down", "reason": _LONG}}, bearers=[bearer])
    for line in status_lines(status, 80):
        assert _columns(line) <= 80
        head = line[: len(line) - len(line.lstrip())] or line.split("  ")[0]
        assert head.strip() == "" or _columns(head) <= 12


def test_a_kit_that_has_not_joined_is_told_the_command() -> None:
    bearer = {"name": "main", "up": False, "down_by": "identity", "reason": "not joined"}
    text = "\n".join(status_lines(_status(bearers=[bearer])))
    assert "link 链路     main  DOWN 不通" in text
    assert "尚未入网：请执行 fieldlink edge join 入网码。" in text


def test_an_agent_that_does_not_run_is_said_first() -> None:
    lines = list(status_lines({"running": False, "kit": None, "spool": None}))
    assert lines[0].endswith("not joined 未入网")
    assert "fieldlink edge run" in lines[1]
    assert lines[-1] == "spool 存储    empty 空"


def test_what_is_attached_is_listed_with_its_own_words_and_values() -> None:
    attached = {
        "device-api": {"state": "up", "reason": "", "said": "2 devices registered 台设备已登记"},
        "sensor water-1": {"state": "live", "values": [{"text": "水位 level 2.104 m"}]},
        "sensor mast-1": {"state": "down", "reason": "timeout: no answer", "values": []},
    }
    text = "\n".join(status_lines({"running": True, "kit": "kit-1", "attached": attached}))
    assert "device-api  2 devices registered 台设备已登记" in text
    assert "sensor water-1  live 在线  水位 level 2.104 m" in text
    assert "sensor mast-1  DOWN 中断" in text
    assert "timeout: no answer" in text


def test_a_line_is_broken_where_two_spaces_part_what_belongs_together() -> None:
    assert list(wrapped("main  up 通  round trip 往返 0 ms", 22)) == [
        "main  up 通",
        "round trip 往返 0 ms",
    ]
    assert list(wrapped("many words without a part", 12)) == ["many words", "without a", "part"]
    assert list(wrapped("a  b", 10)) == ["a  b"]
    assert list(wrapped("gnss  it is not there", 18)) == ["gnss  it is not", "there"]
