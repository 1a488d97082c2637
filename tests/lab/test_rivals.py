"""What others carry over a bad link is measured as what it is."""

import pytest

from fieldlab.badlink.scenario import even_link
from fieldlab.bridge import Plan
from fieldlab.peers import need_badlink, need_program
from fieldlab.rivals import bridge, iperf, rsync

LINK = even_link("lan", 8_000_000, 10)


def test_iperf_gets_nearly_all_of_a_good_link() -> None:
    need_badlink()
    need_program("iperf3")
    assert 0.1 < iperf([LINK], 3) / 8e6 <= 1.0


def test_rsync_brings_its_files() -> None:
    need_badlink()
    need_program("rsync")
    rate_bps, readings = rsync([LINK], 300_000, 100_000)
    assert 0 < rate_bps < 8e6
    assert readings["lan"].to_centre.delivered_bytes > 300_000


def test_a_bridge_brings_its_backlog_and_then_the_alarms() -> None:
    need_badlink()
    need_program("mosquitto")
    plan = Plan(backlog=5, message_bytes=50_000, alarms=2, alarm_topics=2)
    done = bridge([LINK], plan)
    assert [size for _, size in done.bulk] == [50_000] * 5
    assert {topic: len(late) for topic, late in done.alarms_s.items()} == {
        "alarm/0": 1,
        "alarm/1": 1,
    }
    assert all(late > 0 for each in done.alarms_s.values() for late in each)
    assert 0 < done.goodput_bps() < 8e6
    assert done.goodput_bps(0, done.took_s + 1) == pytest.approx(2e6 / (done.took_s + 1), rel=0.01)
