"""What the page calls what aircraft measure, in both languages."""

import json
from importlib import resources

import pytest

from fieldlink.codecs.telemetry import POSITION, Schema
from fieldlink.drone import schemas
from fieldlink.drone.dji import streams
from fieldlink.drone.vehicle import measures, names

SCHEMAS = {
    one.stream: one
    for module in (schemas, streams)
    for one in vars(module).values()
    if isinstance(one, Schema) and one is not POSITION  # it has a part of the card of its own
}


@pytest.fixture(params=["zh", "en"])
def words(request: pytest.FixtureRequest) -> dict[str, str]:
    """All of the page's texts in a language."""
    page = resources.files("fieldlink.relay.web") / "page"
    found: dict[str, str] = json.loads((page / f"strings.{request.param}.json").read_text("utf-8"))
    return found


@pytest.mark.parametrize("stream", SCHEMAS)
def test_all_that_an_aircraft_measures_has_a_name(stream: str, words: dict[str, str]) -> None:
    assert f"tel.stream.{stream}" in words
    columns = [column.name for column in SCHEMAS[stream].columns]
    missing = [n for n in columns if not {f"tel.{stream}.{n}", f"tel.{n}"} & words.keys()]
    assert missing == []


def test_a_height_that_is_not_above_home_is_not_called_so(words: dict[str, str]) -> None:
    home = words["tel.height"]
    for stream in ("dji", "radio", "dock"):  # above the ellipsoid
        assert words[f"tel.{stream}.height"] != home


def test_every_state_that_is_told_in_words_is_told_in_those_of_the_page(
    words: dict[str, str],
) -> None:
    told = {f"air.state.{name}" for name in names._STATES}
    told |= {f"air.landed.{name}" for name in measures._LANDED.values()}
    told |= {f"air.mission.{name}" for name in measures._MISSIONS.values()}
    assert told <= words.keys()
