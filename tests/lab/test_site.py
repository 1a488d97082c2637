"""A whole site over a bad link: a real kit and a real centre."""

from pathlib import Path

from fieldlab.badlink.scenario import even_link
from fieldlab.livekit import Load
from fieldlab.peers import need_badlink
from fieldlab.site import site
from fieldlink.codecs.bundle import Layer, Precedence


def test_what_a_kit_recorded_arrives_over_a_lossy_link_through_a_kill_and_an_outage(
    tmp_path: Path,
) -> None:
    need_badlink()
    link = even_link("sat", 4_000_000, 100, 0.01)
    with site(tmp_path, [link], seed=3) as there:
        backlog = there.preload(Load(size=50_000, seed=number) for number in range(20))
        there.net.begin()
        there.start_kit()
        alarm = there.add(Load(size=200, layer=Layer.REPORT, precedence=Precedence.FLASH))
        there.wait(lambda: alarm in there.arrivals(), 60, "the alarm")
        there.net.link("sat").cut()
        there.kill_kit()
        there.start_kit()
        there.net.link("sat").restore()
        there.wait(lambda: len(there.arrivals()) == 21, 60, "everything")
        arrived = there.arrivals()
        assert set(arrived) == {alarm, *backlog}
        assert arrived[alarm].layer == "report"
        assert arrived[alarm].custody_us > arrived[alarm].captured_us
        there.wait(there.kit_status, 30, "the kit answers")
        assert there.stop_kit() == 0


def test_a_load_survives_its_way_through_the_pipe() -> None:
    load = Load(size=7, layer=Layer.STILL, precedence=Precedence.IMMEDIATE, start_us=5)
    assert Load.from_json(load.as_json()) == load
