"""Scenarios: the profiles, and what a file may say."""

import tomllib
from pathlib import Path

import pytest

from fieldlab.badlink.scenario import Burst, Scenario, Way, even_link
from fieldlab.badlink.scenario_file import PROFILES, load_scenario, parse_scenario, profile_names
from fieldlink.codecs.fault import ConfigError

ONE = """
title = "one"
[[link]]
name = "sat"
to_centre = { rate_bps = 1000000, queue_bytes = 75000, delay_ms = 300, loss = 0.02 }
to_kit = { rate_bps = 2000000, queue_bytes = 75000, delay_ms = 300.5, jitter_ms = 1 }
"""


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_loads_and_tells_the_source_of_each_of_its_values(name: str) -> None:
    scenario = load_scenario(name)
    told = tomllib.loads((PROFILES / f"{name}.toml").read_text(encoding="utf-8"))
    for link, written in zip(scenario.links, told["link"], strict=True):
        keys = {key.split("_")[0] for way in Way for key in written[way.value]}
        assert set(link.source) == keys, link.name
        assert all(link.source.values())


def test_the_laboratory_has_the_links_it_was_built_for() -> None:
    assert profile_names() == ["4g-good", "4g-poor", "mesh", "narrow", "three-cuts", "vsat"]


def test_a_file_may_be_given_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "one.toml"
    path.write_text(ONE, encoding="utf-8")
    link = load_scenario(path).link("sat")
    assert link.to_kit.delay_us == 300_500
    assert link.to_kit.jitter_us == 1000
    assert link.to_centre.loss == 0.02


def test_an_outage_is_two_changes_of_the_whole_state_and_repeats() -> None:
    told = f'{ONE}[[outage]]\nlink = "all"\nat_s = 10\nlasts_s = 5\nevery_s = 20\ntimes = 2\n'
    scenario = parse_scenario(told)
    assert [change.at_us // 1_000_000 for change in scenario.changes] == [10, 15, 30, 35]
    ups = [up.up for _, up in scenario.spells("sat", Way.TO_CENTRE)]
    assert ups == [True, False, True, False, True]
    assert not scenario.conditions("sat", Way.TO_KIT, 12_000_000).up
    assert scenario.conditions("sat", Way.TO_KIT, 15_000_000).rate_bps == 2_000_000


def test_a_change_within_an_outage_leaves_the_link_down() -> None:
    told = (
        f'{ONE}[[change]]\nlink = "sat"\nat_s = 12\nboth = {{ loss = 0.1 }}\n'
        "to_centre = { burst = { every_s = 9, lasts_s = 1, loss = 0.5 } }\n"
        '[[outage]]\nlink = "sat"\nat_s = 10\nlasts_s = 5\n'
    )
    scenario = parse_scenario(told)
    during = scenario.conditions("sat", Way.TO_CENTRE, 13_000_000)
    assert not during.up
    assert during.burst == Burst(every_us=9_000_000, lasts_us=1_000_000, loss=0.5)
    assert during.mean_loss == pytest.approx(0.9 * 0.1 + 0.1 * 0.5)
    after = scenario.conditions("sat", Way.TO_KIT, 20_000_000)
    assert after.up
    assert after.loss == 0.1
    assert after.burst is None


def test_scaling_moves_the_changes_and_leaves_the_link() -> None:
    whole = load_scenario("three-cuts")
    tenth = whole.scaled(0.1)
    assert [change.at_us * 10 for change in tenth.changes] == [c.at_us for c in whole.changes]
    assert tenth.links == whole.links


def test_an_even_link_holds_one_bandwidth_delay_product_in_its_queue() -> None:
    link = even_link("sat", 1_000_000, 600, 0.02)
    assert link.to_centre.queue_bytes == 75_000
    assert link.to_kit == link.to_centre
    assert Scenario(title="", links=(link,)).link("sat").way(Way.TO_KIT).delay_us == 300_000


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("title = 3", "title: a text"),
        ('title = "x"', "at least one"),
        (ONE + ONE.replace('title = "one"', ""), "a name of its own"),
        (ONE.replace('"sat"', '"a name too long"'), "letters and digits"),
        (ONE.replace("queue_bytes = 75000, delay_ms = 300.5", "delay_ms = 1"), "queue_bytes: is"),
        (ONE.replace("rate_bps = 1000000", "rate_bps = 0"), "rate_bps: a whole number"),
        (ONE.replace("loss = 0.02", "loss = 2"), "loss: a number from 0 to 1"),
        (ONE.replace("loss = 0.02", "los = 0.02"), "unknown: los"),
        (f'{ONE}[[outage]]\nlink = "lte"\nat_s = 1\nlasts_s = 1\n', "link: one of sat"),
        (
            f'{ONE}[[outage]]\nlink = "sat"\nat_s = 1\nlasts_s = 9\nevery_s = 5\ntimes = 2',
            "every_s",
        ),
        (f'{ONE}[[change]]\nlink = "sat"\nat_s = 1\nboth = {{ speed = 2 }}\n', "unknown: speed"),
        (f"{ONE}[change]\nat_s = 1\n", "double brackets"),
        ("[[", "scenario:"),
    ],
)
def test_a_mistake_in_a_file_is_named_with_its_place(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        parse_scenario(text)


def test_a_name_that_is_nothing_says_what_there_is() -> None:
    with pytest.raises(ConfigError, match="three-cuts"):
        load_scenario("starlink")
