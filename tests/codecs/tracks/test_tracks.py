"""What the writers write, read back by programs that are not ours."""

import json
from pathlib import Path
from xml.etree import ElementTree

import gpxpy
import pytest
from fastkml import validator
from hypothesis import given
from hypothesis import strategies as st

from fieldlink.codecs.tracks import Fix, Track, geojson, gpx, kml

T0_US = 1_795_000_000_123_000
_KML = "{http://www.opengis.net/kml/2.2}"
_GX = "{http://www.google.com/kml/ext/2.2}"


def _track() -> Track:
    fixes = [
        Fix(T0_US, 34.2353908, 108.9423868, 412.5, 90.0, 1.25),
        Fix(T0_US + 1_000_000, 34.2353910, 108.9424000, 412.25, None, None),
        Fix(T0_US + 600_000_000, -33.5, -70.25),  # lost for ten minutes
    ]
    return Track("kit-a", "soldier-1", "soldier", fixes)


def test_gpx_is_read_back_by_gpxpy() -> None:
    read = gpxpy.parse("".join(gpx([_track(), Track("kit-a", "b", "drone", [])])))
    [track] = read.tracks
    assert [track.name, track.description, track.type] == ["soldier-1", "kit-a", "soldier"]
    assert [len(segment.points) for segment in track.segments] == [2, 1]
    first, _ = track.segments[0].points
    assert (first.latitude, first.longitude, first.elevation) == (34.2353908, 108.9423868, 412.5)
    assert first.time is not None
    assert first.time.timestamp() == T0_US / 1e6
    texts = [each.text for each in first.extensions[0]]
    assert texts == ["1.25", "90"]
    assert track.segments[1].points[0].elevation is None


def test_geojson_has_a_line_for_each_leg_with_its_times() -> None:
    read = json.loads("".join(geojson([_track(), _track()])))
    assert [each["type"] for each in read["features"]] == ["Feature", "Feature"]
    feature = read["features"][0]
    lines = feature["geometry"]["coordinates"]
    assert feature["geometry"]["type"] == "MultiLineString"
    assert lines[0][0] == [108.9423868, 34.2353908, 412.5]
    assert lines[1] == [[-70.25, -33.5], [-70.25, -33.5]]  # a line has two positions
    times = feature["properties"]["coordTimes"]
    assert [len(each) for each in times] == [len(each) for each in lines]
    assert times[0][0] == "2026-11-18T11:06:40.123Z"


def test_kml_has_a_track_for_each_leg() -> None:
    root = ElementTree.fromstring("".join(kml([_track()])))  # noqa: S314  # ours
    tracks = root.findall(f".//{_GX}Track")
    assert [len(each.findall(f"{_KML}when")) for each in tracks] == [2, 1]
    assert [each.findtext(f"{_GX}coord") for each in tracks] == [
        "108.9423868 34.2353908 412.5",
        "-70.25 -33.5 0",
    ]
    modes = [each.findtext(f"{_KML}altitudeMode") for each in tracks]
    assert modes == ["absolute", "clampToGround"]


def _flight() -> Track:
    """Of an aircraft that knows its height above home alone, at first."""
    fixes = [Fix(T0_US + at * 1_000_000, 34.2, 108.9, height=at * 2.0) for at in range(4)]
    fixes.append(Fix(T0_US + 600_000_000, 34.2, 108.9))
    return Track("kit-a", "uav-1", "drone", fixes, "uav-1 <test>", "a & b, disarmed")


def test_a_flights_heights_are_above_home_where_no_others_are_known() -> None:
    root = ElementTree.fromstring("".join(kml([_flight()])))  # noqa: S314  # ours
    modes = [each.findtext(f"{_KML}altitudeMode") for each in root.findall(f".//{_GX}Track")]
    assert modes == ["relativeToGround", "clampToGround"]
    coords = [each.text for each in root.findall(f".//{_GX}coord")]
    assert coords[3:] == ["108.9 34.2 6", "108.9 34.2 0"]
    assert root.findtext(f".//{_KML}Placemark/{_KML}name") == "uav-1 <test>"
    about = root.findtext(f".//{_KML}description") or ""
    assert "a & b, disarmed" in about
    assert "above the place of take-off" in about
    [track] = gpxpy.parse("".join(gpx([_flight()]))).tracks
    assert (track.name, track.description) == ("uav-1 <test>", "kit-a: a & b, disarmed")
    assert track.segments[0].points[1].elevation is None
    named = json.loads("".join(geojson([_flight()])))["features"][0]["properties"]
    assert (named["name"], named["about"]) == ("uav-1 <test>", "a & b, disarmed")


def test_kml_holds_to_the_schemas_of_ogc_and_google(tmp_path: Path) -> None:
    file = tmp_path / "tracks.kml"
    file.write_text("".join(kml([_track(), _flight()])), encoding="utf-8")
    assert validator.validate(file_to_validate=file)
    file.write_text(file.read_text().replace("absolute", "above"), encoding="utf-8")
    with pytest.raises(AssertionError):
        validator.validate(file_to_validate=file)


def test_an_empty_answer_is_a_whole_file() -> None:
    assert json.loads("".join(geojson([])))["features"] == []
    assert gpxpy.parse("".join(gpx([]))).tracks == []
    ElementTree.fromstring("".join(kml([])))  # noqa: S314  # ours


@given(st.text(st.characters(codec="utf-8"), max_size=20), st.floats(-90, 90), st.floats(-180, 180))
def test_no_name_and_no_place_breaks_a_file(name: str, lat: float, lon: float) -> None:
    name = "".join(each for each in name if each.isprintable())  # as every name and kind is
    track = Track("kit-a", name, name, [Fix(0, lat, lon)])
    assert json.loads("".join(geojson([track])))["features"][0]["properties"]["kind"] == name
    ElementTree.fromstring("".join(kml([track])))  # noqa: S314  # ours
    [read] = gpxpy.parse("".join(gpx([track]))).tracks
    assert read.segments[0].points[0].latitude == pytest.approx(lat, abs=1e-7)
