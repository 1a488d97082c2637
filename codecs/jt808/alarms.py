"""The bits of the alarm word and the status word (JT/T 808-2019 table 24 and 25; 2013 table 18
and 17). A header of 2011 or 2013 does not tell which of the two it is; bits that 2011 reserves
are 0 there, so that 2013's table does for both.
"""

from collections.abc import Iterator
from enum import IntFlag
from typing import NamedTuple

__all__ = ["ALARM_BITS", "AlarmBit", "Signals", "Status", "alarm_bits"]


class AlarmBit(NamedTuple):
    """An alarm: its `bit` (0 is the lowest), a short name, and what it is in 中文 and English.

    `answered`: the terminal clears the bit as soon as the platform has answered, so that its end
    says nothing of the danger's; without it the bit stands as long as the condition does.
    """

    bit: int
    name: str
    chinese: str
    english: str
    answered: bool = False


_SHARED = (
    AlarmBit(0, "sos", "紧急报警", "emergency button pressed", True),
    AlarmBit(1, "overspeed", "超速报警", "overspeed"),
    AlarmBit(2, "fatigue", "疲劳驾驶", "driver fatigue"),
    AlarmBit(3, "danger", "危险预警", "danger warning", True),
    AlarmBit(4, "gnss-fault", "GNSS模块故障", "GNSS module fault"),
    AlarmBit(5, "antenna-cut", "GNSS天线未接或被剪断", "GNSS antenna disconnected or cut"),
    AlarmBit(6, "antenna-short", "GNSS天线短路", "GNSS antenna short-circuited"),
    AlarmBit(7, "power-low", "主电源欠压", "main power low"),
    AlarmBit(8, "power-off", "主电源掉电", "main power off"),
    AlarmBit(9, "display-fault", "显示器故障", "display fault"),
    AlarmBit(10, "speech-fault", "TTS模块故障", "speech module fault"),
    AlarmBit(11, "camera-fault", "摄像头故障", "camera fault"),
    AlarmBit(12, "card-fault", "IC卡模块故障", "card reader fault"),
    AlarmBit(13, "overspeed-soon", "超速预警", "overspeed warning"),
    AlarmBit(14, "fatigue-soon", "疲劳驾驶预警", "driver fatigue warning"),
    AlarmBit(18, "driven-too-long", "当天累计驾驶超时", "driven too long today"),
    AlarmBit(19, "parked-too-long", "超时停车", "parked too long"),
    AlarmBit(20, "area", "进出区域", "entered or left an area", True),
    AlarmBit(21, "route", "进出路线", "entered or left a route", True),
    AlarmBit(22, "route-time", "路段行驶时间不足或过长", "route driven too fast or slowly", True),
    AlarmBit(23, "off-route", "路线偏离", "off the route"),
    AlarmBit(24, "speed-sensor-fault", "VSS故障", "speed sensor fault"),
    AlarmBit(25, "fuel", "油量异常", "fuel level abnormal"),
    AlarmBit(26, "stolen", "车辆被盗", "vehicle stolen"),
    AlarmBit(27, "ignition", "非法点火", "unauthorised ignition", True),
    AlarmBit(28, "moved", "非法位移", "unauthorised movement", True),
    AlarmBit(30, "rollover", "侧翻预警", "rollover warning"),
)
_ONLY_2013 = (
    AlarmBit(29, "collision", "碰撞预警", "collision warning"),
    AlarmBit(31, "door", "非法开门", "unauthorised opening of a door", True),
)
_ONLY_2019 = (
    AlarmBit(15, "violation", "违规行驶报警", "driving against the rules"),
    AlarmBit(16, "tyre-pressure", "胎压预警", "tyre pressure warning"),
    AlarmBit(17, "blind-spot", "右转盲区异常报警", "blind spot alarm, turning right"),
    AlarmBit(29, "collision", "碰撞侧翻报警", "collision or rollover"),
)

ALARM_BITS = {
    False: tuple(sorted(_SHARED + _ONLY_2013)),
    True: tuple(sorted(_SHARED + _ONLY_2019)),
}
"""The alarms in the order of their bits; True: as the 2019 edition has them."""


def alarm_bits(word: int, *, is_2019: bool) -> Iterator[AlarmBit]:
    """The alarms that are on in `word`; reserved bits are nobody's alarm."""
    for alarm in ALARM_BITS[is_2019]:
        if word >> alarm.bit & 1:
            yield alarm


class Status(IntFlag):
    """The status word. A terminal's state-secret plug-in (保密插件) moves positions: with
    `OFFSET` they are GCJ-02.
    """

    IGNITION = 1 << 0
    FIXED = 1 << 1
    SOUTH = 1 << 2
    WEST = 1 << 3
    OUT_OF_SERVICE = 1 << 4
    OFFSET = 1 << 5
    COLLISION_AHEAD = 1 << 6  # since 2019
    LANE_DEPARTURE = 1 << 7  # since 2019
    HALF_LOADED = 1 << 8
    LOADED = 1 << 9  # with HALF_LOADED: full
    FUEL_CUT = 1 << 10
    POWER_CUT = 1 << 11
    DOORS_LOCKED = 1 << 12
    DOOR_1_OPEN = 1 << 13
    DOOR_2_OPEN = 1 << 14
    DOOR_3_OPEN = 1 << 15
    DOOR_4_OPEN = 1 << 16
    DOOR_5_OPEN = 1 << 17
    GPS = 1 << 18
    BEIDOU = 1 << 19
    GLONASS = 1 << 20
    GALILEO = 1 << 21
    DRIVING = 1 << 22  # since 2019


class Signals(IntFlag):
    """The extended vehicle signals, additional information 0x25 (JT/T 808-2019 table 31)."""

    LOW_BEAM = 1 << 0
    HIGH_BEAM = 1 << 1
    RIGHT_TURN = 1 << 2
    LEFT_TURN = 1 << 3
    BRAKE = 1 << 4
    REVERSE = 1 << 5
    FOG_LAMP = 1 << 6
    SIDE_LAMP = 1 << 7
    HORN = 1 << 8
    AIR_CONDITIONING = 1 << 9
    NEUTRAL = 1 << 10
    RETARDER = 1 << 11
    ABS = 1 << 12
    HEATER = 1 << 13
    CLUTCH = 1 << 14
