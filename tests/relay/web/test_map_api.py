"""What the map stands on: settings, the operator's file by ranges, what a browser may ask."""

import asyncio
import hashlib
import struct
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from fieldlink.codecs.fault import ConfigError
from fieldlink.codecs.settings import load_settings
from fieldlink.relay.web.guard import Guard, content_policy
from fieldlink.relay.web.map_settings import MapSettings
from fieldlink.relay.web.routes_map import map_router, read_header

_PAGE = Path(__file__).parents[3] / "relay" / "web" / "page"
# As published: `npm pack maplibre-gl@6.17.0 pmtiles@4.5.0`, sha256sum of what lies in dist/.
_PUBLISHED = {
    "maplibre-gl-6.17.0/maplibre-gl.mjs": (
        "e02cb08c572fd0950a75343cd558099c2a1dbbaf67f26b0c96f115431962d1ae"
    ),
    "maplibre-gl-6.17.0/maplibre-gl-worker.mjs": (
        "73d7a024a4efe1a46e49db193e18cfe33271e3ecc652ec7542c281a4ef5f0f04"
    ),
    "maplibre-gl-6.17.0/LICENSE.txt": (
        "ee5fc05a0677eaf69601d2c7db0d9ecd6cc27c3abc1d0733bc9ed34707cf8ef2"
    ),
    "pmtiles-4.5.0/pmtiles.js": (
        "caf981bc46f6327ee7e65d5dc964d89d38a69f60edca2bd4c5c890c21b554c6c"
    ),
}


def _file(kind: int = 1, *, version: int = 3, west: float = 105.5, more: int = 5000) -> bytes:
    places = [round(each * 1e7) for each in (west, 31.7, 111.3, 39.6)]
    centre = [9, round(108.95 * 1e7), round(34.27 * 1e7)]
    header = b"PMTiles" + bytes([version]) + bytes(91)
    return header + struct.pack("<BBBiiiiBii", kind, 2, 14, *places, *centre) + bytes(more)


