"""What an aircraft logged, made into what it would have said: MAVLink messages, by pymavlink.

Whoever reads a log tells what it says in natural units, and when; messages come out at the rates of
a good link. What was never logged is not said.
"""

import math
from collections.abc import Iterator
from typing import Any

from pymavlink.dialects.v20 import all as dialect

from fieldlink.drone.connection.logs import Logged

__all__ = ["Synthesis"]

_EVERY_US = {
    "heartbeat": 1_000_000,
    "attitude": 100_000,
    "position": 200_000,
    "gps": 200_000,
    "speed": 250_000,
    "battery": 1_000_000,
    "gimbal": 200_000,
}
_ARMED, _CUSTOM = 128, 1
_STANDBY, _ACTIVE = 3, 4
_MAX_TEXT = 50
_ANEW_US = 10_000_000


class Synthesis:
    """The aircraft of a log. Angles are in radians, positions in degrees, the rest in SI units."""

    def __init__(self, autopilot: int, sysid: int = 1) -> None:
        self.epoch_us = 0
        """UTC at the autopilot's start; 0 while it is not known."""
        self.autopilot = autopilot
        self.type = 0
        self.mode = 0
        self.armed = False
        self._maker: Any = dialect.MAVLink(None, srcSystem=sysid, srcComponent=1)
        self._state: dict[str, float] = {}
        self._said_us: dict[str, int] = {}
        self._texts: list[tuple[int, str]] = []

    def tell(self, group: str, boot_us: int, offset: int, **values: float) -> Iterator[Logged]:
        """The log says so of attitude, position, gps, speed, battery or gimbal; what follows."""
        self.know(**values)
        yield from self.due(boot_us, offset)
        if self._turn(group, boot_us):
            for message in getattr(self, f"_{group}")(boot_us):
                yield self._logged(message, boot_us, offset)

    def know(self, **values: float) -> None:
        """The log says so, and nothing follows of it alone."""
        self._state.update({name: value for name, value in values.items() if value == value})

    def due(self, boot_us: int, offset: int) -> Iterator[Logged]:
        """A HEARTBEAT, when it is time for one."""
        if self._turn("heartbeat", boot_us):
            base = _CUSTOM | (_ARMED if self.armed else 0)
            state = _ACTIVE if self.armed else _STANDBY
            beat = self._maker.heartbeat_encode(
                self.type, self.autopilot, base, self.mode & 0xFFFFFFFF, state
            )
            yield self._logged(beat, boot_us, offset)

    def text(self, severity: int, text: str, boot_us: int, offset: int) -> Iterator[Logged]:
        """The log has words; long ones go in parts, as MAVLink 2 has them."""
        raw = text.encode("utf-8")[: 4 * _MAX_TEXT]
        parts = [raw[at : at + _MAX_TEXT] for at in range(0, len(raw), _MAX_TEXT)] or [b""]
        number = offset % 65_535 + 1 if len(parts) > 1 else 0
        for chunk, part in enumerate(parts):
            message = self._maker.statustext_encode(severity, part, number, chunk)
            yield self._logged(message, boot_us, offset)

    def _turn(self, group: str, boot_us: int) -> bool:
        last_us = self._said_us.get(group)
        # Records are a little out of order; far back means that the autopilot began anew.
        if last_us is not None and -_ANEW_US < boot_us - last_us < _EVERY_US[group]:
            return False
        self._said_us[group] = boot_us
        return True

    def _logged(self, message: Any, boot_us: int, offset: int) -> Logged:
        raw = bytes(message.pack(self._maker))
        self._maker.seq = (self._maker.seq + 1) % 256
        return Logged(self.epoch_us + boot_us, raw, offset)

    def _get(self, name: str, scale: float, low: int, high: int, unknown: int) -> int:
        value = self._state.get(name)
        if value is None or not math.isfinite(value):
            return unknown
        return round(min(max(value * scale, low), high))

    def _i16(self, name: str, scale: float) -> int:
        return self._get(name, scale, -32_768, 32_767, 0)

    def _i32(self, name: str, scale: float) -> int:
        return self._get(name, scale, -(2**31), 2**31 - 1, 0)

    def _attitude(self, boot_us: int) -> Iterator[Any]:
        got = self._state.get
        rates = got("rollspeed", 0.0), got("pitchspeed", 0.0), got("yawspeed", 0.0)
        yaw = math.remainder(got("yaw", 0.0), math.tau)
        yield self._maker.attitude_encode(
            _ms(boot_us), got("roll", 0.0), got("pitch", 0.0), yaw, *rates
        )

    def _position(self, boot_us: int) -> Iterator[Any]:
        yaw = self._state.get("yaw")
        heading = 65_535 if yaw is None else round(math.degrees(yaw) % 360 * 100) % 36_000
        yield self._maker.global_position_int_encode(
            _ms(boot_us),
            self._i32("lat", 1e7),
            self._i32("lon", 1e7),
            self._i32("alt", 1e3),
            self._i32("height", 1e3),
            self._i16("north", 100),
            self._i16("east", 100),
            self._i16("down", 100),
            heading,
        )

    def _gps(self, boot_us: int) -> Iterator[Any]:
        yield self._maker.gps_raw_int_encode(
            boot_us,
            int(self._state.get("fix", 0)),
            self._i32("gps_lat", 1e7),
            self._i32("gps_lon", 1e7),
            self._i32("gps_alt", 1e3),
            self._get("hdop", 100, 0, 65_534, 65_535),
            self._get("vdop", 100, 0, 65_534, 65_535),
            self._get("gps_speed", 100, 0, 65_534, 65_535),
            self._get("course", 100, 0, 35_999, 65_535),
            self._get("satellites", 1, 0, 254, 255),
        )

    def _speed(self, boot_us: int) -> Iterator[Any]:
        got = self._state.get
        yield self._maker.vfr_hud_encode(
            max(0.0, got("airspeed", 0.0)),
            got("groundspeed", got("gps_speed", 0.0)),
            round(math.degrees(got("yaw", 0.0))) % 360,
            self._get("throttle", 100, 0, 100, 0),
            got("alt", got("gps_alt", 0.0)),
            -got("down", 0.0),
        )

    def _gimbal(self, boot_us: int) -> Iterator[Any]:
        got = self._state.get
        # In degrees; where it looks from the nose is not known.
        yield self._maker.mount_orientation_encode(
            _ms(boot_us), math.nan, got("gimbal_pitch", math.nan), math.nan,
            got("gimbal_yaw", math.nan),
        )  # fmt: skip

    def _battery(self, boot_us: int) -> Iterator[Any]:
        volts = self._get("volts", 1000, 0, 65_534, 65_535)
        amperes = self._get("amperes", 100, -32_768, 32_767, -1)
        remaining = self._get("remaining", 100, 0, 100, -1)
        health = [int(self._state.get(name, 0)) for name in ("present", "enabled", "healthy")]
        yield self._maker.sys_status_encode(*health, 0, volts, amperes, remaining, 0, 0, 0, 0, 0, 0)
        used = self._get("used", 1000, 0, 2**31 - 1, -1)  # Ah to mAh
        cells = [volts, *[65_535] * 9]
        yield self._maker.battery_status_encode(
            0, 0, 0, 32_767, cells, amperes, used, -1, remaining
        )


def _ms(boot_us: int) -> int:
    return boot_us // 1000 % 2**32
