"""The kit's figures in Prometheus' text format."""

import re
from typing import Any

from fieldlink.edge.metrics import metrics_lines

_LINE = re.compile(r'fieldlink_[a-z_]+(\{[a-z]+="(?:[^"\\\n]|\\["\\n])*"\})? -?[0-9.e+-]+')


def _status() -> dict[str, Any]:
    bearer = {"name": "sat", "up": True, "held": False, "rtt_ms": 602, "loss": 0.02}
    return {
        "running": True,
        "devices": {"ball-1": {"state": "live"}, "drone-2": {"state": "down"}},
        "bearers": [bearer | {"in_flight_bytes": 5000, "wire_bytes": 7, "rate_bps": None}],
        "spool": {"pending": {"proxy": {"bundles": 1, "bytes": 900}}, "custody": {}, "gaps": 3},
        "plan": {"verdict": "at-risk", "rate_bps": 128_000.0, "fit": {"level": 1}},
        "odd_answers": {'a"b\\c\nd': 4},
    }


def test_every_figure_that_is_known_is_told_and_no_other() -> None:
    lines = list(metrics_lines(_status()))
    assert 'fieldlink_bearer_up{bearer="sat"} 1' in lines
    assert 'fieldlink_bearer_round_trip_milliseconds{bearer="sat"} 602' in lines
    assert 'fieldlink_bearer_resent_ratio{bearer="sat"} 0.02' in lines
    assert 'fieldlink_bearer_in_flight_bytes{bearer="sat"} 5000' in lines
    assert 'fieldlink_device_live{device="drone-2"} 0' in lines
    assert 'fieldlink_spool_pending_bytes{layer="proxy"} 900' in lines
    assert "fieldlink_window_verdict 1" in lines
    assert "# TYPE fieldlink_bearer_wire_bytes_total counter" in lines
    assert not any("fieldlink_bearer_rate" in line for line in lines)  # unknown is not zero


def test_the_lines_are_the_formats_whatever_is_in_a_name() -> None:
    for line in metrics_lines(_status()):
        assert line.startswith("# ") or _LINE.fullmatch(line), line


def test_a_kit_whose_agent_does_not_run_says_that_much() -> None:
    status = {"running": False, "devices": {}, "bearers": [], "spool": None, "findings": []}
    assert list(metrics_lines(status))[-1] == "fieldlink_running 0"
