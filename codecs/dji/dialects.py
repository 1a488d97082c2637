"""What the lines of a flight subtitle say, by model.

`brackets`  [latitude: 34.2] [longitude: 108.9] [rel_alt: 1.3 abs_alt: 400.2]  Mavic 3, Mini 3
`letters`   F/2.8, SS 30, GPS (108.9, 34.2, 17), D 221m, H 200m, H.S 2.8m/s     Mavic Mini, P4 RTK
`matrice`   2022.06.21 16:06:17 / GPS(34.2,108.9,0.0M) BAROMETER:0.3M           Matrice 300
`phantom`   HOME(108.9,34.2) 2017.07.03 10:15:03 / GPS(108.9,34.2,19) BAROMETER:20.1

The order in GPS() is longitude, latitude in all but `matrice`, which is known by the M behind its
third number: there that is a height, in the others it counts satellites. Local time, with no zone.
"""

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass

from fieldlink.codecs.fault import CodecError

__all__ = ["DIALECTS", "Dialect", "Subtitle"]

_N = r"([+-]?\d{1,6}(?:\.\d{1,12})?)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subtitle:
    """One block. `start_ms` is into the video; `taken` the aircraft's time, of no stated zone.
    `elevation_m` is above the place of take-off, `alt_m` above the sea as the aircraft has it.
    Angles in degrees, yaw from north clockwise. What is not said is None, and 0/0 is not a place.
    """

    start_ms: int
    end_ms: int
    lat: float | None = None
    lon: float | None = None
    elevation_m: float | None = None
    alt_m: float | None = None
    satellites: int | None = None
    home_lat: float | None = None
    home_lon: float | None = None
    home_distance_m: float | None = None
    speed_mps: float | None = None
    climb_mps: float | None = None
    yaw_deg: float | None = None
    gimbal_pitch_deg: float | None = None
    gimbal_yaw_deg: float | None = None
    taken: datetime.datetime | None = None


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a model writes."""

    name: str
    mark: re.Pattern[str]
    parse: Callable[[str], dict[str, object]]

    def knows(self, said: str) -> bool:
        """Whether `said` is of this kind."""
        return self.mark.search(said) is not None

    def read(self, said: str, start_ms: int, end_ms: int) -> Subtitle:
        """The sample in a block's lines.

        Raises:
            CodecError: they are not of this kind.
        """
        if not self.knows(said):
            raise CodecError(
                "srt", f"its lines are not those of a {self.name} subtitle, or cut off"
            )
        found = {**self.parse(said), "start_ms": start_ms, "end_ms": end_ms}
        for lat, lon in (("lat", "lon"), ("home_lat", "home_lon")):
            place = found.get(lat), found.get(lon)
            if None in place or place == (0.0, 0.0):
                found[lat] = found[lon] = None
            elif not _is_place(*place):
                raise CodecError("srt", f"{place[0]}, {place[1]} is no place on the Earth")
        return Subtitle(**found)  # type: ignore[arg-type]


def _is_place(lat: object, lon: object) -> bool:
    return isinstance(lat, float) and isinstance(lon, float) and abs(lat) <= 90 and abs(lon) <= 180


def _float(pattern: str, said: str, group: int = 1) -> float | None:
    match = re.search(pattern, said)
    return float(match[group]) if match else None


def _taken(said: str) -> datetime.datetime | None:
    match = re.search(
        r"(\d{4})[.-](\d{2})[.-](\d{2}) (\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d{1,3}))?", said
    )
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    micro = int((match[7] or "0").ljust(3, "0")) * 1000
    try:
        return datetime.datetime(year, month, day, hour, minute, second, micro)  # noqa: DTZ001
    except ValueError as error:
        raise CodecError("srt", f"{match[0]} is no date") from error


_LETTERS = re.compile(rf"\bGPS \({_N}, ?{_N}, ?(\d{{1,3}})\)")
_MATRICE = re.compile(rf"\bGPS ?\({_N}, ?{_N}, ?{_N}M\)")
_PHANTOM = re.compile(rf"\bGPS ?\({_N}, ?{_N}, ?(\d{{1,3}})\)[ \n]+BAROMETER: ?{_N}")
_BRACKETS = re.compile(rf"\[latitude ?: ?{_N}\]? ?\[?,? ?long?t?itude ?: ?{_N}\]")


def _brackets(said: str) -> dict[str, object]:
    place = _BRACKETS.search(said)
    return {
        "lat": float(place[1]) if place else None,
        "lon": float(place[2]) if place else None,
        "elevation_m": _float(rf"rel_alt ?: ?{_N}", said),
        "alt_m": _float(rf"abs_alt ?: ?{_N}", said),
        "yaw_deg": _float(rf"\bdrone_yaw ?: ?{_N}", said),
        "gimbal_yaw_deg": _float(rf"\bgb_yaw ?: ?{_N}", said),
        "gimbal_pitch_deg": _float(rf"\bgb_pitch ?: ?{_N}", said),
        "taken": _taken(said),
    }


def _letters(said: str) -> dict[str, object]:
    place = _LETTERS.search(said)
    home = re.search(rf"\bHOME \({_N}, ?{_N}", said)
    craft = re.search(rf"\bF\.PRY \({_N}°, ?{_N}°, ?{_N}°\)", said)
    gimbal = re.search(rf"\bG\.PRY \({_N}°, ?{_N}°, ?{_N}°\)", said)
    return {
        "lon": float(place[1]) if place else None,
        "lat": float(place[2]) if place else None,
        "satellites": int(place[3]) if place else None,
        "home_lon": float(home[1]) if home else None,
        "home_lat": float(home[2]) if home else None,
        "home_distance_m": _float(rf"\bD {_N}m", said),
        "elevation_m": _float(rf"\bH {_N}m", said),
        "speed_mps": _float(rf"\bH\.S {_N}m/s", said),
        "climb_mps": _float(rf"\bV\.S {_N}m/s", said),
        "yaw_deg": float(craft[3]) % 360 if craft else None,
        "gimbal_pitch_deg": float(gimbal[1]) if gimbal else None,
        "gimbal_yaw_deg": float(gimbal[3]) % 360 if gimbal else None,
        "taken": _taken(said),
    }


def _matrice(said: str) -> dict[str, object]:
    place = _MATRICE.search(said)
    return {
        "lat": float(place[1]) if place else None,
        "lon": float(place[2]) if place else None,
        "elevation_m": _float(rf"\bBAROMETER: ?{_N}", said),
        "taken": _taken(said),
    }


def _phantom(said: str) -> dict[str, object]:
    place = _PHANTOM.search(said)
    home = re.search(rf"\bHOME ?\({_N}, ?{_N}", said)
    return {
        "lon": float(place[1]) if place else None,
        "lat": float(place[2]) if place else None,
        "satellites": int(place[3]) if place else None,
        "elevation_m": float(place[4]) if place else None,
        "home_lon": float(home[1]) if home else None,
        "home_lat": float(home[2]) if home else None,
        "taken": _taken(said),
    }


DIALECTS = (
    Dialect("brackets", _BRACKETS, _brackets),
    Dialect("matrice", _MATRICE, _matrice),
    Dialect("phantom", _PHANTOM, _phantom),
    Dialect("letters", _LETTERS, _letters),
)
"""Every dialect; the first that knows a file's first block reads it."""
