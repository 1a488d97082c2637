"""Whether the kit's clock can be trusted: the kernel knows (adjtimex(2)), whoever sets it."""

import ctypes
import time

from fieldlink.edge.finding import Finding

__all__ = ["ClockState", "check_clock", "clock_state"]

_TIME_ERROR = 5
_STA_UNSYNC = 0x0040
_BUILT_YEAR = 2025
_MAX_ERROR_S = 1.0


class _Timex(ctypes.Structure):
    # struct timex as on every 64-bit Linux, up to what is read here.
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


class ClockState:
    """`synchronised` by the kernel's word; `error_us` is None when the kernel does not know."""

    def __init__(self, synchronised: bool, error_us: int | None) -> None:
        self.synchronised = synchronised
        self.error_us = error_us


def clock_state() -> ClockState:
    """What the kernel says of its clock.

    Raises:
        OSError: it does not say.
    """
    timex = _Timex()
    library = ctypes.CDLL(None, use_errno=True)
    answer = library.adjtimex(ctypes.byref(timex))
    if answer < 0:
        raise OSError(ctypes.get_errno(), "adjtimex")
    good = answer != _TIME_ERROR and not timex.status & _STA_UNSYNC
    return ClockState(good, timex.maxerror if good else None)


def check_clock() -> Finding:
    """Whether the date is plausible and something keeps the clock right."""
    year = time.gmtime().tm_year
    if year < _BUILT_YEAR:
        return _clock(
            False,
            f"the clock says {year}; connect GNSS or a network so that it is set.",
            f"时钟显示 {year} 年，不正确；请接入卫星授时或网络。",
        )
    try:
        state = clock_state()
    except OSError as error:
        return _clock(
            False,
            f"the kernel does not say how good its clock is ({error}); see chrony.",
            "系统无法给出时钟状态；请检查 chrony。",
        )
    if not state.synchronised:
        return _clock(
            False,
            "nothing keeps the clock right; install chrony and give it GNSS or a server"
            " (times are marked as of unknown error until then).",
            "时钟没有同步；请安装 chrony 并接入卫星授时或时间服务器。",
        )
    error_s = (state.error_us or 0) / 1e6
    if error_s > _MAX_ERROR_S:
        return _clock(
            False,
            f"the clock may be wrong by {error_s:.1f} s; see what `chronyc tracking` says.",
            f"时钟误差可能达 {error_s:.1f} 秒；请查看 chronyc tracking。",
        )
    return _clock(True, f"synchronised, within {error_s * 1000:.0f} ms.", "时钟已同步。")


def _clock(ok: bool, english: str, chinese: str) -> Finding:
    return Finding("clock", ok, english, chinese)
