"""Flight modes and why an aircraft changed to one, in plain words (mode_code, mode_code_reason)."""

__all__ = [
    "FAILSAFE_REASONS",
    "FORCED_MODES",
    "GROUND_MODES",
    "NOT_CONNECTED",
    "mode_words",
    "reason_words",
]

_MODES: dict[int, tuple[str, str]] = {
    0: ("standby", "待机"),
    1: ("preparing to take off", "起飞准备"),
    2: ("ready to take off", "起飞准备完毕"),
    3: ("manual", "手动飞行"),
    4: ("automatic take-off", "自动起飞"),
    5: ("wayline", "航线飞行"),
    6: ("panorama", "全景拍照"),
    7: ("tracking", "智能跟随"),
    8: ("avoiding a manned aircraft", "ADS-B 躲避"),
    9: ("returning home", "自动返航"),
    10: ("landing", "自动降落"),
    11: ("forced landing", "强制降落"),
    12: ("landing on three propellers", "三桨叶降落"),
    13: ("updating", "升级中"),
    14: ("not connected", "未连接"),
    15: ("APAS", "APAS"),
    16: ("virtual stick", "虚拟摇杆"),
    17: ("live flight controls", "指令飞行"),
    18: ("fixing RTK in the air", "空中 RTK 收敛"),
}
GROUND_MODES = frozenset({0, 1, 2, 13})
"""Modes of an aircraft that does not fly."""

NOT_CONNECTED = 14
"""What is said of an aircraft that is not heard: nothing of where it is."""

FORCED_MODES = frozenset({11, 12})
"""Modes that nobody chooses."""

_REASONS: dict[int, tuple[str, str]] = {
    1: ("the battery is low", "电量低"),
    2: ("the voltage is low", "电压低"),
    3: ("the voltage is very low", "电压严重过低"),
    6: ("the remote controller's signal is lost", "遥控器信号丢失"),
    16: ("its height cannot be controlled", "高度控制异常"),
    17: ("the battery is just enough for the way home", "智能低电量返航"),
    19: ("a fault of the hardware", "硬件异常"),
    22: ("an obstacle on the way home", "返航遇障"),
}
FAILSAFE_REASONS = frozenset(_REASONS)
"""Reasons that no person gave."""


def mode_words(mode: int | None) -> str:
    """A flight mode for people; an unknown one by its number."""
    english, chinese = _MODES.get(-1 if mode is None else mode, (f"mode {mode}", f"模式 {mode}"))
    return "" if mode is None else f"{english} {chinese}"


def reason_words(reason: int | None) -> str:
    """Why it changed its mode; empty if it says nothing known."""
    english, chinese = _REASONS.get(-1 if reason is None else reason, ("", ""))
    return f"{english} {chinese}".strip()
