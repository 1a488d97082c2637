"""What the page's map stands on: its settings, and the operator's map file by byte ranges.

A PMTiles file begins with a header of 127 bytes (PMTiles version 3 specification, section 3). It
is read anew for every page that opens, so a file may be replaced while the centre runs.
"""

import os
import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import BaseModel, Field

from fieldlink.codecs.fault import ArchiveError
from fieldlink.relay.web.content import FileSlice
from fieldlink.relay.web.map_settings import MapSettings
from fieldlink.relay.web.ranges import Slice, Unsatisfiable, choose_slice

__all__ = ["MapConfig", "Tiles", "map_router", "read_header"]

_PMTILES = "/api/map/tiles.pmtiles"
_HEADER_BYTES = 127
_TILE_TYPES = {1: "vector", 2: "raster", 3: "raster", 4: "raster", 5: "raster"}
# Places 99 to 126: type of tile, zooms, bounds (1e-7 degree, west south east north), a centre.
_PLACES = struct.Struct("<BBBiiiiBii")


class Tiles(BaseModel):
    """Where tiles come from."""

    source: Literal["pmtiles", "url"]
    url: str = Field(description="Of the file, or a template with {z}, {x} and {y}.")
    vector: bool
    min_zoom: int
    max_zoom: int
    bounds: tuple[float, float, float, float] | None = Field(
        description="West, south, east, north in degrees."
    )
    attribution: str
    datum: Literal["wgs84", "gcj02"]


class Start(BaseModel):
    """Where a map begins."""

    lat: float
    lon: float
    zoom: float


class MapConfig(BaseModel):
    """What the page's map stands on."""

    tiles: Tiles | None
    start: Start | None
    fault: str = Field(description="Why the map file cannot be used; empty when it can.")


@dataclass(frozen=True)
class Header:
    """What a map file says of itself; degrees."""

    vector: bool
    min_zoom: int
    max_zoom: int
    bounds: tuple[float, float, float, float]
    start: tuple[float, float, float]


def read_header(data: bytes) -> Header:
    """The header of a PMTiles file.

    Raises:
        ValueError: it is none, in one sentence.
    """
    if len(data) < _HEADER_BYTES or data[:7] != b"PMTiles":
        raise ValueError("it is no PMTiles file")
    if data[7] != 3:
        raise ValueError(f"it is PMTiles version {data[7]}; version 3 is needed")
    kind, low, high, *places = _PLACES.unpack_from(data, 99)
    if kind not in _TILE_TYPES or not low <= high <= 30:
        raise ValueError("its header is damaged, or its tiles are of an unknown type")
    west, south, east, north = (each / 1e7 for each in places[:4])
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise ValueError("its header is damaged: the bounds are not on the earth")
    zoom, lon, lat = places[4], places[5] / 1e7, places[6] / 1e7
    inside = west <= lon <= east and south <= lat <= north and low <= zoom <= high
    start = (lat, lon, float(zoom)) if inside else ((south + north) / 2, (west + east) / 2, low)
    return Header(_TILE_TYPES[kind] == "vector", low, high, (west, south, east, north), start)


def _opened(path: Path) -> int:
    """A file descriptor of the map file; the operator names it, so links are followed.

    Raises:
        ArchiveError: there is no such file.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise ArchiveError(f"{path} cannot be read ({error.strerror})") from error
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise ArchiveError(f"{path} is not a file")
    return file


def _header_of(path: Path) -> tuple[Header, str]:
    file = _opened(path)
    try:
        return read_header(os.pread(file, _HEADER_BYTES, 0)), _version(file)
    finally:
        os.close(file)


def _version(file: int) -> str:
    """Tells one file from another that took its place."""
    status = os.fstat(file)
    return f"{status.st_mtime_ns:x}-{status.st_size:x}-{status.st_ino:x}"


def _config(settings: MapSettings) -> MapConfig:
    said = settings.start
    start = None if said is None else Start(lat=said[0], lon=said[1], zoom=said[2])
    common = {"attribution": settings.attribution, "datum": settings.datum}
    if settings.pmtiles is None and settings.tiles is not None:
        raster = {"vector": False, "min_zoom": 0, "max_zoom": settings.max_zoom, "bounds": None}
        tiles = Tiles.model_validate({"source": "url", "url": settings.tiles, **raster, **common})
        return MapConfig(tiles=tiles, start=start, fault="")
    if settings.pmtiles is None:
        return MapConfig(tiles=None, start=start, fault="")
    try:
        header, version = _header_of(settings.pmtiles)
    except (ArchiveError, ValueError) as error:
        return MapConfig(tiles=None, start=start, fault=f"{settings.pmtiles.name}: {error}")
    if start is None:
        lat, lon, zoom = header.start
        start = Start(lat=lat, lon=lon, zoom=zoom)
    found = {
        "source": "pmtiles",
        "url": f"{_PMTILES}?v={version}",  # browsers keep what they have of a file
        "vector": header.vector,
        "min_zoom": header.min_zoom,
        "max_zoom": header.max_zoom,
        "bounds": header.bounds,
    }
    return MapConfig(tiles=Tiles.model_validate({**found, **common}), start=start, fault="")


def _served(path: Path, request: Request) -> Response:
    try:
        file = _opened(path)
    except ArchiveError as error:
        raise HTTPException(404, "the map file cannot be read") from error
    size = os.fstat(file).st_size
    etag = f'"{_version(file)}"'
    headers = {
        "content-type": "application/octet-stream",
        "accept-ranges": "bytes",
        "etag": etag,
        "cache-control": "private, max-age=3600",
    }
    wanted = request.headers.get("range")
    try:
        part: Slice = choose_slice(size, etag, wanted, request.headers.get("if-range"))
    except Unsatisfiable:
        os.close(file)
        refused = {**headers, "content-range": f"bytes */{size}"}
        return Response(status_code=416, headers=refused)
    headers["content-length"] = str(part.end - part.start)
    if part.partial:
        headers["content-range"] = part.content_range
    return FileSlice(file, part, status_code=206 if part.partial else 200, headers=headers)


def map_router(settings: MapSettings) -> APIRouter:
    """The routes of the map."""
    router = APIRouter(prefix="/api/map", tags=["map"])

    @router.get("/config")
    def config() -> MapConfig:
        """Which tiles lie below the map, whose they are, and where the map begins."""
        return _config(settings)

    @router.get("/tiles.pmtiles", response_class=Response)
    def tiles(request: Request) -> Response:
        """The operator's map file; byte ranges and If-Range as in RFC 9110."""
        if settings.pmtiles is None:
            raise HTTPException(404, "no map file is set")
        return _served(settings.pmtiles, request)

    return router
