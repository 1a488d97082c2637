"""What gpsd says: one JSON object on each line (gpsd_json(5)), read into the fixes of NMEA."""

import asyncio
import datetime
import json
from dataclasses import dataclass
from typing import Any, TypeAlias

from fieldlink.codecs.fault import CodecError, SourceError
from fieldlink.codecs.nmea import Fix

__all__ = ["MAX_LINE_BYTES", "GpsdReader", "Pulse", "read_line", "watch"]

MAX_LINE_BYTES = 64 * 1024
"""The longest line is a sky full of satellites, a tenth of this."""

# TPV's status to GGA's quality: 2 differential, 3 and 4 RTK, 5 and 6 dead reckoning, 8 simulated.
_QUALITY = {2: 2, 3: 4, 4: 5, 5: 6, 6: 6, 8: 8}
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Pulse:
    """A pulse per second: it was `true_us` when the system's clock said `system_us`."""

    true_us: int
    system_us: int


@dataclass(frozen=True, slots=True)
class Sky:
    """How many satellites are used and in view."""

    used: int | None
    in_view: int | None


@dataclass(frozen=True, slots=True)
class Said:
    """gpsd's own word: what receivers it has (DEVICES), or that something is wrong (ERROR)."""

    devices: int | None
    error: str


Report: TypeAlias = Fix | Sky | Pulse | Said


def watch(device: str) -> bytes:
    """The command that makes gpsd report, for its receiver `device` or for all."""
    asked: dict[str, Any] = {"enable": True, "json": True, "pps": True}
    if device:
        asked["device"] = device
    return f"?WATCH={json.dumps(asked)};\n".encode()


def read_line(line: bytes, heard_us: int, earliest: datetime.date) -> Report | None:
    """What a line says; None when it is of a class that says nothing here.

    Raises:
        CodecError: it is no JSON object, or a field is not what it should be.
    """
    try:
        said = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CodecError("json", "a line of gpsd is no JSON") from error
    if not isinstance(said, dict):
        raise CodecError("json", "a line of gpsd is no object")
    match said.get("class"):
        case "TPV":
            return _position(said, heard_us, earliest)
        case "SKY":
            return _sky(said)
        case "PPS":
            return _pulse(said)
        case "DEVICES":
            devices = said.get("devices")
            return Said(len(devices) if isinstance(devices, list) else None, "")
        case "ERROR":
            return Said(None, str(said.get("message"))[:120])
    return None


def _position(said: dict[str, Any], heard_us: int, earliest: datetime.date) -> Fix:
    mode = _number(said, "mode", 0, 3)
    lat, lon = _number(said, "lat", -90, 90), _number(said, "lon", -180, 180)
    zero = lat is not None and lon is not None and abs(lat) + abs(lon) < 1e-6
    if mode is None or mode < 2 or lat is None or lon is None or zero:
        return Fix(heard_us, zero=zero)
    heading = _number(said, "track", 0, 360)
    status = said.get("status")
    # Before 3.20 `alt` was above the sea and stood alone; since then it is not to be used.
    sea = "alt" if "altMSL" not in said and "altHAE" not in said else "altMSL"
    return Fix(
        heard_us,
        time_us=_time(said.get("time"), earliest),
        lat=lat,
        lon=lon,
        alt=_number(said, sea, -12_000, 1e6) if mode >= 3 else None,
        heading=None if heading is None else heading % 360,
        speed=_number(said, "speed", 0, 12_000),
        accuracy=_number(said, "eph", 0, 1e6),
        quality=_QUALITY.get(status, 1) if type(status) is int else 1,
    )


def _sky(said: dict[str, Any]) -> Sky | None:
    used, in_view = _number(said, "uSat", 0, 999), _number(said, "nSat", 0, 999)
    satellites = said.get("satellites")
    if isinstance(satellites, list):
        in_view = len(satellites)
        used = sum(1 for one in satellites if isinstance(one, dict) and one.get("used") is True)
    if used is None and in_view is None:
        return None  # some receivers' SKY has the dilutions only
    return Sky(*(None if one is None else int(one) for one in (used, in_view)))


def _pulse(said: dict[str, Any]) -> Pulse:
    names = ("real_sec", "real_nsec", "clock_sec", "clock_nsec")
    parts = [_number(said, name, 0, 2**40) for name in names]
    if any(part is None for part in parts):
        raise CodecError("field", "a PPS without its times")
    real_s, real_ns, clock_s, clock_ns = (int(part or 0) for part in parts)
    return Pulse(real_s * 10**6 + real_ns // 1000, clock_s * 10**6 + clock_ns // 1000)


def _number(said: dict[str, Any], name: str, low: float, high: float) -> float | None:
    value = said.get(name)
    if value is None:
        return None
    if type(value) not in (int, float) or not low <= value <= high:  # NaN is not, either
        raise CodecError("field", f"{name} of gpsd is {value!r:.40}")
    return float(value)


def _time(text: Any, earliest: datetime.date) -> int | None:
    """gpsd's time in us; None before `earliest`, as after a roll-over of the weeks' count."""
    if text is None:
        return None
    try:
        at = datetime.datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise CodecError("field", f"time of gpsd is {text!r:.40}") from error
    if at.tzinfo is None or at.date() < earliest:
        return None
    return (at - _EPOCH) // _MICROSECOND


class GpsdReader:
    """Lines of a connection to gpsd."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def line(self, wait_s: float) -> bytes | None:
        """The next line; None when there is none within `wait_s` seconds.

        Raises:
            SourceError: gpsd is gone, or what speaks there is not gpsd.
        """
        try:
            async with asyncio.timeout(wait_s):
                line = await self._reader.readline()
        except TimeoutError:
            return None
        except ValueError as error:
            raise SourceError("not-gpsd", f"a line of over {MAX_LINE_BYTES} bytes") from error
        except OSError as error:
            raise SourceError("closed", f"the connection to gpsd broke ({error})") from error
        if not line.endswith(b"\n"):
            raise SourceError("closed", "gpsd closed the connection")
        return line
