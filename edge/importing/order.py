"""What an import is to do, and for whom."""

import datetime
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fieldlink.codecs.bundle import check_name
from fieldlink.codecs.fault import CodecError, ConfigError
from fieldlink.codecs.telemetry import KIT_DEVICE
from fieldlink.drone.record import GapSink
from fieldlink.edge.originals.spooling import Add

__all__ = ["KINDS", "Order", "Place", "can_be", "read_order", "zone_of"]

KINDS = {
    **dict.fromkeys((".tlog", ".bin", ".ulg"), "log"),
    **dict.fromkeys((".mp4", ".mov"), "video"),
    ".srt": "subtitles",
    **dict.fromkeys((".jpg", ".jpeg", ".dng", ".tif", ".tiff"), "photo"),
}
"""What a file is, by the ending of its name."""

_FIRST_US = 946_684_800_000_000  # 2000-01-01: earlier is a clock that does not know
_DAY_US = 86_400_000_000
_MAX_US = 4_102_444_800_000_000  # 2100
_MAX_NAME = 200
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")


@dataclass(frozen=True, slots=True)
class Order:
    """`vehicle` is the device, empty: as the log's system is called; `zone` that of times without
    one; `began_us` when a file without dates began (UTC). `again`: though it was imported before;
    `pieces`: video is made playable at the centre too.
    """

    name: str
    vehicle: str = ""
    zone: datetime.tzinfo = datetime.UTC
    began_us: int | None = None
    again: bool = False
    pieces: bool = True

    @property
    def kind(self) -> str:
        """log, video, subtitles or photo.

        Raises:
            ConfigError: none of these.
        """
        ending = Path(self.name).suffix.lower()
        if ending not in KINDS:
            raise ConfigError(f"{self.name}: use a file that ends in {', '.join(KINDS)}")
        return KINDS[ending]


@dataclass(frozen=True, slots=True)
class Place:
    """Where imports go: a spool, the kit's clock, and what is noted of files by their SHA-256.
    `name_of` says what the vehicle of a system is called.
    """

    add: Add
    add_gap: GapSink
    clock: Callable[[], int]
    name_of: Callable[[int], str]
    find: Callable[[str], dict[str, Any] | None]
    note: Callable[[dict[str, Any]], None]


def can_be(at_us: int, now_us: int) -> bool:
    """Whether something may have been recorded then."""
    return _FIRST_US <= at_us <= now_us + _DAY_US


def read_order(asked: Mapping[str, Any]) -> Order:
    """The order in what somebody asked.

    Raises:
        ConfigError: it is none, with what to say instead.
    """
    name, vehicle = asked.get("name"), asked.get("vehicle") or ""
    if not isinstance(name, str) or not 0 < len(name) <= _MAX_NAME or "/" in name:
        raise ConfigError("name: the file's own name")
    began_us = asked.get("began_us")
    if began_us is not None and (type(began_us) is not int or not 0 <= began_us < _MAX_US):
        raise ConfigError("began_us: microseconds since 1970 (UTC)")
    order = Order(
        name,
        _device(vehicle),
        zone_of(str(asked.get("zone") or "UTC")),
        began_us,
        again=bool(asked.get("again")),
        pieces=asked.get("pieces") is not False,
    )
    if not order.vehicle and Path(name).suffix.lower() != ".tlog" and order.kind:
        raise ConfigError(
            f"{name} does not say which aircraft it is of; say it: --vehicle NAME"
            " 文件中没有飞机编号，请用 --vehicle 指定"
        )
    return order


def _device(name: Any) -> str:
    if name == "":
        return ""
    try:
        found = check_name("vehicle", str(name))
    except CodecError as error:
        raise ConfigError(f"--vehicle: {error.detail}") from error
    if found == KIT_DEVICE:
        raise ConfigError(f"--vehicle: {found} is the kit itself; choose another")
    return found


def zone_of(text: str) -> datetime.tzinfo:
    """A zone as people write it: +08:00, UTC.

    Raises:
        ConfigError: it is none.
    """
    if text.upper() in ("UTC", "Z"):
        return datetime.UTC
    found = _OFFSET.fullmatch(text)
    if found is None or int(found[2]) > 14 or int(found[3]) > 59:
        raise ConfigError(f"zone {text!r}: write it as +08:00 or UTC")
    offset = datetime.timedelta(hours=int(found[2]), minutes=int(found[3]))
    return datetime.timezone(-offset if found[1] == "-" else offset)
