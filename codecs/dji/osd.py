"""osd and state: what an aircraft, a remote controller and a dock say of themselves.

A dock splits its properties over several messages: `merge` them, the last value wins, then read the
whole. Every property may be absent, of an unknown value, or new; what does not fit is unknown, and
named in `odd`. 0/0 is the position of an aircraft without a fix (measured on real ones): unknown.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from .fields import Item, Reader, put_items, take_items
from .topology import Role

__all__ = [
    "Aircraft",
    "Dock",
    "Pack",
    "Payload",
    "Remote",
    "guess_role",
    "merge",
    "osd_data",
    "read_aircraft",
    "read_dock",
    "read_remote",
]

_MAX_MERGED = 300
_PAYLOAD = re.compile(r"[0-9]{1,6}-[0-9]{1,6}-[0-9]{1,3}")
_MAX_PAYLOADS, _MAX_PACKS = 8, 8
_HALF, _TURN = 180.0, 360.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """One battery."""

    index: int | None = None
    sn: str | None = None
    level_percent: int | None = None
    voltage_mv: int | None = None
    temperature_cel: float | None = None
    cycles: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """A camera on its gimbal; angles in degrees, yaw from north clockwise to 180, else negative.
    `target_*` is what the laser measures; `target_error` 0 good, 1 too near, 2 too far, 3 nothing.
    """

    index: str
    pitch_deg: float | None = None
    roll_deg: float | None = None
    yaw_deg: float | None = None
    zoom: float | None = None
    target_lat: float | None = None
    target_lon: float | None = None
    target_alt_m: float | None = None
    target_distance_m: float | None = None
    target_error: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Aircraft:
    """`height_m` is above the ellipsoid, `elevation_m` above the place of take-off."""

    mode: int | None = None
    gear: int | None = None
    lat: float | None = None
    lon: float | None = None
    height_m: float | None = None
    elevation_m: float | None = None
    yaw_deg: float | None = None
    pitch_deg: float | None = None
    roll_deg: float | None = None
    speed_mps: float | None = None
    climb_mps: float | None = None
    wind_mps: float | None = None
    wind_from: int | None = None  # 1 north, 2 north-east, ... 8 north-west
    home_distance_m: float | None = None
    level_percent: int | None = None
    remaining_s: int | None = None
    return_percent: int | None = None
    landing_percent: int | None = None
    is_fixed: int | None = None  # 0 not begun, 1 fixing, 2 good, 3 failed
    gps_quality: int | None = None
    satellites: int | None = None
    rtk_satellites: int | None = None
    storage_total_kb: int | None = None
    storage_used_kb: int | None = None
    firmware: str | None = None
    home_lat: float | None = None  # of state
    home_lon: float | None = None
    mode_reason: int | None = None  # of state
    packs: tuple[Pack, ...] = ()
    payloads: tuple[Payload, ...] = ()
    odd: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A remote controller; qualities 0 to 5."""

    level_percent: int | None = None
    lat: float | None = None
    lon: float | None = None
    height_m: float | None = None
    link_mode: int | None = None  # 0 radio, 1 radio and 4G
    radio_quality: int | None = None
    radio_state: int | None = None
    lte_quality: int | None = None
    lte_state: int | None = None
    odd: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dock:
    """A dock; `cover` 0 closed, 1 open, 2 half open, 3 wrong. `rain` 0 none to 3 heavy."""

    mode: int | None = None
    lat: float | None = None
    lon: float | None = None
    height_m: float | None = None
    drone_in: int | None = None
    cover: int | None = None
    rain: int | None = None
    wind_mps: float | None = None
    temperature_cel: float | None = None
    humidity_percent: float | None = None
    network_quality: int | None = None
    odd: tuple[str, ...] = ()


