"""An autopilot by pymavlink: each of its messages as a frame, at a time that the test says."""

from typing import Any

from pymavlink.dialects.v20 import all as dialect

from fieldlink.codecs.mavlink import Frame, Framer

__all__ = ["ARMED", "T0_US", "Autopilot"]

T0_US = 1_795_000_000_000_000
ARMED = 81 | 128
_DISARMED = 81


class Autopilot:
    """A copter of ArduPilot unless said otherwise. Counts its frames as MAVLink does."""

    def __init__(
        self, sysid: int = 1, compid: int = 1, *, kind: int = 2, autopilot: int = 3
    ) -> None:
        self.maker: Any = dialect.MAVLink(None, srcSystem=sysid, srcComponent=compid)
        self.kind, self.autopilot = kind, autopilot
        self.armed, self.mode, self.state = False, 0, 3

    def raw(self, name: str, *args: Any, v1: bool = False) -> bytes:
        """A message's bytes; `name` is pymavlink's, `args` are its fields in order."""
        message = getattr(self.maker, f"{name}_encode")(*args)
        packed = bytes(message.pack(self.maker, force_mavlink1=v1))
        self.maker.seq = (self.maker.seq + 1) % 256
        return packed

    def say(
        self, name: str, *args: Any, link: str = "lan", at_us: int = T0_US, v1: bool = False
    ) -> Frame:
        """A message as a frame."""
        (frame,) = Framer(link).datagram(self.raw(name, *args, v1=v1), at_us)
        return frame

    def beat(self, *, link: str = "lan", at_us: int = T0_US) -> Frame:
        """A HEARTBEAT."""
        base = ARMED if self.armed else _DISARMED
        return self.say(
            "heartbeat", self.kind, self.autopilot, base, self.mode, self.state, link=link,
            at_us=at_us,
        )  # fmt: skip

    def place(
        self, lat: float, lon: float, *, height: float = 50.0, link: str = "lan", at_us: int = T0_US
    ) -> Frame:
        """A GLOBAL_POSITION_INT that flies east at 3 m/s."""
        return self.say(
            "global_position_int", 1000, round(lat * 1e7), round(lon * 1e7),
            round((400 + height) * 1000), round(height * 1000), 0, 300, 0, 4500,
            link=link, at_us=at_us,
        )  # fmt: skip

    def gps(self, fix: int = 3, *, satellites: int = 14, accuracy_m: float = 0.0) -> Frame:
        """A GPS_RAW_INT."""
        return self.say(
            "gps_raw_int", 0, fix, 342_353_908, 1_089_423_868, 412_000, 90, 120, 300, 9000,
            satellites, 0, round(accuracy_m * 1000),
        )  # fmt: skip

    def words(self, severity: int, text: str, *, number: int = 0, link: str = "lan") -> list[Frame]:
        """A STATUSTEXT, in as many chunks as it needs when it has a `number`."""
        raw = text.encode()
        if not number:
            return [self.say("statustext", severity, raw[:50].ljust(50, b"\0"), link=link)]
        chunks = [raw[at : at + 50] for at in range(0, len(raw) + 1, 50)]
        return [
            self.say("statustext", severity, chunk.ljust(50, b"\0"), number, at, link=link)
            for at, chunk in enumerate(chunks)
        ]
