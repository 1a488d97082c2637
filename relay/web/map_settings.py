"""Settings of the map: which tiles lie below it, if any."""

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PlainSerializer, model_validator

from fieldlink.codecs.settings import Settings

__all__ = ["MapSettings"]

# What a template may hold: nothing that could end a directive of a Content-Security-Policy.
_TEMPLATE = re.compile(r"(?:https://[A-Za-z0-9.-]{1,253}(?::\d{1,5})?)?/[A-Za-z0-9{}_./?=&%~:+-]*")
_PLACES = ("{z}", "{x}", "{y}")


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError("write an absolute path, beginning with /")
    return path


def _template(url: str) -> str:
    if not _TEMPLATE.fullmatch(url) or url.startswith("//"):
        raise ValueError(
            "write https://host/path or, on this server, /path; letters, digits and ?=&%~:+-._ only"
        )
    if any(url.count(place) != 1 for place in _PLACES) or "{" in _without_places(url):
        raise ValueError("name {z}, {x} and {y} once each, and nothing else in braces")
    return url


def _without_places(url: str) -> str:
    for place in _PLACES:
        url = url.replace(place, "")
    return url


TileFile = Annotated[Path, AfterValidator(_absolute), PlainSerializer(str)]
Template = Annotated[str, AfterValidator(_template)]


class MapSettings(Settings):
    """What lies below the devices on the page's map. In a file: `[map]`."""

    pmtiles: TileFile | None = Field(
        default=None,
        description="A map in one file (PMTiles version 3, of pictures or vectors) that this "
        "centre serves itself; works without internet, and goes before tiles. With neither: a "
        "plain dark ground with a grid of coordinates.",
    )
    tiles: Template | None = Field(
        default=None,
        max_length=512,
        description="Pictures of 256 pixels from a tile server that every browser can reach: "
        "https://host/{z}/{x}/{y}.png, or /path/{z}/{x}/{y}.png on this server's own name. The "
        "browsers are allowed to ask that host and no other.",
    )
    max_zoom: int = Field(
        default=18, ge=1, le=22, description="The finest zoom that `tiles` has, 1 to 22."
    )
    attribution: str = Field(
        default="",
        max_length=200,
        description="Whose map it is, as its owner wants it to be said; shown in its corner.",
    )
    datum: Literal["wgs84", "gcj02"] = Field(
        default="wgs84",
        description="Datum of the map: wgs84 (CGCS2000 is the same here), or gcj02 for maps of "
        "Chinese web services. With gcj02 positions are shifted for drawing only; what is stored "
        "and shown as numbers stays WGS-84.",
    )
    start: tuple[float, float, float] | None = Field(
        default=None,
        description="Where the map begins before there are positions: [latitude, longitude, zoom]. "
        "Without it: what the file says, or all of China.",
    )

    @property
    def tiles_from(self) -> str | None:
        """The origin of the tile server that browsers may ask; None: no other than this."""
        if self.pmtiles is not None or self.tiles is None:
            return None
        parts = urlsplit(self.tiles)
        return f"{parts.scheme}://{parts.netloc}" if parts.netloc else None

    @model_validator(mode="after")
    def _start_on_earth(self) -> "MapSettings":
        if self.start is not None:
            lat, lon, zoom = self.start
            if not (-85 <= lat <= 85 and -180 <= lon <= 180 and 0 <= zoom <= 22):
                raise ValueError("start is [latitude -85..85, longitude -180..180, zoom 0..22]")
        return self
