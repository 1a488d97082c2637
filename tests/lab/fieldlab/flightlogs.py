"""Small flight logs of both kinds, written by the letter of their formats, and where to find real
ones.
"""

import os
from pathlib import Path
from struct import pack

import pytest

__all__ = ["dataflash", "recording", "ulog"]

BOOT_US = 10_000_000
UTC_US = 1_790_000_000_000_000
# The same by GPS, which does not know of the 18 leap seconds.
WEEK, WEEK_MS = divmod(UTC_US // 1000 - 315_964_800_000 + 18_000, 604_800_000)


def recording(name: str) -> Path:
    """A real log; the test is skipped where there is none."""
    here = Path(__file__).resolve()
    folders = [Path(os.environ.get("FIELDLINK_RECORDINGS", "/nonexistent"))]
    folders += [parent.parent / "shared" / "data" for parent in here.parents[3:5]]
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    pytest.skip(f"no recording {name}: set FIELDLINK_RECORDINGS to a folder that has it")


def _fmt(kind: int, size: int, name: str, form: str, columns: str) -> bytes:
    texts = name.encode(), form.encode(), columns.encode()
    return b"\xa3\x95\x80" + pack("<BB4s16s64s", kind, size + 3, *texts)


def dataflash(seconds: int = 5) -> bytes:
    """A copter that climbs: attitude ten times a second, the rest once."""
    log = _fmt(128, 86, "FMT", "BBnNZ", "Type,Length,Name,Format,Columns")
    log += _fmt(1, 72, "MSG", "QZ", "TimeUS,Message")
    log += _fmt(2, 14, "ATT", "QccC", "TimeUS,Roll,Pitch,Yaw")
    log += _fmt(3, 24, "POS", "QLLff", "TimeUS,Lat,Lng,Alt,RelHomeAlt")
    log += _fmt(4, 35, "GPS", "QBBIHBcLLef", "TimeUS,I,Status,GMS,GWk,NSats,HDop,Lat,Lng,Alt,Spd")
    log += _fmt(5, 22, "BAT", "QBffBf", "TimeUS,Inst,Volt,Curr,RemPct,CurrTot")
    log += _fmt(6, 11, "MODE", "QMBB", "TimeUS,Mode,ModeNum,Rsn")
    log += _fmt(7, 9, "ARM", "QB", "TimeUS,ArmState")
    log += _fmt(8, 9, "ODD", "Q?", "TimeUS,What")  # a letter that nobody knows
    log += b"\xa3\x95\x01" + pack("<Q64s", BOOT_US, b"ArduCopter V4.5.1 (deadbeef)")
    log += b"\xa3\x95\x06" + pack("<QBBB", BOOT_US, 4, 4, 1)
    log += b"\xa3\x95\x07" + pack("<QB", BOOT_US, 1)
    for turn in range(seconds * 10):
        at = BOOT_US + turn * 100_000
        if turn % 10 == 0:
            lat, lon, alt = 301_234_500 + turn, 1_035_000_000, 50_000 + turn * 100
            ms = WEEK_MS + turn * 100
            log += b"\xa3\x95\x04" + pack(
                "<QBBIHBhiiif", at, 0, 3, ms, WEEK, 14, 80, lat, lon, alt, 1.5
            )
            log += b"\xa3\x95\x03" + pack("<Qiiff", at, lat, lon, alt / 100, turn / 10)
            log += b"\xa3\x95\x05" + pack("<QBffBf", at, 0, 15.8, 12.0, 67, 500.0)
            log += b"\xa3\x95\x08" + pack("<QB", at, 9)
        log += b"\xa3\x95\x02" + pack("<QhhH", at, 1000, -500, 9000)
    return log


_TOPICS = (
    "vehicle_status:uint64_t timestamp;uint8_t nav_state;uint8_t arming_state;"
    "uint8_t system_type;uint8_t[5] _padding0;",
    "sensor_gps:uint64_t timestamp;uint64_t time_utc_usec;double latitude_deg;double longitude_deg;"
    "double altitude_msl_m;float hdop;float vel_m_s;uint8_t fix_type;uint8_t satellites_used;"
    "uint8_t[6] _padding0;",
)


def _said(letter: str, body: bytes) -> bytes:
    return pack("<H", len(body)) + letter.encode() + body


def ulog(seconds: int = 5) -> bytes:
    """The same by a PX4 quadrotor."""
    log = b"ULog\x01\x12\x35\x01" + pack("<Q", BOOT_US)
    log += _said("B", bytes(40))
    log += _said("I", b"\x14char[5] sys_name" + b"PX4  ")
    log += _said("F", b"vehicle_attitude:uint64_t timestamp;float[4] q;uint8_t[4] _padding0;")
    for description in _TOPICS:
        log += _said("F", description.encode())
    log += _said("F", b"esc_report:uint64_t timestamp;float current;")
    log += _said("F", b"esc_status:uint64_t timestamp;esc_report[8] esc;")
    for number, name in enumerate([b"vehicle_attitude", b"vehicle_status", b"sensor_gps"]):
        log += _said("A", pack("<BH", 0, number) + name)
    log += _said("L", b"6" + pack("<Q", BOOT_US) + b"[commander] Takeoff detected")
    log += _said("D", pack("<HQBBB", 1, BOOT_US, 3, 2, 2))
    for turn in range(seconds * 10):
        at = BOOT_US + turn * 100_000
        if turn % 10 == 0:
            place = 30.12345 + turn * 1e-7, 103.5, 500.0 + turn
            log += _said(
                "D", pack("<HQQdddffBB", 2, at, UTC_US + turn * 100_000, *place, 0.8, 1.5, 3, 14)
            )
        log += _said("D", pack("<HQffff", 0, at, 0.7071068, 0.0, 0.0, 0.7071068))
        if turn == 0:
            log += _said("S", bytes.fromhex("2f73132025 0c bb12"))
    return log