_LAT, _LON = Item("lat", "latitude", -90, 90), Item("lon", "longitude", -_HALF, _HALF)
_HEIGHT = Item("height_m", "height", -1_000, 60_000)
_PACK = (
    Item("index", "index", 0, 100, int),
    Item("sn", "sn", 0, 40, str),
    Item("level_percent", "capacity_percent", 0, 100, int),
    Item("voltage_mv", "voltage", 0, 200_000, int),
    Item("temperature_cel", "temperature", -60, 150),
    Item("cycles", "loop_times", 0, 100_000, int),
)
_PAYLOAD_ITEMS = (
    Item("pitch_deg", "gimbal_pitch", -_TURN, _TURN),
    Item("roll_deg", "gimbal_roll", -_TURN, _TURN),
    Item("yaw_deg", "gimbal_yaw", -_TURN, _TURN),
    Item("zoom", "zoom_factor", 0, 1_000),
    Item("target_lat", "measure_target_latitude", -90, 90),
    Item("target_lon", "measure_target_longitude", -_HALF, _HALF),
    Item("target_alt_m", "measure_target_altitude", -12_000, 60_000),
    Item("target_distance_m", "measure_target_distance", -1, 100_000),
    Item("target_error", "measure_target_error_state", 0, 99, int),
)
_AIRCRAFT = (
    Item("mode", "mode_code", 0, 999, int),
    Item("gear", "gear", 0, 99, int),
    _LAT,
    _LON,
    _HEIGHT,
    Item("elevation_m", "elevation", -10_000, 30_000),
    Item("yaw_deg", "attitude_head", -_TURN, _TURN),
    Item("pitch_deg", "attitude_pitch", -_TURN, _TURN),
    Item("roll_deg", "attitude_roll", -_TURN, _TURN),
    Item("speed_mps", "horizontal_speed", 0, 300),
    Item("climb_mps", "vertical_speed", -300, 300),
    Item("wind_mps", "wind_speed", 0, 150),
    Item("wind_from", "wind_direction", 0, 8, int),
    Item("home_distance_m", "home_distance", 0, 1_000_000),
    Item("level_percent", "battery.capacity_percent", 0, 100, int),
    Item("remaining_s", "battery.remain_flight_time", 0, 86_400, int),
    Item("return_percent", "battery.return_home_power", 0, 100, int),
    Item("landing_percent", "battery.landing_power", 0, 100, int),
    Item("is_fixed", "position_state.is_fixed", 0, 99, int),
    Item("gps_quality", "position_state.quality", 0, 99, int),
    Item("satellites", "position_state.gps_number", 0, 200, int),
    Item("rtk_satellites", "position_state.rtk_number", 0, 200, int),
    Item("storage_total_kb", "storage.total", 0, 2**50, int),
    Item("storage_used_kb", "storage.used", 0, 2**50, int),
    Item("firmware", "firmware_version", 0, 64, str),
    Item("home_lat", "home_latitude", -90, 90),
    Item("home_lon", "home_longitude", -_HALF, _HALF),
    Item("mode_reason", "mode_code_reason", 0, 999, int),
)
_REMOTE = (
    Item("level_percent", "capacity_percent", 0, 100, int),
    _LAT,
    _LON,
    _HEIGHT,
    Item("link_mode", "wireless_link.link_workmode", 0, 99, int),
    Item("radio_quality", "wireless_link.sdr_quality", 0, 5, int),
    Item("radio_state", "wireless_link.sdr_link_state", 0, 99, int),
    Item("lte_quality", "wireless_link.4g_quality", 0, 5, int),
    Item("lte_state", "wireless_link.4g_link_state", 0, 99, int),
)
_DOCK = (
    Item("mode", "mode_code", 0, 999, int),
    _LAT,
    _LON,
    _HEIGHT,
    Item("drone_in", "drone_in_dock", 0, 99, int),
    Item("cover", "cover_state", 0, 99, int),
    Item("rain", "rainfall", 0, 99, int),
    Item("wind_mps", "wind_speed", 0, 150),
    Item("temperature_cel", "environment_temperature", -90, 100),
    Item("humidity_percent", "humidity", 0, 100),
    Item("network_quality", "network_state.quality", 0, 99, int),
)


def merge(known: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """`known` with what `told` says anew, at the first level; bounded, the oldest go."""
    merged = {**{key: known[key] for key in known if key not in told}, **told}
    if len(merged) > _MAX_MERGED:
        merged = dict(list(merged.items())[-_MAX_MERGED:])
    return merged


def guess_role(data: Mapping[str, Any]) -> Role:
    """Whose properties these are, when no topology has said so."""
    if "attitude_head" in data or ("position_state" in data and "battery" in data):
        return Role.AIRCRAFT
    if data.keys() & {"drone_in_dock", "cover_state", "sub_device", "environment_temperature"}:
        return Role.DOCK
    return Role.REMOTE if data.keys() & {"wireless_link", "capacity_percent"} else Role.UNKNOWN


def read_aircraft(data: Any) -> Aircraft:
    """An aircraft's properties.

    Raises:
        CodecError: `data` is not a map.
    """
    Reader(data, "data.")
    odd: list[str] = []
    reader = Reader(data, "data.", odd)
    packs = tuple(
        Pack(**take_items(one, _PACK)) for one in reader.inner("battery").each("batteries", 8)
    )
    names = [key for key in reader if _PAYLOAD.fullmatch(key)][:_MAX_PAYLOADS]
    payloads = tuple(_payload(name, reader.inner(name)) for name in names)
    taken = _placed(take_items(reader, _AIRCRAFT), "lat", "lon")
    taken = _placed(taken, "home_lat", "home_lon")
    return Aircraft(**taken, packs=packs, payloads=payloads, odd=tuple(odd))


def _payload(name: str, reader: Reader) -> Payload:
    taken = _placed(take_items(reader, _PAYLOAD_ITEMS), "target_lat", "target_lon")
    if taken["target_error"] not in (None, 0):  # what it shows then is not measured
        taken |= dict.fromkeys(("target_lat", "target_lon", "target_alt_m", "target_distance_m"))
    return Payload(index=name, **taken)


def read_remote(data: Any) -> Remote:
    """A remote controller's properties.

    Raises:
        CodecError: `data` is not a map.
    """
    return Remote(**_simple(data, _REMOTE))


def read_dock(data: Any) -> Dock:
    """A dock's properties, merged.

    Raises:
        CodecError: `data` is not a map.
    """
    return Dock(**_simple(data, _DOCK))


def _simple(data: Any, items: tuple[Item, ...]) -> dict[str, Any]:
    Reader(data, "data.")
    odd: list[str] = []
    taken = _placed(take_items(Reader(data, "data.", odd), items), "lat", "lon")
    return {**taken, "odd": tuple(odd)}


def _placed(taken: dict[str, Any], lat: str, lon: str) -> dict[str, Any]:
    """Half a position is none, and neither is 0/0."""
    if taken[lat] is None or taken[lon] is None or (taken[lat] == 0 and taken[lon] == 0):
        taken[lat] = taken[lon] = None
    return taken


def osd_data(told: Aircraft | Remote | Dock) -> dict[str, Any]:
    """The properties that `told` is read from."""
    items = {Aircraft: _AIRCRAFT, Remote: _REMOTE, Dock: _DOCK}[type(told)]
    made = put_items(partial(getattr, told), items)
    if isinstance(told, Aircraft):
        if told.packs:
            packs = [put_items(partial(getattr, one), _PACK) for one in told.packs]
            made.setdefault("battery", {})["batteries"] = packs
        for payload in told.payloads:
            values = put_items(partial(getattr, payload), _PAYLOAD_ITEMS)
            made[payload.index] = {"payload_index": payload.index, **values}
    return made
