"""Two hours of a site in seconds: what the planner and its forecast make of bad links."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fieldlab.badlink.scenario import Change, Scenario, even_link
from fieldlab.badlink.scenario_file import load_scenario
from fieldlab.virtual import Alarms, Camera, Run, Tariff, simulate
from fieldlab.virtual.world import World
from fieldlink.codecs.bundle import Layer
from fieldlink.edge.planner.forecast import Verdict

S_US = 1_000_000
BACK_US = 2_100 * S_US  # three cuts: the narrow satellite comes back


@pytest.fixture(scope="module")
def three_cuts() -> Run:
    """Three thin cameras and a soldier over the profile: what is made fits, in the end."""
    cameras = [
        Camera(name=f"cam-{n}", still_bytes=6_000, still_every_s=30, proxy_bps=proxy_bps,
               original_bps=500_000)
        for n, proxy_bps in ((1, 16_000), (2, 8_000), (3, 24_000))
    ]  # fmt: skip
    return simulate(load_scenario("three-cuts"), [*cameras, Alarms()])


def _first_after(run: Run, at_us: int, layer: Layer, device: str | None = None) -> int:
    return next(
        arrival.at_us
        for arrival in run.arrivals
        if arrival.at_us > at_us
        and arrival.candidate.layer is layer
        and device in (None, arrival.candidate.device)
    )


def test_after_three_cuts_alarms_come_first_and_a_still_of_every_device_next(
    three_cuts: Run,
) -> None:
    alarm_us = _first_after(three_cuts, BACK_US, Layer.REPORT)
    stills_us = [
        _first_after(three_cuts, BACK_US, Layer.STILL, f"cam-{number}") for number in (1, 2, 3)
    ]
    proxy_us = _first_after(three_cuts, BACK_US, Layer.PROXY)
    assert alarm_us < min(stills_us)
    assert max(stills_us) < proxy_us
    assert max(stills_us) - BACK_US < 6 * S_US  # two round trips and 18 kB at 122 kbit/s


def test_the_first_pictures_after_an_outage_are_the_newest(three_cuts: Run) -> None:
    for layer, age_s in ((Layer.STILL, 35), (Layer.PROXY, 15)):
        at_us = _first_after(three_cuts, BACK_US, layer)
        first = next(a for a in three_cuts.arrivals if a.at_us == at_us)
        assert at_us - first.candidate.end_us < age_s * S_US


def test_ten_minutes_in_the_forecast_is_within_a_fifth_of_what_comes_true(three_cuts: Run) -> None:
    judged = 0
    for said in three_cuts.forecasts:
        if said.at_us < BACK_US + 600 * S_US:
            continue
        for track in said.tracks:
            name = track.device, track.stream, track.layer
            real_us = three_cuts.complete_after(name, said.at_us)
            if track.done_us is None or real_us is None or real_us - said.at_us < 60 * S_US:
                continue
            predicted, real = track.done_us - said.at_us, real_us - said.at_us
            assert predicted == pytest.approx(real, rel=0.2), (name, said.at_us)
            judged += 1
    assert judged > 15


def test_the_forecast_says_no_link_while_there_is_none_and_what_will_miss_afterwards(
    three_cuts: Run,
) -> None:
    during = next(said for said in three_cuts.forecasts if said.at_us == 1_800 * S_US)
    assert {track.reason for track in during.tracks if track.pending_bytes} == {
        "no-link: none since 25 min"
    }
    after = next(said for said in three_cuts.forecasts if said.at_us == 3_600 * S_US)
    for track in after.tracks:
        if track.layer is Layer.ORIGINAL:
            assert track.verdict is Verdict.WILL_MISS
            assert track.reason.startswith("rate: ")


@pytest.mark.parametrize("loss", [0.0, 0.05])
def test_a_link_is_used_fully_while_something_waits(loss: float) -> None:
    scenario = Scenario(title="even", links=(even_link("sat", 1_000_000, 600, loss),))
    run = simulate(scenario, [Camera(name="cam-1")], seconds=600)
    assert run.used_bytes["sat"] * 8 / 596 > 0.97 * 1e6 * (1 - loss) * 0.965


def test_two_links_carry_the_sum_of_both() -> None:
    links = (even_link("lte", 2_000_000, 80, 0.01), even_link("sat", 1_000_000, 600, 0.02))
    run = simulate(Scenario(title="two", links=links), [Camera(name="cam-1")], seconds=600)
    carried_bps = sum(a.candidate.size for a in run.arrivals) * 8 / 596
    assert carried_bps > 0.95 * 0.965 * (2e6 * 0.99 + 1e6 * 0.98)


@pytest.mark.parametrize("rate_bps", [64_000, 80_000])
def test_no_deadline_is_missed_by_looking_at_what_is_live_when_it_need_not_be(
    rate_bps: int,
) -> None:
    # 114 minutes of outage, then 1.2 or 1.5 times what comes in; no incident is open.
    link = even_link("sat", rate_bps, 600)
    gone = replace(link, to_centre=replace(link.to_centre, up=False))
    back = Change(at_us=6_840 * S_US, link="sat", to_centre=link.to_centre, to_kit=link.to_kit)
    world = World(
        Scenario(title="long outage", links=(gone,), changes=(back,)),
        [Camera(name=f"cam-{n}", still_bytes=0, proxy_bps=25_000, original_bps=0) for n in (1, 2)],
    )
    run = world.go(16_000 * S_US, forecast_every_us=None)
    assert [a for a in run.arrivals if a.at_us > (a.candidate.deadline_us or 0)] == []
    assert sum(a.at_us - a.candidate.end_us < 20 * S_US for a in run.arrivals) > 1_000


def test_a_chatty_camera_does_not_starve_a_quiet_one() -> None:
    scenario = Scenario(title="thin", links=(even_link("sat", 256_000, 600),))
    cameras = [
        Camera(name="chatty", proxy_bps=2_000_000, original_bps=0, still_every_s=1),
        Camera(name="quiet", proxy_bps=50_000, original_bps=0, still_every_s=30),
    ]
    run = simulate(scenario, cameras, seconds=1_800)
    quiet = [a for a in run.arrivals if a.candidate.device == "quiet"]
    # A piece of the chatty one takes 32 s of the link.
    assert max(a.at_us - a.candidate.end_us for a in quiet) < 80 * S_US
    assert len(quiet) > 0.95 * (1_800 / 4 + 1_800 / 30)


def test_a_budget_is_kept_to_within_a_fiftieth_and_its_reserve_is_left_to_alarms() -> None:
    links = (even_link("sat", 1_000_000, 600),)
    tariffs = {"sat": Tariff(budget_bytes=5_000_000, reserve=0.1)}
    world = World(Scenario(title="dear", links=links), [Camera(name="cam-1"), Alarms(every_s=5)],
                  tariffs=tariffs)  # fmt: skip
    run = world.go(600 * S_US)
    bulk = sum(a.candidate.size for a in run.arrivals if a.candidate.layer is not Layer.REPORT)
    alarms = [a for a in run.arrivals if a.candidate.layer is Layer.REPORT]
    assert run.used_bytes["sat"] <= 5_000_000 * 1.02
    assert bulk <= 5_000_000 * 0.92
    assert len(alarms) == 119
    assert max(a.at_us - a.candidate.end_us for a in alarms) < 2 * S_US


def test_a_dear_link_is_left_alone_while_a_cheap_one_is_up() -> None:
    links = (even_link("mesh", 500_000, 40), even_link("sat", 500_000, 600))
    run = simulate(
        Scenario(title="price", links=links),
        [Camera(name="cam-1", proxy_bps=50_000), Alarms(every_s=5)],
        seconds=300,
        tariffs={"sat": Tariff(price=10.0)},
    )
    assert run.used_bytes["mesh"] > 10_000_000
    assert run.used_bytes["sat"] < 100_000


def test_eight_cameras_show_themselves_in_the_time_that_eight_stills_take() -> None:
    run = simulate(load_scenario("narrow"), [Camera(name=f"cam-{n}") for n in range(8)], seconds=60)
    first_us = [_first_after(run, 0, Layer.STILL, f"cam-{n}") for n in range(8)]
    # The first are made at 10 s; payload at 122 kbit/s, one round trip of 0.9 s.
    assert max(first_us) - 10 * S_US < 1.5 * (8 * 12_000 * 8 / 122_000 + 0.9) * S_US


def test_while_everything_goes_as_it_comes_nothing_is_at_risk() -> None:
    scenario = Scenario(title="fast", links=(even_link("lte", 8_000_000, 60),))
    cameras = [Camera(name=f"cam-{n}", original_bps=1_000_000) for n in range(4)]
    run = simulate(scenario, [*cameras, Alarms()], seconds=900)
    for said in run.forecasts[1:]:
        assert said.verdict is Verdict.KEPT, said
    assert run.waiting_bytes < 10_000_000


def test_it_runs_from_the_command_line() -> None:
    lab = Path(__file__).resolve().parents[2] / "lab"
    argv = [sys.executable, "-m", "fieldlab.virtual", "narrow", "--seconds", "300", "--json"]
    done = subprocess.run(argv, cwd=lab, check=True, capture_output=True, text=True)
    plain = json.loads(done.stdout)
    assert {track["layer"] for track in plain["tracks"]} == {"report", "still", "proxy"}
    assert plain["used_bytes"]["narrow"] > 3_000_000
