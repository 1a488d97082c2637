"""An aircraft in virtual time: the frames that ArduPilot sends at its usual rates, by pymavlink."""

import random
from collections.abc import Iterator
from typing import Any

from pymavlink.dialects.v20 import all as dialect

__all__ = ["RATES_HZ", "flight", "peer"]

RATES_HZ = {
    "heartbeat": 1.0,
    "attitude": 10.0,
    "global_position_int": 5.0,
    "vfr_hud": 4.0,
    "sys_status": 2.0,
    "gps_raw_int": 2.0,
    "mission_current": 1.0,
    "raw_imu": 10.0,
    "servo_output_raw": 4.0,
}


def peer(sysid: int = 1, compid: int = 1) -> Any:
    """Something that makes frames."""
    return dialect.MAVLink(None, srcSystem=sysid, srcComponent=compid)


def _message(maker: Any, name: str, at_s: float) -> Any:
    ms = int(at_s * 1000)
    turn = int(at_s * 40)
    makers = {
        "heartbeat": lambda: maker.heartbeat_encode(2, 3, 81, 4, 4),
        "attitude": lambda: maker.attitude_encode(ms, 0.1 + at_s, -0.2, 3.0, 0.1, 0.2, 0.3),
        "global_position_int": lambda: maker.global_position_int_encode(
            ms, 301_234_500 + turn, 1_035_000_000 + turn, 488_000, 52_000, 310, -210, 20, 9_000
        ),
        "vfr_hud": lambda: maker.vfr_hud_encode(12.1, 11.3, 90, 55, 488.0, 0.4),
        "sys_status": lambda: maker.sys_status_encode(
            0x1FF2FF2F, 0x1FF2FF2F, 0x1FF2FF2F, 300, 15_800, 1_200, 67, 0, 0, 0, 0, 0, 0
        ),
        "gps_raw_int": lambda: maker.gps_raw_int_encode(
            ms * 1000, 3, 301_234_500, 1_035_000_000, 488_000, 90, 120, 1130, 9_000, 14
        ),
        "mission_current": lambda: maker.mission_current_encode(8),
        "raw_imu": lambda: maker.raw_imu_encode(ms * 1000, turn % 99, 2, -998, 4, 5, 6, 7, 8, 9),
        "servo_output_raw": lambda: maker.servo_output_raw_encode(
            ms * 1000 % 2**32, 0, 1500, 1501, 1499, 1502, 1000, 1000, 1000, 1000
        ),
    }
    return makers[name]()


def flight(
    duration_s: float, *, sysid: int = 1, seed: int = 1, jitter_s: float = 0.02
) -> Iterator[tuple[int, bytes]]:
    """When (us from the start) and which frame, for so long; a little early and late."""
    rng = random.Random(seed)
    maker = peer(sysid)
    due = [
        (max(0.0, turn / rate + rng.uniform(-jitter_s, jitter_s)), name)
        for name, rate in RATES_HZ.items()
        for turn in range(int(duration_s * rate))
    ]
    for at_s, name in sorted(due):
        raw = bytes(_message(maker, name, at_s).pack(maker))
        maker.seq = (maker.seq + 1) % 256
        yield round(at_s * 1e6), raw
