"""The clock's part of `fieldlink edge check`: what the agent measures, else the kernel's word."""

import subprocess
from pathlib import Path
from typing import Any

from fieldlink.codecs.fault import ConfigError
from fieldlink.edge.clock.wording import clock_words
from fieldlink.edge.clock_check import check_clock
from fieldlink.edge.control import ask_agent
from fieldlink.edge.finding import Finding

__all__ = ["check_kit_clock", "chrony_source"]

_GOOD_US = 1_000_000
_FAR_US = 60_000_000
_ASK_S = 5.0
_MAX_CHARS = 60
_TRACKING_FIELDS = 14


def check_kit_clock(control_path: Path) -> Finding:
    """How good the kit's clock is: by the running agent, which measures it, or by the kernel."""
    measured = _asked(control_path)
    if measured is None or measured["error_us"] is None:
        return _by_the_kernel()
    said = clock_words(measured)
    if measured["error_us"] > _GOOD_US:
        return Finding("clock", False, f"{said}; see antenna and chrony.", "请检查天线和 chrony。")
    if abs(measured["correction_us"]) > _FAR_US:
        return Finding(
            "clock",
            False,
            f"{said}. Recordings have right times, but certificates are checked by the system's"
            " clock: set it (chrony can follow gpsd).",
            "录制时间正确，但证书按系统时钟检查：请校准系统时钟（chrony 可使用 gpsd）。",
        )
    return Finding("clock", True, f"{said}.", "时钟已校准。")


def _by_the_kernel() -> Finding:
    found = check_clock()
    source = chrony_source()
    if not found.ok or not source:
        return found
    return Finding("clock", True, f"by chrony from {source}: {found.english}", found.chinese)


def _asked(control_path: Path) -> dict[str, Any] | None:
    try:
        answer = ask_agent(control_path, "status", timeout_s=_ASK_S)
    except ConfigError:
        return None  # another user's agent: the kernel's word has to do
    clock = ((answer or {}).get("status") or {}).get("clock")
    return clock if isinstance(clock, dict) and "correction_us" in clock else None


def chrony_source(program: str = "chronyc") -> str:
    """What chrony follows, as "192.0.2.1 (stratum 3)"; empty without chrony, or if it follows
    nothing. See `tracking` in chronyc(1), with -c: comma-separated.
    """
    try:
        done = subprocess.run(
            [program, "-n", "-c", "tracking"], capture_output=True, timeout=3, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    fields = done.stdout.decode("utf-8", "replace").strip().split(",")
    if done.returncode or len(fields) < _TRACKING_FIELDS or fields[-1] == "Not synchronised":
        return ""
    name, stratum = fields[1][:_MAX_CHARS], fields[2][:2]
    return f"{name} (stratum {stratum})" if f"{name}{stratum}".isprintable() and name else ""
