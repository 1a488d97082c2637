"""What links of each kind are given.

`lan` everything, `lte` what a screen needs to move smoothly, `sat` a preview of at most
150 B/s for each aircraft, `beidou` one HIGH_LATENCY2 every 5 s, commands and answers to them. What
is not named is not given, but for answers to what the endpoint itself asked for.
"""

from dataclasses import dataclass, field

from fieldlink.codecs.mavlink import HIGH_LATENCY2, ids_of

__all__ = ["ALWAYS", "NEVER", "PROFILES", "Profile", "rule_of"]

ALWAYS = 0
NEVER = -1


def rule_of(rate_hz: float) -> int:
    """A rate as the least time between two, in us; 0 Hz is never."""
    return round(1e6 / rate_hz) if rate_hz > 0 else NEVER


def _rules(always: str, **rates: str) -> dict[int, int]:
    rules = dict.fromkeys(ids_of(always), ALWAYS)
    for rate, names in rates.items():
        interval_us = rule_of(float(rate.removeprefix("hz").replace("_", ".")))
        rules |= dict.fromkeys(ids_of(names), interval_us)
    return rules


@dataclass(frozen=True, slots=True)
class Profile:
    """`rules` give the least time between two of a message in us, 0 for all, -1 for none; `other`
    that of messages not named. `heartbeat_us` is how often ours goes, None: never. `answers`:
    whether what the endpoint asked for is given in full. `high_latency_us`: how often a vehicle's
    state is put into one message. `lost_after_s`: silence that means lost, on such a link.
    `unknown`: whether messages of no dialect are given. `ground`: whether ground stations are given
    what others of them say to everybody, even where no aircraft is. `heartbeats`: whether there are
    any on such a link. `system_bytes_s`: the most that what is thinned of one system takes.
    """

    name: str
    other: int
    rules: dict[int, int] = field(default_factory=dict)
    heartbeat_us: int | None = 1_000_000
    answers: bool = True
    high_latency_us: int | None = None
    lost_after_s: float = 5.0
    unknown: bool = False
    ground: bool = True
    heartbeats: bool = True
    system_bytes_s: float | None = None


_COMMANDS = "COMMAND_ACK COMMAND_LONG COMMAND_INT"
_EVENTS = "STATUSTEXT COMMAND_ACK COMMAND_LONG COMMAND_INT COLLISION"

PROFILES = {
    profile.name: profile
    for profile in (
        Profile("lan", other=ALWAYS, unknown=True),
        Profile(
            "lte",
            other=rule_of(1),
            rules=_rules(
                f"{_EVENTS} ADSB_VEHICLE CAMERA_IMAGE_CAPTURED MISSION_ITEM_REACHED",
                hz5="ATTITUDE GLOBAL_POSITION_INT",
                hz2="VFR_HUD NAV_CONTROLLER_OUTPUT GIMBAL_DEVICE_ATTITUDE_STATUS"
                " CAMERA_FOV_STATUS OPEN_DRONE_ID_LOCATION",
                hz1="HEARTBEAT SYS_STATUS GPS_RAW_INT BATTERY_STATUS RADIO_STATUS",
            ),
            lost_after_s=10.0,
        ),
        Profile(
            "sat",
            other=NEVER,
            rules=_rules(
                f"{_EVENTS} MISSION_ITEM_REACHED",
                hz1="HEARTBEAT GLOBAL_POSITION_INT ATTITUDE VFR_HUD",
                hz0_2="SYS_STATUS GPS_RAW_INT MISSION_CURRENT RADIO_STATUS HIGH_LATENCY2",
            ),
            heartbeat_us=None,
            ground=False,
            system_bytes_s=149.0,
            lost_after_s=30.0,
        ),
        Profile(
            "beidou",
            other=NEVER,
            rules={**_rules(_COMMANDS), HIGH_LATENCY2: rule_of(0.2)},
            heartbeat_us=None,
            heartbeats=False,
            answers=False,
            ground=False,
            high_latency_us=5_000_000,
            lost_after_s=120.0,
        ),
    )
}
