"""The items of MISB ST 0601 (UAS Datalink Local Set) that are understood; section 8 of the standard
has one clause for each, by tag. Angles are degrees, lengths metres, speeds m/s.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from .values import Form, Imap, Linear, Nested, Symmetric, Text, Whole

__all__ = ["ITEMS", "Item", "Tag"]


class Tag(IntEnum):
    """The number of an item."""

    CHECKSUM = 1
    TIME = 2
    MISSION = 3
    TAIL_NUMBER = 4
    HEADING = 5
    PITCH = 6
    ROLL = 7
    TRUE_AIRSPEED = 8
    AIRSPEED = 9
    DESIGNATION = 10
    SENSOR = 11
    COORDINATES = 12
    LAT = 13
    LON = 14
    ALT = 15
    HFOV = 16
    VFOV = 17
    AZIMUTH = 18
    ELEVATION = 19
    SENSOR_ROLL = 20
    SLANT_RANGE = 21
    TARGET_WIDTH = 22
    CENTRE_LAT = 23
    CENTRE_LON = 24
    CENTRE_ALT = 25
    OFFSET_LAT_1 = 26
    OFFSET_LON_1 = 27
    OFFSET_LAT_2 = 28
    OFFSET_LON_2 = 29
    OFFSET_LAT_3 = 30
    OFFSET_LON_3 = 31
    OFFSET_LAT_4 = 32
    OFFSET_LON_4 = 33
    TARGET_LAT = 40
    TARGET_LON = 41
    TARGET_ALT = 42
    SECURITY = 48
    CLIMB = 51
    GROUND_SPEED = 56
    CALL_SIGN = 59
    VERSION = 65
    HEIGHT = 75
    CENTRE_HEIGHT = 78
    CORNER_LAT_1 = 82
    CORNER_LON_1 = 83
    CORNER_LAT_2 = 84
    CORNER_LON_2 = 85
    CORNER_LAT_3 = 86
    CORNER_LON_3 = 87
    CORNER_LAT_4 = 88
    CORNER_LON_4 = 89
    PITCH_FULL = 90
    ROLL_FULL = 91
    TARGET_WIDTH_EXTENDED = 96
    HEIGHT_EXTENDED = 104


@dataclass(frozen=True, slots=True)
class Item:
    """One kind of item; `words` are what people call it."""

    tag: Tag
    form: Form
    words: str


_CIRCLE16, _CIRCLE32 = Linear(2, 0, 360), Linear(4, 0, 360)
_LAT, _LON, _OFFSET = Symmetric(4, 90), Symmetric(4, 180), Symmetric(2, 0.075)
_ALT = Linear(2, -900, 19_000)

_ALL = (
    Item(Tag.CHECKSUM, Whole(2), "checksum"),
    Item(Tag.TIME, Whole(8), "precision time stamp"),
    Item(Tag.MISSION, Text(), "mission"),
    Item(Tag.TAIL_NUMBER, Text(), "tail number of the platform"),
    Item(Tag.HEADING, _CIRCLE16, "heading of the platform"),
    Item(Tag.PITCH, Symmetric(2, 20), "pitch of the platform"),
    Item(Tag.ROLL, Symmetric(2, 50), "roll of the platform"),
    Item(Tag.TRUE_AIRSPEED, Whole(1), "true airspeed"),
    Item(Tag.AIRSPEED, Whole(1), "indicated airspeed"),
    Item(Tag.DESIGNATION, Text(), "designation of the platform"),
    Item(Tag.SENSOR, Text(), "image source sensor"),
    Item(Tag.COORDINATES, Text(), "image coordinate system"),
    Item(Tag.LAT, _LAT, "latitude of the sensor"),
    Item(Tag.LON, _LON, "longitude of the sensor"),
    Item(Tag.ALT, _ALT, "altitude of the sensor above mean sea level"),
    Item(Tag.HFOV, Linear(2, 0, 180), "horizontal field of view"),
    Item(Tag.VFOV, Linear(2, 0, 180), "vertical field of view"),
    Item(Tag.AZIMUTH, _CIRCLE32, "azimuth of the sensor from the nose"),
    Item(Tag.ELEVATION, Symmetric(4, 180), "elevation of the sensor from the platform's plane"),
    Item(Tag.SENSOR_ROLL, _CIRCLE32, "roll of the sensor"),
    Item(Tag.SLANT_RANGE, Linear(4, 0, 5_000_000), "slant range"),
    Item(Tag.TARGET_WIDTH, Linear(2, 0, 10_000), "width of what is in the picture"),
    Item(Tag.CENTRE_LAT, _LAT, "latitude of the frame centre"),
    Item(Tag.CENTRE_LON, _LON, "longitude of the frame centre"),
    Item(Tag.CENTRE_ALT, _ALT, "elevation of the frame centre"),
    *(
        Item(Tag(tag), _OFFSET, f"corner {(tag - 24) // 2} from the frame centre")
        for tag in range(Tag.OFFSET_LAT_1, Tag.OFFSET_LON_4 + 1)
    ),
    Item(Tag.TARGET_LAT, _LAT, "latitude of the target"),
    Item(Tag.TARGET_LON, _LON, "longitude of the target"),
    Item(Tag.TARGET_ALT, _ALT, "elevation of the target"),
    Item(Tag.SECURITY, Nested(), "security local set"),
    Item(Tag.CLIMB, Symmetric(2, 180), "vertical speed of the platform"),
    Item(Tag.GROUND_SPEED, Whole(1), "ground speed of the platform"),
    Item(Tag.CALL_SIGN, Text(), "call sign of the platform"),
    Item(Tag.VERSION, Whole(1), "version of the local set"),
    Item(Tag.HEIGHT, _ALT, "height of the sensor above the ellipsoid"),
    Item(Tag.CENTRE_HEIGHT, _ALT, "height of the frame centre above the ellipsoid"),
    *(
        Item(Tag(tag), _LON if tag % 2 else _LAT, f"corner {(tag - 80) // 2}")
        for tag in range(Tag.CORNER_LAT_1, Tag.CORNER_LON_4 + 1)
    ),
    Item(Tag.PITCH_FULL, Symmetric(4, 90), "pitch of the platform, full range"),
    Item(Tag.ROLL_FULL, Symmetric(4, 90), "roll of the platform, full range"),
    Item(Tag.TARGET_WIDTH_EXTENDED, Imap(3, 0, 1_500_000), "width of what is in the picture"),
    Item(Tag.HEIGHT_EXTENDED, Imap(3, -900, 40_000), "height of the sensor above the ellipsoid"),
)

ITEMS: Mapping[int, Item] = {item.tag: item for item in _ALL}
"""By tag. The security local set is bytes (see `security`)."""