class _Client:
    """Asks an application without a server."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    def get(self, url: str, headers: dict[str, str] | None = None) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="https://x") as client:
                return await client.get(url, headers=headers)

        return asyncio.run(asked())


def _client(settings: MapSettings) -> _Client:
    app = FastAPI()
    app.include_router(map_router(settings))
    return _Client(app)


def _settings(text: str) -> MapSettings:
    return load_settings(MapSettings, text, "relay.toml")


def test_without_tiles_the_map_has_a_ground_of_its_own() -> None:
    said = _client(MapSettings()).get("/api/map/config").json()
    assert said == {"tiles": None, "start": None, "fault": ""}
    assert _client(MapSettings()).get("/api/map/tiles.pmtiles").status_code == 404


def test_the_map_file_says_what_it_is_and_comes_by_ranges(tmp_path: Path) -> None:
    path = tmp_path / "shaanxi.pmtiles"
    path.write_bytes(_file())
    client = _client(_settings(f'pmtiles = "{path}"\nattribution = "© 测绘"'))
    said = client.get("/api/map/config").json()
    assert said["tiles"]["vector"] is True
    assert said["tiles"]["bounds"] == [105.5, 31.7, 111.3, 39.6]
    assert (said["tiles"]["min_zoom"], said["tiles"]["max_zoom"]) == (2, 14)
    assert said["tiles"]["attribution"] == "© 测绘"
    assert said["start"] == {"lat": 34.27, "lon": 108.95, "zoom": 9}
    url = said["tiles"]["url"]
    part = client.get(url, headers={"range": "bytes=0-6"})
    assert (part.status_code, part.content) == (206, b"PMTiles")
    assert part.headers["content-range"] == f"bytes 0-6/{path.stat().st_size}"
    changed = {"range": "bytes=0-6", "if-range": '"another"'}
    assert client.get(url, headers=changed).status_code == 200, "a file that was replaced"
    assert client.get(url, headers={"range": "bytes=999999-"}).status_code == 416
    assert client.get(url).headers["etag"] == part.headers["etag"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no PMTiles"),
        (b"<html>" * 50, "no PMTiles"),
        (_file(version=2), "version 2"),
        (_file(0), "damaged"),
        (_file(9), "damaged"),
        (_file(west=112.0), "bounds"),
    ],
)
def test_a_map_file_that_is_none_is_a_sentence_on_the_page(
    tmp_path: Path, data: bytes, said: str
) -> None:
    path = tmp_path / "broken.pmtiles"
    path.write_bytes(data)
    answer = _client(MapSettings(pmtiles=path)).get("/api/map/config")
    assert answer.status_code == 200
    assert answer.json()["tiles"] is None
    assert said in answer.json()["fault"]
    assert str(tmp_path) not in answer.json()["fault"].split(":")[0]


def test_a_missing_file_a_folder_and_a_pipe_are_no_map(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.pmtiles", tmp_path, Path("/dev/zero")):
        client = _client(MapSettings(pmtiles=path))
        assert client.get("/api/map/config").json()["fault"]
        assert client.get("/api/map/tiles.pmtiles").status_code == 404


def test_a_file_whose_middle_is_outside_its_bounds_begins_in_their_middle() -> None:
    data = bytearray(_file())
    struct.pack_into("<ii", data, 119, 0, 0)
    assert read_header(bytes(data)).start == pytest.approx((35.65, 108.4, 2))


@pytest.mark.parametrize(
    "url",
    [
        "http://tiles.example/{z}/{x}/{y}.png",
        "https://tiles.example/{z}/{x}.png",
        "https://tiles.example/{z}/{x}/{y}/{s}.png",
        "https://tiles.example/{z}/{x}/{y}.png; script-src *",
        "https://user:secret@tiles.example/{z}/{x}/{y}.png",
        "https://tiles.example;/{z}/{x}/{y}.png",
        "//tiles.example/{z}/{x}/{y}.png",
        "javascript:alert(1)/{z}/{x}/{y}",
    ],
)
def test_a_template_that_could_open_more_than_a_host_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        _settings(f'tiles = "{url}"')


def test_a_start_off_the_earth_and_a_relative_path_are_refused() -> None:
    for text in ("start = [91, 0, 3]", "start = [0, 181, 3]", 'pmtiles = "map.pmtiles"'):
        with pytest.raises(ConfigError):
            _settings(text)


def test_browsers_may_ask_the_configured_host_and_no_other() -> None:
    settings = _settings('tiles = "https://tiles.example:8443/{z}/{x}/{y}.png?key=abc"')
    assert settings.tiles_from == "https://tiles.example:8443"
    policy = content_policy(settings.tiles_from).split("; ")
    assert "connect-src 'self' https://tiles.example:8443" in policy
    assert "img-src 'self' https://tiles.example:8443" in policy
    assert [each for each in policy if each.startswith("script-src")] == ["script-src 'self'"]
    assert "https" not in content_policy(MapSettings().tiles_from)
    assert MapSettings(tiles="/tiles/{z}/{x}/{y}.png").tiles_from is None
    own = MapSettings(tiles=settings.tiles, pmtiles=Path("/srv/a.pmtiles"))
    assert own.tiles_from is None, "the file goes before the server, which nobody asks then"


def test_the_guard_says_so_with_every_answer() -> None:
    async def nobody(_cookie: str | None, _token: str | None) -> None:
        return None

    app = FastAPI()
    app.add_middleware(Guard, identify=nobody, tiles_from="https://tiles.example")
    said = _Client(app).get("/api/kits").headers["content-security-policy"]
    assert "connect-src 'self' https://tiles.example;" in said
    for part in ("worker-src 'self'", "trusted-types default", "require-trusted-types-for"):
        assert part in said


def test_what_others_wrote_is_what_they_published() -> None:
    vendor = _PAGE / "vendor"
    found = {
        str(path.relative_to(vendor)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in vendor.rglob("*")
        if path.is_file()
    }
    del found["pmtiles-4.5.0/LICENSE.txt"]  # the package has none; it is the repository's
    assert found == _PUBLISHED


def test_published_files_are_kept_by_browsers_and_ours_are_asked_for_anew(
    outside: httpx.Client,
) -> None:
    vendor = outside.get("/page/vendor/maplibre-gl-6.17.0/maplibre-gl-worker.mjs")
    assert vendor.headers["content-type"].startswith("text/javascript")
    assert "immutable" in vendor.headers["cache-control"]
    assert vendor.headers["content-encoding"] == "gzip"
    assert outside.get("/page/app.js").headers["cache-control"] == "no-cache"
    assert outside.get("/api/map/config").status_code == 401
