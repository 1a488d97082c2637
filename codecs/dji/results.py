"""Result codes of services, in plain words, and what to do about each (Cloud API, error codes).

A code has six digits ABCDEF; A is who failed: 3 and 5 the device, 4 and 6 Pilot 2. The vendor's own
server also knows live codes without A (13006): they are read as 513006.
"""

from dataclasses import dataclass
from enum import Enum

__all__ = ["Outcome", "Result", "result_of"]


class Outcome(Enum):
    """What to do next."""

    DONE = "done"
    ALREADY = "already"  # it is on: done, if media come
    RETRY = "retry"  # the same again soon
    THINNER = "thinner"  # the same again with less quality
    LATER = "later"  # something has to end first
    PEOPLE = "people"  # nothing helps but somebody at the controller
    WRONG = "wrong"  # never so: another camera, another way


@dataclass(frozen=True, slots=True)
class Result:
    """A result code; `english` and `chinese` say what is wrong and what to do."""

    code: int
    outcome: Outcome
    english: str
    chinese: str

    @property
    def words(self) -> str:
        """Both languages."""
        return f"{self.english} {self.chinese}"


_TABLE: dict[int, tuple[Outcome, str, str]] = {
    0: (Outcome.DONE, "done", "完成"),
    513002: (Outcome.WRONG, "there is no such camera on the aircraft", "飞机上没有该相机"),
    513003: (Outcome.ALREADY, "that camera is live already", "该相机已在直播"),
    513005: (Outcome.WRONG, "no such video quality", "清晰度设置无效"),
    513006: (Outcome.RETRY, "the live stream did not start; tried again", "直播启动失败，重试中"),
    513008: (
        Outcome.PEOPLE,
        "no picture on the device: open the camera view in Pilot 2",
        "设备无图像数据：请在 Pilot 2 打开相机界面",
    ),
    513010: (
        Outcome.PEOPLE,
        "the controller has no network: check its Wi-Fi",
        "遥控器无网络：请检查 Wi-Fi",
    ),
    513011: (
        Outcome.PEOPLE,
        "live is not enabled: open the kit's page in Pilot 2 again",
        "直播未开启：请在 Pilot 2 重新打开设备箱页面",
    ),
    513012: (
        Outcome.LATER,
        "another stream is live and the lens cannot be switched",
        "另一路直播进行中，无法切换镜头",
    ),
    513013: (
        Outcome.WRONG,
        "this controller cannot push such a stream (RTMP)",
        "遥控器不支持该推流方式",
    ),
    513014: (Outcome.WRONG, "the controller does not accept the parameters", "直播参数错误"),
    513015: (
        Outcome.THINNER,
        "the network is congested: less quality is tried",
        "网络拥塞，正在降低清晰度",
    ),
    513016: (
        Outcome.PEOPLE,
        "the picture cannot be decoded: open the camera view in Pilot 2",
        "图像解码失败：请在 Pilot 2 打开相机界面",
    ),
    513017: (Outcome.LATER, "paused until a file has been downloaded", "文件下载中，直播暂停"),
    513099: (Outcome.RETRY, "an unknown fault of the device", "设备未知错误"),
    13009: (Outcome.LATER, "asked too often", "操作过于频繁"),
    514302: (Outcome.PEOPLE, "the network's certificate is not accepted", "网络证书错误"),
    514303: (Outcome.PEOPLE, "a network error at the controller", "遥控器网络错误"),
}
_RESULTS = {code: Result(code, *row) for code, row in _TABLE.items()}


def result_of(code: int) -> Result:
    """What `code` means; an unknown one is tried again."""
    known = _RESULTS.get(code) or _RESULTS.get(500_000 + code)
    if known is not None:
        return known
    english, chinese = f"result {code}, which is not known here", f"未知结果码 {code}"
    return Result(code, Outcome.RETRY, english, chinese)
